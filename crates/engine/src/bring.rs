//! Brings the outputs that a run uses and that only another backend has, before anything runs. Where one cannot be
//! brought, its node runs, with what that needs. Must not depend on what a backend is.

use std::sync::Arc;

use akbuild_nar::TreeHash;
use akbuild_store::OutputBackend;

use crate::context::EngineContext;
use crate::error::EngineError;
use crate::freshness::Freshness;
use crate::graph::{Graph, Index};

/// Brings what is used and is elsewhere, until all of it is here or has to run.
pub(crate) async fn bring_outputs(
    context: &Arc<EngineContext>,
    graph: &Graph,
    freshness: &mut Freshness,
) -> Result<(), EngineError> {
    loop {
        let (places, trees): (Vec<Index>, Vec<TreeHash>) = wanted(graph, freshness).unzip();
        if places.is_empty() {
            return Ok(());
        }
        let backends = context.clone();
        let bring = move || backends.backends.bring_trees(&trees, &backends.store);
        let brought = tokio::task::spawn_blocking(bring).await.map_err(|e| EngineError::Bug(e.to_string()))??;
        for (at, is_here) in places.into_iter().zip(brought) {
            if let Some(known) = &mut freshness.known[at.0] {
                (known.present, known.is_here) = (is_here, is_here);
            }
            freshness.demand(graph, vec![at], |_| false);
        }
    }
}

/// The nodes whose outputs are used as they are and have to be brought.
fn wanted(graph: &Graph, freshness: &Freshness) -> impl Iterator<Item = (Index, TreeHash)> {
    let output = |at: Index| {
        let known = freshness.known[at.0].as_ref().filter(|known| known.present && !known.is_here)?;
        (freshness.used[at.0] && !freshness.run[at.0]).then_some((at, known.output))
    };
    graph.indices().filter_map(output)
}
