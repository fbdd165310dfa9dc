//! References to the lock files of upstream, which decide what a stage may download. Must not depend on their contents.

use std::collections::BTreeMap;

use akbuild_names::Ecosystem;

use super::SourceId;

/// A lock file of upstream that says what the loopback registry serves.
#[derive(Clone, Debug)]
pub enum LockReference {
    /// A lock file that says it by itself: a `package-lock.json`, or a `go.mod` with the `go.sum` beside it.
    Plain(Ecosystem, LockFile),
    /// A `uv.lock`, and how the project is synchronised.
    Uv(UvLock),
}

/// A lock file in a source.
#[derive(Clone, Debug)]
pub struct LockFile {
    /// The source it is in.
    pub source: SourceId,
    /// Its path there.
    pub path: String,
}

/// A `uv.lock` and the choices that decide which of its packages are wanted.
#[derive(Clone, Debug)]
pub struct UvLock {
    /// The file; `pyproject.toml` lies beside it.
    pub file: LockFile,
    /// Where the stage has its copy of the lock file: rewritten to name [`REGISTRY`](super::REGISTRY).
    pub at: String,
    /// Folder of the stage in which akbuild writes uv's configuration, `uv.toml`, and the list of what is installed,
    /// `selected.json`.
    pub helpers: String,
    /// Extras of the project that are installed, sorted.
    pub extras: Vec<String>,
    /// Dependency groups that are installed, sorted.
    pub groups: Vec<String>,
    /// The interpreter's version, `3.14`.
    pub python: String,
    /// Git dependencies by name, and the source that stands for each.
    pub git: BTreeMap<String, SourceId>,
}

impl LockReference {
    /// The ecosystem whose packages the lock names.
    pub fn ecosystem(&self) -> Ecosystem {
        match self {
            LockReference::Plain(ecosystem, _) => *ecosystem,
            LockReference::Uv(_) => Ecosystem::Python,
        }
    }

    /// The file itself.
    pub fn file(&self) -> &LockFile {
        match self {
            LockReference::Plain(_, file) => file,
            LockReference::Uv(lock) => &lock.file,
        }
    }
}
