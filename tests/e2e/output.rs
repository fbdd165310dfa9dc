//! Standard output that takes nothing: no command succeeds whose output is lost.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::process::Stdio;

use crate::gate::{at_gate, open, stage};
use crate::image::{IMAGE, files};
use crate::world::World;

fn world() -> World {
    let world = World::new(&IMAGE.replace("script = 'cat", "script = 'echo said; cat"));
    files(&world);
    let _ = world.run(&["all", "-q"]).ok();
    world.write("exported", "");
    let _ = world.run(&["cache", "export", "-o", "exported"]).ok();
    world
}

/// Command lines that write to standard output, at least one for each command.
const LINES: &[&[&str]] = &[
    &["--help"],
    &["--version"],
    &["help"],
    &["help", "cache"],
    &["all", "--help"],
    &["all", "--json"],
    &["build", "words", "--json"],
    &["build", "words", "--rebuild", "--json"],
    &["plan"],
    &["plan", "--json"],
    &["graph"],
    &["graph", "--format", "json"],
    &["why", "words"],
    &["why", "words", "--json"],
    &["log", "words"],
    &["log", "words", "--follow"],
    &["trace"],
    &["shell", "words", "--json"],
    &["run", "--json"],
    &["smoke", "--json"],
    &["image"],
    &["image", "--json"],
    &["image", "-o", "-"],
    &["image", "-o", "-", "--format", "docker-archive"],
    &["image", "--print-reference"],
    &["lock", "--json"],
    &["update", "1.0.1", "--json"],
    &["hash", "app"],
    &["doctor"],
    &["completions", "bash"],
    &["cache", "--help"],
    &["cache", "ls"],
    &["cache", "ls", "--blobs"],
    &["cache", "ls", "--json"],
    &["cache", "show", "words"],
    &["cache", "show", "words", "--json"],
    &["cache", "tree", "words"],
    &["cache", "tree", "words", "--json"],
    &["cache", "diff", "words", "loud"],
    &["cache", "verify", "--json"],
    &["cache", "cat", "words", "words"],
    &["cache", "du"],
    &["cache", "du", "--json"],
    &["cache", "export", "-o", "-"],
    &["cache", "export", "-o", "again"],
    &["cache", "import", "exported"],
    &["cache", "gc"],
    &["cache", "gc", "--json"],
];

/// The names of commands in a help text.
fn commands(world: &World, args: &[&str]) -> BTreeSet<String> {
    let help = world.run(args).ok().out;
    let list = help.split_once("Commands:\n").unwrap().1.split_once("\n\n").unwrap().0;
    // A name stands two columns in; what follows in its further lines stands farther in.
    let names = list.lines().filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    names.map(|line| line.split_whitespace().next().unwrap().to_owned()).collect()
}

#[test]
fn every_command_is_in_the_table() {
    let world = World::unlocked("");
    let has = |line: Vec<&str>| LINES.iter().any(|l| l.starts_with(&line));
    let missing: Vec<String> = commands(&world, &["--help"]).into_iter().filter(|name| !has(vec![name])).collect();
    assert_eq!(missing, Vec::<String>::new());
    let cache = commands(&world, &["cache", "--help"]).into_iter().filter(|name| name != "help");
    let missing: Vec<String> = cache.filter(|name| !has(vec!["cache", name])).collect();
    assert_eq!(missing, Vec::<String>::new());
}

#[test]
fn a_full_disk_under_stdout_is_an_error_of_every_command() {
    let world = world();
    for line in LINES {
        let mut command = world.command(line);
        let full = File::options().write(true).open("/dev/full").unwrap();
        let ran = world.end(command.stdout(full).spawn().unwrap());
        assert_eq!(ran.code, Some(1), "{line:?}\n{}", ran.err);
        let told = "error: cannot write to stdout: No space left on device (os error 28)\n  help: make room, or send the output elsewhere\n";
        assert!(ran.err.ends_with(told), "{line:?}\n{}", ran.err);
        let reports = ran.err.lines().filter(|text| text.starts_with("error: ") && text.contains("No space left"));
        assert_eq!(reports.count(), 1, "{line:?}\n{}", ran.err);
    }
}

#[test]
fn a_reader_that_is_gone_ends_every_command_without_a_word() {
    let world = world();
    let err = |line: &[&str], stdout: Stdio| {
        let mut command = world.command(line);
        let ran = world.end(command.stdout(stdout).spawn().unwrap());
        (ran.code, ran.err)
    };
    // Those that fail say why in any case.
    let fails = [
        ["run", "--json"].as_slice(),
        &["smoke", "--json"],
        &["update", "1.0.1", "--json"],
        &["shell", "words", "--json"],
    ];
    for line in LINES.iter().filter(|line| !fails.contains(line)) {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let (code, text) = err(line, writer.into());
        assert_eq!(code, Some(141), "{line:?}\n{text}");
        assert!(!text.contains("error") && !text.contains("roken pipe"), "{line:?}\n{text}");
    }
}

#[test]
fn a_follower_ends_when_its_reader_is_gone() {
    let words = stage("a", "echo second; echo x > \"$out/x\"").replace(": >", "echo first; : >");
    let world = World::new(&format!("{words}[stages.last]\nkind = \"tree\"\npieces = [{{ from = \"a\" }}]\n"));
    // More is written as long as somebody follows.
    let endless =
        world.read("akbuild.toml").replace("echo first", "while [ ! -e \"$out/go\" ]; do echo more; done & echo first");
    world.write("akbuild.toml", &endless);
    let build = world.start(&["all"]);
    at_gate(&world, "a");
    let mut follower = world.start(&["log", "a", "--follow"]);
    BufReader::new(follower.stdout.take().unwrap()).read_line(&mut String::new()).unwrap();
    // The build goes on, so that only the reader's end can end it.
    let ran = world.end(follower);
    assert_eq!((ran.code, ran.err.as_str()), (Some(141), ""));
    open(&world, "a");
    let _ = world.end(build).ok();
}
