//! Names of builds. Knows how they sort; not what a build is.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::{Deserialize, Serialize};

/// Names a build. Later builds sort later.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct BuildId(String);

impl BuildId {
    /// The name as text: also the name of its folder.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for BuildId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl BuildId {
    pub(crate) fn from_name(name: String) -> Self {
        Self(name)
    }

    /// The milliseconds since 1970, zero-padded so that ids sort by time until the year 33658, and the process. Two
    /// builds of a process never have the same millisecond, and a clock that is set back does not turn their order.
    pub(crate) fn next(started: f64) -> Self {
        static LAST: AtomicU64 = AtomicU64::new(0);
        let milliseconds = (started * 1000.0) as u64;
        let next = |last: u64| milliseconds.max(last + 1);
        let milliseconds = next(LAST.update(Ordering::Relaxed, Ordering::Relaxed, next));
        Self(format!("{milliseconds:015}-{}", std::process::id()))
    }

    /// When it began, in seconds since 1970: ids begin with it.
    pub fn started(&self) -> f64 {
        self.0.split('-').next().and_then(|ms| ms.parse::<f64>().ok()).unwrap_or(0.0) / 1000.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn later_builds_sort_later() {
        let clock = [5.0, 5.0, 5.0, 5.000_9, 4.0, 5.002, 5.002, 5.002, 5.002, 5.002, 5.002, 5.002, 5.002, 6.0, 6.0];
        let ids = clock.map(BuildId::next);
        assert!(ids.is_sorted_by(|a, b| a < b), "{ids:?}");
    }
}
