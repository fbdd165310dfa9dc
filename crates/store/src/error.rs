//! What can go wrong in the store, and the words for it. Knows no more of the cause than it is told.

use std::io;
use std::path::{Path, PathBuf};

use akbuild_nar::{Digest, NarError, TreeHash};

use crate::size::size;

/// Why the store could not do what was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// A path of a tree.
    #[error(transparent)]
    Tree(#[from] akbuild_tree::TreeError),
    /// The file system refused.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// What was tried, as in "cannot ...".
        action: &'static str,
        /// With what.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// A folder of the home that is something else.
    #[error(
        "`{}` is {found}, not a folder of this home\n  help: remove it, or choose another home with `--home DIR`",
        path.display()
    )]
    Bucket {
        /// The path.
        path: PathBuf,
        /// The kind of entry that is there, as in "a file".
        found: String,
    },
    /// There is no room left.
    #[error(
        "the disk is full: cannot {action} {}: {}{} free; make room, or put the store elsewhere with --home DIR",
        path.display(),
        needed.map_or(String::new(), |n| format!("{} needed, ", size(n))),
        size(*available)
    )]
    Full {
        /// What was tried, as in "cannot ...".
        action: &'static str,
        /// With what.
        path: PathBuf,
        /// Bytes that were to be written, if known.
        needed: Option<u64>,
        /// Bytes that the file system says are left to this user.
        available: u64,
    },
    /// The home cannot be written to.
    #[error("the store {} is read-only; choose another with --home DIR, or make it writable", home.display())]
    ReadOnly {
        /// The home.
        home: PathBuf,
    },
    /// The index was written by a later version.
    #[error(
        "the index {} has version {found}, expected {expected}; use the akbuild that made it, or another home with --home DIR",
        path.display()
    )]
    Version {
        /// The index.
        path: PathBuf,
        /// The version this program knows.
        expected: i64,
        /// The version that is there.
        found: i64,
    },
    /// A tree does not have the hash that it must have.
    #[error("hash mismatch of {}\n  expected {expected}\n  found    {found}", path.display())]
    TreeMismatch {
        /// The tree.
        path: PathBuf,
        /// The hash that was pinned.
        expected: TreeHash,
        /// The hash that it has.
        found: TreeHash,
    },
    /// A file does not have the digest that it must have.
    #[error("digest mismatch of a downloaded file of {bytes} bytes\n  expected {expected}\n  found    {found}")]
    BlobMismatch {
        /// The digest that was pinned.
        expected: Box<Digest>,
        /// The digest that it has.
        found: Box<Digest>,
        /// How long it is.
        bytes: u64,
    },
    /// A tree that is not in the store.
    #[error("the store has no tree {hash}; build or fetch it again")]
    NoTree {
        /// Its hash.
        hash: TreeHash,
    },
    /// A backend other than the local store.
    #[error("cannot ask the output backend `{backend}`: {source}")]
    Backend {
        /// The backend's name.
        backend: String,
        /// Why not.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A tree could not be walked.
    #[error(transparent)]
    Nar(NarError),
    /// The index could not be read or written.
    #[error("the index {}: {source}; if this happens again, delete the file: it is rebuilt from the folders beside it", path.display())]
    Index {
        /// The index.
        path: PathBuf,
        /// What SQLite says.
        source: rusqlite::Error,
    },
    /// A record is not readable as what it should be.
    #[error("{} is damaged: {problem}; delete it", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
}

impl StoreError {
    /// The error of a file operation: a full disk and a read-only file system are told apart.
    pub(crate) fn io(action: &'static str, path: &Path, source: impl Into<io::Error>) -> Self {
        Self::sized(action, path, source, None)
    }

    /// The same, for a write whose size is known.
    pub(crate) fn sized(action: &'static str, path: &Path, source: impl Into<io::Error>, needed: Option<u64>) -> Self {
        let source = source.into();
        let path = path.to_owned();
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                let available = available(&path);
                Self::Full { action, path, needed, available }
            }
            _ => Self::Io { action, path, source },
        }
    }
}

impl From<NarError> for StoreError {
    fn from(e: NarError) -> Self {
        match e {
            NarError::Io { action, path, source } => Self::io(action, &path, source),
            other => Self::Nar(other),
        }
    }
}

/// Bytes left to this user at the path, or at the nearest folder above it that exists.
pub fn available(path: &Path) -> u64 {
    let stat = path.ancestors().find_map(|p| rustix::fs::statvfs(p).ok());
    stat.map_or(0, |s| s.f_bavail.saturating_mul(s.f_frsize))
}
