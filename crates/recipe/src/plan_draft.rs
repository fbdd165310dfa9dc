//! A plan of which the sysroots may be missing: those of this machine are looked for when it is known which stages are
//! wanted. A [`Plan`] has all that its stages need, so only a draft that got its sysroots becomes one. Must not look for
//! programs of the machine.

use crate::plan::{Plan, Smoke, Source, Stage, StageId, Sysroot};

/// A recipe that is resolved up to its sysroots.
#[derive(Clone, Debug)]
pub struct PlanDraft {
    /// Without sysroots.
    plan: Plan,
    /// As the lock pins them; `None` if programs of this machine stand in for them.
    sysroots: Option<Vec<Sysroot>>,
}

impl PlanDraft {
    pub(crate) fn new(plan: Plan, sysroots: Option<Vec<Sysroot>>) -> Self {
        Self { plan, sysroots }
    }

    /// The project's name.
    pub fn name(&self) -> &str {
        &self.plan.name
    }

    /// Sources, sorted by id.
    pub fn sources(&self) -> &[Source] {
        &self.plan.sources
    }

    /// Stages in an order in which each stands after those it needs.
    pub fn stages(&self) -> &[Stage] {
        &self.plan.stages
    }

    /// The stages that a build without arguments makes.
    pub fn targets(&self) -> &[StageId] {
        &self.plan.targets
    }

    /// How an image is tried out.
    pub fn smoke(&self) -> Option<&Smoke> {
        self.plan.smoke.as_ref()
    }

    /// The sysroots that the lock pins; `None` if programs of this machine stand in for them.
    pub fn pinned_sysroots(&self) -> Option<&[Sysroot]> {
        self.sysroots.as_deref()
    }

    /// The plan with the sysroots that the lock pins, or else with those that `find` gives for these stages.
    ///
    /// # Errors
    /// Those of `find`.
    pub fn complete<E>(self, find: impl FnOnce(&[Stage]) -> Result<Vec<Sysroot>, E>) -> Result<Plan, E> {
        let sysroots = match self.sysroots {
            Some(pinned) => pinned,
            None => find(&self.plan.stages)?,
        };
        Ok(Plan { sysroots, ..self.plan })
    }

    /// The plan with these sysroots, whatever the lock pins.
    pub fn with_sysroots(self, sysroots: Vec<Sysroot>) -> Plan {
        Plan { sysroots, ..self.plan }
    }
}
