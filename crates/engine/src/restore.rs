//! Making again what the store has lost: trees by the nodes that make them, downloads by fetching them, lists of
//! downloads from what was fetched. Only what the plan names: nothing else says how it was made.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Instant;

use akbuild_fetch::Wanted;
use akbuild_nar::{Digest, TreeHash};
use akbuild_recipe::plan::{Origin, StageId, Step};

use crate::context::EngineContext;
use crate::download::download;
use crate::error::EngineError;
use crate::event::{Event, Report, Status};
use crate::freshness::Freshness;
use crate::graph::{Graph, Index, NodeId};
use crate::run::Outcome;
use crate::{artifacts, freshness, run, source, sysroot, tool};

/// How many records of a stage are asked what it could use.
const RECORDS: u32 = 20;

/// What the store does not have any more.
#[derive(Clone, Debug, Default)]
pub struct Lost {
    /// Trees.
    pub trees: HashSet<TreeHash>,
    /// Downloads.
    pub blobs: HashSet<Digest>,
    /// Lists of downloads.
    pub lists: HashSet<Digest>,
}

/// What was done about it.
#[derive(Debug, Default)]
pub struct Restored {
    /// The reports of all nodes that ran.
    pub reports: Vec<Report>,
    /// The nodes that had made lost trees, each with the tree that it had made and the one that it has made now.
    pub made: Vec<(NodeId, TreeHash, Option<TreeHash>)>,
}

/// Makes again what the plan names of it. That something could not be made is in the reports.
///
/// # Errors
/// As [`EngineContext::run`].
pub async fn restore(context: &Arc<EngineContext>, lost: &Lost) -> Result<Restored, EngineError> {
    let mut restored = Restored::default();
    restore_trees(context, &lost.trees, &mut restored).await?;
    restore_blobs(context, &lost.blobs, &mut restored).await?;
    restore_lists(context, lost, &mut restored).await?;
    Ok(restored)
}

/// What a node has made can often be told only when what it needs is there again: the rounds go on until
/// nothing more can be told.
async fn restore_trees(
    context: &Arc<EngineContext>,
    lost: &HashSet<TreeHash>,
    to: &mut Restored,
) -> Result<(), EngineError> {
    let mut left = lost.clone();
    while !left.is_empty() && !context.cancel.is_thrown() {
        let graph = whole_graph(context)?;
        let freshness = freshness::freshness(context, &graph, &[])?;
        let mut found: Vec<(Index, TreeHash)> =
            graph.indices().filter_map(|at| Some((at, lost_by(context, &graph, at, &freshness, &left)?))).collect();
        if found.is_empty() {
            found = remembered(context, &graph, &freshness, &left)?;
        }
        if found.is_empty() {
            break;
        }
        let nodes: Vec<_> = found.iter().map(|(at, tree)| (graph.node(*at).id.clone(), *tree)).collect();
        let outcome = run_these(context, graph, freshness, found.iter().map(|(at, _)| *at).collect()).await?;
        for (node, tree) in nodes {
            left.remove(&tree);
            let report = outcome.reports.iter().find(|report| report.node == node && report.status != Status::Cached);
            to.made.push((node, tree, report.and_then(|report| report.output)));
        }
        to.reports.extend(ran(outcome));
    }
    Ok(())
}

/// The lost tree that a node had made; of a source with patches also the one without.
fn lost_by(
    context: &EngineContext,
    graph: &Graph,
    at: Index,
    freshness: &Freshness,
    lost: &HashSet<TreeHash>,
) -> Option<TreeHash> {
    let known = freshness.known[at.0].as_ref().filter(|known| !known.is_here).map(|known| known.output);
    let raw = match &graph.node(at).id {
        NodeId::Source(id) => context.source(id).ok()?.hash.filter(|hash| !context.store.has_tree(hash)),
        _ => None,
    };
    known.into_iter().chain(raw).find(|tree| lost.contains(tree))
}

/// Stages of which nothing can be told without making what they need, and whose records name a lost tree.
fn remembered(
    context: &EngineContext,
    graph: &Graph,
    freshness: &Freshness,
    lost: &HashSet<TreeHash>,
) -> Result<Vec<(Index, TreeHash)>, EngineError> {
    let mut found = Vec::new();
    for at in graph.indices().filter(|at| freshness.known[at.0].is_none()) {
        let NodeId::Stage(id) = &graph.node(at).id else { continue };
        let last = context.store.last_action(&context.plan.name, id.as_str())?;
        found.extend(last.filter(|last| lost.contains(&last.output)).map(|last| (at, last.output)));
    }
    Ok(found)
}

