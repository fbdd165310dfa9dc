//! `akbuild log`: the log of a stage's last build.

use crate::failure::{Failure, Outcome, io};
use crate::project::{self, Project};
use crate::session::Session;

pub(crate) fn run(session: &Session, project: &Project, stage: &str) -> Outcome {
    let plan = project.plan()?;
    for id in project::stages(&plan, &[stage.to_owned()])? {
        let log = session.store.last_log(&plan.name, id.as_str())?;
        let none =
            || Failure::Say(format!("stage `{id}` has no log\n  help: build it with `akbuild build {id} --rebuild`"));
        let log = log.ok_or_else(none)?;
        let bytes = io(std::fs::read(&log), "read the log", &log)?;
        session.ui.out(&String::from_utf8_lossy(&bytes));
    }
    Ok(())
}
