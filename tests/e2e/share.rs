//! Many processes on one home: each stage is built once, the others wait and say so, and the death of one stops none.

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;

use rustix::process::{Pid, Signal, kill_process};

use serde_json::Value;

use crate::archive::PACKAGE;
use crate::gate::{Live, at_gate, gates, open, stage, until};
use crate::whole::{nothing_runs, tidy, whole};
use crate::world::{Ran, World, text};

/// A stage that waits for the test, and what comes after it.
fn world() -> World {
    let after = r#"
[stages.b]
kind = "run"
script = 'cat /a/a /a/a > "$out/b"'
mounts = [{ from = "a", to = "/a" }]

[stages.c]
kind = "run"
script = 'cat c.txt > "$out/c"'
copies = [{ from = "app" }]

[stages.last]
kind = "tree"
pieces = [{ from = "a" }, { from = "b" }, { from = "c" }]
"#;
    let world = World::unlocked(&(stage("a", "echo a > \"$out/a\"") + after)).with_program();
    world.write("app/c.txt", "c\n");
    world.lock();
    world
}

/// Eight runs at once, each in the folder that it is given; the first one is the one that runs stage `a`.
fn eight(world: &World, folder: impl Fn(usize) -> String) -> Vec<Live> {
    let runs: Vec<Live> = (0..8).map(|n| Live::start_in(world, &folder(n), &["all"])).collect();
    at_gate(world, "a");
    // Each of the others waits for it, and says so.
    let of_a = |event: &Value| event["stage"] == "a" && event["reason"] != "stage-started";
    let mut found: Vec<(bool, Live)> = Vec::new();
    for mut run in runs {
        found.push((run.wait_until(of_a)["reason"] == "waiting", run));
    }
    found.sort_by_key(|(waits, _)| *waits);
    assert_eq!(found.iter().filter(|(waits, _)| *waits).count(), 7);
    found.into_iter().map(|(_, run)| run).collect()
}

/// How often each node ended in each way, over all runs.
fn counted(runs: &[Ran]) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for event in runs.iter().flat_map(Ran::events) {
        let (name, status) = (event["stage"].as_str().or(event["node"].as_str()), &event["status"]);
        if let (Some(name), true) = (name, status.is_string()) {
            *counts.entry(format!("{name} {}", text(status))).or_default() += 1;
        }
    }
    counts
}

/// What all together must have done: each node made by one, and taken by the other `others`.
fn once(runs: &[Ran], others: usize) {
    let counts = counted(runs);
    for stage in ["a", "b", "c", "last"] {
        let of = |status| counts.get(&format!("{stage} {status}")).copied().unwrap_or(0);
        assert_eq!((of("built"), of("cached")), (1, others), "{stage} in {counts:?}");
    }
    assert_eq!(counts.get("sysroot:build built"), Some(&1), "{counts:?}");
}

fn results(world: &World, folder: &str) -> [String; 3] {
    ["a", "b", "c"].map(|name| fs::read_to_string(world.path(folder).join("result").join(name)).unwrap())
}

#[test]
fn eight_at_once_in_one_project() {
    let world = world();
    let runs = eight(&world, |_| "project".to_owned());
    open(&world, "a");
    let ended: Vec<Ran> = runs.into_iter().map(|run| run.end(&world).ok()).collect();
    once(&ended, 7);
    assert_eq!(results(&world, "project"), ["a\n", "a\na\n", "c\n"]);
    assert_eq!(world.server.asked(&format!("/debian/{PACKAGE}")), 1);
    whole(&world);
    tidy(&world);
}

#[test]
fn eight_at_once_in_copies_of_a_project() {
    let world = world();
    for n in 0..8 {
        let copy = world.path(&format!("copy-{n}"));
        assert!(Command::new("cp").arg("-r").arg(world.path("project")).arg(copy).status().unwrap().success());
    }
    let runs = eight(&world, |n| format!("copy-{n}"));
    open(&world, "a");
    let ended: Vec<Ran> = runs.into_iter().map(|run| run.end(&world).ok()).collect();
    once(&ended, 7);
    (0..8).for_each(|n| assert_eq!(results(&world, &format!("copy-{n}")), ["a\n", "a\na\n", "c\n"]));
    whole(&world);
    tidy(&world);
}

#[test]
fn the_death_of_one_stops_none() {
    let world = world();
    let mut runs = eight(&world, |_| "project".to_owned());
    let first = at_gate(&world, "a");
    let killed = runs.remove(0);
    kill_process(Pid::from_raw(killed.pid().try_into().unwrap()).unwrap(), Signal::KILL).unwrap();
    assert_eq!(killed.end(&world).code, None);
    let next = until("another that runs the stage", || gates(&world, "a").into_iter().find(|gate| *gate != first));
    fs::write(next.join("go"), "").unwrap();
    let ended: Vec<Ran> = runs.into_iter().map(|run| run.end(&world).ok()).collect();
    let counts = counted(&ended);
    assert_eq!((counts["a built"], counts["a cached"], counts["last built"]), (1, 6, 1), "{counts:?}");
    assert_eq!(results(&world, "project"), ["a\n", "a\na\n", "c\n"]);
    nothing_runs(&world);
    whole(&world);
    let _ = world.run(&["plan"]).ok();
    tidy(&world);
}
