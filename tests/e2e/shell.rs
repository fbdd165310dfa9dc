//! Shells and commands in the sandbox of a stage.

use std::fs::File;
use std::io::{Read, Write};
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};

use crate::terminal::Terminal;
use crate::world::{Ran, World};

const STAGES: &str = r#"
[stages.words]
kind = "run"
script = 'cat *.txt > "$out/words"'
copies = [{ from = "app", include = ["*.txt"] }]

[stages.loud]
kind = "run"
script = 'echo begun > left; echo half > "$out/half"; read -r line < /words/words; [ "$line" = good ]; echo "$line" > "$out/loud"'
copies = [{ from = "app", include = ["*.txt"] }]
mounts = [{ from = "words", to = "/words" }]

[stages.last]
kind = "tree"
pieces = [{ from = "words" }, { from = "loud" }, { from = "words" }]
"#;

fn world() -> World {
    let world = World::new(STAGES);
    world.write("app/a.txt", "bad\n");
    world
}

#[test]
fn a_command_runs_where_the_script_would() {
    let world = world();
    // What it needs is made first.
    let ran = world
        .run(&["shell", "loud", "--", "bash", "-c", "echo \"$PWD $out: $(echo * /words/*)\"; cat /words/words"])
        .ok();
    assert_eq!(ran.out, "/build /out: a.txt /words/words\nbad\n");
    insta::assert_snapshot!(world.run(&["shell", "loud", "--", "cat", "a.txt", "none"]), @"
    bad
    --- exit 1
    up to date: 2 stages
    cat: none: No such file or directory
    ");
    let code = |command: &[&str]| world.run(&[&["shell", "loud", "-q", "--"], command].concat()).code;
    assert_eq!(code(&["bash", "-c", "exit 7"]), Some(7));
    assert_eq!(code(&["bash", "-c", "kill -9 $$"]), Some(137));
    assert_eq!(code(&["bash", "-c", "! bash -euo pipefail -c \"$AKBUILD_SCRIPT\""]), Some(0));
    insta::assert_snapshot!(world.run(&["shell", "loud", "-q", "--", "nothing-of-that-name"]), @"
    --- exit 127
    akbuild: line 1: exec: nothing-of-that-name: not found
    ");
    assert!(world.bucket("tmp-v1").is_empty());
}

/// Runs the program with this as its standard input, which is a pipe.
fn with_input(world: &World, args: &[&str], input: &str) -> Ran {
    let mut child = world.command(args).stdin(Stdio::piped()).spawn().unwrap();
    let (mut stdin, input) = (child.stdin.take().unwrap(), input.to_owned());
    // Beside the reader: the pipes hold less than some inputs.
    let writer = std::thread::spawn(move || stdin.write_all(input.as_bytes()));
    let ran = world.end(child);
    writer.join().unwrap().unwrap();
    ran
}

#[test]
fn commands_and_data_come_through_a_pipe() {
    for make in [World::unlocked, World::of_user] {
        let world = make(STAGES);
        world.write("app/a.txt", "bad\n");
        world.lock();
        insta::allow_duplicates! {
            // The stage's inputs are built first, and do not read the commands.
            insta::assert_snapshot!(with_input(&world, &["shell", "loud", "-q"], "echo *; cat /words/words; exit 3; echo no"), @"
            a.txt
            bad
            --- exit 3
            ");
            insta::assert_snapshot!(with_input(&world, &["shell", "loud", "-q"], "false"), @"--- exit 1");
            insta::assert_snapshot!(with_input(&world, &["shell", "loud", "-q"], "kill -9 $$"), @"--- exit 137");
        }
        let data = "\x1b[31m\u{9b}line\n".repeat(20_000);
        assert_eq!(with_input(&world, &["shell", "loud", "--", "cat"], &data).ok().out, data);
        // A file instead of a pipe.
        let file = File::open(world.path("project/akbuild.toml")).unwrap();
        let child = world.command(&["shell", "loud", "--", "cat"]).stdin(file).spawn().unwrap();
        assert_eq!(world.end(child).ok().out, world.read("akbuild.toml"));
    }
}

/// Starts the program with the terminal as all its streams.
fn on_terminal(terminal: &Terminal, command: &mut Command) -> Child {
    let child = command.stdin(terminal.open()).stdout(terminal.open()).stderr(terminal.open()).spawn().unwrap();
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    child
}

fn settings(terminal: &Terminal) -> String {
    format!("{:?}", rustix::termios::tcgetattr(&terminal.person).unwrap())
}

#[test]
fn an_interrupted_shell_leaves_the_terminal_as_it_was() {
    for make in [World::unlocked, World::of_user] {
        let world = make(STAGES);
        world.write("app/a.txt", "bad\n");
        world.lock();
        for signal in [Signal::TERM, Signal::INT] {
            let mut terminal = Terminal::new();
            let before = settings(&terminal);
            let mut child = on_terminal(&terminal, &mut world.in_session(&["shell", "loud", "-q"]));
            let (mut shown, mut bytes) = (String::new(), [0; 4096]);
            while !shown.contains("[loud] /build$ ") {
                let length = terminal.person.read(&mut bytes).unwrap();
                shown += &String::from_utf8_lossy(&bytes[..length]);
            }
            // The shell reads single keys while it shows its prompt.
            assert_ne!(settings(&terminal), before);
            kill_process(Pid::from_child(&child), signal).unwrap();
            assert_eq!(child.wait().unwrap().code(), Some(130));
            assert_eq!(settings(&terminal), before);
            assert!(world.bucket("tmp-v1").is_empty());
        }
    }
}

#[test]
fn a_failed_run_is_looked_into() {
    for make in [World::unlocked, World::of_user] {
        let world = make(STAGES);
        world.write("app/a.txt", "bad\n");
        world.lock();
        insta::allow_duplicates! {
            insta::assert_snapshot!(world.run(&["shell", "loud", "--failed", "--", "true"]), @"
            --- exit 1
            error: no failed run of stage `loud` was kept
              help: keep its folders when it fails: `akbuild build loud --keep-failed`
            ");
            insta::assert_snapshot!(world.run(&["build", "loud", "--keep-failed", "-q"]), @"
            --- exit 1
            failed loud after [TIME]
              stage `loud` exited with status 1
              log: [HOME]/builds-v1/[NAME]/loud.log
              kept: [HOME]/kept-v1/[NAME]
              help: `akbuild log loud` prints the log, `akbuild shell loud --failed` opens its sandbox as it was left
            ");
        }
        let kept = world.bucket("kept-v1");
        let look = "echo $(echo * \"$out\"/*); cat left; echo more > more";
        let ran = world.run(&["shell", "loud", "--failed", "--", "bash", "-c", look]).ok();
        assert_eq!(ran.out, "a.txt left /out/half\nbegun\n");
        assert!(ran.err.contains("the folders are those that `loud` left in build "), "{ran}");
        assert!(!ran.err.contains("warning"), "{ran}");
        // It stays, with what was done in it.
        assert_eq!(world.bucket("kept-v1"), kept);
        assert_eq!(
            world.run(&["shell", "loud", "--failed", "-q", "--", "cat", "more", "/words/words"]).ok().out,
            "more\nbad\n"
        );
        world.write("app/a.txt", "worse\n");
        let ran = world.run(&["shell", "loud", "--failed", "--", "cat", "a.txt", "/words/words"]).ok();
        assert_eq!(ran.out, "bad\nworse\n");
        assert!(
            ran.err.contains("warning: stage `loud` has changed since then: the mounts are those of today\n"),
            "{ran}"
        );
    }
}

#[test]
fn a_stage_that_only_puts_trees_together_has_no_shell() {
    let world = world();
    world.write("app/a.txt", "good\n");
    insta::assert_snapshot!(world.run(&["shell", "last"]), @"
    --- exit 1
    error: stage `last` puts trees together without running anything: it has no sandbox
      help: look at its output in the store, or open a shell in one of the stages it takes from
    ");
    // Nor is one offered where it fails.
    insta::assert_snapshot!(world.run(&["all", "-q"]), @"
    --- exit 1
    failed last after [TIME]
      stage `last`: `words` comes from two pieces
        help: give one of them an `exclude`
      log: [HOME]/builds-v1/[NAME]/last.log
      help: `akbuild log last` prints the log
    ");
}
