//! The executor: starts what is ready, the longest way to the end first, within the slots there are,
//! and goes on until all is done, something failed or the run is stopped.
//!
//! A node is `Waiting` for what it needs, then `Ready`, `Running`, and at last `Done` or `Lost`; this
//! is the only place where that changes.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Instant;

use akbuild_nar::TreeHash;
use akbuild_recipe::plan::{StageId, SysrootId};
use tokio::task::JoinSet;

use crate::context::EngineContext;
use crate::error::EngineError;
use crate::event::{Event, Report, Status};
use crate::freshness::Freshness;
use crate::graph::{Graph, Index, NodeId};
use crate::keys::Outputs;
use crate::node_inputs::{Downloaded, NodeInputs};
use crate::served::Served;
use crate::{bill, bring, fetch_node, freshness, perform, source};

/// How a run ended.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Whether every target is there.
    pub ok: bool,
    /// Whether it was stopped from outside.
    pub cancelled: bool,
    /// Every node's report, in the order in which they ended.
    pub reports: Vec<Report>,
    /// The outputs of all nodes that have one.
    pub outputs: Outputs,
    /// What the registries of stages serve.
    pub downloaded: Downloaded,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Not everything it needs is there.
    Waiting,
    /// It may start.
    Ready,
    /// It has started.
    Running,
    /// Its output is there.
    Done,
    /// It failed, or what it needs did.
    Lost,
}

/// Microseconds to the end, and the place; of the same urgency, the first place comes last.
type Urgent = (u64, Reverse<Index>);

/// A node that has ended; of downloads also what they are.
type Ended = (Index, Report, Option<Arc<Served>>);

struct Run {
    context: Arc<EngineContext>,
    graph: Graph,
    states: Vec<State>,
    /// Needs of each node that are not yet done.
    missing: Vec<usize>,
    /// Seconds to the end along the longest way, as former runs have it.
    urgency: Vec<f64>,
    /// What may start, the most urgent last: what takes no slot, and what takes some.
    ready: [BTreeSet<Urgent>; 2],
    outputs: Outputs,
    downloaded: Downloaded,
    reports: Vec<Report>,
    used: u32,
    failed: bool,
    begun: Instant,
}

/// Makes every target there. An error is one that stopped the run before any node; a node's own
/// error is in its report.
pub async fn run(context: &Arc<EngineContext>, targets: &[StageId]) -> Result<Outcome, EngineError> {
    let mut graph = Graph::new(&context.plan.stages, targets, context.network.needs_sysroot()?);
    graph.check(&context.options.check);
    let nodes = targets.iter().cloned().map(NodeId::Stage);
    let nodes = nodes.chain(context.options.check.iter().cloned().map(NodeId::Check));
    let nodes = nodes.chain(context.options.bill.iter().flat_map(|image| bill::told_by(context, image)));
    let places: Vec<Index> = nodes.filter_map(|node| graph.find(&node)).collect();
    let freshness = freshness::freshness(context, &graph, &places)?;
    through(context, graph, freshness).await
}

pub(crate) async fn through(
    context: &Arc<EngineContext>,
    graph: Graph,
    mut freshness: Freshness,
) -> Result<Outcome, EngineError> {
    bring::bring_outputs(context, &graph, &mut freshness).await?;
    for at in graph.indices() {
        source::use_repository(context, &graph.node(at).id)?;
    }
    let mut run = Run::new(context.clone(), graph, &freshness)?;
    run.announce(&freshness);
    run.carry_out().await;
    let cancelled = context.cancel.is_thrown();
    let ok = !run.failed && !cancelled;
    Ok(Outcome { ok, cancelled, reports: run.reports, outputs: run.outputs, downloaded: run.downloaded })
}

/// Makes everything there that a stage needs, its downloads included, but not the stage.
pub async fn prepare(context: &Arc<EngineContext>, id: &StageId) -> Result<Outcome, EngineError> {
    let graph = Graph::new(&context.plan.stages, std::slice::from_ref(id), context.network.needs_sysroot()?);
    let stage = graph.find(&NodeId::Stage(id.clone()));
    let needs: Vec<Index> = stage.iter().flat_map(|at| graph.node(*at).needs.clone()).collect();
    let freshness = freshness::freshness(context, &graph, &needs)?;
    through(context, graph, freshness).await
}

