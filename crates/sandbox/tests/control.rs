//! What is asked of a sandbox that runs, and told it.
#![allow(clippy::disallowed_methods, reason = "tests make the trees that they look at")]

mod common;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Stdio};

use common::{World, as_everybody};

/// A sandbox whose parent does as it is told.
struct Obedient {
    child: Child,
    orders: ChildStdin,
    output: BufReader<ChildStdout>,
    answers: BufReader<ChildStderr>,
}

impl Obedient {
    /// Starts a command, and waits for its first line, which must be `up`.
    #[track_caller]
    fn start(world: &World, options: &[&str], command: &[&str], up: &str) -> Obedient {
        let mut sandbox = world.sandbox(&[&["--orders"], options].concat());
        sandbox.args(command).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = sandbox.spawn().unwrap();
        let orders = child.stdin.take().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let answers = BufReader::new(child.stderr.take().unwrap());
        let mut new = Obedient { child, orders, output, answers };
        let mut line = String::new();
        new.output.read_line(&mut line).unwrap();
        if line.trim_end() != up {
            new.answers.read_to_string(&mut line).unwrap();
            panic!("no \"{up}\" but: {line}");
        }
        new
    }

    fn order(&mut self, order: &str) {
        writeln!(self.orders, "{order}").unwrap();
    }

    /// The next line that the parent says.
    fn answer(&mut self) -> String {
        let mut line = String::new();
        self.answers.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }

    fn ask(&mut self, order: &str) -> String {
        self.order(order);
        self.answer()
    }

    /// Has the command ended, and waits for that; the status, which is said beside the answer.
    fn terminate(&mut self) -> String {
        self.order("terminate");
        let mut lines = [self.answer(), self.answer()];
        lines.sort();
        assert_eq!(lines[0], "signalled");
        std::mem::take(&mut lines[1])
    }

    fn end(self) {
        let Obedient { mut child, orders, mut output, mut answers } = self;
        drop(orders);
        let mut rest = String::new();
        output.read_to_string(&mut rest).unwrap();
        answers.read_to_string(&mut rest).unwrap();
        assert_eq!(rest, "");
        assert!(child.wait().unwrap().success());
    }
}

/// A pipe is read by the parent before it waits; on a terminal it waits from the beginning.
const BOTH: [&[&str]; 2] = [&[], &["--terminal"]];

const ENDED: &str = "NotConnected: the sandbox has ended";

#[test]
fn a_server_inside_is_reached_until_the_sandbox_ends() {
    as_everybody(|w| {
        for options in BOTH {
            let server = ["/probe", "--try", "serve", "127.0.0.1:7000"];
            let mut sandbox = Obedient::start(w, options, &server, "listening");
            assert_eq!(sandbox.ask("connect 7000"), "connected: from inside");
            assert_eq!(sandbox.ask("connect 7001"), "ConnectionRefused: Connection refused (os error 111)");
            assert_eq!(sandbox.ask("connect 7000"), "connected: from inside");
            assert_eq!(sandbox.terminate(), "status: signalled 15");
            assert_eq!(sandbox.ask("connect 7000"), ENDED);
            assert_eq!(sandbox.ask("terminate"), ENDED);
            assert_eq!(sandbox.ask("memory"), "none");
            sandbox.end();
        }
    });
}

#[test]
fn a_server_of_the_host_is_no_server_inside() {
    as_everybody(|w| {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let connect = format!("connect {}", listener.local_addr().unwrap().port());
        std::thread::spawn(move || listener.incoming().try_for_each(|c| c?.write_all(b"from outside")));
        let script = ["/bin/sh", "-c", "echo up; sleep 1000"];
        let mut apart = Obedient::start(w, &[], &script, "up");
        assert_eq!(apart.ask(&connect), "ConnectionRefused: Connection refused (os error 111)");
        apart.terminate();
        apart.end();
        let mut shared = Obedient::start(w, &["--host-network"], &script, "up");
        assert_eq!(shared.ask(&connect), "connected: from outside");
        shared.terminate();
        shared.end();
    });
}

#[test]
fn a_signal_reaches_the_command_and_nobody_else() {
    as_everybody(|w| {
        for options in BOTH {
            // The other process tells, when it is asked, whether it got one too.
            let script = "mkfifo /tmp/ask /tmp/answer
                trap 'echo x > /tmp/ask; read got < /tmp/answer; test $got = nothing && exit 42; exit 43' TERM
                (trap 'got=signal' TERM; echo up; read x < /tmp/ask; echo ${got:-nothing} > /tmp/answer) &
                while :; do wait; done";
            let mut sandbox = Obedient::start(w, options, &["/bin/bash", "-c", script], "up");
            assert_eq!(sandbox.terminate(), "status: exited 42");
            sandbox.end();
        }
    });
}

#[test]
fn the_memory_of_every_process_is_counted() {
    const HELD: u64 = 100_000_000;
    as_everybody(|w| {
        let memory = |sandbox: &mut Obedient| sandbox.ask("memory").parse::<u64>().unwrap();
        let mut small = Obedient::start(w, &[], &["/bin/sh", "-c", "echo up; sleep 1000"], "up");
        let before = memory(&mut small);
        assert!((1..HELD).contains(&before), "{before}");
        small.terminate();
        small.end();
        let hold = format!("(/probe --try hold {HELD} & wait) & wait");
        let mut large = Obedient::start(w, &[], &["/bin/sh", "-c", &hold], "holding");
        let held = memory(&mut large);
        assert!((HELD..2 * HELD).contains(&held), "{held}");
        large.terminate();
        large.end();
    });
}
