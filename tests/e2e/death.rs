//! Builds that are killed or interrupted at any instant: nothing that was finished is lost, nothing half-written is
//! seen, nothing goes on running, and the next build is right.
//!
//! `AKBUILD_TEST_ROUNDS` says how many rounds there are, `AKBUILD_TEST_SEED` repeats the instants of a former run, which
//! prints its seed.
#![allow(clippy::print_stdout, reason = "the seed, and what a long run has met")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::process::{Child, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use serde_json::Value;

use crate::archive::{PACKAGE, archive};
use crate::server::Reply;
use crate::whole::{actions, hex, nothing_runs, tidy, whole};
use crate::world::{World, names, text};

const STAGES: &str = r#"
[sources.data]
tarball = "SERVER/data.tar"

[stages.words]
kind = "run"
script = 'cat a.txt b.txt > "$out/words"; sleep 0.02'
copies = [{ from = "app" }]

[stages.many]
kind = "run"
script = '''
read -r word < /words/words
mkdir "$out/many"
for ((i = 0; i < 100; i++)); do echo "$word $i" > "$out/many/$i"; done
'''
mounts = [{ from = "words", to = "/words" }]
checks = [{ run = 'sleep 0.02; [ -e /out/many/99 ]', sysroot = "build" }]

[stages.large]
kind = "run"
script = 'cat /data/data /data/data /words/words > "$out/large"'
mounts = [{ from = "words", to = "/words" }, { from = "data", to = "/data" }]

[stages.last]
kind = "tree"
pieces = [{ from = "data" }, { from = "words" }, { from = "many" }, { from = "large" }]
"#;

/// The phases that a long run must have met. `hash`, `rename` and `record` are parts of `publish`.
const PHASES: [&str; 8] = ["fetch", "unpack", "copy", "run", "check", "hash", "rename", "record"];

/// A small generator of numbers that look random (splitmix64).
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % end
    }
}

pub(crate) fn setting(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().expect(name))
}

fn data() -> Vec<u8> {
    let mut random = Random(1);
    (0..500_000).map(|_| random.below(256) as u8).collect()
}

fn tarball() -> Vec<u8> {
    let mut archive = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.set_mode(0o644);
    header.set_size(500_000);
    archive.append_data(&mut header, "data-1/data", &data()[..]).unwrap();
    archive.into_inner().unwrap()
}

/// A world whose downloads take their time, and its source in its first form.
fn world() -> World {
    let world = World::unlocked(STAGES).with_program();
    world.server.put("/data.tar", Reply::Slow(tarball()));
    world.server.put(&format!("/debian/{PACKAGE}"), Reply::Slow(archive().files[PACKAGE].clone()));
    (0..20).for_each(|n| world.write(&format!("app/more/{n}"), &n.to_string()));
    world.write("app/b.txt", "two\n");
    edit(&world, 0);
    world.lock();
    world
}

/// Changes what all stages depend on.
fn edit(world: &World, round: u64) {
    world.write("app/a.txt", &format!("round {round}\n"));
}

/// Builds, and asserts that the result is what the sources say.
fn build(world: &World, round: u64) -> Vec<Value> {
    let events = world.run(&["all", "--json"]).ok().events();
    let words = format!("round {round}\ntwo\n");
    let large = [&data()[..], &data(), words.as_bytes()].concat();
    let bytes = |name: &str| fs::read(world.path("project/result").join(name)).unwrap();
    assert_eq!(bytes("words"), words.as_bytes());
    assert!(bytes("large") == large && bytes("data") == data());
    assert_eq!(names(&world.path("project/result/many")).len(), 100);
    (0..100).for_each(|n| assert_eq!(bytes(&format!("many/{n}")), format!("round {round} {n}\n").as_bytes()));
    events
}

/// A run that will not end by itself, in a process group of its own.
struct Doomed {
    child: Child,
    reader: JoinHandle<()>,
    events: Arc<Mutex<Vec<Value>>>,
}

impl Doomed {
    fn start(world: &World) -> Doomed {
        let mut command = world.command(&["all", "--json"]);
        let mut child = command.stderr(Stdio::null()).process_group(0).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let events: Arc<Mutex<Vec<Value>>> = Arc::default();
        let shared = events.clone();
        let reader = std::thread::spawn(move || {
            // The last line may have been cut off by the death.
            let events = lines.map_while(|line| serde_json::from_str(&line.ok()?).ok());
            events.for_each(|event| shared.lock().unwrap().push(event));
        });
        Doomed { child, reader, events }
    }

    /// How many events tell of a phase.
    fn said(&self, phase: &str) -> usize {
        self.events.lock().unwrap().iter().filter(|event| event["phase"] == phase).count()
    }

