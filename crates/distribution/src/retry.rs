//! When to try again, and after how long. Knows statuses, waits and how far something has come; sends nothing
//! itself.

use std::time::Duration;

use reqwest::StatusCode;
use reqwest::header::{HeaderMap, RETRY_AFTER};

use crate::ClientConfig;

/// The longest that a `Retry-After` is honoured.
const LONGEST: Duration = Duration::from_secs(60);
/// The longest wait that doubling comes to.
const LONGEST_BACKOFF: Duration = Duration::from_secs(10);

/// Whether the same request may succeed a little later. A registry without room will not have any soon.
pub(crate) fn may_pass(status: StatusCode) -> bool {
    let stays = matches!(
        status,
        StatusCode::NOT_IMPLEMENTED | StatusCode::HTTP_VERSION_NOT_SUPPORTED | StatusCode::INSUFFICIENT_STORAGE
    );
    status.is_server_error() && !stays || matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT)
}

/// `Retry-After` in seconds, at most a minute. Dates are not read: doubling does as well.
pub(crate) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds).min(LONGEST))
}

/// How often something was tried since it last got further.
#[derive(Debug)]
pub(crate) struct Tries {
    allowed: u32,
    backoff: Duration,
    attempt: u32,
    furthest: u64,
}

impl Tries {
    pub(crate) fn new(config: &ClientConfig) -> Self {
        Self { allowed: config.retries, backoff: config.backoff, attempt: 0, furthest: 0 }
    }

    /// So much is done. Whoever gets further than ever before may fail as often as in the beginning.
    pub(crate) fn reached(&mut self, done: u64) {
        if done > self.furthest {
            self.furthest = done;
            self.attempt = 0;
        }
    }

    /// Which repetition comes next, from 1, and how long to wait before it; `None` if there is to be none.
    pub(crate) fn next(&mut self, asked: Option<Duration>) -> Option<(u32, Duration)> {
        if self.attempt >= self.allowed {
            return None;
        }
        self.attempt += 1;
        let doubled = self.backoff.saturating_mul(1 << (self.attempt - 1).min(16));
        let wait = doubled.min(LONGEST_BACKOFF.max(self.backoff));
        Some((self.attempt, asked.unwrap_or_default().max(wait)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tries(retries: u32) -> Tries {
        Tries::new(&ClientConfig { retries, ..ClientConfig::default() })
    }

    #[test]
    fn waits_double_up_to_a_limit_and_no_less_than_asked() {
        let mut tries = tries(20);
        let waits: Vec<u128> = (0..8).map(|_| tries.next(None).unwrap().1.as_millis()).collect();
        assert_eq!(waits, [250, 500, 1000, 2000, 4000, 8000, 10_000, 10_000]);
        assert_eq!(tries.next(Some(LONGEST)), Some((9, LONGEST)));
    }

    #[test]
    fn only_getting_further_counts_as_progress() {
        let mut tries = tries(2);
        tries.reached(10);
        assert_eq!(tries.next(None).map(|t| t.0), Some(1));
        tries.reached(10);
        assert_eq!(tries.next(None).map(|t| t.0), Some(2));
        assert_eq!(tries.next(None), None);
        tries.reached(11);
        assert_eq!(tries.next(None).map(|t| t.0), Some(1));
    }

    #[test]
    fn only_what_may_pass_is_repeated() {
        let passes: Vec<u16> = (100..510).filter(|s| may_pass(StatusCode::from_u16(*s).unwrap())).collect();
        assert_eq!(passes, [408, 429, 500, 502, 503, 504, 506, 508, 509]);
    }
}
