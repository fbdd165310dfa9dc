//! `cargo xtask sample`: the main job on the sample project, in a copy, and a start of the image that comes of it. Knows
//! where the sample is and what to do when the mirrors have moved on; akbuild does the rest.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::repo::{self, Outcome, io};

const SAMPLE: &str = "examples/mini-authentik";

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
    for words in [&["all"][..], &["smoke"]] {
        if let Err(said) = told(&mut akbuild(words))? {
            if !wants_a_lock(&said) {
                return Err(format!("`akbuild {}` failed; the lines above say why", words.join(" ")));
            }
            println!("the sample's pins do not fit what the mirrors have today: its copy is locked anew");
            repo::run(&mut akbuild(&["lock", "sysroots", "--allow-expired"]))?;
            repo::run(&mut akbuild(words))?;
        }
    }
    Ok(())
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

/// Removes a folder; those in a store cannot be written to.
fn remove(folder: &Path) -> Outcome {
    repo::run(Command::new("chmod").arg("-R").arg("u+w").arg(folder))?;
    io(fs::remove_dir_all(folder), "remove", folder)
}
