//! How much a server may send and how slowly. Knows bytes and time; not what is transferred.

use std::time::Duration;

use reqwest::Response;
use tokio::time::{Instant, timeout};

use crate::tries::{Miss, MissKind};

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

/// Watches the rate of one answer.
#[derive(Debug)]
pub(crate) struct RateWatch {
    limits: TransferLimits,
    /// Time spent on waiting in this window.
    waited: Duration,
    /// Bytes of this window.
    bytes: u64,
}

impl RateWatch {
    pub(crate) fn new(limits: TransferLimits) -> Self {
        Self { limits, waited: Duration::ZERO, bytes: 0 }
    }

    /// The next piece of an answer; `None` at its end.
    pub(crate) async fn chunk(
        &mut self,
        answer: &mut Response,
    ) -> Result<Option<impl AsRef<[u8]> + std::ops::Deref<Target = [u8]> + use<>>, Miss> {
        loop {
            let begun = Instant::now();
            let left = self.limits.rate_window.saturating_sub(self.waited);
            let next = timeout(left, answer.chunk()).await;
            self.waited += begun.elapsed();
            match next {
                Ok(chunk) => {
                    let chunk = chunk.map_err(Miss::network)?;
                    self.bytes += chunk.as_ref().map_or(0, |chunk| chunk.len() as u64);
                    return Ok(chunk);
                }
                Err(_) => self.next_window()?,
            }
        }
    }

    fn next_window(&mut self) -> Result<(), Miss> {
        let TransferLimits { min_rate, rate_window, .. } = self.limits;
        let needed = (min_rate as f64 * rate_window.as_secs_f64()) as u64;
        if self.bytes < needed {
            let (bytes, time) = (self.bytes, rate_window.as_secs_f64());
            let reason = format!("too slow: {bytes} bytes in {time} s, and at least {min_rate} bytes/s are required");
            return Err(Miss::new(MissKind::Network, reason));
        }
        (self.waited, self.bytes) = (Duration::ZERO, 0);
        Ok(())
    }
}
