//! Homes that are full, that cannot be written, or that are on another file system than everything else.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Stdio};

use serde_json::Value;

use crate::archive::{PACKAGE, archive};
use crate::whole::{actions, hex, whole_home};
use crate::world::{World, names, text};

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
        false if error.contains("/app/") => "source",
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
        println!("{bytes}: {place}: {error}");
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
    let fine = (0..).map_while(|n| fills_up(&world, used + (64 << 10) + n * (12 << 10)));
    failed.extend(fine);
    let all = ["copy", "fetch", "index", "publish", "record", "run", "source", "unpack"];
    assert_eq!(failed.iter().map(String::as_str).collect::<Vec<_>>(), all);
}
