//! What is said while something is pushed or pulled. Plain data; knows no terminal.

use std::time::Duration;

use akbuild_nar::Digest;

/// Called with everything that happens, from whichever task it happens in.
pub type Report<'a> = &'a (dyn Fn(Event) + Send + Sync);

/// What happens during [`crate::Client::push`], [`crate::Client::attach`] and [`crate::Client::pull`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// First: what there is to move, before it is known what the other side has already.
    Start {
        /// Number of blobs, each counted once.
        blobs: u64,
        /// Their bytes.
        bytes: u64,
    },
    /// The bytes of a blob begin to move; not said of a blob that is there already or is mounted.
    Begin {
        /// The blob.
        digest: Digest,
        /// Its size.
        bytes: u64,
    },
    /// How far a blob is. After a failure this may be less than it was.
    Bytes {
        /// The blob.
        digest: Digest,
        /// How many of its bytes have moved.
        done: u64,
    },
    /// A blob is where it should be.
    Finish {
        /// The blob.
        digest: Digest,
        /// Its size.
        bytes: u64,
        /// How it came there.
        how: Moved,
    },
    /// Something went wrong that may pass, and will be tried again.
    Retry {
        /// What is tried again: `upload blob sha256:4f5a…`.
        what: String,
        /// Which repetition comes next, from 1; from 1 again after there was progress.
        attempt: u32,
        /// How long is waited before it.
        wait: Duration,
        /// What went wrong.
        reason: String,
    },
}

/// How a blob came to where it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Moved {
    /// It was there.
    Present,
    /// The registry took it from another of its repositories: "Mounting a blob from another repository".
    Mounted {
        /// The repository that was named; `None` if the registry found one by itself.
        from: Option<String>,
    },
    /// Its bytes were sent.
    Uploaded,
    /// Its bytes were received.
    Downloaded,
}
