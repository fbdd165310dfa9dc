//! What the parent hands to the helper over its standard input.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::OwnedFd;

use crate::wire::Job;
use crate::{message, sys};

/// What the helper was handed.
pub(super) struct Handed {
    pub(super) control: OwnedFd,
    pub(super) job: Job,
    pub(super) stdin: OwnedFd,
    /// Where the parent asks init.
    pub(super) requests: OwnedFd,
}

/// Takes the job, and puts the command's standard input in the place of the socket it came by.
pub(super) fn take_job() -> io::Result<Handed> {
    sys::close_inherited()?;
    let control = rustix::io::fcntl_dupfd_cloexec(rustix::stdio::stdin(), 3)?;
    let (_, with) = message::receive_bytes(&control)?.ok_or(io::ErrorKind::UnexpectedEof)?;
    let [job, stdin, requests]: [OwnedFd; 3] = with.try_into().map_err(|_| io::ErrorKind::InvalidData)?;
    let mut bytes = Vec::new();
    File::from(job).read_to_end(&mut bytes)?;
    let job = Job::decode(&bytes).ok_or(io::ErrorKind::InvalidData)?;
    rustix::stdio::dup2_stdin(&stdin)?;
    Ok(Handed { control, job, stdin, requests })
}
