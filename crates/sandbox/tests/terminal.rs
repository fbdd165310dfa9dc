//! A shell in a sandbox, on a terminal of its own.
#![allow(clippy::disallowed_methods, reason = "tests make the trees that they look at")]

mod common;

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::process::{Child, Command};

use common::{World, as_everybody};
use rustix::fs::{Mode, OFlags};
use rustix::pty::OpenptFlags;

/// The person's end of a terminal, and what has been shown on it.
struct Person {
    terminal: File,
    shown: String,
}

impl Person {
    /// Reads until the terminal shows `text` in what has not been looked at yet.
    #[track_caller]
    fn sees(&mut self, text: &str) {
        let mut bytes = [0; 4096];
        while !self.shown.contains(text) {
            match self.terminal.read(&mut bytes) {
                Ok(length @ 1..) => self.shown.push_str(&String::from_utf8_lossy(&bytes[..length])),
                _ => panic!("no \"{text}\" in: {}", self.shown),
            }
        }
        let end = self.shown.find(text).unwrap() + text.len();
        self.shown.drain(..end);
    }

    /// Reads until no program has the terminal open any more.
    fn sees_the_last_close(&mut self) {
        while let Ok(1..) = self.terminal.read(&mut [0; 4096]) {}
    }

    fn settings(&self) -> String {
        format!("{:?}", rustix::termios::tcgetattr(&self.terminal).unwrap())
    }

    fn types(&mut self, text: &str) {
        self.terminal.write_all(text.as_bytes()).unwrap();
    }
}

/// Starts an interactive shell in a sandbox; the terminal is the controlling one of a new session.
fn shell(world: &World) -> (Child, Person) {
    let terminal = rustix::pty::openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
    rustix::pty::grantpt(&terminal).unwrap();
    rustix::pty::unlockpt(&terminal).unwrap();
    let name = rustix::pty::ptsname(&terminal, Vec::new()).unwrap();
    let open = || -> OwnedFd {
        rustix::fs::open(&name, OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC, Mode::empty()).unwrap()
    };
    let mut sandbox = world.sandbox(&["--terminal"]);
    sandbox.args(["/bin/bash", "--norc", "--noprofile", "-i"]);
    let mut outer: Command = world.through(&["setsid", "-c", "-w"], &sandbox);
    let child = outer.stdin(open()).stdout(open()).stderr(open()).spawn().unwrap();
    (child, Person { terminal: terminal.into(), shown: String::new() })
}

#[test]
fn a_shell_has_job_control_and_ctrl_c_ends_only_what_it_runs() {
    as_everybody(|w| {
        let (mut child, mut person) = shell(w);
        // With exec, since a shell that waits for a child may take the signal for the child's own affair.
        person.types("sh -c 'echo u''p; exec sleep 1000'\n");
        person.sees("up\r\n");
        person.types("\x03");
        person.sees("^C");
        person.types("echo status $?\n");
        person.sees("status 130");
        person.types("sleep 1000 & jobs\n");
        person.sees("Running");
        person.types("exit 5\n");
        person.sees("status: exited 5");
        assert!(child.wait().unwrap().success());
    });
}

#[test]
fn a_shell_that_is_killed_in_raw_mode_leaves_the_terminal_as_it_was() {
    as_everybody(|w| {
        let (mut child, mut person) = shell(w);
        let before = person.settings();
        person.types("stty raw -echo; echo raw mo''de; read -r -N 1 _; kill -9 $$\n");
        person.sees("raw mode");
        assert_ne!(person.settings(), before);
        person.types("x");
        person.sees("status: signalled 9");
        assert!(child.wait().unwrap().success());
        assert_eq!(person.settings(), before);
    });
}

#[test]
fn a_terminal_is_restored_even_if_the_program_that_started_the_sandbox_is_killed() {
    as_everybody(|w| {
        let (mut child, mut person) = shell(w);
        let before = person.settings();
        person.types("stty raw -echo; echo raw mo''de; sleep 1000\n");
        person.sees("raw mode");
        assert_ne!(person.settings(), before);
        child.kill().unwrap();
        child.wait().unwrap();
        person.sees_the_last_close();
        assert_eq!(person.settings(), before);
    });
}

#[test]
fn a_new_terminal_can_be_opened_inside() {
    as_everybody(|w| {
        let (mut child, mut person) = shell(w);
        person.types("exec 7<>/dev/ptmx; ls /dev/pts; exit\n");
        person.sees("0  ptmx");
        person.sees("status: exited 0");
        assert!(child.wait().unwrap().success());
    });
}
