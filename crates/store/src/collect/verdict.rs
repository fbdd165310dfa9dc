//! What is asked of a collector, and what is decided on each entry. Must not depend on how it is decided.

use std::path::PathBuf;
use std::time::Duration;

use super::entry::Entry;
use crate::BuildId;

/// What a collector is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Collecting {
    /// How many successful builds of each set of targets of each project keep what they used.
    pub keep: usize,
    /// What was used in this time stays.
    pub older_than: Option<Duration>,
    /// What was used longest ago goes only until the store has this many bytes.
    pub max_size: Option<u64>,
    /// The bytes below which nothing goes.
    pub floor: u64,
}

/// Why something stays, or goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Why {
    /// A registered link points at it, or at what it belongs to.
    Root(PathBuf),
    /// One of the last builds used it.
    Build(BuildId),
    /// A running process relies on it; 0 where it is not known which.
    InUse(u32),
    /// It was used in the time that was asked to stay.
    Recent,
    /// The store would have less than the floor without it.
    Floor,
    /// The store is small enough with it.
    Fits,
    /// It describes what stays: the tree that an action made or that a listing lists, the list that an action names.
    Describes,
    /// It tells how a stage was built last, so that a later build can say what changed.
    Explains,
    /// Nothing keeps it: it goes.
    Nothing,
}

/// What is to become of an entry.
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    /// The entry.
    pub entry: Entry,
    /// What people call it: a project and a stage, a package; empty where nothing tells.
    pub about: String,
    /// Bytes on the disk, what it shares with others included.
    pub bytes: u64,
    /// When it was used last, in seconds since 1970.
    pub used: f64,
    /// Why; it goes for [`Why::Nothing`] only.
    pub why: Why,
}

impl Verdict {
    /// Whether it goes.
    pub fn goes(&self) -> bool {
        self.why == Why::Nothing
    }
}
