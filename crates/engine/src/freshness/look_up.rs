//! Looking up what former runs left: the nodes wave by wave, each wave with one question to the backends.
//!
//! A wave is what needs nothing but earlier waves, so all of its keys are known at once. A backend behind a network costs
//! one round trip for each wave and not one for each node. Must not decide what runs.

use akbuild_nar::TreeHash;
use akbuild_recipe::plan::{Origin, Source};
use akbuild_store::{ActionOutput, Key, OutputBackend, TreeLocation};

use super::known::{Freshness, Known};
use crate::context::EngineContext;
use crate::error::EngineError;
use crate::graph::{Graph, Index, NodeId};
use crate::keys::{self, Outputs};
use crate::node_inputs::NodeInputs;
use crate::perform;
use crate::source::local;

/// Nodes that cannot be looked up, and why.
type Faults = Vec<(Index, EngineError)>;

/// What is known of each node, and all outputs that are known, whether they are there or not.
///
/// # Errors
/// That of the first node in the graph that has one.
pub(super) fn look_up(context: &EngineContext, graph: &Graph) -> Result<(Freshness, Outputs), EngineError> {
    let mut looked =
        LookUp { context, graph, freshness: Freshness::unknown(graph), outputs: Outputs::new(), faults: Faults::new() };
    for wave in waves(graph) {
        looked.look_up_wave(&wave)?;
    }
    match looked.faults.into_iter().min_by_key(|(at, _)| *at) {
        Some((_, fault)) => Err(fault),
        None => Ok((looked.freshness, looked.outputs)),
    }
}

/// The nodes by the number of nodes on the longest way to them.
fn waves(graph: &Graph) -> Vec<Vec<Index>> {
    let (mut depths, mut waves) = (vec![0; graph.len()], Vec::new());
    for at in graph.indices() {
        let depth = graph.node(at).needs.iter().map(|need| depths[need.0] + 1).max().unwrap_or(0);
        depths[at.0] = depth;
        if waves.len() <= depth {
            waves.resize_with(depth + 1, Vec::new);
        }
        waves[depth].push(at);
    }
    waves
}

struct LookUp<'a> {
    context: &'a EngineContext,
    graph: &'a Graph,
    freshness: Freshness,
    outputs: Outputs,
    faults: Faults,
}

impl LookUp<'_> {
    fn look_up_wave(&mut self, wave: &[Index]) -> Result<(), EngineError> {
        let ready: Vec<Index> = wave.iter().copied().filter(|at| self.is_ready(*at)).collect();
        self.look_up_nodes(&ready)?;
        let mut again = Vec::new();
        for at in ready {
            let is_open = self.freshness.known[at.0].is_none() && self.faults.iter().all(|(fault, _)| *fault != at);
            if is_open && make_local_sources(self.context, self.graph, at, &mut self.freshness)? {
                again.push(at);
            }
        }
        if again.is_empty() { Ok(()) } else { self.look_up_nodes(&again) }
    }

    fn is_ready(&self, at: Index) -> bool {
        let is_known = |need: &Index| is_fetch(self.graph, *need) || self.freshness.known[need.0].is_some();
        !is_fetch(self.graph, at) && self.graph.node(at).needs.iter().all(is_known)
    }

    /// Looks up these nodes, all that have keys at once.
    fn look_up_nodes(&mut self, nodes: &[Index]) -> Result<(), EngineError> {
        let (mut places, mut keys) = (Vec::new(), Vec::new());
        for &at in nodes {
            let node = &self.graph.node(at).id;
            if let NodeId::Source(id) = node {
                match self.context.source(id).and_then(|source| look_up_source(self.context, source)) {
                    Ok(known) => self.remember(at, known),
                    Err(fault) => self.faults.push((at, fault)),
                }
                continue;
            }
            match key_of(self.context, node, &self.outputs) {
                Ok(Some(key)) => {
                    places.push(at);
                    keys.push(key);
                }
                Ok(None) => {}
                Err(fault) => self.faults.push((at, fault)),
            }
        }
        for (at, known) in places.into_iter().zip(recorded(self.context, &keys)?) {
            self.remember(at, known);
        }
        Ok(())
    }

    fn remember(&mut self, at: Index, known: Option<Known>) {
        if let Some(known) = known {
            self.outputs.insert(self.graph.node(at).id.clone(), known.output);
            self.freshness.known[at.0] = Some(known);
        }
    }
}

