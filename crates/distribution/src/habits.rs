//! The habits of a registry that differ from the specification, as a push learns them. All blobs of a push share
//! them, so that only the first blob pays for what is learned.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// The smallest chunk that a push comes down to by itself. A proxy with a lower limit cannot serve a registry.
const SMALLEST_CHUNK: u64 = 64 << 10;

/// What a push has learned about its registry.
#[derive(Debug)]
pub(crate) struct RegistryHabits {
    /// The largest body that the registry, or a proxy in front of it, takes.
    largest: AtomicU64,
    chunks_fail: AtomicBool,
    whole_fails: AtomicBool,
    misreports: AtomicBool,
    mounts_fail: AtomicBool,
}

/// The two ways to send a blob, and which of them a registry has refused.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct UploadWays {
    pub(crate) chunks_failed: bool,
    pub(crate) whole_failed: bool,
}

impl Default for RegistryHabits {
    fn default() -> Self {
        Self {
            largest: AtomicU64::new(u64::MAX),
            chunks_fail: AtomicBool::default(),
            whole_fails: AtomicBool::default(),
            misreports: AtomicBool::default(),
            mounts_fail: AtomicBool::default(),
        }
    }
}

impl RegistryHabits {
    /// The largest body that may be sent.
    pub(crate) fn largest(&self) -> u64 {
        self.largest.load(Ordering::Relaxed)
    }

    /// Bodies of more than `bytes` are refused.
    pub(crate) fn limit(&self, bytes: u64) {
        self.largest.fetch_min(bytes, Ordering::Relaxed);
    }

    /// The ways that are left for the next blob.
    pub(crate) fn ways(&self) -> UploadWays {
        UploadWays {
            chunks_failed: self.chunks_fail.load(Ordering::Relaxed),
            whole_failed: self.whole_fails.load(Ordering::Relaxed),
        }
    }

    /// Notes the ways that failed for a blob that arrived by the other one.
    pub(crate) fn note_ways(&self, ways: UploadWays) {
        if ways.chunks_failed != ways.whole_failed {
            self.chunks_fail.fetch_or(ways.chunks_failed, Ordering::Relaxed);
            self.whole_fails.fetch_or(ways.whole_failed, Ordering::Relaxed);
        }
    }

    /// Whether the registry reports other ranges than it has.
    pub(crate) fn misreports(&self) -> bool {
        self.misreports.load(Ordering::Relaxed)
    }

    /// The registry reports other ranges than it has.
    pub(crate) fn note_misreports(&self) {
        self.misreports.store(true, Ordering::Relaxed);
    }

    /// Whether a request that mentions a mount fails, where the same request without it works.
    pub(crate) fn mounts_fail(&self) -> bool {
        self.mounts_fail.load(Ordering::Relaxed)
    }

    /// A request that mentions a mount fails.
    pub(crate) fn note_mounts_fail(&self) {
        self.mounts_fail.store(true, Ordering::Relaxed);
    }
}

impl UploadWays {
    /// One way has failed. Returns whether the other one is left.
    pub(crate) fn fail(&mut self, whole: bool) -> bool {
        match whole {
            true => self.whole_failed = true,
            false => self.chunks_failed = true,
        }
        !(self.whole_failed && self.chunks_failed)
    }
}

/// A quarter of a body that was too large; `None` if that is too small to be of use.
pub(crate) fn quarter(bytes: u64) -> Option<u64> {
    Some(bytes / 4).filter(|quarter| *quarter >= SMALLEST_CHUNK)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_shrink_to_a_limit() {
        let sizes = std::iter::successors(Some(16 << 20), |bytes| quarter(*bytes));
        assert_eq!(sizes.collect::<Vec<u64>>(), [16 << 20, 4 << 20, 1 << 20, 256 << 10, 64 << 10]);
        let habits = RegistryHabits::default();
        habits.limit(5);
        habits.limit(7);
        assert_eq!(habits.largest(), 5);
    }

    #[test]
    fn a_way_counts_as_failed_once_the_other_one_worked() {
        let habits = RegistryHabits::default();
        let mut ways = habits.ways();
        assert!(ways.fail(false));
        habits.note_ways(ways);
        assert!(habits.ways().chunks_failed && !habits.ways().whole_failed);
        assert!(!ways.fail(true), "no way is left");
        habits.note_ways(ways);
        assert!(!habits.ways().whole_failed, "a blob that did not arrive teaches nothing");
    }
}
