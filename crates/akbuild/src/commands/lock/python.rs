//! Python build requirements: stages are run to see what their source distributions are built with.
//!
//! A pin stays while it fits: a run sees only the pinned files of each project that has some. What no run uses any more
//! goes. A stage whose output is there was built with the pins as they are, so that they are complete for it.

use std::collections::BTreeSet;
use std::time::Instant;

use akbuild_engine::{NodeId, Options, Outcome as RunOutcome, Status};
use akbuild_names::Ecosystem;
use akbuild_recipe::Lock;
use akbuild_recipe::plan::{Plan, PythonPin, StageId, Step};

use crate::commands::build;
use crate::failure::{Exit, Failure, Outcome};
use crate::project::Project;
use crate::session::Session;

/// How often pins that do not fit any more are let go and the stages run again.
const ATTEMPTS: usize = 4;

/// The pins that the lock needs.
pub(super) fn pins(session: &Session, project: &Project, lock: &Lock, anew: bool) -> Outcome<Vec<PythonPin>> {
    let mut lock = lock.clone();
    if anew {
        lock.python.clear();
    }
    let plan = project.plan_with(&lock)?;
    let stages = stages(&plan);
    if stages.is_empty() {
        return Ok(Vec::new());
    }
    session.ui.note("building source distributions once, to see what they are built with");
    let plan = crate::toolchain::complete(session, project, plan, &stages)?;
    let mut released = BTreeSet::new();
    let mut attempt = 0;
    loop {
        attempt += 1;
        let options = Options { keep_going: false, ..session.options(None, Vec::new()) };
        let (engine, begun) = (session.build(project, plan.clone(), options, &stages)?, Instant::now());
        let recorder = akbuild_engine::record(&engine, &released);
        let outcome = session.run(&engine, &stages)?;
        if outcome.ok {
            let old = lock.python.iter().filter(|pin| !released.contains(&*pin.name)).cloned();
            let used: BTreeSet<PythonPin> = recorder.pins().into_iter().collect();
            let all = if ran(&outcome, &stages) { used } else { old.chain(used).collect() };
            return Ok(all.into_iter().collect());
        }
        let unfit = recorder.unfit();
        if outcome.cancelled || unfit.is_empty() || attempt == ATTEMPTS {
            let failed = failed(&outcome);
            build::tell(session, &engine, build::Ended::new(outcome, begun));
            return Err(failed.map_or(Failure::Told(Exit::Failed), |stage| explain(&stage, !lock.python.is_empty())));
        }
        let names: Vec<String> = unfit.iter().map(|name| format!("`{name}`")).collect();
        session.ui.note(&format!("the pins of {} do not fit any more: trying without them", names.join(", ")));
        released.extend(unfit);
    }
}

/// The stages that are run to find pins.
pub(super) fn stages(plan: &Plan) -> Vec<StageId> {
    plan.stages.iter().filter(|stage| is_python(&stage.step)).map(|stage| stage.id.clone()).collect()
}

fn is_python(step: &Step) -> bool {
    match step {
        Step::Exec(exec) => exec.locks.iter().any(|lock| lock.ecosystem() == Ecosystem::Python),
        _ => false,
    }
}

/// Whether each of these stages was run: what it needs is known then.
fn ran(outcome: &RunOutcome, stages: &[StageId]) -> bool {
    let built = |id: &StageId| {
        let node = NodeId::Stage(id.clone());
        outcome.reports.iter().any(|report| report.node == node && report.status == Status::Built)
    };
    stages.iter().all(built)
}

fn failed(outcome: &RunOutcome) -> Option<String> {
    let failed = outcome.reports.iter().find(|report| report.status == Status::Failed);
    failed.map(|report| report.node.to_string())
}

fn explain(stage: &str, pinned: bool) -> Failure {
    let message = format!("`{stage}` failed, so it is not known what source distributions are built with");
    let help = "correct what the lines above say; the next attempt goes on with this step";
    let anew = match pinned {
        true => "; if a build requirement finds no version that fits, `akbuild lock python` pins all of them anew",
        false => "",
    };
    Failure::Say(format!("{message}\n  help: {help}{anew}"))
}
