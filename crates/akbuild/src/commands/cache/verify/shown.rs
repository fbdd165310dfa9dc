//! What was found and what was done about it. Knows no words for people.

use akbuild_nar::TreeHash;
use akbuild_store::{Checked, Finding, Repair};

use super::names::Names;

/// A finding, and what was done about it, if anything was.
pub(super) struct Shown {
    pub(super) finding: Finding,
    pub(super) done: Option<Done>,
}

/// What was done.
pub(super) enum Done {
    /// The store has done all there was to do, or all that it could.
    Repaired(Repair),
    /// It was removed, and then made or fetched again with the same contents.
    Again(Repair),
    /// It was removed, and its node came to something else.
    Other { repair: Repair, node: String, found: TreeHash },
    /// What it leads to is there again.
    There,
    /// It was removed, and why it could not be made again.
    Lost { repair: Repair, why: String },
    /// Why nothing could be done.
    Failed(String),
}

/// Everything that is told at the end.
pub(super) struct Told {
    pub(super) checked: Checked,
    pub(super) shown: Vec<Shown>,
    pub(super) names: Names,
    pub(super) seconds: f64,
}

impl Shown {
    /// Whether something is wrong, still.
    pub(super) fn is_wrong(&self) -> bool {
        self.finding.problem.is_wrong() && matches!(self.done, None | Some(Done::Failed(_) | Done::Lost { .. }))
    }
}

impl Done {
    /// The word for it.
    pub(super) fn word(&self) -> &'static str {
        match self {
            Done::Repaired(Repair::Removed { .. }) => "removed",
            Done::Repaired(Repair::Corrected) => "corrected",
            Done::Repaired(Repair::Recorded) => "recorded",
            Done::Repaired(Repair::Dropped) => "dropped",
            Done::Repaired(Repair::Nothing) => "nothing",
            Done::Again(_) | Done::There => "made-again",
            Done::Other { .. } => "made-otherwise",
            Done::Lost { .. } | Done::Failed(_) => "failed",
        }
    }

    /// What the store did first, if it did something.
    pub(super) fn repair(&self) -> Option<&Repair> {
        match self {
            Done::Repaired(repair) | Done::Again(repair) | Done::Other { repair, .. } | Done::Lost { repair, .. } => {
                Some(repair)
            }
            Done::There | Done::Failed(_) => None,
        }
    }

    /// Running processes that had relied on what was removed.
    pub(super) fn users(&self) -> &[u32] {
        match self.repair() {
            Some(Repair::Removed { used_by }) => used_by,
            _ => &[],
        }
    }
}
