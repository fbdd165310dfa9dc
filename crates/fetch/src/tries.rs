//! Attempts: why one failed, which address comes next, and after how long.

use std::path::PathBuf;
use std::time::Duration;

use reqwest::{Response, StatusCode};
use url::Url;

use crate::auth::host;
use crate::error::http_reason;
use crate::redirect::not_followed;
use crate::retry::{may_pass, retry_after};
use crate::{Client, DownloadAddress, FetchError, WaitNotice};

/// Why one attempt failed.
#[derive(Clone, Debug)]
pub(crate) struct Miss {
    pub(crate) reason: String,
    pub(crate) kind: MissKind,
}

/// The meaning of a failed attempt for the next one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum MissKind {
    /// The address does not have it.
    NotFound,
    /// The server answered something else, for good.
    Http,
    /// The server may answer later.
    Busy(Option<Duration>),
    /// No answer, or it broke off.
    Network,
    /// Other bytes than expected.
    Digest { expected: String, found: String },
    /// The answer is longer than allowed.
    TooLong,
    /// A local error: no address can help.
    Disk,
}

impl Miss {
    pub(crate) fn new(kind: MissKind, reason: impl Into<String>) -> Self {
        Self { kind, reason: reason.into() }
    }

    pub(crate) fn network(error: reqwest::Error) -> Self {
        let kind = if error.is_builder() || error.is_redirect() { MissKind::Http } else { MissKind::Network };
        Self::new(kind, http_reason(error))
    }

    pub(crate) fn may_pass(&self) -> bool {
        matches!(self.kind, MissKind::Busy(_) | MissKind::Network)
    }
}

/// The path that a `file:` address means; `None` for any other address.
pub(crate) fn local_path(address: &DownloadAddress) -> Option<Result<PathBuf, Miss>> {
    let no_path = |()| Miss::new(MissKind::Http, "is not a path of this machine");
    address.local_path().map(|path| path.map_err(no_path))
}

/// The failure for a file of a local mirror that cannot be read.
pub(crate) fn missing(error: &std::io::Error) -> Miss {
    let kind = if error.kind() == std::io::ErrorKind::NotFound { MissKind::NotFound } else { MissKind::Http };
    Miss::new(kind, error.to_string())
}

/// An answer that is not an error.
pub(crate) fn checked(response: Response) -> Result<Response, Miss> {
    let status = response.status();
    let kind = match status {
        StatusCode::NOT_FOUND | StatusCode::GONE => MissKind::NotFound,
        s if s.is_success() => return Ok(response),
        s if may_pass(s) => MissKind::Busy(retry_after(response.headers())),
        _ => MissKind::Http,
    };
    Err(Miss::new(kind, not_followed(&response).unwrap_or_else(|| status.to_string())))
}

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
