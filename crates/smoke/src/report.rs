//! What a smoke test has seen. Knows nothing of how.

use serde::Serialize;

/// The whole of it.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Report {
    /// What was done, in order.
    pub done: Vec<Done>,
    /// The most memory that each process has held.
    pub memory: Vec<Memory>,
    /// What was found wrong; nothing, if all went well.
    pub finding: Option<Finding>,
}

/// Something that was done, and went well unless it is the last and there is a finding.
#[derive(Clone, Debug, Serialize)]
pub struct Done {
    /// What, in words: ``process `server` answers 200 at :9000/``.
    pub what: String,
    /// How long it took, in seconds.
    pub seconds: f64,
    /// What came of it, where there is more to say than that it went well.
    pub note: Option<String>,
}

/// The memory of a process and all that it started.
#[derive(Clone, Debug, Serialize)]
pub struct Memory {
    /// Its name.
    pub process: String,
    /// The most that was seen, in bytes.
    pub peak: u64,
    /// What it may have, in bytes, if anything is said.
    pub limit: Option<u64>,
    /// Whether the machine held it to that.
    pub enforced: bool,
}

/// Something wrong with the image.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What, in a line.
    pub what: String,
    /// Why, as far as logs and files tell; a line each.
    pub causes: Vec<String>,
    /// The process whose log tells more.
    pub process: Option<String>,
    /// The last lines that it wrote.
    pub tail: Vec<String>,
}

impl Finding {
    pub(crate) fn new(what: impl Into<String>) -> Self {
        Self { what: what.into(), causes: Vec::new(), process: None, tail: Vec::new() }
    }

    pub(crate) fn because(mut self, cause: impl Into<String>) -> Self {
        self.causes.push(cause.into());
        self
    }
}
