//! Attempts that failed: the reason, and its meaning for the next one.

use std::path::PathBuf;
use std::time::Duration;

use reqwest::{Response, StatusCode};

use crate::DownloadAddress;
use crate::error::http_reason;
use crate::redirect::not_followed;
use crate::retry::{may_pass, retry_after};

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
