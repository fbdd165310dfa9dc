//! The context of a run: a plan, a store, and what it takes to carry the one out into the other. It only holds them: what
//! a node does is in the module of its kind.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Instant;

use akbuild_fetch::{Cancel, Credentials};
use akbuild_nar::TreeHash;
use akbuild_recipe::plan::{Plan, SourceId, Stage, StageId, Sysroot, SysrootId, Tool, ToolId};
use akbuild_registry::Upstream;
use akbuild_store::{BuildId, Maker, OutputBackend, OutputLayers, Phase, StageRecord, Store, StoreError};
use tokio::runtime::Handle;

use crate::error::EngineError;
use crate::event::{Event, Report, Sink};
use crate::graph::NodeId;
use crate::network::Network;

/// How a run is carried out. Nothing here changes what comes out.
#[derive(Clone, Debug)]
pub struct Options {
    /// Slots for stages that run at the same time.
    pub jobs: u32,
    /// Threads for unpacking.
    pub threads: usize,
    /// Go on with what does not need a failed stage.
    pub keep_going: bool,
    /// Keep the folders of a failed stage.
    pub keep_failed: bool,
    /// Stages that run even if their output is there.
    pub rebuild: Vec<StageId>,
    /// Stages that run once more, next to their stored outputs, to be compared with them.
    pub check: Vec<StageId>,
    /// Fail instead of downloading.
    pub offline: bool,
    /// An image of whose parts a bill is wanted: what it is read from is made there too.
    pub bill: Option<StageId>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            jobs: 1,
            threads: 2,
            keep_going: false,
            keep_failed: false,
            rebuild: Vec::new(),
            check: Vec::new(),
            offline: false,
            bill: None,
        }
    }
}

/// A plan and everything it is carried out with. Cheap to share.
pub struct EngineContext {
    /// The plan.
    pub plan: Plan,
    /// The store.
    pub store: Store,
    /// The store, and what is asked for outputs that it does not have.
    pub backends: OutputLayers,
    /// Where downloads come from.
    pub network: Network,
    /// For private git repositories; never handed to a stage.
    pub credentials: Credentials,
    /// How the run is carried out.
    pub options: Options,
    /// Where events go.
    pub sink: Arc<dyn Sink>,
    /// Ends the run.
    pub cancel: Cancel,
    /// The runtime that downloads and the registry run on.
    pub runtime: Handle,
    /// The record of this run; without one, no stage can run.
    pub build: Option<BuildId>,
    /// What is written into records as having made things.
    pub maker: Maker,
    pub(crate) begun: Instant,
    pub(crate) phases: Mutex<HashMap<NodeId, Vec<(&'static str, Instant)>>>,
    stages: HashMap<StageId, usize>,
    upstream: OnceLock<Arc<dyn Upstream>>,
}

/// What an [`EngineContext`] is made of; see its fields.
#[allow(missing_docs, reason = "the fields are those of `EngineContext`")]
pub struct ContextParts {
    pub plan: Plan,
    pub store: Store,
    pub backends: Vec<Arc<dyn OutputBackend>>,
    pub network: Network,
    pub credentials: Credentials,
    pub options: Options,
    pub sink: Arc<dyn Sink>,
    pub cancel: Cancel,
    pub runtime: Handle,
    pub build: Option<BuildId>,
    pub maker: Maker,
}

impl EngineContext {
    /// A context; nothing runs yet.
    pub fn new(parts: ContextParts) -> Arc<Self> {
        let ContextParts { plan, store, backends, network, credentials, options, sink, cancel, runtime, build, maker } =
            parts;
        let (upstream, phases) = Default::default();
        let warned = sink.clone();
        let report =
            move |_: &str, error: &StoreError| warned.event(Event::Warning { message: not_asked_again(error) });
        let backends = OutputLayers::new(store.clone(), backends, Box::new(report));
        let stages = plan.stages.iter().enumerate().map(|(i, s)| (s.id.clone(), i)).collect();
        Arc::new(Self {
            plan,
            store,
            backends,
            network,
            credentials,
            options,
            sink,
            cancel,
            runtime,
            build,
            maker,
            begun: Instant::now(),
            phases,
            stages,
            upstream,
        })
    }

