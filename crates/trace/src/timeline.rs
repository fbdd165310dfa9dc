//! What is known of a build that has ended. Knows no picture of it.

use serde::{Deserialize, Serialize};

/// A build, from its beginning to its end.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Timeline {
    /// The version of akbuild.
    pub akbuild: String,
    /// The recipe's name.
    pub project: String,
    /// The build's own name.
    pub build: String,
    /// The command, as it was typed.
    pub argv: Vec<String>,
    /// When it began, in seconds since 1970 (UTC).
    pub started: f64,
    /// How long it took, in seconds.
    pub seconds: f64,
    /// Whether every target is there.
    pub ok: bool,
    /// Whether it was stopped from outside.
    pub cancelled: bool,
    /// How many stages could run at a time.
    pub jobs: u32,
    /// Every node of the graph.
    pub nodes: Vec<Node>,
}

/// What a node of the graph is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NodeKind {
    /// A step of the build.
    Stage,
    /// A tree that comes from outside.
    Source,
    /// A root file system.
    Sysroot,
    /// A program from a language's registry.
    Tool,
    /// The artifacts of one stage.
    Fetch,
}

/// A node of the graph, and what became of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Node {
    /// As it is shown: `webui`, `source:webui`, `fetch:webui-deps`.
    pub name: String,
    /// What it is.
    pub kind: NodeKind,
    /// `built`, `cached`, `failed` or `skipped`.
    pub status: String,
    /// Why it ran, in one line.
    pub reason: Option<String>,
    /// Places in [`Timeline::nodes`] of what it needs.
    pub needs: Vec<usize>,
    /// When it began, in seconds since the build did.
    pub started: f64,
    /// How long it took, in seconds.
    pub seconds: f64,
    /// What it did, one after the other.
    pub phases: Vec<Phase>,
    /// How far its downloads were, in the order of time.
    pub downloads: Vec<Sample>,
    /// The process that it waited for, because that one was making the same.
    pub waited_for: Option<String>,
    /// Size of its output, or of its downloads.
    pub bytes: u64,
    /// Files in its output, or downloaded.
    pub files: u64,
    /// Peak resident memory of its processes, in bytes; 0 if it is not known.
    pub max_rss: u64,
    /// The digest of its output, an SRI string.
    pub output: Option<String>,
    /// Its key, in hex.
    pub key: Option<String>,
    /// What went wrong, of several lines perhaps.
    pub error: Option<String>,
    /// The name of its log, beside the page.
    pub log: Option<String>,
}

/// A part of a node's time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Phase {
    /// `fetch`, `unpack`, `copy`, `run`, `check`, `publish` or another word.
    pub name: String,
    /// When it began, in seconds since the build did.
    pub started: f64,
    /// How long it took, in seconds.
    pub seconds: f64,
}

/// How far the downloads of a node were at one time.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    /// In seconds since the build began.
    pub at: f64,
    /// Files that were complete.
    pub files: u64,
    /// Bytes that had arrived.
    pub bytes: u64,
}

impl Timeline {
    /// The needs of a node that are nodes.
    pub(crate) fn needs(&self, at: usize) -> impl Iterator<Item = usize> + '_ {
        self.nodes[at].needs.iter().copied().filter(move |need| *need < self.nodes.len() && *need != at)
    }
}

impl Node {
    /// When it ended, in seconds since the build began.
    pub(crate) fn ended(&self) -> f64 {
        self.started + self.seconds
    }

    /// Whether it took some of the build's time.
    pub(crate) fn took_part(&self) -> bool {
        self.status != "skipped" && self.ended() > 0.0
    }

    /// The word for how it ended: what comes from outside is fetched, not built.
    pub(crate) fn word(&self) -> &str {
        match (self.status.as_str(), self.kind) {
            ("built", NodeKind::Source | NodeKind::Fetch) => "fetched",
            (status, _) => status,
        }
    }

    /// Whether it was made in this build, or that was tried.
    pub(crate) fn ran(&self) -> bool {
        !matches!(self.status.as_str(), "cached" | "skipped")
    }
}