    /// Sends it a signal, unless it has ended.
    fn signal(&mut self, send: fn(Pid, Signal) -> rustix::io::Result<()>, signal: Signal) {
        if self.child.try_wait().unwrap().is_none() {
            send(Pid::from_child(&self.child), signal).unwrap();
        }
    }

    /// What it had said, and how it ended.
    fn end(mut self) -> (Vec<Value>, ExitStatus) {
        let status = self.child.wait().unwrap();
        self.reader.join().unwrap();
        (std::mem::take(&mut *self.events.lock().unwrap()), status)
    }
}

/// When a run is killed.
#[derive(Clone, Copy, Debug)]
enum When {
    After(Duration),
    /// As soon as a folder of the home has so many more names.
    Grown(&'static str, usize),
    /// So long after a phase has begun for so many nodes.
    Said(&'static str, usize, Duration),
}

impl When {
    /// Mostly any instant of a build of that length; sometimes one of those that are too short to be met so.
    fn any(random: &mut Random, length: Duration) -> When {
        match random.below(10) {
            0 => When::Grown("trees-v1", 1 + random.below(6) as usize),
            1 => When::Grown("actions-v1", 1 + random.below(5) as usize),
            2 => When::Said("publish", 1 + random.below(4) as usize, Duration::from_micros(random.below(3000))),
            3 => When::Said("unpack", 1, Duration::from_micros(random.below(20_000))),
            _ => When::After(length.mul_f64(random.below(10_000) as f64 / 10_000.0)),
        }
    }

    fn wait(self, world: &World, doomed: &mut Doomed, before: usize) {
        match self {
            When::After(time) => std::thread::sleep(time),
            When::Said(phase, times, more) => {
                while doomed.said(phase) < times && doomed.child.try_wait().unwrap().is_none() {
                    std::thread::yield_now();
                }
                std::thread::sleep(more);
            }
            When::Grown(bucket, more) => {
                while size(world, bucket) < before + more && doomed.child.try_wait().unwrap().is_none() {}
            }
        }
    }

    fn before(self, world: &World) -> usize {
        if let When::Grown(bucket, _) = self { size(world, bucket) } else { 0 }
    }
}

fn size(world: &World, bucket: &str) -> usize {
    fs::read_dir(world.home().join(bucket)).map_or(0, Iterator::count)
}

/// The trees and the recorded keys of a home.
struct Home {
    trees: BTreeSet<String>,
    actions: BTreeMap<String, String>,
}

impl Home {
    fn of(world: &World) -> Home {
        let trees = world.home().join("trees-v1");
        let trees = if trees.exists() { names(&trees).into_iter().collect() } else { BTreeSet::new() };
        Home { actions: actions(&world.home()).into_iter().filter(|(_, tree)| trees.contains(tree)).collect(), trees }
    }
}

fn finished(events: &[Value]) -> impl Iterator<Item = &Value> {
    events.iter().filter(|e| e["reason"].as_str().is_some_and(|reason| reason.ends_with("-finished")))
}

fn name(event: &Value) -> &str {
    event["stage"].as_str().or(event["node"].as_str()).unwrap_or_default()
}

/// In which phases a run was when it died, by what it had said and what it left; `next` is the run after it.
fn phases(events: &[Value], before: &Home, after: &Home, next: &[Value]) -> Vec<String> {
    let mut open: BTreeMap<&str, &str> = BTreeMap::new();
    for event in events {
        match text(&event["reason"]) {
            "stage-started" | "node-started" => drop(open.insert(name(event), "begin")),
            "phase" => drop(open.insert(name(event), text(&event["phase"]))),
            "stage-finished" | "node-finished" => drop(open.remove(name(event))),
            "finished" => return vec!["finished".to_owned()],
            _ => {}
        }
    }
    // Sources have no record.
    let sources = finished(next).filter(|event| name(event).starts_with("source:"));
    let told = finished(events).chain(sources).filter(|event| event["output"].is_string());
    let told: BTreeSet<String> = told.map(|event| hex(&event["output"])).collect();
    let new = |tree: &&String| !before.trees.contains(*tree) && !told.contains(*tree);
    let recorded: BTreeSet<&String> = after.actions.values().filter(new).collect();
    let renamed = after.trees.iter().filter(new).filter(|tree| !recorded.contains(tree)).count();
    let mut found: Vec<String> = open.values().map(|phase| (*phase).to_owned()).collect();
    found.extend((0..renamed).map(|_| "rename".to_owned()));
    found.extend(recorded.iter().map(|_| "record".to_owned()));
    let hashed = found.iter().filter(|phase| *phase == "publish").count().saturating_sub(renamed + recorded.len());
    found.retain(|phase| phase != "publish");
    found.extend((0..hashed).map(|_| "hash".to_owned()));
    if found.is_empty() {
        found.push(if open.is_empty() && finished(events).count() < 2 { "start" } else { "between" }.to_owned());
    }
    found
}

/// Asserts that what was there at the death was used again: by what the run had said, and by what the home has.
fn nothing_lost(killed: &[Value], after: &Home, next: &[Value]) {
    let status: BTreeMap<&str, &Value> = finished(next).map(|event| (name(event), event)).collect();
    for done in finished(killed).filter(|e| e["status"] == "built" || e["status"] == "cached") {
        assert!(after.trees.contains(&hex(&done["output"])), "{done}");
        assert_eq!(status[name(done)]["status"], "cached", "{done}");
        assert_eq!(status[name(done)]["output"], done["output"], "{done}");
    }
    for event in status.values() {
        let known = event["key"].as_str().and_then(|key| after.actions.get(key));
        if let Some(tree) = known {
            assert_eq!((&event["status"], &hex(&event["output"])), (&"cached".into(), tree), "{event}");
        }
    }
}

/// Twice the same world: how long a whole build takes, and one after a change.
fn lengths(world: &World) -> [Duration; 2] {
    let timed = |round| {
        edit(world, round);
        let begun = Instant::now();
        build(world, round);
        begun.elapsed()
    };
    [timed(1), timed(2)]
}

#[test]
fn a_kill_at_any_instant() {
    let rounds = setting("AKBUILD_TEST_ROUNDS").unwrap_or(12);
    let seed = setting("AKBUILD_TEST_SEED").unwrap_or_else(|| u64::from(std::process::id()));
    println!("seed {seed}");
    let (world, mut random) = (world(), Random(seed));
    let mut lengths = lengths(&world);
    let mut table: BTreeMap<String, usize> = BTreeMap::new();
    let mut kept = 0;
    for round in 3..3 + rounds {
        let cold = round % 3 == 0;
        if cold {
            akbuild_store::remove(&world.home()).unwrap();
        }
        edit(&world, round);
        let before = Home::of(&world);
        let when = When::any(&mut random, lengths[usize::from(!cold)]);
        let count = when.before(&world);
        let mut doomed = Doomed::start(&world);
        when.wait(&world, &mut doomed, count);
        doomed.signal(if round % 2 == 0 { kill_process } else { kill_process_group }, Signal::KILL);
        let (events, status) = doomed.end();
        nothing_runs(&world);
        whole(&world);
        let after = Home::of(&world);
        let next = build(&world, round);
        nothing_lost(&events, &after, &next);
        let hit = phases(&events, &before, &after, &next);
        if hit == ["finished"] {
            // The machine has less to do than when it was measured.
            lengths[usize::from(!cold)] = lengths[usize::from(!cold)].mul_f64(0.9);
        }
        println!("round {round} {when:?} {status} {hit:?}");
        hit.into_iter().for_each(|phase| *table.entry(phase).or_default() += 1);
        kept += next.iter().filter(|event| event["status"] == "cached").count();
        tidy(&world);
        whole(&world);
    }
    println!("seed {seed}: {rounds} rounds, {kept} nodes used again; killed in {table:?}");
    if rounds >= 200 {
        assert_eq!(PHASES.iter().find(|phase| !table.contains_key(**phase)), None);
    }
}

#[test]
fn an_interrupt_at_any_instant() {
    let world = world();
    let rounds = setting("AKBUILD_TEST_ROUNDS").unwrap_or(12).min(10);
    let mut random = Random(setting("AKBUILD_TEST_SEED").unwrap_or_else(|| u64::from(std::process::id())));
    let lengths = lengths(&world);
    for round in 3..3 + 2 * rounds {
        let cold = round % 3 == 0;
        if cold {
            akbuild_store::remove(&world.home()).unwrap();
        }
        edit(&world, round);
        let mut doomed = Doomed::start(&world);
        std::thread::sleep(lengths[usize::from(!cold)].mul_f64(random.below(1000) as f64 / 1000.0));
        let signal = if round % 2 == 0 { Signal::INT } else { Signal::TERM };
        doomed.signal(kill_process, signal);
        let (events, status) = doomed.end();
        println!("round {round} {signal:?} {status}");
        let done = events.last().is_some_and(|event| event["ok"] == true);
        // Before it listens, there is nothing to end in order.
        assert!(status.code() == Some(if done { 0 } else { 130 }) || events.len() < 2, "{status} {events:?}");
        nothing_runs(&world);
        whole(&world);
        let _ = world.run(&["plan"]).ok();
        tidy(&world);
        let after = Home::of(&world);
        nothing_lost(&events, &after, &build(&world, round));
    }
}
