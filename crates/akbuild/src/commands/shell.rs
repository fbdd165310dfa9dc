//! `akbuild shell`: a shell or a command in the sandbox of a stage, laid out as for its script or as a run that
//! failed left it.

use std::io::IsTerminal;
use std::path::PathBuf;
use std::time::Instant;

use akbuild_engine::{NodeId, Shell};
use akbuild_recipe::plan::{StageId, Step};
use akbuild_store::{BuildId, Key};

use super::build::Ended;
use crate::failure::{Exit, Failure, Outcome};
use crate::project::Project;
use crate::session::Session;

/// The folders of a run that failed.
struct Kept {
    folder: PathBuf,
    build: BuildId,
    key: Option<Key>,
}

pub(crate) fn run(session: &Session, project: &Project, stage: &str, failed: bool, command: &[String]) -> Outcome {
    let plan = project.plan()?;
    let id = super::plan::one(&plan, stage)?;
    let has_sandbox = plan.stages().iter().any(|s| s.id == id && matches!(s.step, Step::Exec(_)));
    if !has_sandbox {
        return Err(akbuild_engine::EngineError::NoSandbox { stage: id.to_string() }.into());
    }
    let kept = if failed { Some(kept(session, plan.name(), &id)?) } else { None };
    // No target: it is not built, only what it needs.
    let context = session.build_needs(project, plan, session.options(None, Vec::new()), std::slice::from_ref(&id))?;
    let needs = session.prepare(&context, &id)?;
    if !needs.ok {
        super::build::tell(session, &context, Ended::new(needs, Instant::now()));
        return Err(Failure::Told(Exit::Failed));
    }
    if let Some(kept) = &kept {
        session.ui.note(&format!("the folders are those that `{id}` left in build {}", kept.build));
        let key = akbuild_engine::manifest(&context, &NodeId::Stage(id.clone()), &needs.outputs)?.key();
        if kept.key.is_some_and(|old| old != key) {
            session.ui.warn(&format!("stage `{id}` has changed since then: the mounts are those of today"));
        }
    }
    let is_interactive = command.is_empty() && std::io::stdin().is_terminal();
    if is_interactive {
        session.ui.note(&format!("shell in the sandbox of `{id}`; its script is in $AKBUILD_SCRIPT"));
    }
    let shell = Shell { command, is_interactive, kept: kept.as_ref().map(|kept| kept.folder.as_path()) };
    match akbuild_engine::shell(&context, &id, &needs, shell)? {
        _ if session.is_interrupted() => Err(Failure::Told(Exit::Interrupted)),
        // The end of an interactive shell does not say how things went.
        code if code == 0 || is_interactive => Ok(()),
        code => Err(Failure::Passed(u8::try_from(code).unwrap_or(1))),
    }
}

/// What the newest run that failed and was kept has left.
fn kept(session: &Session, project: &str, id: &StageId) -> Outcome<Kept> {
    let records = session.store.runs(project, id.as_str(), u32::MAX)?;
    let kept = records.into_iter().find_map(|(build, record)| {
        let folder = record.kept.filter(|folder| folder.is_dir())?;
        Some(Kept { folder, build, key: record.key })
    });
    kept.ok_or_else(|| {
        let help = format!("keep its folders when it fails: `akbuild build {id} --keep-failed`");
        Failure::Say(format!("no failed run of stage `{id}` was kept\n  help: {help}"))
    })
}
