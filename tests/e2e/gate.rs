//! Stages that wait for the test: what runs at the same time is then seen, not guessed from times.
//!
//! A stage's output folder is an ordinary folder of the home while it runs. The script makes a file `up`
//! in it and goes on when the test has made a file `go`.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::Child;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::world::{Ran, World};

/// A stage of kind `run` that waits, and then runs `script`.
pub(crate) fn stage(name: &str, script: &str) -> String {
    // It gives up where the test has: a test that fails must not hang.
    let wait = r#": > "$out/up"; for ((i = 0; i < 3000; i++)); do [ ! -e "$out/go" ] || break; sleep 0.01; done; rm "$out/up" "$out/go""#;
    format!("[stages.{name}]\nkind = \"run\"\nscript = '''\n{wait}\n{script}\n'''\n")
}

/// A stage that puts these together.
pub(crate) fn together(stages: &[&str]) -> String {
    let pieces: Vec<String> = stages.iter().map(|stage| format!("{{ from = \"{stage}\" }}")).collect();
    format!("[stages.last]\nkind = \"tree\"\npieces = [{}]\n", pieces.join(", "))
}

/// Waits until something is so, and gives up after a time that only a hang can take.
pub(crate) fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(begun.elapsed() < Duration::from_secs(30), "there was no {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Waits until a stage is at its gate.
pub(crate) fn at_gate(world: &World, stage: &str) -> PathBuf {
    until(&format!("stage {stage} at its gate"), || gate(world, stage))
}

/// Lets a stage that is at its gate go on.
pub(crate) fn open(world: &World, stage: &str) {
    std::fs::write(at_gate(world, stage).join("go"), "").unwrap();
}

/// The output folder of a stage, if it runs and is at its gate.
pub(crate) fn gate(world: &World, stage: &str) -> Option<PathBuf> {
    gates(world, stage).pop()
}

/// The same of all processes that run it, and of those that were killed while they did.
pub(crate) fn gates(world: &World, stage: &str) -> Vec<PathBuf> {
    let tmp = world.home().join("tmp-v1");
    let names =
        std::fs::read_dir(&tmp).into_iter().flatten().filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let outs = names.filter(|name| name.ends_with(&format!("-{stage}"))).map(|name| tmp.join(name).join("out"));
    outs.filter(|out| out.join("up").exists() && !out.join("go").exists()).collect()
}

/// A run with `--json` whose events are read while it goes on.
pub(crate) struct Live {
    child: Child,
    output: BufReader<std::process::ChildStdout>,
    seen: String,
}

impl Live {
    pub(crate) fn start(world: &World, args: &[&str]) -> Live {
        Live::start_in(world, "project", args)
    }

    /// The same in another folder of the world.
    pub(crate) fn start_in(world: &World, folder: &str, args: &[&str]) -> Live {
        let mut command = world.command(&[args, &["--json"]].concat());
        let mut child = command.current_dir(world.path(folder)).spawn().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        Live { child, output, seen: String::new() }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Reads events up to one of this reason, of this stage.
    pub(crate) fn wait_for(&mut self, reason: &str, stage: &str) -> Value {
        self.wait_for_any(reason, &[stage])
    }

    /// Reads events up to one of this reason, of one of these stages.
    pub(crate) fn wait_for_any(&mut self, reason: &str, stages: &[&str]) -> Value {
        self.wait_until(|event| event["reason"] == reason && stages.iter().any(|stage| event["stage"] == *stage))
    }

    /// Reads events up to one like that.
    pub(crate) fn wait_until(&mut self, wanted: impl Fn(&Value) -> bool) -> Value {
        loop {
            let from = self.seen.len();
            assert!(self.output.read_line(&mut self.seen).unwrap() > 0, "it is not in {}", self.seen);
            let event: Value = serde_json::from_str(&self.seen[from..]).unwrap();
            if wanted(&event) {
                return event;
            }
        }
    }

    /// Reads the rest, and waits for the end.
    pub(crate) fn end(mut self, world: &World) -> Ran {
        std::io::Read::read_to_string(&mut self.output, &mut self.seen).unwrap();
        let mut ran = world.end(self.child);
        ran.out = self.seen;
        ran
    }
}
