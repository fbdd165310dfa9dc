//! When to try again, and after how long. Knows statuses and waits; sends nothing itself.

use std::time::Duration;

use reqwest::StatusCode;
use reqwest::header::{HeaderMap, RETRY_AFTER};

/// The longest that a `Retry-After` is honoured.
const LONGEST: Duration = Duration::from_secs(60);
/// The longest wait that doubling comes to.
const LONGEST_BACKOFF: Duration = Duration::from_secs(10);

/// Whether the same request may succeed a little later.
pub(crate) fn may_pass(status: StatusCode) -> bool {
    status.is_server_error() && status != StatusCode::NOT_IMPLEMENTED
        || matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT)
}

/// The wait before attempt `attempt` (the first repetition is 1): doubling from `first`.
pub(crate) fn backoff(first: Duration, attempt: u32) -> Duration {
    first.saturating_mul(1 << (attempt - 1).min(16)).min(LONGEST_BACKOFF.max(first))
}

/// `Retry-After` in seconds, at most a minute. Dates are not read: doubling does as well.
pub(crate) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds).min(LONGEST))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_a_limit() {
        let first = Duration::from_millis(250);
        assert_eq!(backoff(first, 1), first);
        assert_eq!(backoff(first, 3), 4 * first);
        assert_eq!(backoff(first, 60), LONGEST_BACKOFF);
    }

    #[test]
    fn only_what_may_pass_is_repeated() {
        let passes: Vec<u16> = (100..600).filter(|s| may_pass(StatusCode::from_u16(*s).unwrap())).collect();
        assert!(passes.starts_with(&[408, 429, 500, 502, 503]), "{passes:?}");
    }
}
