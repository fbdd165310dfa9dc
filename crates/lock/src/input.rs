//! What locking starts from: the written files of a project, and the steps to take. Must not depend on how a step is taken.

use std::path::Path;

use akbuild_recipe::plan::{Plan, Sysroot, SysrootId};
use akbuild_recipe::{Kinds, Local, Lock, Overlay, PlanDraft, RecipeErrors, Written};

/// The steps, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum LockStep {
    /// Commits and archives of sources, and everything that they alone show of stages.
    Sources,
    /// Debian packages of sysroots.
    Sysroots,
    /// Packages of tools.
    Tools,
    /// The files that source distributions are built with.
    BuildRequirements,
}

impl LockStep {
    /// All steps.
    pub const ALL: [LockStep; 4] =
        [LockStep::Sources, LockStep::Sysroots, LockStep::Tools, LockStep::BuildRequirements];
}

/// The pins that are made anew, whether they fit or not.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[allow(clippy::struct_excessive_bools, reason = "one for each step")]
pub struct RenewedPins {
    /// Those of sources.
    pub sources: bool,
    /// Those of sysroots.
    pub sysroots: bool,
    /// Those of tools.
    pub tools: bool,
    /// Those of build requirements.
    pub build_requirements: bool,
}

/// The written files of a project, read.
#[derive(Clone, Copy)]
pub struct LockInput<'a> {
    /// The recipe.
    pub written: &'a Written,
    /// The overlay.
    pub overlay: &'a Overlay,
    /// The choices of the command line.
    pub local: &'a Local,
    /// The stage kinds.
    pub kinds: &'a dyn Kinds,
    /// The folder of the recipe, absolute.
    pub root: &'a Path,
    /// The pins to make anew.
    pub renewed: RenewedPins,
    /// Accept suites whose `Valid-Until` has passed.
    pub allow_expired: bool,
}

impl LockInput<'_> {
    /// A plan to look at, with a lock that need not fit.
    pub(crate) fn draft(&self, lock: &Lock) -> Result<PlanDraft, RecipeErrors> {
        akbuild_recipe::draft(self.written, self.overlay, lock, self.local, self.kinds, self.root)
    }

    /// A plan in which everything is pinned but build requirements.
    pub(crate) fn plan(&self, lock: &Lock) -> Result<PlanDraft, RecipeErrors> {
        akbuild_recipe::resolve(self.written, self.overlay, lock, self.local, self.kinds, self.root)
    }

    /// The plan with sysroots only, as far as the lock has them: it names no source and no stage.
    pub(crate) fn bare_plan(&self, lock: &Lock) -> Plan {
        let sysroot = |id: &SysrootId| Sysroot {
            id: id.clone(),
            packages: lock.debs.iter().filter(|d| d.sysroots.iter().any(|s| s == id.as_str())).cloned().collect(),
            host: None,
            suites: None,
        };
        let vars = self.written.vars().clone();
        Plan {
            name: vars.name,
            version: vars.version,
            prefix: vars.prefix,
            root: self.root.to_owned(),
            sources: Vec::new(),
            sysroots: lock.sysroots.keys().map(sysroot).collect(),
            tools: Vec::new(),
            stages: Vec::new(),
            targets: Vec::new(),
            smoke: None,
            python_pins: Vec::new(),
        }
    }
}
