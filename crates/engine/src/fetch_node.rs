//! The node of a stage's downloads: reads the lock files that the stage names, and downloads what they name. The files
//! of one round may name further ones, so the rounds go on until nothing is new.
//!
//! Its result is what the registry of the stage serves. It must not depend on how stages run.

use std::sync::Arc;
use std::time::Instant;

use akbuild_recipe::plan::{StageId, Step};

use crate::context::EngineContext;
use crate::error::EngineError;
use crate::event::{Report, Status};
use crate::graph::NodeId;
use crate::keys::Outputs;
use crate::served::Served;

/// Reads a stage's lock files and downloads what they name.
pub(crate) async fn fetch(
    context: &Arc<EngineContext>,
    id: StageId,
    outputs: Outputs,
) -> (Report, Option<Arc<Served>>) {
    let begun = Instant::now();
    let mut report = Report::new(NodeId::Fetch(id.clone()), Status::Built);
    let fetched = try_fetch(context, &id, outputs, &mut report).await;
    match &fetched {
        Ok(_) if report.files == 0 => report.status = Status::Cached,
        Ok(_) => {}
        Err(EngineError::Cancelled) => report.status = Status::Skipped,
        Err(error) => (report.status, report.error) = (Status::Failed, Some(error.to_string())),
    }
    report.seconds = begun.elapsed().as_secs_f64();
    (report, fetched.ok())
}

async fn try_fetch(
    context: &Arc<EngineContext>,
    id: &StageId,
    outputs: Outputs,
    report: &mut Report,
) -> Result<Arc<Served>, EngineError> {
    let outputs = Arc::new(outputs);
    let mut known = None;
    loop {
        // Each round reads the files that the one before has downloaded.
        let mut served = read_locks(context, id, &outputs).await?;
        let is_over = known == Some(served.artifacts.len());
        if !is_over {
            let fetched = tokio::select! {
                biased;
                () = context.cancel.thrown() => return Err(EngineError::Cancelled),
                fetched = served.fetch(context, id) => fetched?,
            };
            (report.files, report.bytes) = (report.files + fetched.0, report.bytes + fetched.1);
        }
        if is_over && !served.is_complete && served.optional.is_empty() {
            return Err(EngineError::Bug(format!("the downloads of `{id}` cannot be read")));
        }
        if served.is_complete || is_over {
            served.forget_what_is_missing(context);
            return Ok(Arc::new(served));
        }
        known = Some(served.artifacts.len());
    }
}

async fn read_locks(context: &Arc<EngineContext>, id: &StageId, outputs: &Arc<Outputs>) -> Result<Served, EngineError> {
    let (reader, name, outputs) = (context.clone(), id.clone(), outputs.clone());
    let read = move || match &reader.stage(&name)?.step {
        Step::Exec(exec) if !exec.locks.is_empty() => Served::read(&reader, exec, &outputs),
        _ => Err(EngineError::Bug(format!("`{name}` has nothing to download"))),
    };
    tokio::task::spawn_blocking(read).await.map_err(|e| EngineError::Bug(e.to_string()))?
}
