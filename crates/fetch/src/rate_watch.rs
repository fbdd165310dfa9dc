//! The lowest rate at which a server may send. Must not depend on what is transferred.

use std::time::Duration;

use reqwest::Response;
use tokio::time::{Instant, timeout};

use crate::limits::TransferLimits;
use crate::miss::{Miss, MissKind};

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
