//! What the engine tells whoever listens: one stream of events, from which bars, plain lines and
//! JSON are all made. The engine itself never prints.

use akbuild_nar::TreeHash;
use akbuild_store::Key;

use crate::graph::NodeId;
use crate::run_reason::RunReason;

/// Where events go. Called from many threads.
pub trait Sink: Send + Sync {
    /// Takes one event; must not block for long.
    fn event(&self, event: Event);
}

/// Something happened.
#[derive(Clone, Debug)]
pub enum Event {
    /// The work is known: how many nodes exist, and how many of them are up to date already.
    Planned {
        /// Stages that will run, as far as is known; a dependency with an unchanged output may still spare one.
        to_run: Vec<NodeId>,
        /// Stages whose outputs are there.
        cached: Vec<NodeId>,
    },
    /// A node has begun.
    Started {
        /// Which.
        node: NodeId,
    },
    /// A node waits for another process that is building the same.
    Waiting {
        /// Which.
        node: NodeId,
        /// The other process.
        holder: String,
    },
    /// A running node has come to another phase.
    Phase {
        /// Which.
        node: NodeId,
        /// `fetch`, `unpack`, `copy`, `run`, `check`, `publish`.
        phase: &'static str,
    },
    /// A line that a stage has written.
    Line {
        /// Which.
        node: NodeId,
        /// The line, without its end.
        line: String,
    },
    /// Progress of a node's downloads.
    Download {
        /// Which.
        node: NodeId,
        /// What of it.
        progress: akbuild_fetch::Progress,
    },
    /// Files unpacked, of how many.
    Unpacked {
        /// Which.
        node: NodeId,
        /// How many packages are done.
        done: u64,
        /// How many there are.
        total: u64,
    },
    /// Something that the operator should know and that stops nothing.
    Warning {
        /// What.
        message: String,
    },
    /// A node has ended.
    Finished(Box<Report>),
}

/// How a node ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// It ran, and its output is in the store.
    Built,
    /// Its output was in the store already.
    Cached,
    /// It ran, or should have, and did not succeed.
    Failed,
    /// It was not tried, since something it needs failed or the run was stopped.
    Skipped,
}

impl Status {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Status::Built => "built",
            Status::Cached => "cached",
            Status::Failed => "failed",
            Status::Skipped => "skipped",
        }
    }
}

/// What is known of a node at the end.
#[derive(Clone, Debug)]
pub struct Report {
    /// Which.
    pub node: NodeId,
    /// How it ended.
    pub status: Status,
    /// Its key, where one could be computed.
    pub key: Option<Key>,
    /// Its output.
    pub output: Option<TreeHash>,
    /// Of a check whose output is not the stored one: the stored one.
    pub differs: Option<TreeHash>,
    /// How long it took now, in seconds.
    pub seconds: f64,
    /// When it began, in seconds since the run did.
    pub started: f64,
    /// Why it ran, in a line, where that can be told.
    pub reason: Option<RunReason>,
    /// What it did, one after the other.
    pub phases: Vec<akbuild_store::Phase>,
    /// The output's size in bytes.
    pub bytes: u64,
    /// Files in the output.
    pub files: u64,
    /// Peak resident memory of its processes in bytes; 0 if not known.
    pub max_rss: u64,
    /// Its log, if it wrote one.
    pub log: Option<std::path::PathBuf>,
    /// The last lines of the log of a failed stage.
    pub tail: Vec<String>,
    /// What went wrong.
    pub error: Option<String>,
    /// The folders of a failed stage, where they are kept.
    pub kept: Option<std::path::PathBuf>,
}

impl Report {
    pub(crate) fn new(node: NodeId, status: Status) -> Self {
        Self {
            node,
            status,
            key: None,
            output: None,
            differs: None,
            seconds: 0.0,
            started: 0.0,
            reason: None,
            phases: Vec::new(),
            bytes: 0,
            files: 0,
            max_rss: 0,
            log: None,
            tail: Vec::new(),
            error: None,
            kept: None,
        }
    }
}
