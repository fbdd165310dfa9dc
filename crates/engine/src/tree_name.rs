//! The names of trees, and of parts of them, in messages and notes.

use akbuild_recipe::plan::TreeRef;

/// How a tree is named in messages and notes.
pub(crate) fn name_of_tree(tree: &TreeRef) -> String {
    match tree {
        TreeRef::Source(id) => format!("source `{id}`"),
        TreeRef::Stage(id) => format!("stage `{id}`"),
    }
}

/// A tree, or a part of one, in messages.
pub(crate) fn name_of_part(from: &TreeRef, path: &str) -> String {
    let tree = name_of_tree(from);
    if path.is_empty() { tree } else { format!("`{path}` of {tree}") }
}
