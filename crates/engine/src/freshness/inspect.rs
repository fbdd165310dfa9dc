//! What can be said of stages from their sources alone, before anything else is resolved or runs: paths and patterns that
//! match nothing, and lock files of upstream that cannot be used. Runs no stage.

use std::collections::HashSet;
use std::sync::Arc;

use akbuild_recipe::plan::{Origin, SourceId, Stage, StageId, Step, Subset, TreeRef, View};

use crate::context::EngineContext;
use crate::error::EngineError;
use crate::graph::{Graph, NodeId};
use crate::keys::trees;
use crate::keys::{Keys, Outputs, Parts};
use crate::node_inputs::NodeInputs;
use crate::served::Served;
use crate::{perform, tree_name};

/// A part of a tree that a stage takes, and whether it may be missing.
type TakenPart<'a> = (&'a TreeRef, &'a str, &'a Subset, View, bool);

/// What was found.
#[derive(Debug, Default)]
pub struct SourceInspection {
    /// The sources that could be made.
    pub outputs: Outputs,
    /// What is wrong with local folders, which are not pinned and may be set right until somebody builds.
    pub warnings: Vec<String>,
}

/// Makes every source of the plan with its patches, but for local folders with nothing in them, which are still to be
/// filled; and looks at everything that stages take of them. The error names all that is wrong with pinned sources, and
/// with what these stages need.
pub async fn inspect_sources(
    context: &Arc<EngineContext>,
    needed: &[StageId],
) -> Result<SourceInspection, EngineError> {
    let graph = Graph::new(&context.plan.stages, needed, false);
    let (mut found, mut faults) = (SourceInspection::default(), Vec::new());
    for source in &context.plan.sources {
        let path = if let Origin::Path(path) = &source.origin { Some(path) } else { None };
        let is_empty = |path: &std::path::PathBuf| {
            crate::source::local_folder::open(source, path).is_ok_and(|top| top.is_empty("").unwrap_or(false))
        };
        if path.is_some_and(is_empty) {
            continue;
        }
        let (performer, node) = (context.clone(), NodeId::Source(source.id.clone()));
        let perform = move || perform::perform(&performer, &node, &NodeInputs::default());
        let report = tokio::task::spawn_blocking(perform).await.map_err(|e| EngineError::Bug(e.to_string()))?;
        if context.cancel.is_thrown() {
            return Err(EngineError::Cancelled);
        }
        let must = path.is_none() || graph.find(&report.node).is_some();
        match (report.output, report.error) {
            (Some(tree), None) => drop(found.outputs.insert(report.node, tree)),
            (_, error) => if must { &mut faults } else { &mut found.warnings }.extend(error),
        }
    }
    for stage in &context.plan.stages {
        let is_needed = graph.find(&NodeId::Stage(stage.id.clone())).is_some();
        for (is_pinned, fault) in inspect_stage(context, stage, &found.outputs) {
            let list = if is_pinned || is_needed { &mut faults } else { &mut found.warnings };
            let fault = fault.to_string();
            if !list.contains(&fault) {
                list.push(fault);
            }
        }
    }
    if faults.is_empty() { Ok(found) } else { Err(EngineError::Faults(faults)) }
}

/// What is wrong with what a stage takes of sources, and whether that is of pinned ones.
fn inspect_stage(context: &EngineContext, stage: &Stage, outputs: &Outputs) -> Vec<(bool, EngineError)> {
    let keys = Keys { backends: &context.backends, parts: Parts::Content, plan: &context.plan, outputs };
    let is_here = |id: &SourceId| outputs.contains_key(&NodeId::Source(id.clone()));
    let is_pinned = |id: &SourceId| context.source(id).is_ok_and(|s| !matches!(s.origin, Origin::Path(_)));
    let mut faults = Vec::new();
    for (from, path, subset, view, optional) in taken_parts(&stage.step) {
        let TreeRef::Source(id) = from else { continue };
        if is_here(id)
            && let Err(fault) = keys.part(stage, (from, path, subset, view), optional)
        {
            faults.push((is_pinned(id), fault));
        }
    }
    if let Step::Exec(exec) = &stage.step
        && !exec.locks.is_empty()
        && exec.locks.iter().all(|lock| is_here(&lock.file().source))
        && let Err(fault) = Served::read(context, exec, outputs)
    {
        faults.push((exec.locks.iter().all(|lock| is_pinned(&lock.file().source)), fault));
    }
    faults
}

