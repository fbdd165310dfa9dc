//! `akbuild all` and `akbuild build`.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use akbuild_engine::{EngineContext, NodeId, Options, Outcome as RunOutcome, Outputs};
use akbuild_nar::TreeHash;
use akbuild_recipe::PlanDraft;
use akbuild_recipe::plan::{StageId, Step};
use akbuild_store::Key;

use super::check;
use crate::args::Building;
use crate::failure::{Exit, Failure, Outcome};
use crate::project::{self, Project};
use crate::session::Session;
use crate::toolchain;
use crate::ui::{Checked, Summary};

/// What is to be built.
pub(crate) enum What<'a> {
    /// The recipe's targets, with `./result`.
    All,
    /// These, and whether even if they are there.
    Stages(&'a [String], bool),
}

pub(crate) fn run(session: &Session, project: &Project, what: &What<'_>, building: &Building) -> Outcome {
    let begun = Instant::now();
    let plan = project.plan()?;
    for (name, path) in &project.local.sources {
        session.ui.warn(&format!("source `{name}` is the local folder `{}`: the result is not pinned", path.display()));
    }
    let (targets, rebuild) = match what {
        What::All => (plan.targets().to_vec(), Vec::new()),
        What::Stages(patterns, rebuild) => {
            let stages = project::stages(&plan, patterns)?;
            (stages.clone(), if *rebuild { stages } else { Vec::new() })
        }
    };
    let check = match what {
        _ if !building.check => Vec::new(),
        What::All => check::needed(plan.stages(), &targets),
        What::Stages(..) => targets.clone(),
    };
    let options = Options { check, ..session.options(Some(building), rebuild) };
    let context = session.build(project, plan, options, &targets)?;
    if project.local.host {
        session.ui.warn(toolchain::WARNING);
    }
    let outcome = session.run(&context, &targets)?;
    let (ok, cancelled) = (outcome.ok, outcome.cancelled);
    let result = match what {
        What::All if ok => link(session, project, &outcome.outputs, &targets)?,
        What::Stages(..) if ok => move_link(session, project, &context, &outcome.outputs)?,
        _ => None,
    };
    let checked = check::checked(&session.store, &context.plan, &outcome.reports)?;
    let differs = checked.iter().any(|checked| !checked.is_equal());
    if !cancelled {
        let idle = akbuild_engine::idle_patterns(
            &context,
            outcome.reports.iter().map(|report| &report.node),
            &outcome.outputs,
        )?;
        idle.iter().for_each(|warning| session.ui.warn(warning));
    }
    let ended = Ended { outcome, checked, result, begun };
    tell(session, &context, ended);
    match (ok, cancelled) {
        (true, _) if differs => Err(Failure::Told(Exit::Found)),
        (true, _) => Ok(()),
        (_, true) => Err(Failure::Told(Exit::Interrupted)),
        _ => Err(Failure::Told(Exit::Failed)),
    }
}

/// How a run ended.
pub(crate) struct Ended {
    pub(super) outcome: RunOutcome,
    pub(super) checked: Vec<Checked>,
    pub(super) result: Option<PathBuf>,
    pub(super) begun: Instant,
}

impl Ended {
    /// That of a run that has no result and checks nothing.
    pub(crate) fn new(outcome: RunOutcome, begun: Instant) -> Self {
        Self { outcome, checked: Vec::new(), result: None, begun }
    }
}

/// Shows how a run ended.
pub(crate) fn tell(session: &Session, context: &EngineContext, ended: Ended) {
    let Ended { outcome, checked, result, begun } = ended;
    let stages = || context.plan.stages.iter();
    session.ui.finish(&Summary {
        ok: outcome.ok,
        cancelled: outcome.cancelled,
        reports: outcome.reports,
        checked,
        order: stages().map(|s| s.id.clone()).collect(),
        without_sandbox: stages().filter(|s| !matches!(s.step, Step::Exec(_))).map(|s| s.id.clone()).collect(),
        seconds: begun.elapsed().as_secs_f64(),
        result,
        timeline: session.timeline(context),
    });
}

/// A stage that was made.
pub(super) struct Made {
    pub(super) stage: StageId,
    pub(super) context: Arc<EngineContext>,
    pub(super) output: TreeHash,
    outcome: RunOutcome,
    result: Option<PathBuf>,
    begun: Instant,
}

impl Made {
    /// Shows how that went, and whether what was done with it since succeeded.
    pub(super) fn tell(&self, session: &Session, ok: bool) {
        let outcome = RunOutcome { ok, ..self.outcome.clone() };
        let result = self.result.clone();
        tell(session, &self.context, Ended { result, ..Ended::new(outcome, self.begun) });
    }

    /// Moves `./result` along if it is there and the recipe's first target was made.
    pub(super) fn move_result(&mut self, session: &Session, project: &Project) -> Outcome {
        self.result = move_link(session, project, &self.context, &self.outcome.outputs)?;
        Ok(())
    }

    /// What all stages that it needed made, and itself.
    pub(super) fn outputs(&self) -> &Outputs {
        &self.outcome.outputs
    }

    /// The key with which it was made.
    pub(super) fn key(&self) -> Option<Key> {
        let node = NodeId::Stage(self.stage.clone());
        self.outcome.reports.iter().find(|report| report.node == node)?.key
    }
}

/// Makes a stage for a command that goes on with its output; if it cannot be made, that has been told.
pub(super) fn make(
    session: &Session,
    project: &Project,
    plan: PlanDraft,
    options: Options,
    stage: &StageId,
) -> Outcome<Made> {
    let begun = Instant::now();
    let targets = std::slice::from_ref(stage);
    let context = session.build(project, plan, options, targets)?;
    let outcome = session.run(&context, targets)?;
    let output = outcome.outputs.get(&NodeId::Stage(stage.clone())).filter(|_| outcome.ok).copied();
    let Some(output) = output else {
        let exit = if outcome.cancelled { Exit::Interrupted } else { Exit::Failed };
        tell(session, &context, Ended::new(outcome, begun));
        return Err(Failure::Told(exit));
    };
    Ok(Made { stage: stage.clone(), context, output, outcome, result: None, begun })
}

/// Links `./result` to the first target.
fn link(session: &Session, project: &Project, outputs: &Outputs, targets: &[StageId]) -> Outcome<Option<PathBuf>> {
    let output = targets.first().and_then(|t| outputs.get(&NodeId::Stage(t.clone())));
    let Some(output) = output else { return Ok(None) };
    let link = project.root.join("result");
    session.store.link_result(&link, output)?;
    Ok(Some(link))
}

/// Links `./result` to the recipe's first target if that was made and `akbuild all` has left the link: it would lead to
/// an older tree otherwise. A link that is somebody else's stays.
fn move_link(
    session: &Session,
    project: &Project,
    context: &EngineContext,
    outputs: &Outputs,
) -> Outcome<Option<PathBuf>> {
    let own = std::path::absolute(project.root.join("result")).ok();
    match session.store.roots()?.into_iter().any(|(root, _)| Some(root) == own) {
        true => link(session, project, outputs, &context.plan.targets),
        false => Ok(None),
    }
}
