//! Attempts: which address comes next, and after how long.

use std::time::Duration;

use url::Url;

use crate::auth::host;
use crate::miss::{Miss, MissKind};
use crate::{Client, DownloadAddress, FetchError, WaitNotice};

/// The addresses of one thing, and what came of each so far.
pub(crate) struct Tries {
    left: Vec<DownloadAddress>,
    pub(crate) misses: Vec<(Url, Miss)>,
    attempt: u32,
}

impl Tries {
    pub(crate) fn new(addresses: &[DownloadAddress]) -> Self {
        let mut left: Vec<DownloadAddress> = Vec::new();
        for address in addresses {
            if !left.contains(address) {
                left.push(address.clone());
            }
        }
        Self { left, misses: Vec::new(), attempt: 0 }
    }

    /// The addresses of the next round: those of hosts that were silent last time come last.
    pub(crate) fn round(&self, client: &Client) -> Vec<DownloadAddress> {
        let mut addresses = self.left.clone();
        client.silent(|hosts| addresses.sort_by_key(|a| hosts.contains(&host(a.url()))));
        addresses
    }

    pub(crate) fn missed(&mut self, client: &Client, address: &DownloadAddress, miss: Miss) {
        let url = address.url();
        if miss.kind == MissKind::Network {
            client.silent(|hosts| hosts.insert(host(url)));
        }
        if !miss.may_pass() {
            self.left.retain(|left| left != address);
        }
        match self.misses.iter_mut().find(|(u, _)| u == url) {
            Some((_, last)) => *last = miss,
            None => self.misses.push((url.clone(), miss)),
        }
    }

    /// How long to wait before another round; `None` if there is to be none. Tells the client's listener.
    pub(crate) fn wait(&mut self, client: &Client) -> Option<Duration> {
        let open = |url: &Url| self.left.iter().any(|left| left.url() == url);
        let asked = |miss: &Miss| match miss.kind {
            MissKind::Busy(wait) => wait.unwrap_or_default(),
            _ => Duration::ZERO,
        };
        // The shortest wait decides.
        let (url, miss) = self.misses.iter().filter(|(url, _)| open(url)).min_by_key(|(_, miss)| asked(miss))?;
        let config = client.config();
        let wait = config.retry.wait(self.attempt + 1, Some(asked(miss)))?;
        self.attempt += 1;
        config.waits.tell(&WaitNotice { host: host(url), wait, reason: miss.reason.clone(), attempt: self.attempt });
        Some(wait)
    }

    /// Which repetition comes next, from 1, and why.
    pub(crate) fn next(&self) -> (u32, String) {
        let last = self.misses.iter().rfind(|(url, _)| self.left.iter().any(|left| left.url() == url));
        (self.attempt, last.map(|(u, m)| format!("{}: {}", crate::redact(u), m.reason)).unwrap_or_default())
    }

    /// Why nothing was found.
    pub(crate) fn into_error(self) -> FetchError {
        let absent = self.misses.iter().all(|(_, m)| m.kind == MissKind::NotFound);
        let tried = self.misses.into_iter().map(|(url, miss)| (url, miss.reason)).collect();
        if absent { FetchError::NotFound { tried } } else { FetchError::Unreachable { tried } }
    }
}
