//! A step that runs a script: everything that the script sees, and what the output must hold. Knows places in the sandbox;
//! runs nothing.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{LockReference, SourceId, Subset, SysrootId, ToolId, TreeRef, WrittenFile};

/// A script in a sandbox, with everything it can see.
#[derive(Clone, Debug)]
pub struct Exec {
    /// The root file system.
    pub sysroot: SysrootId,
    /// Tools, each mounted at `TOOLS/<id>`.
    pub tools: Vec<ToolId>,
    /// Sources whose pinned commit is mounted as a bare repository at `GIT/<id>.git`.
    pub git: Vec<SourceId>,
    /// Writable copies below [`WORK`](super::WORK).
    pub copies: Vec<Copy>,
    /// Read-only mounts, in order; a later one may lie inside an earlier one.
    pub mounts: Vec<Mount>,
    /// Files that akbuild writes before the script runs; paths absolute, below [`WORK`](super::WORK).
    pub files: Vec<WrittenFile>,
    /// The script, for `bash -euo pipefail`.
    pub script: String,
    /// Variables beside those that every stage has.
    pub env: BTreeMap<String, String>,
    /// The folder the script starts in, absolute.
    pub cwd: String,
    /// Where the output folder, empty at first, is mounted. The script finds it as `$out`.
    pub out: String,
    /// The locks that say what the loopback registry serves; without any, nothing listens.
    pub locks: Vec<LockReference>,
    /// What must hold of the output before it is published.
    pub checks: Vec<Check>,
}

/// A writable copy of part of a tree.
#[derive(Clone, Debug)]
pub struct Copy {
    /// The tree.
    pub from: TreeRef,
    /// Which of its files.
    pub subset: Subset,
    /// The folder that gets them, absolute, below [`WORK`](super::WORK) or the output.
    pub to: String,
    /// Whether the files are taken as they are.
    pub view: View,
}

/// How much of a copied file a stage sees. What it does not see cannot make it run again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum View {
    /// The whole file.
    Whole,
    /// Of `.go` files only build constraints, the package clause and imports; others whole.
    GoImports,
    /// The files and what a `package-lock.json` among them takes from the source. The lock names the loopback registry,
    /// `.npmrc` has those settings that decide what is installed, and of all but manifests and tarballs only the names
    /// are seen.
    NpmProject,
    /// The files and those to which they refer by `$ref`.
    OpenApiSchema,
}

/// A read-only mount of a tree or of a part of it.
#[derive(Clone, Debug)]
pub struct Mount {
    /// The tree.
    pub from: TreeRef,
    /// The file or folder inside it, relative; empty: all of it.
    pub path: String,
    /// Where it is mounted, absolute.
    pub to: String,
    /// If given, not the folder itself: each outermost folder of this name below it is mounted at
    /// its relative place below `to` (`node_modules` of every npm workspace).
    pub folders: Option<String>,
    /// Whether a path that is not in the tree is passed over instead of being an error.
    pub optional: bool,
}

/// What must hold of an output.
#[derive(Clone, Debug)]
pub enum Check {
    /// Every `NEEDED` entry of every ELF file resolves within the output or this sysroot.
    Elf {
        /// The sysroot that the output will run in.
        sysroot: SysrootId,
        /// Where the output will live.
        at: String,
    },
    /// A script that must succeed, with the output mounted read-only at `at`.
    Run {
        /// The sysroot it runs in.
        sysroot: SysrootId,
        /// Where the output is mounted.
        at: String,
        /// The script, for `bash -euo pipefail`.
        script: String,
        /// Variables beside those that every stage has.
        env: BTreeMap<String, String>,
    },
}
