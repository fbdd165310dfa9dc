//! When a request is repeated, and after how long: the only retry policy of the program. Knows statuses and waits;
//! sends nothing itself.

use std::time::Duration;

use reqwest::StatusCode;
use reqwest::header::{HeaderMap, RETRY_AFTER};

/// The longest `Retry-After` that is honoured: whoever asks for more is asked again after this.
const LONGEST_ASKED: Duration = Duration::from_secs(60);
/// The longest wait that doubling comes to.
const LONGEST_BACKOFF: Duration = Duration::from_secs(10);

/// How often a request is repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryPolicy {
    /// How many repetitions there are.
    pub retries: u32,
    /// The wait before the first repetition; each further one waits twice as long, at most 10 s.
    pub backoff: Duration,
}

impl RetryPolicy {
    /// The wait before repetition `attempt` (from 1), at least as long as the server `asked` for. `None` if there are
    /// no more repetitions.
    pub fn wait(&self, attempt: u32, asked: Option<Duration>) -> Option<Duration> {
        if attempt > self.retries {
            return None;
        }
        let doubled = self.backoff.saturating_mul(1 << attempt.saturating_sub(1).min(16));
        Some(asked.unwrap_or_default().max(doubled.min(LONGEST_BACKOFF.max(self.backoff))))
    }
}

/// Whether the same request may succeed a little later. A server without room will not have any soon.
pub fn may_pass(status: StatusCode) -> bool {
    let stays = matches!(
        status,
        StatusCode::NOT_IMPLEMENTED | StatusCode::HTTP_VERSION_NOT_SUPPORTED | StatusCode::INSUFFICIENT_STORAGE
    );
    status.is_server_error() && !stays || matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT)
}

/// `Retry-After` in seconds, at most a minute. Dates are not read: doubling does as well.
pub fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds).min(LONGEST_ASKED))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_a_limit_and_last_at_least_as_long_as_asked() {
        let policy = RetryPolicy { retries: 8, backoff: Duration::from_millis(250) };
        let waits: Vec<u128> = (1..9).map(|n| policy.wait(n, None).unwrap().as_millis()).collect();
        assert_eq!(waits, [250, 500, 1000, 2000, 4000, 8000, 10_000, 10_000]);
        assert_eq!(policy.wait(1, Some(LONGEST_ASKED)), Some(LONGEST_ASKED));
        assert_eq!(policy.wait(9, None), None);
    }

    #[test]
    fn a_server_cannot_ask_for_more_than_a_minute() {
        let asked = |text: &str| retry_after(&HeaderMap::from_iter([(RETRY_AFTER, text.parse().unwrap())]));
        assert_eq!(asked("7"), Some(Duration::from_secs(7)));
        assert_eq!(asked("3600"), Some(LONGEST_ASKED));
        assert_eq!(asked("99999999999999999999999"), None);
    }

    #[test]
    fn only_what_may_pass_is_repeated() {
        let passes: Vec<u16> = (100..510).filter(|s| may_pass(StatusCode::from_u16(*s).unwrap())).collect();
        assert_eq!(passes, [408, 429, 500, 502, 503, 504, 506, 508, 509]);
    }
}
