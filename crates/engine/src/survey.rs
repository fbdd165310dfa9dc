//! Before anything runs: what is known already, and what therefore has to run.
//!
//! Reads the store, runs no stage and asks no network but that of a backend. Sources are made if that decides something and all that they are
//! made of is here: local folders, patches of trees in the store, commits and archives that were fetched before. So are
//! the bare roots of this machine. Their contents are what is asked about.

pub(crate) mod downloads;
pub(crate) mod estimate;
pub(crate) mod input;
pub(crate) mod inspect;
mod known;
mod look_up;
pub(crate) mod would_run;

use akbuild_store::TreeLocation;

use crate::engine::Engine;
use crate::error::EngineError;
use crate::graph::{Graph, Index, NodeId};
use crate::keys::{self, Outputs};
pub use known::{Known, Survey};
use look_up::is_fetch;
pub(crate) use look_up::{is_local, unpatched};

/// So many former runs of a stage are held against what it would be made from.
const RUNS: u32 = 20;

/// Looks at each node, those needed first.
pub fn survey(engine: &Engine, graph: &Graph, targets: &[Index]) -> Result<Survey, EngineError> {
    let _hold = engine.store.hold()?;
    let (mut survey, outputs) = look_up::look_up(engine, graph)?;
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
        if fits && engine.backends.locate_tree(&action.output)? != TreeLocation::Nowhere {
            return Ok(true);
        }
    }
    Ok(false)
}
