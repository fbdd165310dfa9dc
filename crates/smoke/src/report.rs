//! What a smoke test has seen. Knows nothing of how.

use akbuild_launch::LaunchProblem;
use serde::Serialize;

/// The whole of it.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Report {
    /// What was done, in order.
    pub done: Vec<Done>,
    /// The most memory that each process of the recipe has held.
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
    /// The most that it has held, in bytes.
    pub peak: u64,
    /// Whose memory `peak` is.
    pub scope: MemoryScope,
    /// The most of its processes that were seen at once.
    pub processes: u64,
    /// The most that one of its processes has held by the kernel's count, in bytes.
    pub largest: u64,
    /// What it may have, in bytes, if anything is said.
    pub limit: Option<u64>,
    /// Whether the machine held it to that.
    pub enforced: bool,
}

/// Whose memory a peak is, and who has counted it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum MemoryScope {
    /// All its processes together, by the kernel's count of their control group.
    Group,
    /// All its processes together without what files stand for, when they were last looked at: twice a second.
    Processes,
    /// Its largest process, by the kernel's count.
    Process,
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
    /// The last lines that it wrote; those from `line` on, if there is one.
    pub tail: Vec<String>,
    /// The number of the log's line that `tail` begins with, from 1, where that is not its end.
    pub line: Option<u64>,
    /// What to do, where there is more to it than to look at the log.
    pub help: Option<String>,
}

impl Finding {
    pub(crate) fn new(what: impl Into<String>) -> Self {
        Self { what: what.into(), causes: Vec::new(), process: None, tail: Vec::new(), line: None, help: None }
    }

    pub(crate) fn because(mut self, cause: impl Into<String>) -> Self {
        self.causes.push(cause.into());
        self
    }
}

impl From<LaunchProblem> for Finding {
    fn from(problem: LaunchProblem) -> Self {
        Self { causes: problem.causes, ..Self::new(problem.what) }
    }
}
