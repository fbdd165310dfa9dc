//! Repetitions of what makes progress in between: whoever gets further may fail again as often as in the beginning.
//! Which answers are repeated, and after how long, is the policy of [`akbuild_fetch::retry`].

use std::time::Duration;

use akbuild_fetch::RetryPolicy;
pub(crate) use akbuild_fetch::retry::{may_pass, retry_after};

use crate::ClientConfig;

/// How often something was tried since it last got further.
#[derive(Debug)]
pub(crate) struct Tries {
    policy: RetryPolicy,
    attempt: u32,
    furthest: u64,
}

impl Tries {
    pub(crate) fn new(config: &ClientConfig) -> Self {
        let policy = RetryPolicy { retries: config.retries, backoff: config.backoff };
        Self { policy, attempt: 0, furthest: 0 }
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
        let wait = self.policy.wait(self.attempt + 1, asked)?;
        self.attempt += 1;
        Some((self.attempt, wait))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tries(retries: u32) -> Tries {
        Tries::new(&ClientConfig { retries, ..ClientConfig::default() })
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
}