/// The key of a node that is no source; `None` if it cannot be told before something runs.
fn key_of(context: &EngineContext, node: &NodeId, outputs: &Outputs) -> Result<Option<Key>, EngineError> {
    if let NodeId::Check(_) = node {
        return Ok(None);
    }
    if let NodeId::Sysroot(id) = node
        && context.sysroot(id)?.host.is_some()
        && let Some(error) = perform::perform(context, node, &NodeInputs::default()).error
    {
        return Err(EngineError::Sysroots(error));
    }
    match keys::manifest(context, node, outputs) {
        Ok(manifest) => Ok(Some(manifest.key())),
        // A tree that is on record and gone cannot be looked into: it is made again first.
        Err(error) => {
            let trees: Vec<TreeHash> = outputs.values().copied().collect();
            let is_gone = context.backends.locate_trees(&trees)?.contains(&TreeLocation::Nowhere);
            if is_gone { Ok(None) } else { Err(error) }
        }
    }
}

/// Makes those sources of a node whose trees are not in the store although what they are made of is. Nothing is
/// fetched for it; errors are told by the run. Says whether there was one.
fn make_local_sources(
    context: &EngineContext,
    graph: &Graph,
    at: Index,
    freshness: &mut Freshness,
) -> Result<bool, EngineError> {
    let mut made = false;
    for need in &graph.node(at).needs {
        let NodeId::Source(id) = &graph.node(*need).id else { continue };
        let gone = freshness.known[need.0].as_mut().filter(|known| !known.present);
        let Some(known) = gone.filter(|_| context.source(id).is_ok_and(|source| is_local(context, source))) else {
            continue;
        };
        let report = perform::perform(context, &graph.node(*need).id, &NodeInputs::default());
        if report.output == Some(known.output) {
            (known.present, known.is_here, made) = (true, true, true);
        }
    }
    Ok(made)
}

fn look_up_source(context: &EngineContext, source: &Source) -> Result<Option<Known>, EngineError> {
    let Some(raw) = unpatched(context, source)? else { return Ok(None) };
    if source.patches.is_empty() {
        let location = context.backends.locate_tree(&raw)?;
        return Ok(Some(known(None, ActionOutput { tree: raw, bytes: 0, files: 0, max_rss: 0 }, location)));
    }
    let key = keys::source(source, &raw).key();
    let recorded = || Ok(recorded(context, &[key])?.pop().flatten());
    let known = recorded()?;
    let is_at_hand = context.store.has_tree(&raw) || (known.is_none() && is_local(context, source));
    if known.as_ref().is_some_and(|known| known.present) || !is_at_hand {
        return Ok(known);
    }
    // Patches are quickly made, and what they give is what is asked about. Errors are told by the run.
    match perform::perform(context, &NodeId::Source(source.id.clone()), &NodeInputs::default()).error {
        None => recorded(),
        Some(_) => Ok(known),
    }
}

/// What the backends tell of these keys; `None` of one that no run on record had.
fn recorded(context: &EngineContext, keys: &[Key]) -> Result<Vec<Option<Known>>, EngineError> {
    let outputs = context.backends.find_outputs(keys)?;
    let trees: Vec<TreeHash> = outputs.iter().flatten().map(|output| output.tree).collect();
    let mut locations = context.backends.locate_trees(&trees)?.into_iter();
    let known = |(key, output): (&Key, Option<ActionOutput>)| Some(known(Some(*key), output?, locations.next()?));
    Ok(keys.iter().zip(outputs).map(known).collect())
}

fn known(key: Option<Key>, output: ActionOutput, location: TreeLocation) -> Known {
    let (present, is_here) = (location != TreeLocation::Nowhere, location == TreeLocation::Here);
    Known { key, output: output.tree, present, is_here, bytes: output.bytes, files: output.files }
}

/// Whether the tree of a source can be made without a network: it is in the store, or its commit or archive is.
pub(crate) fn is_local(context: &EngineContext, source: &Source) -> bool {
    match (&source.origin, source.hash) {
        (_, Some(hash)) if context.store.has_tree(&hash) => true,
        (Origin::Git { urls, commit, .. }, _) => {
            urls.first().is_some_and(|url| akbuild_fetch::git_has_commit(&context.git_cache(), url, commit))
        }
        (Origin::Tarball { digest, .. }, _) => context.store.has_blob(digest),
        (Origin::Path(_), _) => true,
    }
}

/// The tree of a source before any patch, where it is known without fetching anything.
pub(crate) fn unpatched(context: &EngineContext, source: &Source) -> Result<Option<TreeHash>, EngineError> {
    match (&source.origin, source.hash) {
        (_, Some(hash)) => Ok(Some(hash)),
        (Origin::Path(path), None) => local::local_tree(context, source, path).map(Some),
        (_, None) => Ok(None),
    }
}

pub(super) fn is_fetch(graph: &Graph, at: Index) -> bool {
    matches!(graph.node(at).id, NodeId::Fetch(_))
}
