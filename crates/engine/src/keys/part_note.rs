//! The note of a field that covers a part of a tree: which part it is. A JSON list, in which the tree is named as in a
//! sentence. Only this file knows that form, for those who write keys and those who explain them. Must not depend on
//! how the part is looked up.

use akbuild_nar::TreeHash;
use akbuild_recipe::plan::{SourceId, StageId, Subset, TreeRef, View};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::tree_name;

/// A part of a tree, as a note has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PartNote(
    pub(crate) NotedTree,
    pub(crate) TreeHash,
    /// The path in the tree.
    pub(crate) String,
    pub(crate) Subset,
    /// How much of the files is seen; older records have it in the field alone.
    #[serde(default)]
    pub(crate) Option<View>,
);

impl PartNote {
    pub(crate) fn new(from: &TreeRef, tree: TreeHash, path: &str, subset: &Subset, view: View) -> Self {
        Self(NotedTree(from.clone()), tree, path.to_owned(), subset.clone(), Some(view))
    }

    /// As a record keeps it.
    pub(crate) fn to_json(&self) -> String {
        serde_json::to_string(self).expect("plain data is always JSON")
    }

    /// From the note of a record; `None` if it is not about a part of a tree.
    pub(crate) fn from_json(note: &str) -> Option<Self> {
        serde_json::from_str(note).ok()
    }
}

/// Which tree a part is taken from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NotedTree(pub(crate) TreeRef);

impl Serialize for NotedTree {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&tree_name::name_of_tree(&self.0))
    }
}

impl<'de> Deserialize<'de> for NotedTree {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        let parts = name.strip_suffix('`').and_then(|name| name.split_once(" `"));
        match parts {
            Some(("source", id)) => Ok(Self(TreeRef::Source(SourceId::new(id)))),
            Some(("stage", id)) => Ok(Self(TreeRef::Stage(StageId::new(id)))),
            _ => Err(serde::de::Error::custom("the name of neither a source nor a stage")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_are_read_as_they_are_written() {
        let (tree, subset) = (TreeHash::from([1; 32]), Subset { include: vec!["*.go".into()], ..Subset::default() });
        for from in [TreeRef::Source(SourceId::new("app")), TreeRef::Stage(StageId::new("app"))] {
            let note = PartNote::new(&from, tree, "src", &subset, View::GoImports);
            assert_eq!(PartNote::from_json(&note.to_json()), Some(note));
        }
        let text = serde_json::to_string(&("source `app`", tree, "src", &subset)).unwrap();
        let older = PartNote::from_json(&text).unwrap();
        assert_eq!(older, PartNote(NotedTree(TreeRef::Source(SourceId::new("app"))), tree, "src".into(), subset, None));
        assert_eq!(PartNote::from_json("build"), None);
    }
}
