//! Checks: a stage runs once more, in folders of its own, and its output is compared with the stored one.
//! Knows whether the two are the same tree; not how trees differ.
//!
//! Nothing is recorded as having come of the key, and what needs the stage is made from the stored output. An
//! output that differs is put into the store beside the other, for people to look at.

use akbuild_recipe::plan::StageId;

use crate::context::EngineContext;
use crate::error::EngineError;
use crate::event::Report;
use crate::graph::NodeId;
use crate::node_inputs::NodeInputs;
use crate::run_reason::RunReason;
use crate::stage;

/// Runs a stage whose output is stored.
pub(crate) fn check_stage(
    context: &EngineContext,
    id: &StageId,
    given: &NodeInputs,
    report: &mut Report,
) -> Result<(), EngineError> {
    let stored = given.outputs.get(&NodeId::Stage(id.clone())).copied();
    let stored = stored.ok_or_else(|| EngineError::Bug(format!("`{id}` was checked before it was made")))?;
    report.reason = Some(RunReason::Checked);
    let node = report.node.clone();
    let found = stage::run_stage(context, context.stage(id)?, &node, given, report)?;
    report.output = Some(found);
    report.differs = (found != stored).then_some(stored);
    Ok(())
}
