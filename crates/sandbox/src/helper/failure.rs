//! How the helper's processes tell the parent what was refused.

use std::io;
use std::os::fd::OwnedFd;

use crate::message::{self, Failure, Message, Step};

pub(super) fn report(control: &OwnedFd, failure: Failure) -> i32 {
    // If the parent cannot be told it is gone, and nobody else is there to be told.
    let _ = message::send(control, &Message::Failed(failure), &[]);
    0
}

/// For `map_err`: the step that was refused, and what it was.
pub(super) fn failed(step: Step, what: impl Into<String>) -> impl FnOnce(io::Error) -> Failure {
    move |e| Failure { step, what: what.into(), errno: e.raw_os_error().unwrap_or(libc::EIO) }
}

pub(super) fn other(what: &str) -> impl FnOnce(io::Error) -> Failure {
    failed(Step::Other, what)
}