async fn restore_blobs(
    context: &Arc<EngineContext>,
    lost: &HashSet<Digest>,
    to: &mut Restored,
) -> Result<(), EngineError> {
    for (node, mut wanted) in wanted(context, lost)? {
        wanted.retain(|wanted| lost.contains(&wanted.digest));
        if wanted.is_empty() {
            continue;
        }
        context.sink.event(Event::Started { node: node.clone() });
        let (begun, files) = (Instant::now(), wanted.len() as u64);
        let mut report = Report::new(node.clone(), Status::Built);
        match download(context, &node, wanted).await {
            Ok(()) => report.files = files,
            Err(error) => (report.status, report.error) = (Status::Failed, Some(error.to_string())),
        }
        report.seconds = begun.elapsed().as_secs_f64();
        context.sink.event(Event::Finished(Box::new(report.clone())));
        to.reports.push(report);
    }
    Ok(())
}

/// The downloads of sources, sysroots and tools.
fn wanted(context: &EngineContext, lost: &HashSet<Digest>) -> Result<Vec<(NodeId, Vec<Wanted>)>, EngineError> {
    let mut all = Vec::new();
    if lost.is_empty() {
        return Ok(all);
    }
    for source in &context.plan.sources {
        if let Origin::Tarball { urls, digest } = &source.origin {
            all.push((NodeId::Source(source.id.clone()), vec![source::archive(source, urls, *digest)?]));
        }
    }
    for sysroot in &context.plan.sysroots {
        all.push((NodeId::Sysroot(sysroot.id.clone()), sysroot::packages(context, sysroot)?));
    }
    for tool in &context.plan.tools {
        all.push((NodeId::Tool(tool.id.clone()), vec![tool::tool_package(context, tool)?]));
    }
    Ok(all)
}

/// Downloads what registries serve, and writes the lists.
async fn restore_lists(context: &Arc<EngineContext>, lost: &Lost, to: &mut Restored) -> Result<(), EngineError> {
    let sysroots = context.plan.sysroots.iter().map(|sysroot| NodeId::Sysroot(sysroot.id.clone()));
    let tools = context.plan.tools.iter().map(|tool| NodeId::Tool(tool.id.clone()));
    for node in sysroots.chain(tools) {
        if names_lost(context, &node, lost)? {
            artifacts::artifacts(context, &node, None)?;
        }
    }
    for stage in &context.plan.stages {
        let served = matches!(&stage.step, Step::Exec(exec) if !exec.locks.is_empty());
        let node = NodeId::Stage(stage.id.clone());
        if !served || !names_lost(context, &node, lost)? {
            continue;
        }
        let graph = whole_graph(context)?;
        let freshness = freshness::freshness(context, &graph, &[])?;
        let fetch = graph.find(&NodeId::Fetch(stage.id.clone())).into_iter().collect();
        let outcome = run_these(context, graph, freshness, fetch).await?;
        artifacts::artifacts(context, &node, outcome.downloaded.of(&node).as_deref())?;
        to.reports.extend(ran(outcome));
    }
    Ok(())
}

/// Whether records of a node name a lost list, or a list with a lost download.
fn names_lost(context: &EngineContext, node: &NodeId, lost: &Lost) -> Result<bool, EngineError> {
    if lost.blobs.is_empty() && lost.lists.is_empty() {
        return Ok(false);
    }
    for list in context.store.stage_actions(&context.plan.name, &node.to_string(), RECORDS)? {
        let Some(list) = list.artifacts else { continue };
        let artifacts = context.store.artifacts(&list)?.unwrap_or_default();
        if lost.lists.contains(&list) || artifacts.iter().any(|artifact| lost.blobs.contains(&artifact.digest)) {
            return Ok(true);
        }
    }
    Ok(false)
}

fn whole_graph(context: &EngineContext) -> Result<Graph, EngineError> {
    let all: Vec<StageId> = context.plan.stages.iter().map(|stage| stage.id.clone()).collect();
    Ok(Graph::new(&context.plan.stages, &all, context.network.needs_sysroot()?))
}

/// Runs these nodes, and what they need that is not there.
async fn run_these(
    context: &Arc<EngineContext>,
    graph: Graph,
    mut freshness: Freshness,
    nodes: Vec<Index>,
) -> Result<Outcome, EngineError> {
    let chosen = nodes.clone();
    freshness.demand(&graph, nodes, |at| chosen.contains(&at));
    run::through(context, graph, freshness).await
}

/// The reports of the nodes that ran.
fn ran(outcome: Outcome) -> impl Iterator<Item = Report> {
    outcome.reports.into_iter().filter(|report| report.status != Status::Cached)
}
