//! What is started of an image to see whether it works. Knows what is asked for; what that means for processes and
//! connections is not known here.

use std::collections::BTreeMap;

use super::{StageId, SysrootId, WrittenFile};

/// What is started of an image, and what must come of it. All times are in seconds.
#[derive(Clone, Debug)]
pub struct Smoke {
    /// The stage of the image.
    pub image: StageId,
    /// The memory that each process of the image may have, in bytes; 0: any.
    pub memory: u64,
    /// How long anything may take until it must have come true.
    pub timeout: u64,
    /// How long a process may take from SIGTERM to its end.
    pub grace: u64,
    /// Variables of every process of the image.
    pub env: BTreeMap<String, String>,
    /// What runs beside the image: a database.
    pub services: Vec<SmokeService>,
    /// What is run to its end first, one after the other.
    pub commands: Vec<SmokeCommand>,
    /// What is then started, all at once.
    pub processes: Vec<SmokeProcess>,
    /// What is then fetched.
    pub pages: Vec<Page>,
    /// What must then come true.
    pub checks: Vec<SmokeCheck>,
}

/// Something that runs beside an image, in a sysroot of its own. Everybody reaches it at 127.0.0.1.
#[derive(Clone, Debug)]
pub struct SmokeService {
    /// Its name.
    pub name: String,
    /// Its root.
    pub sysroot: SysrootId,
    /// The port that it listens on; it is ready when it does.
    pub port: u16,
    /// The script that starts it, for `bash -euo pipefail`.
    pub script: String,
    /// Variables beside those that every stage has.
    pub env: BTreeMap<String, String>,
}

/// An image's entry point with arguments that must end well.
#[derive(Clone, Debug)]
pub struct SmokeCommand {
    /// Its name.
    pub name: String,
    /// Arguments for the image's entry point.
    pub args: Vec<String>,
    /// Variables over the image's own.
    pub env: BTreeMap<String, String>,
    /// Files that are mounted read-only, at absolute paths.
    pub files: Vec<WrittenFile>,
    /// Texts of crashes that may be in what it writes.
    pub allow_logs: Vec<String>,
}

/// An image's entry point with arguments that goes on until it is told to end.
#[derive(Clone, Debug)]
pub struct SmokeProcess {
    /// Its name.
    pub name: String,
    /// Arguments for the image's entry point.
    pub args: Vec<String>,
    /// Variables over the image's own.
    pub env: BTreeMap<String, String>,
    /// Files that are mounted read-only, at absolute paths.
    pub files: Vec<WrittenFile>,
    /// What must be answered.
    pub probes: Vec<Probe>,
    /// Texts that must come in what it writes.
    pub expect: Vec<String>,
    /// Texts of crashes that may be in what it writes.
    pub allow_logs: Vec<String>,
}

/// A request over HTTP that must be answered with this status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Probe {
    /// The port.
    pub port: u16,
    /// The path.
    pub path: String,
    /// The status.
    pub status: u16,
}

/// A page that must be there.
#[derive(Clone, Debug)]
pub struct Page {
    /// The process that has it.
    pub process: String,
    /// The port.
    pub port: u16,
    /// The path.
    pub path: String,
    /// Texts that must be in it.
    pub contains: Vec<String>,
    /// Whether everything that it names of the same server must be there too.
    pub assets: bool,
}

/// A script that must succeed sooner or later.
#[derive(Clone, Debug)]
pub struct SmokeCheck {
    /// Its name.
    pub name: String,
    /// Its root.
    pub sysroot: SysrootId,
    /// The script, for `bash -euo pipefail`. It reaches the services.
    pub script: String,
    /// Variables beside those that every stage has.
    pub env: BTreeMap<String, String>,
    /// Whether it must come true at the first time.
    pub once: bool,
}
