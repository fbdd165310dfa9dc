//! `akbuild shell`: an interactive shell in the sandbox of a stage, laid out as for its script.

use crate::failure::{Exit, Failure, Outcome};
use crate::project::Project;
use crate::session::Session;

pub(crate) fn run(session: &Session, project: &Project, stage: &str) -> Outcome {
    let plan = project.plan()?;
    let id = super::plan::one(&plan, stage)?;
    let plan = crate::toolchain::complete(session, project, plan, std::slice::from_ref(&id))?;
    let engine = session.build(project, plan, session.options(None, Vec::new()), std::slice::from_ref(&id))?;
    let needs = session.block_on(engine.prepare(&id))?;
    if !needs.ok {
        super::build::tell(session, &engine, needs, std::time::Instant::now(), None);
        return Err(Failure::Told(Exit::Failed));
    }
    session.ui.note(&format!("shell in the sandbox of `{id}`; its script is in $AKBUILD_SCRIPT"));
    engine.shell(&id, &needs.outputs)?;
    Ok(())
}