/// Warnings about patterns of these nodes that match nothing in the trees that are here. They are not errors: files come
/// and go between versions of a source, and a stage that gets nothing at all is one.
pub fn idle_patterns<'a>(
    context: &EngineContext,
    nodes: impl Iterator<Item = &'a NodeId>,
    outputs: &Outputs,
) -> Result<Vec<String>, EngineError> {
    let nodes: HashSet<&NodeId> = nodes.collect();
    let mut warnings = Vec::new();
    for source in context.plan.sources.iter().filter(|source| nodes.contains(&NodeId::Source(source.id.clone()))) {
        // What a local source leaves out is often there on some machines only.
        let subset = Subset { exclude: Vec::new(), ..source.subset.clone() };
        let from = TreeRef::Source(source.id.clone());
        warn_of_idle(context, "", (&from, "", &subset), outputs, &mut warnings)?;
    }
    for stage in context.plan.stages.iter().filter(|stage| nodes.contains(&NodeId::Stage(stage.id.clone()))) {
        let who = format!("stage `{}` ({}) ", stage.id, stage.at);
        for (from, path, subset, ..) in taken_parts(&stage.step) {
            warn_of_idle(context, &who, (from, path, subset), outputs, &mut warnings)?;
        }
    }
    Ok(warnings)
}

/// `who` is the stage whose patterns these are; empty: the source itself.
fn warn_of_idle(
    context: &EngineContext,
    who: &str,
    (from, path, subset): (&TreeRef, &str, &Subset),
    outputs: &Outputs,
    warnings: &mut Vec<String>,
) -> Result<(), EngineError> {
    if subset.include.is_empty() && subset.exclude.is_empty() {
        return Ok(());
    }
    let Some(tree) = outputs.get(&NodeId::from(from)).filter(|tree| context.store.has_tree(tree)) else {
        return Ok(());
    };
    let part = tree_name::name_of_part(from, path);
    let idle = trees::idle_patterns(&context.store, tree, path, subset)?;
    // If none of them matches, that is an error of the stage, which says so.
    let all = idle.iter().filter(|idle| idle.option == "include").count() == subset.include.len();
    for idle in idle.iter().filter(|idle| who.is_empty() || !all || idle.option != "include") {
        let (option, pattern, near) = (&idle.option, &idle.pattern, &idle.near);
        warnings.push(match who {
            "" => format!("{part} {option}s `{pattern}`, which matches nothing in its folder; {near}"),
            who => format!("{who}{option}s `{pattern}` of {part}, which matches nothing there; {near}"),
        });
    }
    Ok(())
}

/// The parts of trees that a step names, whose patterns are the recipe's.
fn taken_parts(step: &Step) -> Vec<TakenPart<'_>> {
    const EVERYTHING: &Subset = &Subset { include: Vec::new(), exclude: Vec::new(), by_kind: false };
    match step {
        Step::Exec(exec) => {
            let copies = exec.copies.iter().map(|c| (&c.from, "", &c.subset, c.view, false));
            let mounts = exec.mounts.iter().map(|m| (&m.from, &*m.path, EVERYTHING, View::Whole, m.optional));
            copies.chain(mounts).collect()
        }
        Step::Compose(compose) => {
            compose.pieces.iter().map(|p| (&p.from, &*p.path, &p.subset, View::Whole, false)).collect()
        }
        Step::Layer(_) | Step::Image(_) => Vec::new(),
    }
}
