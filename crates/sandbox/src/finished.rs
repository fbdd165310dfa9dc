//! How a sandbox ended, and what it used, as data.

/// How the command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// With this exit code.
    Exited(i32),
    /// By this signal.
    Signalled(i32),
}

/// What a finished sandbox was and used.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Finished {
    /// How the command ended; SIGKILL if it was killed from here.
    pub status: Status,
    /// Processor time of all its processes and the helper, in their own code.
    pub user_seconds: f64,
    /// The same in the kernel.
    pub system_seconds: f64,
    /// From the start of the command to the end of the last process.
    pub wall_seconds: f64,
    /// The most bytes that all its processes have held together, by the kernel's count; `None` without a cgroup.
    pub group_peak: Option<u64>,
    /// The most bytes that one of its processes has held, by the kernel's count; nothing of akbuild is in it, unless
    /// the sandbox was killed from here.
    pub largest_process: u64,
}

impl Finished {
    /// Peak memory in bytes: of all its processes together where it had a cgroup, otherwise of its largest one.
    pub fn max_rss(&self) -> u64 {
        self.group_peak.unwrap_or(self.largest_process)
    }
}
