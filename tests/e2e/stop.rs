//! Interrupted and killed runs: what is left of them, now and after the next start.

use std::collections::HashMap;
use std::fs;

use rustix::process::{Pid, Signal, kill_process};

use crate::gate::{Live, at_gate, open, stage, together, until};
use crate::world::{Ran, World};

/// Two stages whose scripts start processes that would stay.
fn world() -> World {
    let stay = "trap '' INT TERM HUP; sleep 1000 & sleep 1000";
    world_of(World::unlocked, stay)
}

fn world_of(make: fn(&str) -> World, script: &str) -> World {
    // Each with its own text: equal stages are one, and one of them would wait for the other.
    let make_stage = |name| stage(name, &format!("{script} # {name}")).replace(": >", "sleep 1000 & : >");
    let world = make(&format!("{}{}{}", make_stage("a"), make_stage("b"), together(&["a", "b"])));
    world.lock();
    world
}

/// Every process below this one, with the time at which it started.
fn below(pid: u32) -> HashMap<u32, String> {
    let mut all: Vec<(u32, u32, String)> = Vec::new();
    for entry in fs::read_dir("/proc").unwrap().flatten() {
        let Ok(stat) = fs::read_to_string(entry.path().join("stat")) else { continue };
        let Some((_, rest)) = stat.rsplit_once(") ") else { continue };
        let fields: Vec<&str> = rest.split(' ').collect();
        if let (Ok(pid), Ok(parent)) = (entry.file_name().to_string_lossy().parse(), fields[1].parse()) {
            all.push((pid, parent, fields[19].to_owned()));
        }
    }
    let mut found: HashMap<u32, String> = HashMap::new();
    let mut open = vec![pid];
    while let Some(parent) = open.pop() {
        for (pid, _, start) in all.iter().filter(|(_, p, _)| *p == parent) {
            found.insert(*pid, start.clone());
            open.push(*pid);
        }
    }
    found
}

fn lives(pid: u32, start: &str) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let Some((_, rest)) = stat.rsplit_once(") ") else { return false };
    let fields: Vec<&str> = rest.split(' ').collect();
    fields[0] != "Z" && fields[19] == start
}

fn signal(pid: u32, signal: Signal) {
    kill_process(Pid::from_raw(pid.try_into().unwrap()).unwrap(), signal).unwrap();
}

/// Starts a run and waits until both stages are at their gates; gives the processes of the sandboxes.
fn running(world: &World) -> (Live, HashMap<u32, String>) {
    let run = Live::start(world, &["all", "-j2"]);
    at_gate(world, "a");
    at_gate(world, "b");
    let processes = below(run.pid());
    // Of each: helper, init, script and the sleep that it left behind.
    assert!(processes.len() >= 8, "{processes:?}");
    (run, processes)
}

/// Interrupts a run in which everything is at work. It has 900 ms to end in order, and ends without a word else: where
/// a machine is so slow, it is tried again.
fn interrupted(world: &World, how: Signal) -> Ran {
    let once = || {
        let (run, processes) = running(world);
        signal(run.pid(), how);
        let ran = run.end(world);
        assert_eq!(ran.code, Some(130), "{ran}");
        nothing_is_left(world, &processes);
        ran
    };
    let in_order = |ran: &Ran| ran.events().iter().any(|event| event["reason"] == "finished");
    (0..5).map(|_| once()).find(in_order).expect("one of the runs ends in order")
}

fn nothing_is_left(world: &World, processes: &HashMap<u32, String>) {
    until("end of all processes", || (!processes.iter().any(|(pid, start)| lives(*pid, start))).then_some(()));
    let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap();
    assert!(!mounts.contains(world.home().to_str().unwrap()), "{mounts}");
}

#[test]
fn an_interrupt_ends_everything() {
    for world in [world(), world_of(World::of_user, "sleep 1000")] {
        for how in [Signal::INT, Signal::TERM] {
            let ran = interrupted(&world, how);
            assert_eq!(ran.stages(), "a skipped, b skipped, last skipped");
            assert_eq!(ran.events().last().unwrap()["cancelled"], true);
            assert_eq!(
                (world.bucket("tmp-v1"), world.bucket("locks-v1")),
                (vec![], vec!["collect".to_owned(), "index".to_owned()])
            );
        }
    }
}

#[test]
fn a_killed_run_takes_its_stages_with_it() {
    for world in [world(), world_of(World::of_user, "sleep 1000")] {
        let (run, processes) = running(&world);
        signal(run.pid(), Signal::KILL);
        let ran = run.end(&world);
        assert_eq!(ran.code, None);
        nothing_is_left(&world, &processes);
        let left = world.bucket("tmp-v1");
        assert_eq!(left.len(), 2, "{left:?}");
        // The next start, whatever it is for, removes what the killed one left.
        let _ = world.run(&["plan"]).ok();
        assert!(world.bucket("tmp-v1").is_empty());
    }
}

#[test]
fn the_next_run_goes_on_where_a_killed_one_ended() {
    let world = World::new(&format!(
        "{}{}{}",
        stage("a", "echo a > \"$out/a\""),
        stage("b", "echo b > \"$out/b\""),
        together(&["a", "b"])
    ));
    let mut run = Live::start(&world, &["all", "-j2"]);
    open(&world, "a");
    run.wait_for("stage-finished", "a");
    at_gate(&world, "b");
    signal(run.pid(), Signal::KILL);
    assert_eq!(run.end(&world).code, None);
    let mut run = Live::start(&world, &["all"]);
    // Before that, there is the folder of the killed run.
    run.wait_for("stage-started", "b");
    open(&world, "b");
    assert_eq!(run.end(&world).ok().stages(), "a cached, b built, last built");
}
