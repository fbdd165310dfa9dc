//! The caller of locking: makes engines, runs stages, and keeps the lock. Must not depend on what is pinned.

use std::sync::Arc;
use std::time::Instant;

use akbuild_engine::{EngineContext, Outcome};
use akbuild_recipe::Lock;
use akbuild_recipe::PlanDraft;
use akbuild_recipe::plan::{Plan, StageId};

use crate::{LockError, LockEvent, LockStep};

/// Who locks: a command, or a test.
pub trait LockHost {
    /// The caller's own failures; those of locking are part of them.
    type Error: From<LockError>;

    /// Shows an event.
    fn event(&self, event: LockEvent<'_>);

    /// Writes the lock: a step is complete, and `open` are those that are not.
    ///
    /// # Errors
    /// The file cannot be written.
    fn save(&mut self, lock: &Lock, open: &[LockStep]) -> Result<(), Self::Error>;

    /// An engine that runs no stage of the plan.
    ///
    /// # Errors
    /// The caller's.
    fn context(&self, plan: Plan) -> Result<Arc<EngineContext>, Self::Error>;

    /// An engine that runs these stages of the plan, and ends at the first that fails. It adds the sysroots of this machine
    /// where the plan asks for them.
    ///
    /// # Errors
    /// The caller's.
    fn build_context(&self, draft: PlanDraft, stages: &[StageId]) -> Result<Arc<EngineContext>, Self::Error>;

    /// Runs stages.
    ///
    /// # Errors
    /// The run could not begin. A stage that fails is part of the outcome.
    fn run(&self, context: &Arc<EngineContext>, stages: &[StageId]) -> Result<Outcome, Self::Error>;

    /// Shows how a run ended that did not succeed.
    fn run_failed(&self, context: &Arc<EngineContext>, outcome: Outcome, begun: Instant);
}