/// Makes every sysroot of the plan there; the first failure ends it.
pub async fn make_sysroots(context: &Arc<EngineContext>) -> Result<(), EngineError> {
    for sysroot in &context.plan.sysroots {
        make_one_sysroot(context, &sysroot.id).await?;
    }
    Ok(())
}

/// Makes a sysroot there, and gives its tree.
pub async fn make_one_sysroot(context: &Arc<EngineContext>, id: &SysrootId) -> Result<TreeHash, EngineError> {
    let node = NodeId::Sysroot(id.clone());
    context.sink.event(Event::Started { node: node.clone() });
    let performer = context.clone();
    let perform = move || perform::perform(&performer, &node, &NodeInputs::default());
    let report = tokio::task::spawn_blocking(perform).await.map_err(|e| EngineError::Bug(e.to_string()))?;
    context.sink.event(Event::Finished(Box::new(report.clone())));
    match (report.error, report.output) {
        (None, Some(tree)) => Ok(tree),
        (error, _) => Err(EngineError::Sysroots(error.unwrap_or_else(|| format!("sysroot `{id}` was not made")))),
    }
}

impl Run {
    fn new(context: Arc<EngineContext>, graph: Graph, freshness: &Freshness) -> Result<Self, EngineError> {
        let outputs = freshness.outputs(&graph);
        let states = freshness.run.iter().map(|run| if *run { State::Waiting } else { State::Done }).collect();
        let pending = |at: Index| graph.node(at).needs.iter().filter(|n| freshness.run[n.0]).count();
        let missing = graph.indices().map(pending).collect();
        let urgency = urgency(&context, &graph, freshness)?;
        let (ready, reports, begun) = (Default::default(), Vec::new(), context.begun);
        Ok(Self {
            context,
            graph,
            states,
            missing,
            urgency,
            ready,
            outputs,
            downloaded: Downloaded::default(),
            reports,
            used: 0,
            failed: false,
            begun,
        })
    }

    /// Tells what will run, and reports what is there already.
    fn announce(&mut self, freshness: &Freshness) {
        let (mut to_run, mut cached) = (Vec::new(), Vec::new());
        for at in self.graph.indices() {
            let id = self.graph.node(at).id.clone();
            if freshness.run[at.0] {
                to_run.push(id);
            } else if !matches!(id, NodeId::Fetch(_)) {
                cached.push(id);
            }
        }
        self.context.sink.event(Event::Planned { to_run, cached });
        let mut reports = Vec::new();
        for at in self.graph.indices().filter(|at| !freshness.run[at.0]) {
            if let Some(known) = &freshness.known[at.0] {
                let mut report = Report::new(self.graph.node(at).id.clone(), Status::Cached);
                (report.key, report.output) = (known.key, Some(known.output));
                (report.bytes, report.files) = (known.bytes, known.files);
                reports.push(report);
            }
        }
        self.close(reports);
        for at in self.graph.indices() {
            self.wake(at);
        }
    }

    fn wake(&mut self, at: Index) {
        if self.states[at.0] == State::Waiting && self.missing[at.0] == 0 {
            self.states[at.0] = State::Ready;
            let urgent = ((self.urgency[at.0] * 1e6) as u64, Reverse(at));
            self.ready[usize::from(self.graph.node(at).weight > 0)].insert(urgent);
        }
    }

    async fn carry_out(&mut self) {
        let mut tasks = JoinSet::new();
        loop {
            while let Some(at) = self.next() {
                self.start(at, &mut tasks);
            }
            let Some(ended) = tasks.join_next().await else { break };
            match ended {
                Ok((at, report, served)) => {
                    self.downloaded.extend(&report.node, served);
                    self.end(at, report);
                }
                Err(error) => {
                    self.failed = true;
                    self.context
                        .sink
                        .event(Event::Warning { message: EngineError::Bug(error.to_string()).to_string() });
                }
            }
        }
        self.give_up();
    }

