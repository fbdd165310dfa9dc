//! What is known of the nodes of a run before anything runs, and what the run demands of them. Must not depend on how it
//! is found out.

use akbuild_nar::TreeHash;
use akbuild_store::Key;

use crate::graph::{Graph, Index};
use crate::keys::Outputs;

/// What is known of each node, and which of them have to run.
#[derive(Debug, Default)]
pub struct Freshness {
    /// By the node's place: its key and output, where a former run tells.
    pub known: Vec<Option<Known>>,
    /// By the node's place: whether it has to run, as far as can be told before anything has.
    pub run: Vec<bool>,
    /// By the node's place: whether the run uses its output. It is a target, or something that runs needs it.
    pub(crate) used: Vec<bool>,
    /// By the node's place, of those in `run`: whether it may be cached after all. Something that it needs runs first,
    /// and a former run fits if that leaves the bytes that it left then.
    pub may: Vec<bool>,
}

/// A node that ran before with the same key.
#[derive(Clone, Debug)]
pub struct Known {
    /// The key; a source that is pinned and not patched has none.
    pub key: Option<Key>,
    /// The output.
    pub output: TreeHash,
    /// Whether the output is in the store, or a backend says that it can bring it.
    pub present: bool,
    /// Whether it is in the store.
    pub is_here: bool,
    /// The output's size in bytes.
    pub bytes: u64,
    /// Files in it.
    pub files: u64,
}

impl Freshness {
    pub(super) fn unknown(graph: &Graph) -> Self {
        let no = || vec![false; graph.len()];
        Self { known: vec![None; graph.len()], run: no(), used: no(), may: no() }
    }

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
            self.used[at.0] = true;
            let there = self.known[at.0].as_ref().is_some_and(|known| known.present);
            if self.run[at.0] || (there && !forced(at)) {
                continue;
            }
            self.run[at.0] = true;
            open.extend(&graph.node(at).needs);
        }
    }
}
