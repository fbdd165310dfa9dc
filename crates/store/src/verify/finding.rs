//! What a verification is asked, what it looks at, and what it finds. Knows no store.

use std::ffi::OsString;
use std::path::PathBuf;

use akbuild_nar::{Digest, TreeHash};

use super::difference::Difference;
use super::meter::Progress;
use crate::{BuildId, Key};

/// How to verify.
#[derive(Clone, Copy)]
pub struct Verify<'a> {
    /// How many trees and blobs are hashed at the same time.
    pub threads: usize,
    /// Whether what is whole and not in the index is recorded there.
    pub record: bool,
    /// Told how far it is, from many threads and often.
    pub progress: &'a (dyn Fn(Progress) + Sync),
}

/// What was looked at, and what is wrong.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Verified {
    /// How much was looked at.
    pub checked: Checked,
    /// What was found, sorted by what it is about.
    pub findings: Vec<Finding>,
}

/// How much was looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Checked {
    /// Trees, each hashed whole.
    pub trees: u64,
    /// Blobs, each hashed whole.
    pub blobs: u64,
    /// Bytes in trees and blobs; what several trees share is counted in each.
    pub bytes: u64,
    /// Listings, lists of downloads, and records of actions and builds.
    pub records: u64,
}

/// Something that is not as it should be.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// With what.
    pub thing: Thing,
    /// What.
    pub problem: Problem,
}

/// What a finding is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Thing {
    /// The index as a whole.
    Index,
    /// A tree.
    Tree(TreeHash),
    /// A download.
    Blob(Digest),
    /// The listing of a tree.
    Listing(TreeHash),
    /// A list of downloads.
    Artifacts(Digest),
    /// The record of an action.
    Action(Key),
    /// The record of a build.
    Build(BuildId),
    /// A registered link.
    Root(PathBuf),
    /// Anything else.
    File(PathBuf),
}

/// What is wrong.
#[derive(Clone, Debug, PartialEq)]
pub enum Problem {
    /// Its contents are not what they were.
    Corrupt {
        /// Of a tree: what differs, as far as it can be told.
        files: Vec<Difference>,
        /// How that is known, in a line.
        why: String,
    },
    /// Its contents are as they were; the modes or times of these paths in it are not, or forbid that it is read.
    Mode(Vec<OsString>),
    /// The index has it, and it is not there.
    Missing,
    /// It is there and whole, and the index does not have it. Does no harm.
    Unrecorded,
    /// It leads to something that is not there: what that is.
    Dangling(String),
    /// It belongs to nothing. Does no harm.
    Leftover,
}

impl Problem {
    /// The word for it.
    pub fn word(&self) -> &'static str {
        match self {
            Problem::Corrupt { .. } => "corrupt",
            Problem::Mode(_) => "mode",
            Problem::Missing => "missing",
            Problem::Unrecorded => "unrecorded",
            Problem::Dangling(_) => "dangling",
            Problem::Leftover => "leftover",
        }
    }

    /// Whether something is wrong: what a killed process may leave behind is not.
    pub fn is_wrong(&self) -> bool {
        !matches!(self, Problem::Unrecorded | Problem::Leftover)
    }

    pub(crate) fn corrupt(why: impl ToString) -> Self {
        Problem::Corrupt { files: Vec::new(), why: why.to_string() }
    }
}

impl Finding {
    pub(crate) fn new(thing: Thing, problem: Problem) -> Self {
        Self { thing, problem }
    }
}
