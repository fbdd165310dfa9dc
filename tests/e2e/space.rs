//! Homes that are full, that cannot be written, or that are on another file system than everything else.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};

use serde_json::Value;

use crate::archive::{PACKAGE, archive};
use crate::basics::{STAGES as BASIC, files};
use crate::text::normal;
use crate::whole::{actions, hex, whole_home};
use crate::world::{Ran, World, is_root, names, text};

const STAGES: &str = r#"
[stages.copied]
kind = "run"
script = 'cat b/large > "$out/copied"; rm b/large'
copies = [{ from = "app" }]

[stages.made]
kind = "run"
script = 'cat /copied/copied /copied/copied /copied/copied > "$out/made"; echo x > "$out/x"'
mounts = [{ from = "copied", to = "/copied" }]

[stages.last]
kind = "tree"
pieces = [{ from = "copied" }, { from = "made" }]
"#;

/// Bytes of the source.
const LARGE: usize = 1 << 20;

fn world() -> World {
    let world = World::unlocked(STAGES);
    world.write("app/b/large", &"0123456789abcdef".repeat(LARGE / 16));
    world.lock();
    std::fs::remove_dir_all(world.home()).unwrap();
    std::fs::create_dir(world.home()).unwrap();
    world
}

/// A namespace in which the home is a file system of its own, where a shell does what it is told.
struct Small {
    shell: Child,
    output: BufReader<ChildStdout>,
    home: PathBuf,
}

impl Small {
    fn new(world: &World, bytes: usize) -> Small {
        let script = "mount -t tmpfs -o size=$SIZE,mode=755 none \"$AKBUILD_HOME\"
            while read -r line; do eval \"$line\" || echo \"exit $?\"; echo end; done";
        let mut command = world.inside(script, &["all", "--json"]);
        let mut shell = command.env("SIZE", bytes.to_string()).stdin(Stdio::piped()).spawn().unwrap();
        let output = BufReader::new(shell.stdout.take().unwrap());
        let home = PathBuf::from(format!("/proc/{}/root{}", shell.id(), world.home().display()));
        Small { shell, output, home }
    }

    /// What a command writes, line by line.
    fn does(&mut self, command: &str) -> Vec<String> {
        writeln!(self.shell.stdin.as_mut().unwrap(), "{command}").unwrap();
        let lines = self.output.by_ref().lines().map(Result::unwrap);
        lines.take_while(|line| line != "end").collect()
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        // The shell ends where its input does.
        drop(self.shell.stdin.take());
        let _ = self.shell.wait();
    }
}

fn events(lines: &[String]) -> Vec<Value> {
    lines.iter().filter_map(|line| serde_json::from_str(line).ok()).collect()
}

/// What a failing run was at, by its events: `index`, `source`, a phase, or `record` where all nodes had ended.
fn at(events: &[Value]) -> (String, String) {
    let failed = events.iter().find(|event| event["status"] == "failed");
    if let Some(failed) = failed {
        let phase = events.iter().filter(|e| e["stage"] == failed["stage"] && e["node"] == failed["node"]);
        let phase = phase.filter_map(|event| event["phase"].as_str()).next_back().unwrap_or("begin");
        return (phase.to_owned(), text(&failed["error"]).to_owned());
    }
    let error = events.iter().find(|event| event["reason"] == "error").map(|event| text(&event["message"])).unwrap();
    let place = match events.iter().any(|event| event["reason"] == "planned") {
        true => "record",
        false if error.contains("b/large") => "source",
        false => "index",
    };
    (place.to_owned(), error.to_owned())
}

