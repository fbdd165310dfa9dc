//! What trees and downloads are called: by the nodes that they were made for, and by what they are downloads of.
//! Knows records.

use std::collections::{BTreeSet, HashMap};

use akbuild_nar::{Digest, TreeHash};
use akbuild_store::{Store, Thing};

use crate::failure::Outcome;

/// The projects and nodes of trees, the package URLs of downloads.
pub(super) struct Names {
    trees: HashMap<TreeHash, BTreeSet<(String, String)>>,
    blobs: HashMap<Digest, String>,
}

impl Names {
    /// As the records have it now; what is removed later is named too.
    pub(super) fn read(store: &Store) -> Outcome<Self> {
        let mut names = Names { trees: HashMap::new(), blobs: HashMap::new() };
        // A damaged index knows nothing.
        for tree in store.trees().unwrap_or_default() {
            names.trees.entry(tree.hash).or_default().extend(tree.names);
        }
        let mut lists = BTreeSet::new();
        for action in store.actions().unwrap_or_default() {
            let project = action.project;
            names.trees.entry(action.output).or_default().insert((project.clone(), action.stage));
            for (node, tree) in action.inputs {
                names.trees.entry(tree).or_default().insert((project.clone(), node));
            }
            lists.extend(action.artifacts);
        }
        for list in lists {
            let artifacts = store.artifacts(&list)?.unwrap_or_default();
            names.blobs.extend(artifacts.into_iter().map(|artifact| (artifact.digest, artifact.name)));
        }
        Ok(names)
    }

    /// The same with projects, for programs.
    pub(super) fn about(&self, thing: &Thing) -> Vec<String> {
        match thing {
            Thing::Tree(tree) | Thing::Listing(tree) => {
                let nodes = self.trees.get(tree).into_iter().flatten();
                nodes.map(|(project, node)| format!("{project}/{node}")).collect()
            }
            _ => self.of(thing),
        }
    }

    /// What something is called.
    pub(super) fn of(&self, thing: &Thing) -> Vec<String> {
        match thing {
            Thing::Tree(tree) | Thing::Listing(tree) => {
                self.trees.get(tree).into_iter().flatten().map(|(_, node)| node.clone()).collect()
            }
            Thing::Blob(digest) => self.blobs.get(digest).cloned().into_iter().collect(),
            _ => Vec::new(),
        }
    }

    /// What to type to have a tree again.
    pub(super) fn command(&self, tree: &TreeHash) -> Option<String> {
        let (project, node) = self.trees.get(tree)?.first()?;
        Some(match node.contains(':') {
            true => format!("`akbuild all` in the project `{project}`"),
            false => format!("`akbuild build {node}` in the project `{project}`"),
        })
    }
}
