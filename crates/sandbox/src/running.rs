//! A sandbox that runs: its ends, its killer, its result. Knows nothing of how it was set up.

use std::io::PipeReader;
use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::process::Child;
use std::sync::Arc;
use std::time::Instant;

use crate::cgroup::Cgroup;
use crate::control::{Control, Killer};
use crate::finished::{Finished, Status};
use crate::message::{self, Message};
use crate::{SandboxError, sys};

/// A sandbox whose command has been started. Dropping it kills it.
#[derive(Debug)]
pub struct Running {
    pub(crate) child: Option<Child>,
    /// The control socket, by which init knows that this process lives.
    pub(crate) socket: OwnedFd,
    pub(crate) killer: Killer,
    pub(crate) control: Control,
    pub(crate) listeners: Vec<TcpListener>,
    pub(crate) output: Option<PipeReader>,
    pub(crate) cgroup: Option<Arc<Cgroup>>,
    pub(crate) started: Instant,
}

impl Running {
    /// The sockets that listen inside, in the order of the spec's ports, once.
    pub fn listeners(&mut self) -> Vec<TcpListener> {
        std::mem::take(&mut self.listeners)
    }

    /// What the command writes, once. It must be read, or a talkative command waits for ever. It ends
    /// when the last process of the sandbox has ended.
    pub fn output(&mut self) -> Option<PipeReader> {
        self.output.take()
    }

    /// A handle that kills the sandbox.
    pub fn killer(&self) -> Killer {
        self.killer.clone()
    }

    /// A handle that reaches into the sandbox while it runs.
    pub fn control(&self) -> Control {
        self.control.clone()
    }

    /// Waits until the command has ended and, with it, every other process in the sandbox.
    ///
    /// # Errors
    /// [`SandboxError::Parent`] if the helper cannot be waited for.
    pub fn wait(mut self) -> Result<Finished, SandboxError> {
        let message = message::receive(&self.socket).map_err(SandboxError::parent("follow the sandbox"))?;
        match message {
            Some((Message::Ended(status, largest), _)) => self.finish(status, Some(largest)),
            _ => self.finish(Status::Signalled(rustix::process::Signal::KILL.as_raw()), None),
        }
    }

    fn finish(&mut self, status: Status, largest: Option<u64>) -> Result<Finished, SandboxError> {
        let child = self.child.take().ok_or_else(|| std::io::Error::from(std::io::ErrorKind::NotFound));
        let pid = child.map_err(SandboxError::parent("wait for the sandbox"))?.id();
        let usage = sys::wait_with_usage(pid).map_err(SandboxError::parent("wait for the sandbox"))?;
        Ok(Finished {
            status,
            user_seconds: usage.user_seconds,
            system_seconds: usage.system_seconds,
            wall_seconds: self.started.elapsed().as_secs_f64(),
            group_peak: self.cgroup.as_ref().and_then(|group| group.peak()),
            largest_process: largest.unwrap_or(usage.max_rss),
        })
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if self.child.is_some() {
            self.killer.kill();
            // Nobody is left to be told: the result is dropped, and all that matters is that no zombie stays.
            let _ = self.finish(Status::Signalled(rustix::process::Signal::KILL.as_raw()), None);
        }
    }
}