/// Builds in a home that has so much room, and again where it has enough: where it failed, if it did.
fn fills_up(world: &World, bytes: usize) -> Option<String> {
    let mut small = Small::new(world, bytes);
    let first = small.does("\"$@\"");
    whole_home(&small.home);
    let known = actions(&small.home);
    let failed = (first.last().unwrap() == "exit 1").then(|| {
        let (place, error) = at(&events(&first));
        assert!(error.contains(world.home().to_str().unwrap()) && error.contains(" free"), "{error}");
        place
    });
    let complete = names(&small.home.join("blobs-v1")).len();
    assert_eq!(small.does("mount -o remount,size=1G \"$AKBUILD_HOME\""), [""; 0]);
    let next = events(&small.does("\"$@\""));
    whole_home(&small.home);
    assert_eq!(next.last().unwrap()["ok"], true, "{next:?}");
    assert_eq!(next.last().unwrap()["downloaded_files"], 1 - complete);
    let again = next.iter().filter(|event| event["key"].as_str().is_some_and(|key| known.contains_key(key)));
    again.for_each(|event| assert_eq!(event["status"], "cached", "{event}"));
    let last = next.iter().find(|event| event["stage"] == "last" && event["output"].is_string()).unwrap();
    let made = small.home.join("trees-v1").join(hex(&last["output"])).join("made");
    assert_eq!(std::fs::metadata(made).unwrap().len(), 3 * LARGE as u64);
    failed
}

#[test]
fn a_disk_that_fills_up_in_every_phase() {
    let world = world();
    let mut large = Small::new(&world, 1 << 30);
    large.does("\"$@\"");
    let used: usize = large.does("df -B1 --output=used \"$AKBUILD_HOME\" | tail -n 1")[0].trim().parse().unwrap();
    drop(large);
    let package = archive().files[PACKAGE].len();
    // Before the first stage, there are the source, the package and the sysroot.
    let stages = used - 4 * LARGE;
    let coarse = [
        4096,
        64 << 10,
        LARGE / 2,
        LARGE + package / 2,
        LARGE + package + package / 2,
        stages + LARGE / 2,
        stages + LARGE + LARGE / 2,
        stages + 3 * LARGE,
    ];
    let mut failed: BTreeSet<String> = coarse.into_iter().filter_map(|bytes| fills_up(&world, bytes)).collect();
    // The last kilobytes are for records, and for the index's log.
    let fine = (0..).map_while(|n| fills_up(&world, used + (64 << 10) + n * (20 << 10)));
    failed.extend(fine);
    let all = ["copy", "fetch", "index", "publish", "record", "run", "source", "unpack"];
    assert_eq!(all.iter().find(|place| !failed.contains(**place)), None, "{failed:?}");
}

