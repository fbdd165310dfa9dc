//! Pid 1 of the sandbox: sets it up, starts the command, reaps, and takes all the rest down with itself.

use std::io;
use std::net::TcpListener;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::{self, Command};

use rustix::event::{PollFd, PollFlags};
use rustix::fs::Mode;
use rustix::process::{Pid, PidfdFlags};

use super::answer::answer;
use super::failure::{failed, other, report};
use super::handed::Handed;
use super::privilege;
use super::tree::Tree;
use crate::finished::Status;
use crate::message::{self, Failure, Message, Step};
use crate::ops::{Op, Resource};
use crate::wire::Job;
use crate::{seccomp, sys};

/// Never returns to the helper's code: the result is the exit code of pid 1, which nobody looks at.
pub(super) fn run(handed: Handed) -> i32 {
    let result = set_up(&handed).and_then(|()| {
        if handed.job.argv.is_empty() {
            return Ok(Status::Exited(0));
        }
        let signals = sys::child_signals().map_err(other("watch for signals"))?;
        let command = start(&handed.job, &handed.stdin)?;
        tell_started(&handed.control, command).map_err(other("tell that the command runs"))?;
        supervise(&handed.control, handed.requests, &signals, command).map_err(other("wait for the command"))
    });
    match result {
        Ok(status) => {
            end_all();
            // If the parent is gone there is nobody to tell.
            let _ = message::send(&handed.control, &Message::Ended(status, sys::largest_child()), &[]);
            0
        }
        Err(failure) => report(&handed.control, failure),
    }
}

fn set_up(handed: &Handed) -> Result<(), Failure> {
    let job = &handed.job;
    rustix::process::umask(Mode::from_raw_mode(0o022));
    let mut tree = Tree::new(job)?;
    for op in &job.ops {
        let step = match op {
            Op::Proc(_) => Step::Proc,
            Op::Overlay { .. } | Op::TryOverlay => Step::Overlay,
            _ => Step::Other,
        };
        act(handed, &mut tree, op).map_err(|e| failed(step, op.to_string())(e))?;
    }
    drop(tree);
    privilege::give_up(job)
}

fn act(handed: &Handed, tree: &mut Tree, op: &Op) -> io::Result<()> {
    match op {
        Op::Hostname(name) => Ok(rustix::system::sethostname(name.as_bytes())?),
        Op::Loopback => loopback(),
        Op::Listen(port) => {
            let listener = TcpListener::bind(("127.0.0.1", *port))?;
            message::send(&handed.control, &Message::Listener, &[listener.as_fd()])
        }
        Op::Cwd(at) => std::env::set_current_dir(at),
        Op::Limit { resource, value } => limit(*resource, *value),
        mount => tree.act(mount),
    }
}

fn loopback() -> io::Result<()> {
    use rustix::net::{AddressFamily, SocketFlags, SocketType, socket_with};
    let socket = socket_with(AddressFamily::INET, SocketType::DGRAM, SocketFlags::CLOEXEC, None)?;
    sys::bring_loopback_up(&socket)
}

fn limit(resource: Resource, value: u64) -> io::Result<()> {
    use rustix::process::{Resource as R, Rlimit, getrlimit, setrlimit};
    let resource = match resource {
        Resource::Nofile => R::Nofile,
        Resource::Core => R::Core,
        Resource::Nproc => R::Nproc,
        Resource::Fsize => R::Fsize,
        Resource::Data => R::Data,
    };
    let allowed = getrlimit(resource).maximum.unwrap_or(u64::MAX);
    let value = Some(value.min(allowed));
    Ok(setrlimit(resource, Rlimit { current: value, maximum: value })?)
}

/// Forks the command, and waits until it has become the program or could not.
fn start(job: &Job, stdin: &OwnedFd) -> Result<Pid, Failure> {
    let (ours, theirs) = message::pair().map_err(other("make a socket"))?;
    let Some(pid) = sys::fork().map_err(other("start the command's process"))? else {
        drop(ours);
        let failure = become_command(job, stdin);
        // Init waits for this; if it is gone, so is everybody.
        let _ = message::send(&theirs, &Message::Failed(failure), &[]);
        process::exit(127);
    };
    drop(theirs);
    match message::receive(&ours).map_err(other("follow the command's start"))? {
        Some((Message::Failed(failure), _)) => Err(failure),
        _ => Ok(pid),
    }
}

/// Gives the parent a hold on the command, which nothing has reaped yet.
fn tell_started(control: &OwnedFd, command: Pid) -> io::Result<()> {
    let command = rustix::process::pidfd_open(command, PidfdFlags::empty())?;
    message::send(control, &Message::Started, &[command.as_fd()])
}

/// Becomes the command; returns only if that fails.
fn become_command(job: &Job, stdin: &OwnedFd) -> Failure {
    if let Err(failure) = prepare(job, stdin) {
        return failure;
    }
    #[allow(clippy::disallowed_methods, reason = "what it starts is in the sandbox")]
    let error = Command::new(&job.argv[0]).args(&job.argv[1..]).env_clear().envs(job.env.iter().cloned()).exec();
    failed(Step::Exec, job.argv[0].to_string_lossy())(error)
}

fn prepare(job: &Job, stdin: &OwnedFd) -> Result<(), Failure> {
    if job.terminal {
        take_terminal(stdin).map_err(other("take the terminal"))?;
    } else {
        rustix::process::setsid().map_err(io::Error::from).map_err(other("start a session"))?;
    }
    sys::reset_signals();
    if job.seccomp {
        sys::install_filter(&seccomp::filter()).map_err(other("install the system call filter"))?;
    }
    Ok(())
}

/// Makes the command the terminal's foreground process group, so that Ctrl-C reaches it alone.
fn take_terminal(stdin: &OwnedFd) -> io::Result<()> {
    rustix::process::setpgid(None, None)?;
    if rustix::termios::isatty(stdin) {
        rustix::termios::tcsetpgrp(stdin, rustix::process::getpgrp())?;
    }
    Ok(())
}

/// Reaps, and answers the parent, until the command has ended. Does not return if the parent goes away.
fn supervise(control: &OwnedFd, requests: OwnedFd, signals: &OwnedFd, command: Pid) -> io::Result<Status> {
    let mut requests = Some(requests);
    loop {
        while let Some((pid, status)) = sys::reap(false)? {
            if pid == command {
                return Ok(status);
            }
        }
        let watched = [control, signals].into_iter().chain(&requests);
        let mut fds: Vec<_> = watched.map(|fd| PollFd::new(fd, PollFlags::IN)).collect();
        match rustix::event::poll(&mut fds, None) {
            Err(rustix::io::Errno::INTR) => continue,
            result => result?,
        };
        if !fds[0].revents().is_empty() {
            process::exit(0);
        }
        if fds.get(2).is_some_and(|fd| !fd.revents().is_empty()) {
            requests = requests.filter(answer);
        }
        // Only empties the descriptor; what has happened is learnt by reaping.
        let _ = rustix::io::read(signals, &mut [0; 128]);
    }
}

/// Kills what the command left behind, and reaps it, so that its use of resources is counted.
fn end_all() {
    // Fails if there is nobody left, which is what it is for.
    let _ = sys::kill_all();
    while sys::reap(true).is_ok() {}
}
