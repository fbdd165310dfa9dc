//! The helper: this program, started again, with one thread and no other purpose.
//!
//! Knows the order of things. The namespaces are in `namespace`, the mounts in `tree`, pid 1 in `init` and `answer`, the
//! loss of privileges in `privilege`, the restoration of the terminal in `terminal`.

mod answer;
mod failure;
mod handed;
mod init;
mod namespace;
mod privilege;
mod terminal;
mod tree;

use std::os::fd::AsFd;
use std::sync::atomic::Ordering;
use std::{io, process};

use rustix::process::{Pid, WaitOptions};

use self::failure::{other, report};
use self::handed::{Handed, take_job};
use self::namespace::enter_namespaces;
use self::terminal::TerminalGuard;
use crate::message::{self, Message};
use crate::reentry::{MARKER, PREPARED};
use crate::sys;

/// To be called first of all in `main`, before any thread is started: does nothing, unless the program
/// was started as a sandbox's helper. Then it never returns.
pub fn helper_entry() {
    if std::env::args_os().next().is_some_and(|name| name == MARKER) {
        process::exit(run());
    }
    PREPARED.store(true, Ordering::Relaxed);
}

/// 0 if init was started, whatever became of it; the parent hears the rest over the control socket.
fn run() -> i32 {
    let Ok(handed) = take_job() else { return 70 };
    let control = &handed.control;
    if !handed.job.terminal && rustix::process::setsid().is_err() {
        return 70;
    }
    let terminal = handed.job.terminal.then(|| {
        sys::ignore_terminal_signals();
        TerminalGuard::new(&handed.stdin)
    });
    let forked = enter_namespaces(&handed.job).and_then(|()| sys::fork().map_err(other("start init")));
    match forked {
        Err(failure) => report(control, failure),
        // Exits here: the guard in this copy of the process must not act.
        Ok(None) => process::exit(init::run(handed)),
        Ok(Some(init)) => attend(handed, init, terminal.flatten()),
    }
}

/// Tells the parent about init, waits for its end, and restores the terminal.
fn attend(handed: Handed, init: Pid, terminal: Option<TerminalGuard>) -> i32 {
    // Init's alone: the parent learns by its end that nobody answers any more.
    drop(handed.requests);
    let told = rustix::process::pidfd_open(init, rustix::process::PidfdFlags::empty())
        .map_err(io::Error::from)
        .and_then(|fd| message::send(&handed.control, &Message::Init, &[fd.as_fd()]));
    if told.is_err() {
        // The parent is gone, or will take our end for a failure. Init must not outlive us.
        let _ = rustix::process::kill_process(init, rustix::process::Signal::KILL);
    }
    while let Err(rustix::io::Errno::INTR) = rustix::process::waitpid(Some(init), WaitOptions::empty()) {}
    drop(terminal);
    0
}