#[test]
fn a_script_for_which_there_is_no_room() {
    let world = World::new(
        "[stages.last]\nkind = \"run\"\nscript = 'exec 2> /dev/null; while echo 0123456789012345678901234567890123456789 >> \"$out/large\"; do :; done; exit 4'\n",
    );
    std::fs::create_dir_all(world.home()).unwrap();
    let size = 2 * archive().files[PACKAGE].len() + (2 << 20);
    let mut small = Small::new(&world, size);
    let (_, error) = at(&events(&small.does("\"$@\"")));
    insta::assert_snapshot!(normal(&error, &[(world.home().display().to_string(), "[HOME]")]), @"
    stage `last` exited with status 4
      help: make room on the file system of `[HOME]`: more than [SIZE] are needed, 0 B are free; or put the store elsewhere with --home DIR
    ");
}

/// A world whose home is complete and then closed to whoever runs the program.
fn closed() -> World {
    let world = World::of_user(BASIC);
    files(&world);
    world.lock();
    let _ = world.run(&["all"]).ok();
    world
}

/// What works with a home that cannot be written, and what is said of what does not.
fn reads(world: &World, run: impl Fn(&[&str]) -> Ran) {
    std::fs::remove_file(world.path("project/result")).unwrap();
    let ran = run(&["all"]);
    insta::allow_duplicates! {
        insta::assert_snapshot!(ran, @"
        --- exit 0
        warning: the store `[HOME]` is read-only: what is there is used, and nothing is recorded
        up to date: 3 stages

        stage  status  time  size  output
        words  cached  8 B  sha256-JXZ1Sk04Wg...
        loud  cached  10 B  sha256-hkVGIlmZWH...
        last  cached  24 B  sha256-m4KsmIKR8M...

        done in [TIME]: 3 cached
        result: [PROJECT]/result
        ");
        assert_eq!(world.result("loud"), "ONE!\nTWO!\n");
        assert!(run(&["plan"]).ok().out.ends_with("nothing to do\n"));
        insta::assert_snapshot!(run(&["build", "last", "--rebuild"]), @"
        --- exit 1
        warning: the store `[HOME]` is read-only: what is there is used, and nothing is recorded
        to build: 1 stage, up to date: 2
        started  last
        failed  last  [TIME]  the store [HOME] is read-only; choose another with --home DIR, or make it writable

        stage  status  time  size  output
        words  cached  8 B  sha256-JXZ1Sk04Wg...
        loud  cached  10 B  sha256-hkVGIlmZWH...
        last  failed  [TIME]

        failed last after [TIME]
          the store [HOME] is read-only; choose another with --home DIR, or make it writable

        failed after [TIME]: 1 failed, 2 cached
        ");
        world.write("app/a.txt", "three\n");
        insta::assert_snapshot!(run(&["all"]), @"
        --- exit 1
        warning: the store `[HOME]` is read-only: what is there is used, and nothing is recorded
        error: the store [HOME] is read-only; choose another with --home DIR, or make it writable
        ");
    }
}

#[test]
fn a_home_that_is_mounted_read_only() {
    let world = closed();
    let script =
        "mount --bind \"$AKBUILD_HOME\" \"$AKBUILD_HOME\"; mount -o remount,ro,bind \"$AKBUILD_HOME\"; exec \"$@\"";
    reads(&world, |args| world.end(world.inside(script, args).spawn().unwrap()));
}

#[test]
fn a_home_of_somebody_else() {
    let world = closed();
    let change = if is_root() { ["chown", "-R", "0:0"] } else { ["chmod", "-R", "a-w"] };
    assert!(Command::new(change[0]).args(&change[1..]).arg(world.home()).status().unwrap().success());
    reads(&world, |args| world.run(args));
    assert!(Command::new("chmod").args(["-R", "u+w"]).arg(world.home()).status().unwrap().success());
}

#[test]
fn a_home_on_another_file_system_than_the_project() {
    let world = World::new(BASIC);
    files(&world);
    let home = "mount -t tmpfs -o mode=755 none \"$AKBUILD_HOME\"";
    let project =
        "cp -r . \"$AKBUILD_HOME/copy\"; mount -t tmpfs none \"$PWD\"; cd \"$PWD\"; cp -r \"$AKBUILD_HOME/copy/.\" .";
    for place in [home, project] {
        let script = format!("mkdir -p \"$AKBUILD_HOME\"; {place}; \"$@\" -q; \"$@\"; cat result/loud");
        let mut command = world.inside(&script, &["all"]);
        let ran = world.end(command.spawn().unwrap()).ok();
        assert!(ran.out == "ONE!\nTWO!\n" && ran.err.contains("3 cached"), "{ran}");
    }
}

#[test]
fn a_home_that_others_can_write_to_is_warned_of() {
    use std::os::unix::fs::PermissionsExt;
    for make in [World::unlocked, World::of_user] {
        let world = make("[stages.last]\nkind = \"run\"\nscript = 'true'\n");
        let list = || world.run(&["cache", "ls"]).ok().err;
        assert_eq!(list(), "");
        for (mode, warned) in [(0o775, true), (0o757, true), (0o1777, false), (0o755, false), (0o700, false)] {
            std::fs::set_permissions(world.home(), PermissionsExt::from_mode(mode)).unwrap();
            let home = world.home().display().to_string();
            let warning = format!(
                "warning: the home `{home}` can be written by other users, who can forge what is built\n  help: run `chmod go-w {home}`\n"
            );
            assert_eq!(list(), if warned { warning } else { String::new() }, "{mode:o}");
        }
        if crate::world::is_root() {
            std::os::unix::fs::chown(world.home(), Some(12_345), None).unwrap();
            std::fs::set_permissions(world.home(), PermissionsExt::from_mode(0o777)).unwrap();
            let text = list();
            assert!(
                text.contains("belongs to another user, who can forge what is built\n  help: use a home of your own"),
                "{text}"
            );
        }
    }
}
