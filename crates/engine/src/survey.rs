//! Before anything runs: what is known already, and what therefore has to run.
//!
//! Reads the store, runs nothing; only unpinned local trees, patches of sources that are there, and the bare roots of
//! this machine are brought in, since their contents are what is asked about.

use akbuild_nar::TreeHash;
use akbuild_recipe::plan::{Origin, Source};
use akbuild_store::Key;

use crate::engine::Engine;
use crate::error::EngineError;
use crate::graph::{Graph, Index, NodeId};
use crate::keys::{self, Keys, Outputs, Parts};
use crate::manifest::Manifest;

/// What is known of each node, and which of them have to run.
#[derive(Debug, Default)]
pub struct Survey {
    /// By the node's place: its key and output, where a former run tells.
    pub known: Vec<Option<Known>>,
    /// By the node's place: whether it has to run, as far as can be told before anything has.
    pub run: Vec<bool>,
}

/// A node that ran before with the same key.
#[derive(Clone, Debug)]
pub struct Known {
    /// The key; a source that is pinned and not patched has none.
    pub key: Option<Key>,
    /// The output.
    pub output: TreeHash,
    /// Whether the output is in the store.
    pub present: bool,
    /// The output's size in bytes.
    pub bytes: u64,
    /// Files in it.
    pub files: u64,
}

impl Survey {
    /// The outputs that are known and there.
    pub fn outputs(&self, graph: &Graph) -> Outputs {
        let present = |at: Index| {
            let known = self.known[at.0].as_ref().filter(|k| k.present)?;
            Some((graph.node(at).id.clone(), known.output))
        };
        graph.indices().filter_map(present).collect()
    }

    /// Has these nodes run, and what they need, as far as it is not there; `forced` ones even so.
    pub(crate) fn demand(&mut self, graph: &Graph, mut open: Vec<Index>, forced: impl Fn(Index) -> bool) {
        while let Some(at) = open.pop() {
            let there = self.known[at.0].as_ref().is_some_and(|known| known.present);
            if self.run[at.0] || (there && !forced(at)) {
                continue;
            }
            self.run[at.0] = true;
            open.extend(&graph.node(at).needs);
        }
    }
}

impl Engine {
    /// Looks at each node, those needed first.
    pub fn survey(&self, graph: &Graph, targets: &[Index]) -> Result<Survey, EngineError> {
        let _hold = self.store.hold()?;
        let mut survey = Survey { known: vec![None; graph.len()], run: vec![false; graph.len()] };
        let mut outputs = Outputs::new();
        for at in graph.indices() {
            let node = graph.node(at);
            let ready = node.needs.iter().all(|n| is_fetch(graph, *n) || survey.known[n.0].is_some());
            if !ready || is_fetch(graph, at) {
                continue;
            }
            if let Some(known) = self.look_up(&node.id, &outputs)? {
                outputs.insert(node.id.clone(), known.output);
                survey.known[at.0] = Some(known);
            }
        }
        survey.demand(
            graph,
            targets.to_vec(),
            |at| matches!(&graph.node(at).id, NodeId::Stage(id) if self.options.rebuild.contains(id)),
        );
        Ok(survey)
    }

    /// What a former run tells of a node; `None` if no run with its key is on record.
    fn look_up(&self, node: &NodeId, outputs: &Outputs) -> Result<Option<Known>, EngineError> {
        if let NodeId::Check(_) = node {
            return Ok(None);
        }
        if let NodeId::Source(id) = node {
            return self.look_up_source(self.source(id)?);
        }
        if let NodeId::Sysroot(id) = node
            && self.sysroot(id)?.host.is_some()
            && let Some(error) = self.perform(node, outputs).error
        {
            return Err(EngineError::Sysroots(error));
        }
        let manifest = match self.manifest(node, outputs) {
            Ok(manifest) => manifest,
            // A tree that is on record and no longer there cannot be looked into: it is made again first.
            Err(_) if outputs.values().any(|tree| !self.store.has_tree(tree)) => return Ok(None),
            Err(error) => return Err(error),
        };
        self.recorded(manifest.key())
    }

    /// The tree of a source before any patch, where it is known without fetching anything.
    pub(crate) fn unpatched(&self, source: &Source) -> Result<Option<TreeHash>, EngineError> {
        match (&source.origin, source.hash) {
            (_, Some(hash)) => Ok(Some(hash)),
            (Origin::Path(path), None) => self.local_tree(source, path).map(Some),
            (_, None) => Ok(None),
        }
    }

    fn look_up_source(&self, source: &Source) -> Result<Option<Known>, EngineError> {
        let Some(raw) = self.unpatched(source)? else { return Ok(None) };
        if source.patches.is_empty() {
            let present = self.store.has_tree(&raw);
            return Ok(Some(Known { key: None, output: raw, present, bytes: 0, files: 0 }));
        }
        let key = keys::source(source, &raw).key();
        let known = self.recorded(key)?;
        if known.as_ref().is_some_and(|known| known.present) || !self.store.has_tree(&raw) {
            return Ok(known);
        }
        // Patches are quickly made, and what they give is what is asked about. Errors are told by the run.
        match self.perform(&NodeId::Source(source.id.clone()), &Outputs::new()).error {
            None => self.recorded(key),
            Some(_) => Ok(known),
        }
    }

    fn recorded(&self, key: Key) -> Result<Option<Known>, EngineError> {
        let Some(action) = self.store.action(&key)? else { return Ok(None) };
        let present = self.store.has_tree(&action.output);
        Ok(Some(Known { key: Some(key), output: action.output, present, bytes: action.bytes, files: action.files }))
    }

    /// The manifest of a node that is no source, from the outputs of what it needs.
    pub fn manifest(&self, node: &NodeId, outputs: &Outputs) -> Result<Manifest, EngineError> {
        let keys = Keys { store: &self.store, parts: Parts::Content, plan: &self.plan, outputs };
        match node {
            NodeId::Sysroot(id) => Ok(keys::sysroot(self.sysroot(id)?)),
            NodeId::Tool(id) => Ok(keys::tool(self.tool(id)?)),
            NodeId::Stage(id) => keys.stage(self.stage(id)?),
            NodeId::Source(_) | NodeId::Fetch(_) | NodeId::Check(_) => {
                Err(EngineError::Bug(format!("{node} has no manifest of this kind")))
            }
        }
    }
}

fn is_fetch(graph: &Graph, at: Index) -> bool {
    matches!(graph.node(at).id, NodeId::Fetch(_))
}
