//! `akbuild update`: another version in the recipe, and the lock that goes with it.

use crate::failure::{Failure, Outcome, io};
use crate::project::Project;
use crate::session::Session;

pub(crate) fn run(
    session: &Session,
    global: &crate::args::Global,
    project: &Project,
    version: &str,
    allow_expired: bool,
) -> Outcome {
    let (from, to) = project.written.project.version_span;
    let old = &project.written.project.version;
    let fits = |c: char| c.is_ascii_alphanumeric() || "._+-".contains(c);
    if version.is_empty() || !version.chars().all(fits) {
        let message = format!("`{version}` is not a version");
        return Err(Failure::Say(format!("{message}\n  help: write it as upstream does, such as {old}")));
    }
    let text = &project.recipe_text;
    let edited = format!("{}\"{version}\"{}", &text[..from], &text[to..]);
    io(std::fs::write(&project.recipe_path, &edited), "write", &project.recipe_path)?;
    session.ui.note(&format!("version {old} -> {version} in {}", project.recipe_path.display()));
    let again = Project::read(global)?;
    let locked = super::lock::run(session, &again, &[], allow_expired);
    if locked.is_err() {
        io(std::fs::write(&project.recipe_path, text), "write", &project.recipe_path)?;
        session.ui.note(&format!("the recipe is back at {old}, since the lock could not be made"));
    }
    locked
}
