//! A cgroup (version 2) for one sandbox, where this process may make one that counts memory.
//!
//! Never changes the groups that it finds: it makes a child of its own group, and removes it again.
#![allow(clippy::disallowed_methods, reason = "the control group file system is the kernel's")]

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// A group that exists as long as this value does.
#[derive(Debug)]
pub(crate) struct Cgroup(PathBuf);

impl Cgroup {
    /// A new group with this limit for its memory in bytes; `None` where none is delegated.
    pub(crate) fn new(memory: Option<u64>) -> Option<Cgroup> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let own = own_group()?;
        let name = format!("akbuild-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let path = own.join(name);
        fs::create_dir(&path).ok()?;
        let group = Cgroup(path);
        if let Some(bytes) = memory {
            fs::write(group.0.join("memory.max"), bytes.to_string()).ok()?;
        }
        Some(group)
    }

    #[cfg(test)]
    pub(crate) fn at(path: &Path) -> Cgroup {
        Cgroup(path.to_owned())
    }

    /// Moves a process into the group; those that it starts follow.
    pub(crate) fn add(&self, pid: u32) -> io::Result<()> {
        fs::write(self.0.join("cgroup.procs"), pid.to_string())
    }

    /// The most memory that it has held, in bytes.
    pub(crate) fn peak(&self) -> Option<u64> {
        self.number("memory.peak")
    }

    /// The memory that it holds, in bytes.
    pub(crate) fn current(&self) -> Option<u64> {
        self.number("memory.current")
    }

    fn number(&self, file: &str) -> Option<u64> {
        fs::read_to_string(self.0.join(file)).ok()?.trim().parse().ok()
    }
}

impl Drop for Cgroup {
    fn drop(&mut self) {
        // An empty group that stays is untidy and harmless.
        let _ = fs::remove_dir(&self.0);
    }
}

/// Whether each sandbox gets a group of its own, which counts its memory and keeps it below
/// [`Limits::memory`](crate::Limits::memory). Finds out by making one.
pub fn counts_memory() -> bool {
    Cgroup::new(Some(1 << 30)).is_some()
}

/// This process's group, if memory is counted in its children and processes may be moved into them.
fn own_group() -> Option<PathBuf> {
    let groups = fs::read_to_string("/proc/self/cgroup").ok()?;
    let path = groups.lines().find_map(|l| l.strip_prefix("0::/"))?;
    let own = Path::new("/sys/fs/cgroup").join(path);
    let passed_on = fs::read_to_string(own.join("cgroup.subtree_control")).ok()?;
    fs::OpenOptions::new().write(true).open(own.join("cgroup.procs")).ok()?;
    passed_on.split_whitespace().any(|c| c == "memory").then_some(own)
}
