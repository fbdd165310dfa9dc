//! The lock: everything that the recipe leaves open, pinned. Knows what is pinned and to what request each
//! pin belongs; how it is written stands in `lock_text`.

use std::collections::BTreeMap;

use akbuild_nar::{Digest, TreeHash};

use crate::plan::{DebPin, PythonPin, SourceId, SysrootId, ToolId, ToolPackage};
use crate::written::{GitRef, ToolSpec};

/// `akbuild.lock`. The default is empty: it stands for a file that is not there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lock {
    /// Sources that the recipe does not pin itself.
    pub sources: BTreeMap<SourceId, LockedSource>,
    /// What each sysroot was resolved from.
    pub sysroots: BTreeMap<SysrootId, LockedSysroot>,
    /// Debian packages of all sysroots. Written sorted by name, then version.
    pub debs: Vec<DebPin>,
    /// Tools.
    pub tools: BTreeMap<ToolId, LockedTool>,
    /// Python artifacts beside those that `uv.lock` names. Written sorted.
    pub python: Vec<PythonPin>,
}

/// A pinned source, with what it was pinned for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockedSource {
    /// Request and answer.
    pub origin: LockedOrigin,
    /// The NAR hash of the tree.
    pub hash: TreeHash,
}

/// What was asked for, and what it was at that time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LockedOrigin {
    /// A git repository.
    Git {
        /// The first address that the recipe names (an overlay's address is not recorded).
        url: String,
        /// The tag or branch.
        reference: GitRef,
        /// What it pointed to.
        commit: String,
    },
    /// An archive.
    Tarball {
        /// The first address that the recipe names.
        url: String,
        /// The archive's digest.
        digest: Digest,
    },
}

/// What a sysroot was resolved from: if any of it changes, it has to be resolved again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockedSysroot {
    /// Suites.
    pub suites: Vec<String>,
    /// Components.
    pub components: Vec<String>,
    /// Architecture.
    pub architecture: String,
    /// Whether essential packages were added.
    pub essential: bool,
    /// The packages asked for, sorted.
    pub packages: Vec<String>,
}

/// A pinned tool, with what it was pinned for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockedTool {
    /// What the recipe asked for.
    pub spec: ToolSpec,
    /// The file that it is.
    pub package: ToolPackage,
}
