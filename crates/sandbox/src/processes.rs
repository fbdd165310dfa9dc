//! The processes of this machine, as `/proc` shows them. Knows whose child each is and what memory it holds,
//! not what a sandbox is.
#![allow(clippy::disallowed_methods, reason = "/proc is the kernel's")]

use std::collections::HashMap;
use std::fs;
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::Path;

/// What is looked at of one process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Process {
    pid: u32,
    parent: u32,
    /// Bytes in memory that no file stands for.
    memory: u64,
    /// The most bytes in memory that it has had, by the kernel's count.
    peak: u64,
}

/// What the processes of a sandbox hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MemoryUse {
    /// How many processes there are, without the one that looks after them.
    pub processes: u64,
    /// The bytes that they hold together now: by the kernel's count where they have a cgroup, otherwise what no
    /// file stands for. Pages that several of them share count once, or for each of them where the kernel does not tell
    /// how many share them.
    pub together: u64,
    /// The most bytes that one of them has held, by the kernel's count.
    pub largest: u64,
}

/// The number that `/proc` has for a process; `None` if it has ended.
pub(crate) fn number(pidfd: &OwnedFd) -> Option<u32> {
    let info = fs::read_to_string(format!("/proc/self/fdinfo/{}", pidfd.as_raw_fd())).ok()?;
    // An ended one has -1, one that this `/proc` does not show has 0.
    field(&info, "Pid:").filter(|pid| *pid != 0)
}

/// What all descendants of a process hold; `None` if there are no processes to see.
pub(crate) fn memory_below(ancestor: u32) -> Option<MemoryUse> {
    let mut children: HashMap<u32, Vec<Process>> = HashMap::new();
    for entry in fs::read_dir("/proc").ok()? {
        if let Some(process) = entry.ok().and_then(|e| look_at(&e.path())) {
            children.entry(process.parent).or_default().push(process);
        }
    }
    let (mut found, mut parents) = (MemoryUse::default(), vec![ancestor]);
    while let Some(parent) = parents.pop() {
        for child in children.remove(&parent).into_iter().flatten() {
            // Children that were forked share their parents' pages: those count once where the kernel tells.
            found.together += proportional(child.pid).unwrap_or(child.memory);
            found.largest = found.largest.max(child.peak);
            found.processes += 1;
            parents.push(child.pid);
        }
    }
    Some(found)
}

/// Reads a process's folder; `None` if it is something else, or is gone.
fn look_at(folder: &Path) -> Option<Process> {
    let pid = folder.file_name()?.to_str()?.parse().ok()?;
    let status = fs::read(folder.join("status")).ok()?;
    parse(pid, &String::from_utf8_lossy(&status))
}

/// A process's part of the memory that no file stands for; `None` if it may not be looked at so closely.
fn proportional(pid: u32) -> Option<u64> {
    let rollup = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).ok()?;
    Some((field::<u64>(&rollup, "Pss_Anon:")? + field::<u64>(&rollup, "Pss_Shmem:")?) * 1024)
}

fn parse(pid: u32, status: &str) -> Option<Process> {
    // What has ended and was not waited for has no memory.
    let kilobytes = |name| field::<u64>(status, name).unwrap_or(0);
    let memory = (kilobytes("RssAnon:") + kilobytes("RssShmem:")) * 1024;
    Some(Process { pid, parent: field(status, "PPid:")?, memory, peak: kilobytes("VmHWM:") * 1024 })
}

fn field<T: std::str::FromStr>(text: &str, name: &str) -> Option<T> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_read_from_its_status() {
        let status = "Name:\tPPid: 9\nPPid:\t12\nVmHWM:\t    950 kB\nVmRSS:\t    900 kB\nRssAnon:\t     100 kB\nRssFile:\t     796 kB\nRssShmem:\t       4 kB\n";
        assert_eq!(parse(7, status), Some(Process { pid: 7, parent: 12, memory: 104 * 1024, peak: 950 * 1024 }));
        assert_eq!(
            parse(7, "PPid:\t12\nState:\tZ (zombie)\n"),
            Some(Process { pid: 7, parent: 12, memory: 0, peak: 0 })
        );
        assert_eq!(parse(7, "Name:\tno process\n"), None);
    }

    #[test]
    fn this_process_is_below_its_parent() {
        let own = rustix::process::getpid();
        let pidfd = rustix::process::pidfd_open(own, rustix::process::PidfdFlags::empty()).unwrap();
        assert_eq!(number(&pidfd), Some(std::process::id()));
        assert!(proportional(std::process::id()).is_some());
        let held = vec![1_u8; 32 << 20];
        let parent = look_at(Path::new("/proc/self")).map_or(std::os::unix::process::parent_id(), |p| p.parent);
        let bytes = held.iter().filter(|b| **b == 1).count() as u64;
        let found = memory_below(parent).unwrap();
        assert!(found.processes > 0 && found.together >= bytes && found.largest >= bytes, "{found:?}");
        drop(held);
        assert!(memory_below(parent).unwrap().largest >= bytes, "a peak does not go down");
    }
}
