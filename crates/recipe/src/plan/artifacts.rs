//! Upstream's lock files, which say what a stage may download. Knows where they are; what is in them is not known here.

use std::collections::BTreeMap;

use super::SourceId;

/// Upstream's lock files that say what the loopback registry serves.
#[derive(Clone, Debug, Default)]
pub struct Artifacts {
    /// `package-lock.json` files.
    pub npm: Vec<LockFile>,
    /// `uv.lock` files, and how the project is synchronised.
    pub python: Vec<PythonLock>,
    /// `go.mod` files; `go.sum` lies beside each.
    pub go: Vec<LockFile>,
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
pub struct PythonLock {
    /// The file; `pyproject.toml` lies beside it.
    pub lock: LockFile,
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
