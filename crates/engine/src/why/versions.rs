//! Who made a tree and when, and what a node was made from: the store's records, asked the way explanations need it.

use std::collections::BTreeMap;

use akbuild_nar::TreeHash;
use akbuild_recipe::plan::{SourceId, SysrootId};
use akbuild_store::{Action, Artifact, Key, Store, StoreError};

use super::cause::Made;
use crate::artifacts::named;
use crate::graph::NodeId;
use crate::keys::manifest::Manifest;
use crate::node_input_name::NodeInputName;

/// A node at one time: what decided its output.
pub(crate) struct Version {
    pub(crate) manifest: Manifest,
    /// The trees it was made from, by the nodes that gave them.
    pub(crate) inputs: BTreeMap<NodeInputName, TreeHash>,
    /// The packages it could use, names and versions; `None` if that is not known.
    pub(crate) packages: Option<Vec<(String, String)>>,
    pub(crate) made: Made,
}

impl Version {
    /// As it was recorded; `None` if its manifest cannot be read.
    pub(crate) fn of(action: &Action, store: &Store) -> Option<Self> {
        let made = Made {
            key: Some(action.key),
            output: Some(action.output),
            created: Some(action.created),
            build: action.build.clone(),
        };
        let manifest = Manifest::from_json(&action.manifest).ok()?;
        let list = action.artifacts.and_then(|list| store.artifacts(&list).ok().flatten());
        let packages = list.map(|list| names(&list));
        let inputs = action.inputs.iter().map(|(name, tree)| (NodeInputName::from(&**name), *tree)).collect();
        Some(Version { manifest, inputs, packages, made })
    }

    /// As it would be made now.
    pub(crate) fn now(manifest: Manifest, inputs: BTreeMap<NodeInputName, TreeHash>) -> Self {
        let made = Made { key: Some(manifest.key()), ..Made::default() };
        Version { manifest, inputs, packages: None, made }
    }

    /// The sysroot that gave a tree.
    pub(crate) fn giving_sysroot(&self, tree: &TreeHash) -> Option<&SysrootId> {
        self.inputs.iter().filter(|(_, hash)| *hash == tree).find_map(|(name, _)| match name {
            NodeInputName::Output(NodeId::Sysroot(id)) => Some(id),
            _ => None,
        })
    }

    /// The source that was this tree before it was patched.
    pub(crate) fn giving_source(&self, tree: &TreeHash) -> Option<&SourceId> {
        self.inputs.iter().filter(|(_, hash)| *hash == tree).find_map(|(name, _)| match name {
            NodeInputName::Unpatched(id) | NodeInputName::Output(NodeId::Source(id)) => Some(id),
            NodeInputName::Output(_) => None,
        })
    }
}

/// Names and versions of packages.
pub(crate) fn names(list: &[Artifact]) -> Vec<(String, String)> {
    list.iter().map(|artifact| named(&artifact.name)).collect()
}

/// Records of one project.
pub(crate) struct Records<'a> {
    pub(crate) store: &'a Store,
    pub(crate) project: &'a str,
}

impl Records<'_> {
    /// A node as it was used last: built, or found in the store.
    pub(crate) fn last(&self, node: &NodeId) -> Result<Option<Action>, StoreError> {
        let name = node.to_string();
        for (_, run) in self.store.runs(self.project, &name, 20)? {
            if let (Some(key), Some(_)) = (run.key, run.output)
                && let Some(action) = self.store.action(&key)?
            {
                return Ok(Some(action));
            }
        }
        self.store.last_action(self.project, &name)
    }

    /// The run that is on record before this one.
    pub(crate) fn before(&self, action: &Action) -> Result<Option<Action>, StoreError> {
        let all = self.store.stage_actions(self.project, &action.stage, 1000)?;
        Ok(all.into_iter().skip_while(|a| a.key != action.key).nth(1))
    }

    /// What made a tree: the newest run of the node that left it, if it can be, none that ended after `until`.
    pub(crate) fn maker(&self, node: &NodeId, tree: &TreeHash, until: u64) -> Result<Option<Action>, StoreError> {
        let (name, mut makers) = (node.to_string(), self.store.makers(tree)?);
        makers.retain(|action| action.stage == name && action.project == self.project);
        let at = makers.iter().position(|action| action.created <= until).unwrap_or(0);
        if at < makers.len() {
            return Ok(Some(makers.swap_remove(at)));
        }
        // A later run of the same key left other bytes, and its record stands in the place of this one's.
        match self.store.key_of_output(self.project, &name, tree)? {
            Some(key) => self.store.action(&key),
            None => Ok(None),
        }
    }

    /// Another output that a key has had.
    pub(crate) fn other_output(&self, node: &str, key: &Key, not: &TreeHash) -> Result<Option<TreeHash>, StoreError> {
        let runs = self.store.runs(self.project, node, 1000)?.into_iter().map(|(_, run)| run);
        Ok(runs.filter(|run| run.key == Some(*key)).filter_map(|run| run.output).find(|output| output != not))
    }
}
