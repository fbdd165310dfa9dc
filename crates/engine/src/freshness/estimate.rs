//! How long a run would take, by how long its nodes took before.

use serde::Serialize;

use crate::context::EngineContext;
use crate::error::EngineError;
use crate::freshness::Freshness;
use crate::graph::Graph;

/// Times by past records, in seconds.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Estimate {
    /// Of each node that would run: how long it took the last time; `None` if it never ran, or would not.
    #[serde(skip)]
    pub nodes: Vec<Option<f64>>,
    /// All of them together.
    pub work: f64,
    /// The longest way through nodes that need each other.
    pub path: f64,
    /// How long the run would take: no less than the longest way, and no less than the work in its slots.
    pub seconds: f64,
    /// Nodes that would run and of which no time is known.
    pub unknown: usize,
}

/// How long it would take to make the nodes that are not fresh. Downloads are not counted.
pub fn estimate(context: &EngineContext, graph: &Graph, freshness: &Freshness) -> Result<Estimate, EngineError> {
    let mut estimate = Estimate { nodes: vec![None; graph.len()], ..Estimate::default() };
    let mut ends = vec![0.0; graph.len()];
    let mut weighed = 0.0;
    for at in graph.indices().filter(|at| freshness.run[at.0]) {
        let node = graph.node(at);
        let last = context.store.last_action(&context.plan.name, &node.id.to_string())?;
        let seconds = last.map(|action| action.seconds);
        estimate.nodes[at.0] = seconds;
        estimate.unknown += usize::from(seconds.is_none() && !matches!(node.id, crate::graph::NodeId::Fetch(_)));
        let own = seconds.unwrap_or(0.0);
        ends[at.0] = own + node.needs.iter().map(|need| ends[need.0]).fold(0.0, f64::max);
        estimate.work += own;
        weighed += own * f64::from(node.weight.min(context.options.jobs));
    }
    estimate.path = ends.iter().copied().fold(0.0, f64::max);
    estimate.seconds = estimate.path.max(weighed / f64::from(context.options.jobs.max(1)));
    Ok(estimate)
}
