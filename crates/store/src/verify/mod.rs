//! Looking whether everything in the store is what its name says. Knows what can be wrong; `repair` does
//! something about it. Trusts nothing but hashes, and changes nothing (but, where asked, records what is whole).
//!
//! May run beside builds: what comes or goes meanwhile is no finding.

mod contents;
mod difference;
mod leftover;
mod meter;
mod records;

use std::ffi::OsString;
use std::path::PathBuf;

use akbuild_nar::{Digest, TreeHash};

use crate::{BuildId, Key, Store, StoreError};

pub(crate) use difference::differences;
pub use difference::{Change, Difference};
pub use meter::Progress;

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

    fn corrupt(why: impl ToString) -> Self {
        Problem::Corrupt { files: Vec::new(), why: why.to_string() }
    }
}

impl Finding {
    fn new(thing: Thing, problem: Problem) -> Self {
        Self { thing, problem }
    }
}

impl Store {
    /// Looks at everything: hashes all trees and blobs, the largest first, and reads all records. Of a damaged
    /// index only that is told, since nothing can be compared with it: see [`Store::reindex`].
    ///
    /// # Errors
    /// Folders or an index that cannot be read or written; damage is no error.
    pub fn verify(&self, options: &Verify<'_>) -> Result<Verified, StoreError> {
        let mut verified = Verified::default();
        if let Some(why) = self.inner.index.damage() {
            verified.findings.push(Finding::new(Thing::Index, Problem::corrupt(why)));
            return Ok(verified);
        }
        self.check_contents(options, &mut verified)?;
        self.check_listings(&mut verified)?;
        self.check_artifacts(&mut verified)?;
        self.check_actions(&mut verified)?;
        self.check_builds(&mut verified)?;
        verified.findings.extend(self.loose_ends()?);
        verified.findings.extend(self.leftovers()?);
        verified.findings.sort_by(|a, b| (&a.thing, a.problem.word()).cmp(&(&b.thing, b.problem.word())));
        Ok(verified)
    }
}
