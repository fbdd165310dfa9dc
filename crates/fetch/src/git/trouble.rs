//! A failed attempt to talk to a git server.

use std::io;
use std::time::Duration;

use crate::error::http_reason;

/// An error in words, and whether trying again may help.
#[derive(Debug)]
pub(super) struct Trouble {
    pub(super) reason: String,
    pub(super) may_pass: bool,
    /// How long the server wants to be left alone.
    pub(super) asked: Option<Duration>,
}

impl Trouble {
    pub(super) fn firm(reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), may_pass: false, asked: None }
    }

    pub(super) fn sent(error: reqwest::Error) -> Self {
        let may_pass = !error.is_builder() && !error.is_redirect();
        Self { may_pass, reason: http_reason(error), asked: None }
    }

    pub(super) fn read(error: io::Error) -> Self {
        Self { may_pass: error.kind() != io::ErrorKind::InvalidData, reason: error.to_string(), asked: None }
    }
}
