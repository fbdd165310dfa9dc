//! `cargo xtask sample`: the main job on the sample project, in a copy, and a start of what came of it. Knows
//! where the sample is and what to do when the mirrors have moved on; akbuild does the rest.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::repo::{self, Outcome, io};

const SAMPLE: &str = "examples/mini-authentik";

/// A further stage of the copy: the assembled tree in the run-time sysroot, started and asked.
const STARTED: &str = r#"
[stages.started]
kind = "run"
sysroot = "runtime"
mounts = [{ from = "assembled", to = "{prefix}" }]
script = '''
export MINI_DATA_DIR=/tmp
{prefix}/bin/ak server > "$out"/server.log 2>&1 & server=$!
for _ in $(seq 100); do
    if {prefix}/bin/ak healthcheck 2>/dev/null; then break; fi
    kill -0 $server || { cat "$out"/server.log; exit 1; }
    sleep 0.2
done
{prefix}/venv/bin/python - <<'END'
from pathlib import Path
from os import environ
from urllib.request import urlopen
for path in "/-/health/live/", "/-/health/ready/", "/if/flow/default-authentication-flow/":
    with urlopen("http://127.0.0.1:9000" + path) as answer:
        print(answer.status, path)
        Path(environ["out"], path.strip("/").replace("/", "_")).write_bytes(answer.read())
END
kill $server
'''
"#;

pub(crate) fn run(fresh: bool) -> Outcome {
    let akbuild = build()?;
    let folder = std::env::temp_dir().join(format!("akbuild-sample-{}", std::process::id()));
    let result = sample(&akbuild, &folder, fresh);
    let removed = remove(&folder);
    result.and(removed)
}

/// The program, as tests use it too: what hashes and unpacks is optimised in it.
fn build() -> Outcome<PathBuf> {
    repo::run(repo::cargo().args(["build", "--locked", "--package", "akbuild"]))?;
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| repo::root().join("target"), PathBuf::from);
    Ok(target.join("debug/akbuild"))
}

fn sample(akbuild: &Path, folder: &Path, fresh: bool) -> Outcome {
    let project = folder.join("mini-authentik");
    copy(&project)?;
    let akbuild = |words: &[&str]| {
        let mut command = Command::new(akbuild);
        command.arg("-C").arg(&project).args(words);
        if fresh {
            command.arg("--home").arg(folder.join("home"));
        }
        command
    };
    if let Err(said) = told(&mut akbuild(&["all"]))? {
        if !wants_a_lock(&said) {
            return Err("the sample was not built; the lines above say why".to_owned());
        }
        println!("the sample's pins do not fit what the mirrors have today: its copy is locked anew");
        repo::run(&mut akbuild(&["lock", "sysroots", "--allow-expired"]))?;
        repo::run(&mut akbuild(&["all"]))?;
    }
    println!("built; now a start of the assembled tree, in the run-time sysroot");
    append(&project.join("akbuild.toml"), STARTED)?;
    repo::run(&mut akbuild(&["build", "started", "--rebuild"]))?;
    repo::run(&mut akbuild(&["log", "started"]))
}

/// Whether locking again would help: a pinned file is gone from every mirror, or the lock is out of date.
fn wants_a_lock(said: &str) -> bool {
    said.contains("akbuild lock")
}

/// Runs a command, and passes on what it says while keeping it; `Err` is what a failed one said.
fn told(command: &mut Command) -> Outcome<Result<(), String>> {
    let mut child = command.stderr(Stdio::piped()).spawn().map_err(|error| format!("cannot start akbuild: {error}"))?;
    let mut said = String::new();
    for line in BufReader::new(child.stderr.take().expect("it is piped")).lines() {
        let line = line.map_err(|error| format!("cannot read what akbuild says: {error}"))?;
        eprintln!("{line}");
        said.push_str(&line);
        said.push('\n');
    }
    let status = child.wait().map_err(|error| format!("cannot wait for akbuild: {error}"))?;
    Ok(if status.success() { Ok(()) } else { Err(said) })
}

/// Copies what git tracks of the sample; an overlay is what fits this place, so it comes along.
fn copy(project: &Path) -> Outcome {
    let overlay = format!("{SAMPLE}/akbuild.local.toml");
    let overlay = repo::root().join(&overlay).exists().then_some(overlay);
    for name in repo::files()?.into_iter().chain(overlay) {
        let Some(path) = name.strip_prefix(SAMPLE) else { continue };
        let to = project.join(path.trim_start_matches('/'));
        let parent = to.parent().unwrap_or(project);
        io(fs::create_dir_all(parent), "make", parent)?;
        io(fs::copy(repo::root().join(&name), &to), "copy a file to", &to)?;
    }
    Ok(())
}

fn append(path: &Path, text: &str) -> Outcome {
    let mut file = io(fs::OpenOptions::new().append(true).open(path), "open", path)?;
    io(file.write_all(text.as_bytes()), "write", path)
}

/// Removes a folder; those in a store cannot be written to.
fn remove(folder: &Path) -> Outcome {
    repo::run(Command::new("chmod").arg("-R").arg("u+w").arg(folder))?;
    io(fs::remove_dir_all(folder), "remove", folder)
}
