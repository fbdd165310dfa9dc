//! The explanation as a value. Knows what can be a cause; not how one is found.

use akbuild_differ::Difference;
use akbuild_nar::TreeHash;
use akbuild_store::{BuildId, Key};
use serde::Serialize;

use super::part::Part;

/// Why some nodes ran, or would run. What follows from another node names it by its place in the list, so that
/// each is explained once.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Why {
    /// The nodes; where one was asked about, it is the first.
    pub nodes: Vec<Explained>,
}

/// Why one node ran, or would run.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Explained {
    /// A stage's name, or `source:NAME`, `sysroot:NAME`, `tool:NAME`.
    pub node: String,
    /// Whether this is about the past.
    pub state: State,
    /// What it is compared with.
    pub old: Option<Made>,
    /// What is explained.
    pub new: Option<Made>,
    /// Why.
    pub causes: Vec<Cause>,
    /// Packages that its lock files name: those that came, went, or have another version.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub downloads: Vec<Package>,
}

/// Whether a node ran or would.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// It would run if it were built now.
    WouldRun,
    /// It ran, and this is why.
    Ran,
}

/// A time that a node ran.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Made {
    /// Its key; `None` if what it needs is not known yet.
    pub key: Option<Key>,
    /// What it made.
    pub output: Option<TreeHash>,
    /// When it ended, in seconds since 1970.
    pub created: Option<u64>,
    /// The build that it was part of.
    pub build: Option<BuildId>,
}

/// A reason to run.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "cause", rename_all = "kebab-case")]
pub enum Cause {
    /// No run of it is on record.
    NeverBuilt,
    /// It was told to run.
    AskedFor,
    /// Nothing differs, but the output is not in the store.
    Gone {
        /// The output, if it is known.
        output: Option<TreeHash>,
    },
    /// A source is pinned to what was not fetched yet.
    NotFetched {
        /// To what, such as a commit and the tag that it was asked for by.
        pin: String,
    },
    /// It ran with an equal manifest and left other bytes.
    OtherBytes {
        /// Which files of its output, if that can be told.
        files: Option<Vec<FileChange>>,
    },
    /// What made one of the two trees is not on record.
    NotOnRecord {
        /// Which files differ, if that can be told.
        files: Option<Vec<FileChange>>,
    },
    /// Another node left another output, or will be made first and may.
    Follows {
        /// Its place in [`Why::nodes`].
        node: usize,
        /// Its name.
        name: String,
    },
    /// Files of a source differ, among those that the stage sees.
    Files {
        /// The source's node.
        source: String,
        /// Which.
        files: Vec<FileChange>,
    },
    /// A source is another, and its files cannot be compared: not both of its trees are in the store.
    Tree {
        /// The source's node.
        source: String,
        /// The tree it was.
        old: TreeHash,
        /// The tree it is.
        new: TreeHash,
    },
    /// The stage takes another part of a tree, or of another tree.
    Part {
        /// Where the stage has it.
        to: String,
        /// What it took.
        old: Option<Box<Part>>,
        /// What it takes.
        new: Option<Box<Part>>,
    },
    /// Something that is written down differs.
    Value {
        /// What it is.
        what: What,
        /// Its name.
        name: String,
        /// What it was; `None`: it was not there.
        old: Option<String>,
        /// What it is; `None`: it is not there.
        new: Option<String>,
    },
    /// Pinned packages differ.
    Packages {
        /// Which.
        packages: Vec<Package>,
    },
    /// The same inputs, in another order.
    Order,
}

/// Something that is written in a recipe or a lock, or that belongs to akbuild or to the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum What {
    /// A stage's script.
    Script,
    /// A variable of its environment.
    Variable,
    /// A file that akbuild writes for it: whether it is executable, and its text.
    WrittenFile,
    /// A check on its output.
    Check,
    /// A tool that it uses.
    Tool,
    /// Anything else of its recipe.
    Option,
    /// The commit of a source that it sees as a repository.
    Commit,
    /// A patch of a source.
    Patch,
    /// A version of akbuild's own doing.
    Version,
    /// A program of this machine.
    Program,
}

/// A package that came, went, or has another version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Package {
    /// Its name.
    pub name: String,
    /// The version that it had; `None`: it is new.
    pub old: Option<String>,
    /// The version that it has; `None`: it is gone. The same as `old`: its file is another.
    pub new: Option<String>,
}

/// A file that is not the same.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FileChange {
    /// Its path in its tree, and what became of it.
    #[serde(flatten)]
    pub difference: Difference,
    /// The first line that differs, of a text; looked for in the first files only.
    pub line: Option<usize>,
}

impl Cause {
    /// Whether it comes from no other node.
    pub fn is_root(&self) -> bool {
        !matches!(self, Cause::Follows { .. })
    }

    /// The files of a source that this is about.
    pub(crate) fn files_of(&mut self, source: &str) -> Option<&mut Vec<FileChange>> {
        match self {
            Cause::Files { source: own, files } if own == source => Some(files),
            _ => None,
        }
    }
}