    /// From now on the registries of stages pass requests for what no lock names on to `upstream`. Outputs of stages are
    /// then published but not recorded, since their keys lack the pins.
    pub fn set_upstream(&self, upstream: Arc<dyn Upstream>) {
        drop(self.upstream.set(upstream));
    }

    /// Where requests go for what no lock names; only while locking.
    pub(crate) fn upstream(&self) -> Option<Arc<dyn Upstream>> {
        self.upstream.get().cloned()
    }

    /// Puts nodes' reports into the record of the run. That a record is missing a line stops nothing.
    pub(crate) fn note(&self, reports: &[Report]) {
        let record = |report: &Report| StageRecord {
            stage: report.node.to_string(),
            key: report.key,
            status: report.status.as_str().to_owned(),
            seconds: report.seconds,
            output: report.output,
            started: report.started,
            reason: report.reason.as_ref().map(ToString::to_string),
            kept: report.kept.clone(),
        };
        let stages = reports.iter().filter(|r| !matches!(r.node, NodeId::Fetch(_)));
        let records: Vec<StageRecord> = stages.map(record).collect();
        let Some(build) = self.build.as_ref().filter(|_| !records.is_empty()) else { return };
        if let Err(error) = self.store.record_stages(build, &records) {
            self.sink.event(Event::Warning { message: error.to_string() });
        }
    }

    pub(crate) fn phase(&self, node: &NodeId, phase: &'static str) {
        let mut phases = self.phases.lock().unwrap_or_else(|e| e.into_inner());
        phases.entry(node.clone()).or_default().push((phase, Instant::now()));
        drop(phases);
        self.sink.event(Event::Phase { node: node.clone(), phase });
    }

    /// What a node has done until now.
    pub(crate) fn phases_of(&self, node: &NodeId) -> Vec<Phase> {
        let phases = self.phases.lock().unwrap_or_else(|e| e.into_inner());
        let begun = phases.get(node).map(Vec::as_slice).unwrap_or_default();
        let ends = begun.iter().skip(1).map(|(_, at)| *at).chain([Instant::now()]);
        let phase = |((name, at), end): (&(&str, Instant), Instant)| Phase {
            name: (*name).to_owned(),
            started: at.duration_since(self.begun).as_secs_f64(),
            seconds: end.duration_since(*at).as_secs_f64(),
        };
        begun.iter().zip(ends).map(phase).collect()
    }

    pub(crate) fn stage(&self, id: &StageId) -> Result<&Stage, EngineError> {
        self.stages.get(id).map(|i| &self.plan.stages[*i]).ok_or_else(|| unknown("stage", id))
    }

    pub(crate) fn source(&self, id: &SourceId) -> Result<&akbuild_recipe::plan::Source, EngineError> {
        self.plan.sources.iter().find(|s| s.id == *id).ok_or_else(|| unknown("source", id))
    }

    pub(crate) fn sysroot(&self, id: &SysrootId) -> Result<&Sysroot, EngineError> {
        self.plan.sysroots.iter().find(|s| s.id == *id).ok_or_else(|| unknown("sysroot", id))
    }

    pub(crate) fn tool(&self, id: &ToolId) -> Result<&Tool, EngineError> {
        self.plan.tools.iter().find(|t| t.id == *id).ok_or_else(|| unknown("tool", id))
    }

    pub(crate) fn git_cache(&self) -> PathBuf {
        self.store.home().join("git-v1")
    }

    pub(crate) fn tree(&self, hash: &TreeHash) -> PathBuf {
        self.store.tree_path(hash)
    }
}

/// What is said once of a backend that fails.
fn not_asked_again(error: &StoreError) -> String {
    format!("{error}\n  it is not asked again in this run; what it does not bring runs here")
}

/// A plan only names what it has; a name that it lacks is a bug of whoever made it.
fn unknown(what: &str, id: impl std::fmt::Display) -> EngineError {
    EngineError::Bug(format!("the plan names a {what} `{id}` that it does not have"))
}
