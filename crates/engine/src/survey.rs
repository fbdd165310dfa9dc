//! Before anything runs: what is known already, and what therefore has to run.
//!
//! Reads the store, runs no stage and asks no network. Sources are made if that decides something and all that they are
//! made of is here: local folders, patches of trees in the store, commits and archives that were fetched before. So are
//! the bare roots of this machine. Their contents are what is asked about.

pub(crate) mod downloads;
pub(crate) mod estimate;
pub(crate) mod input;
pub(crate) mod inspect;
pub(crate) mod would_run;

use akbuild_nar::TreeHash;
use akbuild_recipe::plan::{Origin, Source};
use akbuild_store::Key;

use crate::engine::Engine;
use crate::error::EngineError;
use crate::graph::{Graph, Index, NodeId};
use crate::keys::{self, Outputs};
use crate::node_inputs::NodeInputs;
use crate::perform;
use crate::source::local;

/// So many former runs of a stage are held against what it would be made from.
const RUNS: u32 = 20;

/// What is known of each node, and which of them have to run.
#[derive(Debug, Default)]
pub struct Survey {
    /// By the node's place: its key and output, where a former run tells.
    pub known: Vec<Option<Known>>,
    /// By the node's place: whether it has to run, as far as can be told before anything has.
    pub run: Vec<bool>,
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

/// Looks at each node, those needed first.
pub fn survey(engine: &Engine, graph: &Graph, targets: &[Index]) -> Result<Survey, EngineError> {
    let _hold = engine.store.hold()?;
    let (known, run, may) = (vec![None; graph.len()], vec![false; graph.len()], vec![false; graph.len()]);
    let mut survey = Survey { known, run, may };
    let mut outputs = Outputs::new();
    for at in graph.indices() {
        let node = graph.node(at);
        let ready = node.needs.iter().all(|n| is_fetch(graph, *n) || survey.known[n.0].is_some());
        if !ready || is_fetch(graph, at) {
            continue;
        }
        let mut known = look_up(engine, &node.id, &outputs)?;
        if known.is_none() && make_local_sources(engine, graph, at, &mut survey)? {
            known = look_up(engine, &node.id, &outputs)?;
        }
        if let Some(known) = known {
            outputs.insert(node.id.clone(), known.output);
            survey.known[at.0] = Some(known);
        }
    }
    survey.demand(
        graph,
        targets.to_vec(),
        |at| matches!(&graph.node(at).id, NodeId::Stage(id) if engine.options.rebuild.contains(id)),
    );
    for at in graph.indices().filter(|at| survey.run[at.0]) {
        survey.may[at.0] = may_be_cached(engine, graph, at, &survey, &outputs)?;
    }
    Ok(survey)
}

/// Makes those sources of a node whose trees are not in the store although what they are made of is. Nothing is
/// fetched for it; errors are told by the run. Says whether there was one.
fn make_local_sources(engine: &Engine, graph: &Graph, at: Index, survey: &mut Survey) -> Result<bool, EngineError> {
    let mut made = false;
    for need in &graph.node(at).needs {
        let NodeId::Source(id) = &graph.node(*need).id else { continue };
        let gone = survey.known[need.0].as_mut().filter(|known| !known.present);
        let Some(known) = gone.filter(|_| engine.source(id).is_ok_and(|source| is_local(engine, source))) else {
            continue;
        };
        let report = perform::perform(engine, &graph.node(*need).id, &NodeInputs::default());
        if report.output == Some(known.output) {
            (known.present, made) = (true, true);
        }
    }
    Ok(made)
}

/// Whether the tree of a source can be made without a network: it is in the store, or its commit or archive is.
pub(crate) fn is_local(engine: &Engine, source: &Source) -> bool {
    match (&source.origin, source.hash) {
        (_, Some(hash)) if engine.store.has_tree(&hash) => true,
        (Origin::Git { urls, commit, .. }, _) => {
            urls.first().is_some_and(|url| akbuild_fetch::git_has_commit(&engine.git_cache(), url, commit))
        }
        (Origin::Tarball { digest, .. }, _) => engine.store.has_blob(digest),
        (Origin::Path(_), _) => true,
    }
}

/// Whether a stage that has to run may be cached once what it needs is made: a former run of it has the key that
/// the stage gets if its inputs become what they were then.
fn may_be_cached(
    engine: &Engine,
    graph: &Graph,
    at: Index,
    survey: &Survey,
    outputs: &Outputs,
) -> Result<bool, EngineError> {
    let node = &graph.node(at).id;
    let NodeId::Stage(stage) = node else { return Ok(false) };
    let needs = || graph.node(at).needs.iter().filter(|need| !is_fetch(graph, **need));
    let is_known = |need: &Index| survey.known[need.0].is_some();
    if survey.known[at.0].is_some() || engine.options.rebuild.contains(stage) {
        return Ok(false);
    }
    if needs().all(is_known) && keys::manifest(engine, node, outputs).is_ok() {
        return Ok(false);
    }
    let is_open = |need: &&Index| survey.known[need.0].as_ref().is_none_or(|known| !known.present);
    let open: Vec<&NodeId> = needs().filter(is_open).map(|need| &graph.node(*need).id).collect();
    for action in engine.store.stage_actions(&engine.plan.name, &node.to_string(), RUNS)? {
        let mut then = outputs.clone();
        for need in &open {
            match action.inputs.get(&need.to_string()) {
                Some(tree) => drop(then.insert((*need).clone(), *tree)),
                None => drop(then.remove(*need)),
            }
        }
        let fits = keys::manifest(engine, node, &then).is_ok_and(|manifest| manifest.key() == action.key);
        if fits && engine.store.has_tree(&action.output) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// What a former run tells of a node; `None` if no run with its key is on record.
fn look_up(engine: &Engine, node: &NodeId, outputs: &Outputs) -> Result<Option<Known>, EngineError> {
    if let NodeId::Check(_) = node {
        return Ok(None);
    }
    if let NodeId::Source(id) = node {
        return look_up_source(engine, engine.source(id)?);
    }
    if let NodeId::Sysroot(id) = node
        && engine.sysroot(id)?.host.is_some()
        && let Some(error) = perform::perform(engine, node, &NodeInputs::default()).error
    {
        return Err(EngineError::Sysroots(error));
    }
    let manifest = match keys::manifest(engine, node, outputs) {
        Ok(manifest) => manifest,
        // A tree that is on record and no longer there cannot be looked into: it is made again first.
        Err(_) if outputs.values().any(|tree| !engine.store.has_tree(tree)) => return Ok(None),
        Err(error) => return Err(error),
    };
    recorded(engine, manifest.key())
}

/// The tree of a source before any patch, where it is known without fetching anything.
pub(crate) fn unpatched(engine: &Engine, source: &Source) -> Result<Option<TreeHash>, EngineError> {
    match (&source.origin, source.hash) {
        (_, Some(hash)) => Ok(Some(hash)),
        (Origin::Path(path), None) => local::local_tree(engine, source, path).map(Some),
        (_, None) => Ok(None),
    }
}

fn look_up_source(engine: &Engine, source: &Source) -> Result<Option<Known>, EngineError> {
    let Some(raw) = unpatched(engine, source)? else { return Ok(None) };
    if source.patches.is_empty() {
        let present = engine.store.has_tree(&raw);
        return Ok(Some(Known { key: None, output: raw, present, bytes: 0, files: 0 }));
    }
    let key = keys::source(source, &raw).key();
    let known = recorded(engine, key)?;
    let is_at_hand = engine.store.has_tree(&raw) || (known.is_none() && is_local(engine, source));
    if known.as_ref().is_some_and(|known| known.present) || !is_at_hand {
        return Ok(known);
    }
    // Patches are quickly made, and what they give is what is asked about. Errors are told by the run.
    match perform::perform(engine, &NodeId::Source(source.id.clone()), &NodeInputs::default()).error {
        None => recorded(engine, key),
        Some(_) => Ok(known),
    }
}

fn recorded(engine: &Engine, key: Key) -> Result<Option<Known>, EngineError> {
    let Some(action) = engine.store.action(&key)? else { return Ok(None) };
    let present = engine.store.has_tree(&action.output);
    Ok(Some(Known { key: Some(key), output: action.output, present, bytes: action.bytes, files: action.files }))
}

fn is_fetch(graph: &Graph, at: Index) -> bool {
    matches!(graph.node(at).id, NodeId::Fetch(_))
}
