//! What `plan`, `why` and `graph` have in common: the plan, its graph, and what the store knows of it.

use std::sync::Arc;

use akbuild_engine::{EngineContext, Freshness, Graph, Index, NodeId};
use akbuild_recipe::PlanDraft;
use akbuild_recipe::plan::StageId;

use crate::failure::Outcome;
use crate::project::Project;
use crate::session::Session;

/// A plan, looked at.
pub(super) struct Look {
    pub(super) context: Arc<EngineContext>,
    pub(super) graph: Graph,
    pub(super) freshness: Freshness,
    /// The places of the stages that were asked for.
    pub(super) targets: Vec<Index>,
}

/// Looks at what these stages need. Nothing runs.
pub(super) fn look(session: &Session, project: &Project, plan: PlanDraft, targets: &[StageId]) -> Outcome<Look> {
    let context = session.look(project, plan, session.options(None, Vec::new()), targets)?;
    let graph = Graph::new(&context.plan.stages, targets, false);
    let targets: Vec<Index> = targets.iter().filter_map(|t| graph.find(&NodeId::Stage(t.clone()))).collect();
    let freshness = akbuild_engine::freshness(&context, &graph, &targets)?;
    Ok(Look { context, graph, freshness, targets })
}
