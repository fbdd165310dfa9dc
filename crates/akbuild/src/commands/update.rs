//! `akbuild update`: another version in the recipe, and the lock that goes with it.

use super::lock;
use crate::failure::{Failure, Outcome};
use crate::project::Project;
use crate::session::Session;

pub(crate) fn run(session: &Session, project: &Project, version: &str, allow_expired: bool) -> Outcome {
    let old = &project.written.project.version;
    let fits = |c: char| c.is_ascii_alphanumeric() || "._+-".contains(c);
    if version.is_empty() || !version.chars().all(fits) {
        let message = format!("`{version}` is not a version");
        return Err(Failure::Say(format!("{message}\n  help: write it as upstream does, such as {old}")));
    }
    let (from, to) = project.written.project.version_span;
    let text = &project.recipe_text;
    let again = project.with_recipe(format!("{}{version}{}", &text[..from], &text[to..]))?;
    session.ui.note(&format!("version {old} -> {version}"));
    lock::run_update(session, &again, allow_expired)
}
