//! A sandbox that runs: its ends, its killer, its result. Knows nothing of how it was set up.

use std::io::PipeReader;
use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::process::Child;
use std::sync::Arc;
use std::time::Instant;

use crate::cgroup::Cgroup;
use crate::control::Control;
use crate::message::{self, Message};
use crate::{SandboxError, sys};

/// How the command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// With this exit code.
    Exited(i32),
    /// By this signal.
    Signalled(i32),
}

/// What a finished sandbox was and used.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Finished {
    /// How the command ended; SIGKILL if it was killed from here.
    pub status: Status,
    /// Processor time of all its processes and the helper, in their own code.
    pub user_seconds: f64,
    /// The same in the kernel.
    pub system_seconds: f64,
    /// From the start of the command to the end of the last process.
    pub wall_seconds: f64,
    /// The most bytes that all its processes have held together, by the kernel's count; `None` without a cgroup.
    pub group_peak: Option<u64>,
    /// The most bytes that one of its processes has held, by the kernel's count; nothing of akbuild is in it, unless
    /// the sandbox was killed from here.
    pub largest_process: u64,
}

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

/// Ends a sandbox, from any thread, also after the [`Running`] has been moved into a wait.
#[derive(Clone, Debug)]
pub struct Killer(pub(crate) Arc<OwnedFd>);

impl Killer {
    /// Kills every process of the sandbox at once. One that has ended already is left as it is.
    pub fn kill(&self) {
        // The only possible failure is ESRCH, "no such process": the descriptor cannot name another one.
        let _ = rustix::process::pidfd_send_signal(&*self.0, rustix::process::Signal::KILL);
    }
}

impl Finished {
    /// Peak memory in bytes: of all its processes together where it had a cgroup, otherwise of its largest one.
    pub fn max_rss(&self) -> u64 {
        self.group_peak.unwrap_or(self.largest_process)
    }
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