    /// Takes the most urgent node that may start and has room.
    fn next(&mut self) -> Option<Index> {
        if self.context.cancel.is_thrown() || (self.failed && !self.context.options.keep_going) {
            return None;
        }
        let [free, weighed] = &mut self.ready;
        if let Some((_, Reverse(at))) = free.pop_last() {
            return Some(at);
        }
        let jobs = self.context.options.jobs;
        if self.used >= jobs && self.used > 0 {
            return None;
        }
        let fits = |at: Index| self.used == 0 || self.used + self.graph.node(at).weight <= jobs;
        let urgent = weighed.iter().rev().find(|(_, Reverse(at))| fits(*at)).copied()?;
        weighed.remove(&urgent);
        Some(urgent.1.0)
    }

    fn start(&mut self, at: Index, tasks: &mut JoinSet<Ended>) {
        self.states[at.0] = State::Running;
        self.used += self.graph.node(at).weight;
        let (context, node) = (self.context.clone(), self.graph.node(at).id.clone());
        context.sink.event(Event::Started { node: node.clone() });
        let started = self.begun.elapsed().as_secs_f64();
        let needs = self.graph.node(at).needs.iter().map(|n| &self.graph.node(*n).id);
        let mut outputs: Outputs = needs.filter_map(|id| Some((id.clone(), *self.outputs.get(id)?))).collect();
        if let NodeId::Fetch(id) = &node {
            let id = id.clone();
            outputs.extend(
                self.outputs.iter().filter(|(n, _)| matches!(n, NodeId::Source(_))).map(|(n, t)| (n.clone(), *t)),
            );
            tasks.spawn(async move {
                let (report, served) = fetch_node::fetch(&context, id, outputs).await;
                (at, Report { started, ..report }, served)
            });
        } else {
            let runtime = context.runtime.clone();
            let inputs = NodeInputs { outputs, served: self.downloaded.of(&node) };
            let perform = move || (at, Report { started, ..perform::perform(&context, &node, &inputs) }, None);
            tasks.spawn_blocking_on(perform, &runtime);
        }
    }

    fn end(&mut self, at: Index, report: Report) {
        self.used -= self.graph.node(at).weight;
        if matches!(report.status, Status::Failed | Status::Skipped) {
            self.failed |= report.status == Status::Failed;
            self.states[at.0] = State::Lost;
            self.close(vec![report]);
            return;
        }
        self.states[at.0] = State::Done;
        if let Some(output) = report.output {
            self.outputs.insert(report.node.clone(), output);
        }
        self.close(vec![report]);
        for waiting in self.graph.node(at).needed_by.clone() {
            self.missing[waiting.0] = self.missing[waiting.0].saturating_sub(1);
            self.wake(waiting);
        }
    }

    /// Reports what was never started.
    fn give_up(&mut self) {
        let mut reports = Vec::new();
        for at in self.graph.indices() {
            if matches!(self.states[at.0], State::Waiting | State::Ready) {
                self.states[at.0] = State::Lost;
                reports.push(Report::new(self.graph.node(at).id.clone(), Status::Skipped));
            }
        }
        self.close(reports);
    }

    fn close(&mut self, reports: Vec<Report>) {
        self.context.note(&reports);
        for report in reports {
            self.context.sink.event(Event::Finished(Box::new(report.clone())));
            self.reports.push(report);
        }
    }
}

/// For each node the seconds from its start to the end of the run, along the longest way.
fn urgency(context: &EngineContext, graph: &Graph, freshness: &Freshness) -> Result<Vec<f64>, EngineError> {
    let mut urgency = vec![0.0; graph.len()];
    for at in graph.indices().rev().filter(|at| freshness.run[at.0]) {
        let node = graph.node(at);
        let after = node.needed_by.iter().map(|n| urgency[n.0]).fold(0.0, f64::max);
        let stage = match &node.id {
            NodeId::Check(id) => id.to_string(),
            id => id.to_string(),
        };
        let own = match context.store.last_action(&context.plan.name, &stage)? {
            Some(action) => action.seconds,
            None => 10.0,
        };
        urgency[at.0] = own + after;
    }
    Ok(urgency)
}
