//! The helper: this program, started again, with one thread and no other purpose.
//!
//! Knows the order of things. The mounts are in `tree`, pid 1 in `init` and `answer`, the loss of
//! privileges in `privilege`, the restoration of the terminal in `terminal`.

mod answer;
mod init;
mod privilege;
mod terminal;
mod tree;

use std::fs::{self, File};
use std::io::Read;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::atomic::Ordering;
use std::{io, process};

use rustix::process::{Pid, WaitOptions};
use rustix::thread::UnshareFlags;

use self::terminal::TerminalGuard;
use crate::message::{self, Failure, Message, Step};
use crate::spawn::PREPARED;
use crate::spec::Network;
use crate::sys;
use crate::wire::Job;

/// The first argument that makes this program the helper.
pub(crate) const MARKER: &str = "akbuild-sandbox";

/// To be called first of all in `main`, before any thread is started: does nothing, unless the program
/// was started as a sandbox's helper. Then it never returns.
pub fn helper_entry() {
    if std::env::args_os().next().is_some_and(|name| name == MARKER) {
        process::exit(run());
    }
    PREPARED.store(true, Ordering::Relaxed);
}

/// What the helper was handed.
struct Handed {
    control: OwnedFd,
    job: Job,
    stdin: OwnedFd,
    /// Where the parent asks init.
    requests: OwnedFd,
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

/// Takes the job, and puts the command's standard input in the place of the socket it came by.
fn take_job() -> io::Result<Handed> {
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

fn enter_namespaces(job: &Job) -> Result<(), Failure> {
    let mut all = UnshareFlags::NEWNS
        | UnshareFlags::NEWIPC
        | UnshareFlags::NEWUTS
        | UnshareFlags::NEWCGROUP
        | UnshareFlags::NEWPID;
    if job.network == Network::Loopback {
        all |= UnshareFlags::NEWNET;
    }
    if job.identity.privileged {
        return sys::unshare(all).map_err(failed(Step::Namespaces, "enter new namespaces"));
    }
    make_dumpable()?;
    sys::unshare(all | UnshareFlags::NEWUSER)
        .map_err(failed(Step::UserNamespace, "enter a new user namespace, with the others"))?;
    map_ids(job)
}

/// Says which ids outside stand for those inside, in a user namespace that this process has just made.
#[allow(clippy::disallowed_methods, reason = "/proc is the kernel's")]
fn map_ids(job: &Job) -> Result<(), Failure> {
    let write = |file: &str, text: String| {
        let path = format!("/proc/self/{file}");
        let what = format!("write \"{text}\" to {path}");
        fs::write(&path, text).map_err(failed(Step::UserNamespace, what))
    };
    write("uid_map", format!("{} {} 1", job.ids.0, job.identity.uid))?;
    write("setgroups", "deny".into())?;
    write("gid_map", format!("{} {} 1", job.ids.1, job.identity.gid))
}

/// Gives the files of this process in `/proc` to itself, which a change of id took away.
fn make_dumpable() -> Result<(), Failure> {
    let result = rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::Dumpable);
    result.map_err(io::Error::from).map_err(other("keep its own /proc files"))
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

fn report(control: &OwnedFd, failure: Failure) -> i32 {
    // If the parent cannot be told it is gone, and nobody else is there to be told.
    let _ = message::send(control, &Message::Failed(failure), &[]);
    0
}

/// For `map_err`: the step that was refused, and what it was.
fn failed(step: Step, what: impl Into<String>) -> impl FnOnce(io::Error) -> Failure {
    move |e| Failure { step, what: what.into(), errno: e.raw_os_error().unwrap_or(libc::EIO) }
}

fn other(what: &str) -> impl FnOnce(io::Error) -> Failure {
    failed(Step::Other, what)
}
