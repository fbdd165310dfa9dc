//! `akbuild trace`: where the pictures of a build are.

use crate::failure::{Failure, Outcome};
use crate::project::Project;
use crate::session::Session;
use crate::timeline::{CHROME, PAGE};

pub(crate) fn run(session: &Session, project: &Project, build: Option<&str>, chrome: bool) -> Outcome {
    let name = &project.written.project.name;
    let builds = session.store.builds(name)?;
    let wanted = |id: &&akbuild_store::BuildId| build.is_none_or(|prefix| id.as_str().starts_with(prefix));
    let file = if chrome { CHROME } else { PAGE };
    let paths = builds.iter().filter(wanted).map(|id| session.store.build_dir(id).join(file));
    let Some(path) = paths.into_iter().find(|path| path.is_file()) else {
        let which = build.map_or_else(|| format!("`{name}`"), |build| format!("`{name}` called `{build}`"));
        let message = format!("there is no trace of a build of {which}");
        return Err(Failure::Say(format!("{message}\n  help: a build leaves one when it ends: run `akbuild all`")));
    };
    session.ui.out(&format!("{}\n", path.display()));
    Ok(())
}
