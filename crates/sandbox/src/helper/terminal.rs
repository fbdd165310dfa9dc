//! The state of the terminal before a sandbox takes it, and its restoration.
//!
//! The helper does this, since it outlives both others: the command, which may be killed in raw mode, and the parent,
//! which may exit at once when it is interrupted.

use std::os::fd::{AsFd, OwnedFd};

use rustix::process::Pid;
use rustix::termios::{OptionalActions, Termios};

/// Restores the settings and the foreground process group of a terminal when it is dropped.
///
/// Its owner must ignore SIGTTOU: until the restoration, it is not in the foreground process group.
pub(super) struct TerminalGuard {
    terminal: OwnedFd,
    settings: Termios,
    /// `None` if it is not the controlling terminal.
    foreground: Option<Pid>,
}

impl TerminalGuard {
    /// Remembers the state of the terminal; `None` if the descriptor is not one.
    pub(super) fn new(terminal: impl AsFd) -> Option<Self> {
        let terminal = rustix::io::fcntl_dupfd_cloexec(terminal, 3).ok()?;
        let settings = rustix::termios::tcgetattr(&terminal).ok()?;
        let foreground = rustix::termios::tcgetpgrp(&terminal).ok();
        Some(Self { terminal, settings, foreground })
    }
}

impl Drop for TerminalGuard {
    fn drop(&mut self) {
        // Both fail if the terminal was closed, and then there is nothing to restore.
        if let Some(foreground) = self.foreground {
            let _ = rustix::termios::tcsetpgrp(&self.terminal, foreground);
        }
        let _ = rustix::termios::tcsetattr(&self.terminal, OptionalActions::Now, &self.settings);
    }
}
