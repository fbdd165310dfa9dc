//! The time, so that tests can say what it is.

use std::time::{Duration, Instant};

/// A clock that only goes forward.
pub(crate) trait Clock: Send + Sync {
    /// The time since some fixed moment.
    fn now(&self) -> Duration;
}

/// The machine's clock.
pub(crate) struct Monotonic(Instant);

impl Monotonic {
    /// A clock that starts now.
    pub(crate) fn new() -> Self {
        Self(Instant::now())
    }
}

impl Clock for Monotonic {
    fn now(&self) -> Duration {
        self.0.elapsed()
    }
}
