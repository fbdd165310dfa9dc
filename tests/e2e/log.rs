//! Logs of former builds, and of one that is being written.

use std::io::{BufRead, BufReader, Read};
use std::process::Child;

use rustix::process::{Pid, Signal, kill_process};

use crate::gate::{at_gate, open, stage};
use crate::world::World;

/// `a` writes a line, waits for the test and writes another; `last` needs it.
fn stages() -> String {
    let a = stage("a", "echo second; echo x > \"$out/x\"").replace(": >", "echo first; : >");
    let mounts = "mounts = [{ from = \"a\", to = \"/a\" }]";
    format!("{a}[stages.last]\nkind = \"run\"\n{mounts}\nscript = 'echo third; cat /a/x > \"$out/y\"'\n")
}

/// `log --follow`, and the reader of what it prints.
fn follow(world: &World, stage: &str) -> (Child, BufReader<std::process::ChildStdout>) {
    let mut child = world.start(&["log", stage, "--follow"]);
    let out = BufReader::new(child.stdout.take().unwrap());
    (child, out)
}

#[test]
fn a_log_that_is_being_written_is_followed_to_its_end() {
    let world = World::new(&stages());
    let build = world.start(&["all"]);
    at_gate(&world, "a");
    let (child, mut out) = follow(&world, "a");
    let mut text = String::new();
    out.read_line(&mut text).unwrap();
    assert_eq!(text, "first\n");
    open(&world, "a");
    out.read_to_string(&mut text).unwrap();
    assert_eq!(text, "first\nsecond\n");
    let ran = world.end(child).ok();
    assert_eq!(ran.err, "");
    let _ = world.end(build).ok();
    // Nobody builds it any more: its log is printed, and that is all.
    assert_eq!(world.run(&["log", "a", "--follow"]).ok().out, "first\nsecond\n");
}

#[test]
fn a_stage_that_has_not_begun_is_waited_for() {
    let world = World::new(&stages());
    let build = world.start(&["all"]);
    at_gate(&world, "a");
    let (mut child, mut out) = follow(&world, "last");
    let mut note = String::new();
    BufReader::new(child.stderr.take().unwrap()).read_line(&mut note).unwrap();
    assert_eq!(note, format!("stage `last` has not begun; build {} will come to it\n", world.bucket("builds-v1")[0]));
    open(&world, "a");
    let mut text = String::new();
    out.read_to_string(&mut text).unwrap();
    assert_eq!(text, "third\n");
    let _ = world.end(child).ok();
    let _ = world.end(build).ok();
}

#[test]
fn an_interrupt_ends_the_follower_and_not_the_build() {
    let world = World::new(&stages());
    let build = world.start(&["all"]);
    at_gate(&world, "a");
    let (child, mut out) = follow(&world, "a");
    out.read_line(&mut String::new()).unwrap();
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    assert_eq!(world.end(child).code, Some(130));
    open(&world, "a");
    let _ = world.end(build).ok();
}

#[test]
fn a_build_that_was_killed_is_not_waited_for() {
    let world = World::new(&stages());
    let build = world.start(&["all"]);
    at_gate(&world, "a");
    let (child, mut out) = follow(&world, "a");
    out.read_line(&mut String::new()).unwrap();
    kill_process(Pid::from_child(&build), Signal::KILL).unwrap();
    assert_eq!(world.end(build).code, None);
    let _ = world.end(child).ok();
    assert_eq!(world.run(&["log", "a", "-f"]).ok().out, "first\n");
    insta::assert_snapshot!(world.run(&["log", "last", "-f"]), @"
    --- exit 1
    error: stage `last` has no log
      help: build it with `akbuild build last --rebuild`
    ");
}

#[test]
fn of_a_stage_that_was_cached_the_log_of_what_made_it_is_printed() {
    let world = World::new(
        "[stages.last]\nkind = \"run\"\nscript = 'cat app; cp app \"$out\"'\ncopies = [{ from = \"app\" }]\n",
    );
    let build = |text: &str| {
        world.write("app/app", text);
        world.run(&["all", "-q"])
    };
    for text in ["one\n", "two\n", "one\n"] {
        let _ = build(text).ok();
    }
    let builds = world.bucket("builds-v1");
    let shown = |args: &[&str]| {
        let ran = world.run(args).to_string();
        builds.iter().enumerate().fold(ran, |ran, (i, name)| ran.replace(name, &format!("[BUILD {i}]")))
    };
    insta::assert_snapshot!(shown(&["log", "last"]), @"
    one
    --- exit 0
    stage `last` was cached in build [BUILD 2]; this is its log of build [BUILD 0]
    ");
    insta::assert_snapshot!(shown(&["log", "last", "--build", &builds[1]]), @"
    two
    --- exit 0
    ");
    insta::assert_snapshot!(shown(&["log", "last", "--build", &builds[2]]), @"
    one
    --- exit 0
    stage `last` was cached in build [BUILD 2]; this is its log of build [BUILD 0]
    ");
    insta::assert_snapshot!(shown(&["log", "last", "--build", "9"]), @"
    --- exit 1
    error: no build of `tiny` is called `9`
      help: name one of these:
        [BUILD 2]  akbuild all -q
        [BUILD 1]  akbuild all -q
        [BUILD 0]  akbuild all -q
    ");
    insta::assert_snapshot!(shown(&["log", "last", "--build", "00"]), @"
    --- exit 1
    error: 3 builds of `tiny` are called `00`
      help: name one of these:
        [BUILD 2]  akbuild all -q
        [BUILD 1]  akbuild all -q
        [BUILD 0]  akbuild all -q
    ");
    world.edit("akbuild.toml", "cat app;", "cat app; false;");
    let _ = build("three\n").failed();
    assert_eq!(world.run(&["log", "last"]).ok().out, "three\n");
}

#[test]
fn logs_that_are_not_there() {
    let world = World::new(&stages());
    insta::assert_snapshot!(world.run(&["log", "last", "--follow"]), @"
    --- exit 1
    error: stage `last` has no log
      help: build it with `akbuild build last --rebuild`
    ");
    insta::assert_snapshot!(world.run(&["log", "last", "--build", "1"]), @"
    --- exit 1
    error: project `tiny` was never built
      help: build it with `akbuild all`
    ");
    insta::assert_snapshot!(world.run(&["log", "last", "--build", "1", "-f"]), @"
    --- exit 2
    error: the argument '--build <BUILD>' cannot be used with '--follow'

    Usage: akbuild log --build <BUILD> --home <DIR> <STAGE>

    For more information, try '--help'.
    ");
    let build = world.start(&["build", "a"]);
    open(&world, "a");
    let _ = world.end(build).ok();
    let name = world.bucket("builds-v1").remove(0);
    let ran = world.run(&["log", "last", "--build", &name]).to_string();
    insta::assert_snapshot!(ran.replace(&name, "[BUILD]"), @"
    --- exit 1
    error: stage `last` has no log in build [BUILD]: it did not run there
      help: `akbuild log last` prints its newest log
    ");
}
