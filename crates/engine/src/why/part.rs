//! The part of a tree that a stage sees, as the notes of manifests have it.

use akbuild_nar::TreeHash;
use akbuild_recipe::plan::{Subset, View};
use serde::Serialize;

use crate::graph::NodeId;
use crate::keys::manifest_field::ManifestField;
use crate::keys::part_note::{NotedTree, PartNote};

/// A part of a tree.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Part {
    /// The node that makes the tree.
    pub node: NodeId,
    /// The tree.
    pub tree: TreeHash,
    /// The file or folder in it; empty: all of it.
    pub path: String,
    /// Which of the files there.
    pub subset: Subset,
    /// How much of them.
    pub view: View,
}

impl Part {
    /// The part that a field is about, from its note.
    pub(crate) fn of(field: &ManifestField, note: &str) -> Option<Part> {
        let PartNote(NotedTree(from), tree, path, subset, view) = PartNote::from_json(note)?;
        let view = view.unwrap_or(match field {
            ManifestField::Copy { view, .. } => *view,
            _ => View::Whole,
        });
        Some(Part { node: NodeId::from(&from), tree, path, subset, view })
    }

    /// All of a tree.
    pub(crate) fn whole(node: &NodeId, tree: TreeHash) -> Part {
        let (path, subset) = (String::new(), Subset::default());
        Part { node: node.clone(), tree, path, subset, view: View::Whole }
    }

    /// The same part of another tree.
    pub(crate) fn in_tree(&self, tree: TreeHash) -> Part {
        Part { tree, ..self.clone() }
    }

    /// Whether both are the same choice, be it of two trees.
    pub(crate) fn is_like(&self, other: &Part) -> bool {
        self.in_tree(other.tree) == *other
    }
}
