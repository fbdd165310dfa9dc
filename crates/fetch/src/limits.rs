//! How much a server may send and how slowly. Knows bytes and time; not what is transferred.

use std::time::Duration;

/// The limits of one download.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TransferLimits {
    /// The largest download whose size neither a lock nor an index gives, in bytes. Also the largest git pack.
    pub max_bytes: u64,
    /// Bytes a second that a server has to send on average over [`Self::rate_window`].
    pub min_rate: u64,
    /// The time over which the rate is averaged. Time spent on writing to disk does not count.
    pub rate_window: Duration,
}

impl Default for TransferLimits {
    fn default() -> Self {
        Self { max_bytes: 4 << 30, min_rate: 1 << 10, rate_window: Duration::from_secs(60) }
    }
}
