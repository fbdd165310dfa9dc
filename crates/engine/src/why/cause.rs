//! The explanation as a value. Knows what can be a cause; not how one is found.

use akbuild_differ::Difference;
use akbuild_nar::TreeHash;
use akbuild_recipe::plan::View;
use akbuild_store::{BuildId, Key};
use serde::Serialize;

use super::part::Part;
use crate::graph::NodeId;
use crate::keys::manifest_field::ManifestField;

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
    /// Which.
    pub node: NodeId,
    /// Whether this is about the past.
    pub state: State,
    /// What it is compared with.
    pub old: Option<Made>,
    /// What is explained.
    pub new: Option<Made>,
    /// Why. Each cause is a difference that the key covers, or leads to the node that left one.
    pub causes: Vec<Cause>,
    /// The fields of the manifest that differ, as the key covers them.
    pub fields: Vec<FieldChange>,
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
    /// Nodes that it needs would run first; if what it sees of their outputs is what it saw in a former run, it is
    /// cached.
    MayRun,
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
        name: NodeId,
        /// Which files of its output differ, among those that the stage sees; `None` if that is not known, or was not
        /// looked for.
        files: Option<Vec<FileChange>>,
    },
    /// Files of a source differ, among those that the stage sees.
    Files {
        /// The source's node.
        source: NodeId,
        /// The fields of the manifest that cover them.
        fields: Vec<ManifestField>,
        /// Which.
        files: Vec<FileChange>,
    },
    /// Files of a source differ, among those that the stage sees. Which ones is not known: not both trees are in the
    /// store.
    Tree {
        /// The source's node.
        source: NodeId,
        /// The tree it was.
        old: TreeHash,
        /// The tree it is.
        new: TreeHash,
        /// Those of the two that are not in the store.
        missing: Vec<TreeHash>,
    },
    /// The stage takes another part of a tree, or of another tree.
    Part {
        /// Where the stage has it.
        to: String,
        /// What it took.
        old: Option<Box<Part>>,
        /// What it takes.
        new: Option<Box<Part>>,
        /// Which files differ by that alone, if that can be told.
        files: Option<Vec<FileChange>>,
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
        /// The field of the manifest that has it, without a number; `None`: any.
        #[serde(skip)]
        field: Option<ManifestField>,
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
    /// A patch of a file that the stage sees.
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

/// A field of a manifest whose value is not the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FieldChange {
    /// The field; see [`crate::Manifest`].
    pub field: ManifestField,
    /// Its value; `None`: it was not there.
    pub old: Option<String>,
    /// Its value; `None`: it is not there.
    pub new: Option<String>,
}

/// A file that is not the same, as a stage sees it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FileChange {
    /// Its path in its tree, and what became of it.
    #[serde(flatten)]
    pub difference: Difference,
    /// The first line that differs, of a text that is seen whole; looked for in the first files only.
    pub line: Option<usize>,
    /// How much of the file the stage sees; left out for all of it.
    #[serde(skip_serializing_if = "is_whole")]
    pub view: View,
    /// How the texts that the stage sees differ, as a unified diff; of the first files, and left out if it was not
    /// asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hunks: Option<String>,
}

fn is_whole(view: &View) -> bool {
    *view == View::Whole
}

impl Cause {
    /// Whether it comes from no other node.
    pub fn is_root(&self) -> bool {
        !matches!(self, Cause::Follows { .. })
    }

    /// That a part of a tree has another digest, and its files are the same.
    pub(super) fn other_digest((old, new): (String, String)) -> Self {
        let (what, name) = (What::Version, "digests of inputs".to_owned());
        Cause::Value { what, name, old: Some(old), new: Some(new), field: None }
    }
}
