//! The nodes that are fresh before anything runs, and the others, which have to run. A node is fresh if its output for its
//! key is in the store or in another backend.
//!
//! Finding this out runs no stage, and asks no network but that of a backend. It makes sources whose parts are all here
//! (local folders, patches of stored trees, commits and archives that were fetched before) and the bare roots of this
//! machine, because keys cover their contents. Must not depend on how stages run.

pub(crate) mod downloads;
pub(crate) mod estimate;
pub(crate) mod input;
pub(crate) mod inspect;
mod known;
mod look_up;
pub(crate) mod would_run;

use akbuild_store::TreeLocation;

use crate::context::EngineContext;
use crate::error::EngineError;
use crate::graph::{Graph, Index, NodeId};
use crate::keys::{self, Outputs};
pub use known::{Freshness, Known};
use look_up::is_fetch;
pub(crate) use look_up::{is_local, unpatched};

/// So many former runs of a stage are held against what it would be made from.
const RUNS: u32 = 20;

/// Looks at each node, those needed first.
pub fn freshness(context: &EngineContext, graph: &Graph, targets: &[Index]) -> Result<Freshness, EngineError> {
    let _hold = context.store.hold()?;
    let (mut freshness, outputs) = look_up::look_up(context, graph)?;
    freshness.demand(
        graph,
        targets.to_vec(),
        |at| matches!(&graph.node(at).id, NodeId::Stage(id) if context.options.rebuild.contains(id)),
    );
    for at in graph.indices().filter(|at| freshness.run[at.0]) {
        freshness.may[at.0] = may_be_cached(context, graph, at, &freshness, &outputs)?;
    }
    Ok(freshness)
}

/// Whether a stage that has to run may be cached once what it needs is made: a former run of it has the key that
/// the stage gets if its inputs become what they were then.
fn may_be_cached(
    context: &EngineContext,
    graph: &Graph,
    at: Index,
    freshness: &Freshness,
    outputs: &Outputs,
) -> Result<bool, EngineError> {
    let node = &graph.node(at).id;
    let NodeId::Stage(stage) = node else { return Ok(false) };
    let needs = || graph.node(at).needs.iter().filter(|need| !is_fetch(graph, **need));
    let is_known = |need: &Index| freshness.known[need.0].is_some();
    if freshness.known[at.0].is_some() || context.options.rebuild.contains(stage) {
        return Ok(false);
    }
    if needs().all(is_known) && keys::manifest(context, node, outputs).is_ok() {
        return Ok(false);
    }
    let is_open = |need: &&Index| freshness.known[need.0].as_ref().is_none_or(|known| !known.present);
    let open: Vec<&NodeId> = needs().filter(is_open).map(|need| &graph.node(*need).id).collect();
    for action in context.store.stage_actions(&context.plan.name, &node.to_string(), RUNS)? {
        let mut then = outputs.clone();
        for need in &open {
            match action.inputs.get(&need.to_string()) {
                Some(tree) => drop(then.insert((*need).clone(), *tree)),
                None => drop(then.remove(*need)),
            }
        }
        let fits = keys::manifest(context, node, &then).is_ok_and(|manifest| manifest.key() == action.key);
        if fits && context.backends.locate_tree(&action.output)? != TreeLocation::Nowhere {
            return Ok(true);
        }
    }
    Ok(false)
}
