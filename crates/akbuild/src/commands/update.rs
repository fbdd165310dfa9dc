//! `akbuild update`: another version in the recipe, and the lock that goes with it.

use crate::args::Anew;
use crate::failure::{Failure, Outcome};
use crate::project::Project;
use crate::replacement::replace;
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
    // What the old version's distributions were built with says nothing about the new one's.
    let lock = super::lock::resolve(session, &again, &[Anew::Python], allow_expired)?;
    // The recipe goes first: a lock of another version is found out, a recipe of another version is locked again.
    replace(&project.recipe_path, &again.recipe_text)?;
    session.ui.note(&format!("wrote {}", project.recipe_path.display()));
    super::lock::write(session, &again, &lock)
}
