//! Pins of build requirements: stages are run to see which files their source distributions are built with.
//!
//! A pin stays while it fits: a run sees only the pinned files of each project that has some. A pin that no run uses is
//! removed. A stage whose output is stored was built with the pins as they are, so that they are complete for it.

use std::collections::BTreeSet;
use std::time::Instant;

use akbuild_engine::{NodeId, Outcome, Status};
use akbuild_names::Ecosystem;
use akbuild_recipe::Lock;
use akbuild_recipe::plan::{PythonPin, Stage, StageId, Step};

use crate::recorder::Recorder;
use crate::{LockError, LockEvent, LockHost, LockInput};

/// How often pins that do not fit any more are let go and the stages run again.
const ATTEMPTS: usize = 4;

/// The pins that the lock needs.
pub(crate) fn pins<H: LockHost>(host: &H, input: &LockInput<'_>, lock: &Lock) -> Result<Vec<PythonPin>, H::Error> {
    let mut lock = lock.clone();
    if input.renewed.build_requirements {
        lock.python.clear();
    }
    let plan = input.plan(&lock).map_err(LockError::from)?;
    let stages = stages(plan.stages());
    if stages.is_empty() {
        return Ok(Vec::new());
    }
    host.event(LockEvent::BuildRequirements);
    let mut released = BTreeSet::new();
    let mut attempt = 0;
    loop {
        attempt += 1;
        let (context, begun) = (host.build_context(plan.clone(), &stages)?, Instant::now());
        let recorder = Recorder::attach(&context, &released);
        let outcome = host.run(&context, &stages)?;
        if outcome.ok {
            let old = lock.python.iter().filter(|pin| !released.contains(&*pin.name)).cloned();
            let used: BTreeSet<PythonPin> = recorder.pins().into_iter().collect();
            let all = if ran(&outcome, &stages) { used } else { old.chain(used).collect() };
            return Ok(all.into_iter().collect());
        }
        let unfit = recorder.unfit();
        if outcome.cancelled || unfit.is_empty() || attempt == ATTEMPTS {
            let error = failure(&outcome, !lock.python.is_empty());
            host.run_failed(&context, outcome, begun);
            return Err(error.into());
        }
        let names: Vec<String> = unfit.iter().cloned().collect();
        host.event(LockEvent::UnfitPins(&names));
        released.extend(unfit);
    }
}

/// The stages that are run to find pins.
pub(crate) fn stages(stages: &[Stage]) -> Vec<StageId> {
    stages.iter().filter(|stage| is_python(&stage.step)).map(|stage| stage.id.clone()).collect()
}

fn is_python(step: &Step) -> bool {
    match step {
        Step::Exec(exec) => exec.locks.iter().any(|lock| lock.ecosystem() == Ecosystem::Python),
        _ => false,
    }
}

/// Whether each of these stages was run: what it needs is known then.
fn ran(outcome: &Outcome, stages: &[StageId]) -> bool {
    let built = |id: &StageId| {
        let node = NodeId::Stage(id.clone());
        outcome.reports.iter().any(|report| report.node == node && report.status == Status::Built)
    };
    stages.iter().all(built)
}

fn failure(outcome: &Outcome, pinned: bool) -> LockError {
    let failed = outcome.reports.iter().find(|report| report.status == Status::Failed);
    failed.map_or(LockError::RunFailed, |report| LockError::StageFailed { stage: report.node.to_string(), pinned })
}
