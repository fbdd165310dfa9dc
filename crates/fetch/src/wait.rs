//! Waits before a request is repeated, and who is told about them.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Shorter waits are not told.
const SHORTEST: Duration = Duration::from_secs(1);

/// A server has to be waited for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WaitNotice {
    /// The server's host, with a port where the address has one.
    pub host: String,
    /// How long.
    pub wait: Duration,
    /// The server's answer, or the reason for its absence.
    pub reason: String,
    /// Which repetition comes next, from 1.
    pub attempt: u32,
}

impl fmt::Display for WaitNotice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, wait, reason, attempt } = self;
        write!(f, "waiting {} s for {host} before retry {attempt}: {reason}", wait.as_secs_f64().ceil())
    }
}

/// Receives notices of waits. The default ignores them.
#[derive(Clone, Default)]
pub struct WaitListener(Option<Arc<Told>>);

struct Told {
    tell: Box<dyn Fn(&WaitNotice) + Send + Sync>,
    /// When the last told wait for each host ends: many downloads wait for one server, and one line says it.
    until: Mutex<HashMap<String, Instant>>,
}

impl fmt::Debug for WaitListener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WaitListener")
    }
}

impl WaitListener {
    /// Calls `tell` when a wait of at least a second begins, once for each host until it ends.
    pub fn new(tell: impl Fn(&WaitNotice) + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(Told { tell: Box::new(tell), until: Mutex::default() })))
    }

    pub(crate) fn tell(&self, notice: &WaitNotice) {
        let Some(told) = self.0.as_ref().filter(|_| notice.wait >= SHORTEST) else { return };
        let now = Instant::now();
        let mut until = told.until.lock().unwrap_or_else(PoisonError::into_inner);
        if until.get(&notice.host).is_some_and(|end| now < *end) {
            return;
        }
        until.insert(notice.host.clone(), now + notice.wait);
        drop(until);
        (told.tell)(notice);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_tells_about_one_host_and_short_waits_are_left_out() {
        let told: Arc<Mutex<Vec<String>>> = Arc::default();
        let log = told.clone();
        let listener = WaitListener::new(move |notice| log.lock().unwrap().push(notice.to_string()));
        let notice = |host: &str, wait| WaitNotice {
            host: host.to_owned(),
            wait: Duration::from_millis(wait),
            reason: "429 Too Many Requests".to_owned(),
            attempt: 1,
        };
        [
            notice("a.example", 60_000),
            notice("a.example", 60_000),
            notice("b.example:8", 250),
            notice("b.example:8", 1500),
        ]
        .iter()
        .for_each(|notice| listener.tell(notice));
        insta::assert_snapshot!(told.lock().unwrap().join("\n"), @"
        waiting 60 s for a.example before retry 1: 429 Too Many Requests
        waiting 2 s for b.example:8 before retry 1: 429 Too Many Requests
        ");
    }
}
