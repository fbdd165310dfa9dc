//! Why nodes would run now: what the store knows of them against how they were used last. Of a node that needs
//! another one to be made first it is told what differs anyway, and that the rest follows.

use std::collections::BTreeMap;

use akbuild_nar::TreeHash;
use akbuild_recipe::plan::{Origin, Source};
use akbuild_store::Action;

use crate::context::EngineContext;
use crate::error::EngineError;
use crate::freshness::Freshness;
use crate::graph::{Graph, Index, NodeId};
use crate::keys::Outputs;
use crate::node_input_name::NodeInputName;
use crate::why::{Cause, Detail, Explainer, State, Version, Why, names, records};
use crate::{artifacts, keys};

/// Explanations of some nodes of a graph.
#[derive(Debug, Default)]
pub struct Reasons {
    /// Why, and what that follows from.
    pub why: Why,
    /// By the node's place in the graph: its place in [`Why::nodes`].
    pub places: Vec<Option<usize>>,
}

struct Now<'a> {
    context: &'a EngineContext,
    graph: &'a Graph,
    freshness: &'a Freshness,
    explainer: Explainer<'a>,
    places: Vec<Option<usize>>,
}

/// Why these nodes would run, or ran the last time if they would not; and all that it follows from. With what
/// each file's difference is, line by line.
pub fn why(
    context: &EngineContext,
    graph: &Graph,
    freshness: &Freshness,
    nodes: &[Index],
) -> Result<Reasons, EngineError> {
    reasons(context, graph, freshness, nodes, Detail::Hunks)
}

/// The same without the differences of files.
pub fn why_in_short(
    context: &EngineContext,
    graph: &Graph,
    freshness: &Freshness,
    nodes: &[Index],
) -> Result<Reasons, EngineError> {
    reasons(context, graph, freshness, nodes, Detail::Line)
}

fn reasons(
    context: &EngineContext,
    graph: &Graph,
    freshness: &Freshness,
    nodes: &[Index],
    detail: Detail,
) -> Result<Reasons, EngineError> {
    let mut explainer = Explainer::new(records(context), detail);
    for at in graph.indices() {
        if let Some(key) = freshness.known[at.0].as_ref().and_then(|known| known.key) {
            explainer.keys.insert(graph.node(at).id.clone(), key);
        }
    }
    let mut now = Now { context, graph, freshness, explainer, places: vec![None; graph.len()] };
    for at in nodes {
        now.explain(*at)?;
    }
    Ok(Reasons { why: now.explainer.why, places: now.places })
}

impl Now<'_> {
    fn explain(&mut self, at: Index) -> Result<usize, EngineError> {
        if let Some(place) = self.places[at.0] {
            return Ok(place);
        }
        let would_run = self.freshness.run[at.0];
        let node = self.graph.node(at).id.clone();
        let state = match (would_run, self.freshness.may[at.0]) {
            (false, _) => State::Ran,
            (true, false) => State::WouldRun,
            (true, true) => State::MayRun,
        };
        let place = self.explainer.place(&node, state);
        self.places[at.0] = Some(place);
        let known = self.freshness.known[at.0].clone();
        match known {
            Some(known) if !would_run => {
                if let Some(key) = known.key
                    && let Some(action) = self.context.store.action(&key)?
                {
                    self.explainer.ran(place, &action)?;
                }
            }
            Some(known) if known.present => self.explainer.why.nodes[place].causes = vec![Cause::AskedFor],
            Some(known) => {
                self.explainer.why.nodes[place].causes = vec![match &node {
                    NodeId::Source(id) => not_fetched(self.context.source(id)?),
                    _ => Cause::Gone { output: Some(known.output) },
                }];
            }
            None => self.unknown(place, at, &node)?,
        }
        Ok(place)
    }

    /// Why a node would run that has no output for what it would be made from now, if that is known at all.
    fn unknown(&mut self, place: usize, at: Index, node: &NodeId) -> Result<(), EngineError> {
        if matches!(node, NodeId::Source(_) | NodeId::Fetch(_)) {
            self.explainer.why.nodes[place].causes = vec![match node {
                NodeId::Source(id) => not_fetched(self.context.source(id)?),
                _ => Cause::Gone { output: None },
            }];
            return Ok(());
        }
        let last = self.explainer.records.last(node)?;
        let pending = self.pending(at);
        if pending.is_empty() {
            let outputs = self.freshness.outputs(self.graph);
            let mut new = Version::now(keys::manifest(self.context, node, &outputs)?, self.inputs(at, &outputs));
            new.packages = artifacts::would_use(self.context, node, &outputs).map(|list| names(&list));
            return self.explainer.would_run(place, new);
        }
        let Some(last) = last else {
            self.explainer.why.nodes[place].causes = vec![Cause::NeverBuilt];
            return Ok(());
        };
        let mut causes = self.own(at, node, &last, &pending)?;
        for need in pending {
            let name = self.graph.node(need).id.clone();
            causes.push(Cause::Follows { node: self.explain(need)?, name, files: None });
        }
        let old = Version::of(&last, &self.context.store);
        self.explainer.tell(place, causes, old, None);
        Ok(())
    }

    /// What the node needs and what has to be made first.
    fn pending(&self, at: Index) -> Vec<Index> {
        let is_pending = |need: &&Index| {
            let known = &self.freshness.known[need.0];
            !matches!(self.graph.node(**need).id, NodeId::Fetch(_)) && known.as_ref().is_none_or(|k| !k.present)
        };
        self.graph.node(at).needs.iter().filter(is_pending).copied().collect()
    }

    fn inputs(&self, at: Index, outputs: &Outputs) -> BTreeMap<NodeInputName, TreeHash> {
        let needs = self.graph.node(at).needs.iter().map(|need| &self.graph.node(*need).id);
        needs.filter_map(|id| Some((NodeInputName::Output(id.clone()), *outputs.get(id)?))).collect()
    }

    /// What differs whatever becomes of the pending nodes: as if they left what they left the last time.
    fn own(&mut self, at: Index, node: &NodeId, last: &Action, pending: &[Index]) -> Result<Vec<Cause>, EngineError> {
        let mut outputs = self.freshness.outputs(self.graph);
        for need in pending {
            let id = &self.graph.node(*need).id;
            let Some(tree) = last.inputs.get(&id.to_string()) else { return Ok(Vec::new()) };
            outputs.insert(id.clone(), *tree);
        }
        let Some(old) = Version::of(last, &self.context.store) else { return Ok(Vec::new()) };
        // A tree that cannot be looked into tells nothing.
        let Ok(manifest) = keys::manifest(self.context, node, &outputs) else { return Ok(Vec::new()) };
        let inputs = self.inputs(at, &outputs);
        self.explainer.compare(&old, &Version::now(manifest, inputs))
    }
}

/// That a source is not here, and what it is.
fn not_fetched(source: &Source) -> Cause {
    let pin = match &source.origin {
        Origin::Git { reference: Some(reference), commit, .. } => format!("commit {} ({reference})", short(commit)),
        Origin::Git { commit, .. } => format!("commit {}", short(commit)),
        Origin::Tarball { digest, .. } => format!("archive {digest}"),
        Origin::Path(path) => format!("what is in `{}`", path.display()),
    };
    Cause::NotFetched { pin }
}

/// A commit as git abbreviates it.
fn short(commit: &str) -> &str {
    commit.get(..10).unwrap_or(commit)
}
