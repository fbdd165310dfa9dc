//! How a sandbox begins and ends.
#![allow(clippy::disallowed_methods, reason = "tests start programs")]

mod common;

use std::io::{BufRead, BufReader, Read};
use std::process::{ChildStdout, Command, Stdio};

use common::{World, as_everybody, text};

/// Starts a sandbox that writes "up" and then sleeps, and waits for the word.
fn sleeper(world: &World, options: &[&str]) -> (std::process::Child, BufReader<ChildStdout>) {
    let mut command = world.sandbox(options);
    command.args(["/bin/sh", "-c", "setsid sleep 1000 & echo up; sleep 1000"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    output.read_line(&mut line).unwrap();
    assert_eq!(line, "up\n");
    (child, output)
}

#[test]
fn the_exit_status_comes_out() {
    as_everybody(|w| {
        assert_eq!(w.run("exit 7"), "status: exited 7\n");
        assert_eq!(w.run("kill -TERM $$"), "status: signalled 15\n");
    });
}

#[test]
fn a_daemon_does_not_outlive_the_command() {
    as_everybody(|w| {
        // The daemon holds the output pipe: that it ends shows that the daemon is gone.
        let script = "setsid sh -c 'trap \"\" TERM HUP INT; while :; do sleep 1000; done' & echo started";
        assert_eq!(w.run(script), "started\nstatus: exited 0\n");
    });
}

#[test]
fn orphans_are_reaped_while_the_command_runs() {
    as_everybody(|w| {
        let script = "(sh -c 'exit 3' & true); while grep -qs '^State:.Z' /proc/[0-9]*/status; do :; done; echo none";
        assert_eq!(w.run(script), "none\nstatus: exited 0\n");
    });
}

#[test]
fn the_killer_ends_everything() {
    as_everybody(|w| {
        let (child, mut output) = sleeper(w, &["--kill"]);
        let mut rest = String::new();
        output.read_to_string(&mut rest).unwrap();
        assert_eq!(text(child.wait_with_output().unwrap()), "status: signalled 9\n");
    });
}

#[test]
fn the_death_of_the_parent_ends_everything() {
    as_everybody(|w| {
        // Standard error is held by nobody inside; the output pipe is the parent's. A FIFO is held by the command.
        let fifo = w.path("out/fifo");
        assert!(Command::new("mkfifo").args(["-m", "666"]).arg(&fifo).status().unwrap().success());
        let mut command = w.sandbox(&[]);
        command.args(["/bin/sh", "-c", "exec > /build/out/fifo; setsid sleep 1000 & echo up; sleep 1000"]);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let mut output = BufReader::new(std::fs::File::open(&fifo).unwrap());
        let mut line = String::new();
        output.read_line(&mut line).unwrap();
        assert_eq!(line, "up\n");
        child.kill().unwrap();
        child.wait().unwrap();
        let mut rest = String::new();
        output.read_to_string(&mut rest).expect("ends when the last process inside has ended");
        assert_eq!(rest, "");
    });
}

#[test]
fn a_socket_opened_inside_is_served_from_outside() {
    as_everybody(|w| {
        let options = ["--listen", "4873", "--serve", "from outside"];
        let script = "exec 3<>/dev/tcp/127.0.0.1/4873; cat <&3";
        let output = w.sandbox(&options).args(["/bin/bash", "-c", script]).output().unwrap();
        assert_eq!(text(output), "from outsidestatus: exited 0\n");
    });
}

#[test]
fn two_sockets_opened_inside_come_out_in_the_order_of_their_ports() {
    as_everybody(|w| {
        let options = ["--listen", "4874", "--serve", "first", "--listen", "4873", "--serve", "second"];
        let script = "for port in 4873 4874; do exec 3<>/dev/tcp/127.0.0.1/$port; cat <&3; echo; done";
        let output = w.sandbox(&options).args(["/bin/bash", "-c", script]).output().unwrap();
        assert_eq!(text(output), "second\nfirst\nstatus: exited 0\n");
    });
}

#[test]
fn limits_hold() {
    as_everybody(|w| {
        assert_eq!(w.run_with(&["--nofile", "77"], "ulimit -n; ulimit -c"), "77\n0\nstatus: exited 0\n");
        let output =
            w.run_with(&["--fsize", "4096"], "head -c 9999 /dev/zero > /build/out/big; stat -c %s /build/out/big");
        assert!(output.contains("4096\n"), "{output}");
        let output = w.run_with(&["--memory", "50000000"], "head -c 900000000 /dev/zero | tail -c 800000000 | wc -c");
        assert!(!output.contains("800000000\n"), "{output}");
    });
}

#[test]
fn the_terminals_signals_are_as_a_fresh_shell_has_them() {
    as_everybody(|w| {
        let output = w.run("grep -E 'Sig(Blk|Ign)' /proc/self/status | tr -d '\\t'");
        assert_eq!(output, "SigBlk:0000000000000000\nSigIgn:0000000000000000\nstatus: exited 0\n");
    });
}

#[test]
fn input_is_passed_on_only_when_asked_for() {
    as_everybody(|w| {
        let feed = |options: &[&str]| {
            let mut command = w.sandbox(options);
            let mut child = command.arg("/bin/cat").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
            // Without a reader the write may fail, which is as well.
            let _ = std::io::Write::write_all(&mut child.stdin.take().unwrap(), b"typed\n");
            text(child.wait_with_output().unwrap())
        };
        assert_eq!(feed(&["--stdin"]), "typed\n");
        assert_eq!(feed(&[]), "");
    });
}

#[test]
fn inherited_output_is_not_piped() {
    as_everybody(|w| {
        let output =
            w.sandbox(&["--terminal"]).args(["/bin/sh", "-c", "echo direct; ls /dev/pts; echo >&2 err"]).output();
        assert_eq!(text(output.unwrap()), "direct\nptmx\nerr\nstatus: exited 0\n");
    });
}

#[test]
fn many_sandboxes_run_at_once() {
    as_everybody(|w| {
        let run = || w.run("echo $(ls -d /proc/[0-9]* | wc -l)");
        std::thread::scope(|scope| {
            let all: Vec<_> = (0..16).map(|_| scope.spawn(run)).collect();
            all.into_iter().for_each(|t| assert!(t.join().unwrap().ends_with("status: exited 0\n")));
        });
    });
}

#[test]
fn a_program_that_is_not_there_is_named() {
    as_everybody(|w| {
        let output = w.sandbox(&[]).arg("/bin/nonesuch").output().unwrap();
        insta::allow_duplicates! { insta::assert_snapshot!(text(output), @"error: cannot run /bin/nonesuch in the sandbox: No such file or directory (os error 2); look whether it, and the interpreter that it names, are in the root") };
    });
}

#[test]
fn a_refused_step_is_named() {
    as_everybody(|w| {
        let output = w.run_with(&["--cwd", "/nowhere"], "true");
        insta::allow_duplicates! { insta::assert_snapshot!(output, @"error: cannot set up the sandbox: change to the folder /nowhere: No such file or directory (os error 2)") };
    });
}

#[test]
fn a_machine_without_user_namespaces_is_told_what_to_do() {
    as_everybody(|w| {
        let off = "echo 0 > /proc/sys/user/max_user_namespaces && exec \"$@\"";
        let mut sandbox = w.sandbox(&[]);
        let mut outer = w.through(&["unshare", "-Ur", "sh", "-c", off, "sh"], sandbox.arg("/bin/true"));
        insta::allow_duplicates! { insta::assert_snapshot!(text(outer.output().unwrap()), @"
        error: this machine gives no user namespaces: enter a new user namespace, with the others: No space left on device (os error 28)
        user.max_user_namespaces is 0. As root: sysctl -w user.max_user_namespaces=15000, and the same in /etc/sysctl.d.
        NixOS: security.allowUserNamespaces = true.
        akbuild does not build without a sandbox.
        ") };
        let doctor = text(w.program().arg("--doctor").output().unwrap());
        assert!(doctor.contains("namespaces: Works"), "{doctor}");
    });
}
