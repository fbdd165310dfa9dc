//! The part of a tree that a stage sees, as the notes of manifests have it. Knows the notes' form.

use akbuild_nar::TreeHash;
use akbuild_recipe::plan::{Subset, View};
use serde::Serialize;

use crate::keys::manifest::Manifest;

/// A part of a tree.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Part {
    /// The node that makes the tree.
    pub node: String,
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
    /// The part that a field is about.
    pub(crate) fn of(manifest: &Manifest, field: &str) -> Option<Part> {
        let note = manifest.notes.get(field)?;
        let mut note: Vec<serde_json::Value> = serde_json::from_str(note).ok()?;
        // Older records have the view in the field's name alone.
        let named = View::of_field(field);
        let view = note.drain(4.min(note.len())..).next();
        let view = view.map_or(Some(named), |view| serde_json::from_value(view).ok())?;
        let (name, tree, path, subset): (String, TreeHash, String, Subset) =
            serde_json::from_value(serde_json::Value::Array(note)).ok()?;
        Some(Part { node: node(&name)?, tree, path, subset, view })
    }

    /// All of a tree.
    pub(crate) fn whole(node: &str, tree: TreeHash) -> Part {
        let (path, subset) = (String::new(), Subset::default());
        Part { node: node.to_owned(), tree, path, subset, view: View::Whole }
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

/// From a name as [`crate::tree_name::name_of_tree`] writes it to that of the node.
fn node(name: &str) -> Option<String> {
    let (kind, id) = name.strip_suffix('`')?.split_once(" `")?;
    match kind {
        "source" => Some(format!("source:{id}")),
        "stage" => Some(id.to_owned()),
        _ => None,
    }
}
