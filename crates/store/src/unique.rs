//! Numbers that make names of files unique within a process. Knows no file.

use std::sync::atomic::{AtomicU64, Ordering};

static COUNT: AtomicU64 = AtomicU64::new(0);

/// A number that this process has not used yet.
pub(crate) fn unique() -> u64 {
    COUNT.fetch_add(1, Ordering::Relaxed)
}
