//! The walk through a `uv.lock` against uv's own, on random workspaces: for the same extras and groups, both install the
//! same packages, or both refuse.
#![allow(clippy::print_stdout, reason = "the seed and the numbers of a random run")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use akbuild_registry::{PythonLock, PythonWant};

use crate::clients::{client, python_version, run};
use crate::random::{Random, settings};
use crate::uv_index::write_index;
use crate::uv_workspace::{WorkspaceNames, write_workspace};

/// What a `uv sync` installs, as `name==version`; or why it does not.
type Installed = Result<BTreeSet<String>, String>;

struct UvProgram {
    uv: PathBuf,
    python: PathBuf,
    /// `3.11.7`.
    version: String,
    dir: PathBuf,
}

impl UvProgram {
    fn run(&self, folder: &Path, args: &[&str]) -> (bool, String) {
        let cache = self.dir.join("cache");
        // A real sync goes elsewhere, as uv says what it would change in the environment that it finds.
        let environment = if args.contains(&"--dry-run") { ".venv" } else { "real" };
        let env = [
            ("UV_PROJECT_ENVIRONMENT", environment),
            ("UV_CACHE_DIR", cache.to_str().unwrap()),
            ("UV_PYTHON", self.python.to_str().unwrap()),
            ("UV_PYTHON_DOWNLOADS", "never"),
            ("UV_OFFLINE", "1"),
            ("UV_NO_INDEX", "1"),
        ];
        run(&self.uv, folder, args, &env)
    }

    fn sync(&self, folder: &Path, choice: &SyncNames, dry: bool) -> Installed {
        let mut args = vec!["sync", "--frozen", "--no-install-project", "--no-install-workspace"];
        args.extend(dry.then_some("--dry-run"));
        // As the script of a `uv-sync` stage does: uv takes `--no-dev` for more than `--group dev`.
        args.extend((!choice.groups.iter().any(|group| group == "dev")).then_some("--no-dev"));
        choice.extras.iter().for_each(|extra| args.extend(["--extra", extra]));
        choice.groups.iter().for_each(|group| args.extend(["--group", group]));
        let (ok, output) = self.run(folder, &args);
        if !ok {
            return Err(output);
        }
        Ok(output.lines().filter_map(|line| line.strip_prefix(" + ")).map(str::to_owned).collect())
    }
}

#[derive(Debug)]
struct SyncNames {
    extras: Vec<String>,
    groups: Vec<String>,
}

impl SyncNames {
    /// One group alone, one extra alone, or any of them.
    fn random(random: &mut Random, names: &WorkspaceNames, kind: usize) -> Self {
        let rarity = 1 + random.below(4);
        let some = |random: &mut Random, names: &[&str]| -> Vec<String> {
            random.some(names, rarity).into_iter().map(|name| (*name).to_owned()).collect()
        };
        let one = |random: &mut Random, names: &[&str]| -> Vec<String> {
            if names.is_empty() { Vec::new() } else { vec![random.word(names).to_owned()] }
        };
        match kind {
            0 => Self { extras: Vec::new(), groups: one(random, &names.groups) },
            1 => Self { extras: one(random, &names.extras), groups: Vec::new() },
            _ => Self { extras: some(random, &names.extras), groups: some(random, &names.groups) },
        }
    }
}

/// Whether akbuild refuses for a reason that uv has. Of several, each names the one that it looks for first.
fn same_reason(theirs: &str, ours: &str) -> bool {
    let reasons = [
        ("is not defined in", "the project has no "),
        ("incompatible with the declared conflicts", "exclude each other"),
        ("incompatible with the conflicts", "exclude each other"),
        ("Found conflicting extras", "exclude each other, and both are switched on"),
        ("Python requirement", " is for `"),
        ("supported environments", "for other environments"),
    ];
    let known = reasons.iter().any(|(uv, akbuild)| theirs.contains(uv) && ours.contains(akbuild));
    // uv asks for the interpreter first; akbuild for names, and then for conflicts.
    let interpreter_first = theirs.contains("Python requirement") && ours.contains("exclude each other");
    known || interpreter_first || ours.contains("the project has no ")
}

/// The lock as if the index were not a folder, whose files have neither an address nor a hash.
fn with_addresses(lock: &str) -> String {
    let hash = "00".repeat(32);
    let lines = lock.lines().map(|line| match (line.split_once("{ path = \""), line.split_once("registry = \"")) {
        (Some((before, file)), _) => {
            let name = file.split('"').next().unwrap();
            format!("{before}{{ url = \"https://files.invalid/{name}\", hash = \"sha256:{hash}\" }},")
        }
        (None, Some((before, folder))) => {
            let (_, after) = folder.split_once('"').unwrap();
            format!("{before}registry = \"https://index.invalid/simple\"{after}")
        }
        (None, None) => line.to_owned(),
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn selected(folder: &Path, choice: &SyncNames, python: &str) -> Installed {
    let text = std::fs::read_to_string(folder.join("uv.lock")).unwrap();
    let text = with_addresses(&text);
    let pyproject = std::fs::read_to_string(folder.join("pyproject.toml")).unwrap();
    let want = PythonWant {
        python: python.to_owned(),
        extras: choice.extras.clone(),
        groups: choice.groups.clone(),
        glibc: (2, 36),
        machine: "x86_64".to_owned(),
        git: BTreeSet::new(),
    };
    let lock = PythonLock::parse(&text, &pyproject, "uv.lock").map_err(|error| error.to_string())?;
    let selection = lock.select(&want).map_err(|error| error.to_string())?;
    let packages = selection.artifacts.iter().map(|artifact| artifact.what.to_string());
    Ok(packages.map(|what| what.split(' ').next().unwrap().to_owned()).collect())
}

/// Of `3.11`, what any release needs is selected, and nothing else.
fn check_short_version(folder: &Path, choice: &SyncNames, version: &str) {
    let (short, _) = version.rsplit_once('.').unwrap();
    let Ok(any) = selected(folder, choice, short) else { return };
    let releases = (0..20).chain([999]).map(|n| selected(folder, choice, &format!("{short}.{n}")));
    let all: BTreeSet<String> = releases.filter_map(Result::ok).flatten().collect();
    assert_eq!(any, all, "{short} is more or less than its releases: {choice:?} in {}", folder.display());
}

#[derive(Default)]
struct WalkComparison {
    compared: u64,
    refused: u64,
    differences: Vec<String>,
}

impl WalkComparison {
    fn add(&mut self, uv: &UvProgram, folder: &Path, choice: &SyncNames) {
        let theirs = uv.sync(folder, choice, true);
        let ours = selected(folder, choice, &uv.version);
        self.compared += 1;
        self.refused += u64::from(theirs.is_err());
        match (&theirs, &ours) {
            (Ok(theirs), Ok(ours)) if theirs == ours => {}
            (Err(theirs), Err(ours)) if same_reason(theirs, ours) => {}
            _ => self
                .differences
                .push(format!("{}: {choice:?}\n  uv: {theirs:?}\n  akbuild: {ours:?}", folder.display())),
        }
        // What uv announces is what it does.
        if self.compared % 16 == 1 && theirs.is_ok() {
            assert_eq!(uv.sync(folder, choice, false), theirs, "uv installs other packages than it announces");
        }
    }
}

#[test]
fn selects_what_uv_installs_in_random_workspaces() {
    let (Some(uv), Some(python)) = (client("uv"), client("python3")) else { return };
    let (rounds, mut random) = settings(15);
    let dir = tempfile::tempdir().unwrap();
    let version = python_version(&python, dir.path());
    let minor = version.split('.').nth(1).unwrap().parse().unwrap();
    let uv = UvProgram { uv, python, version, dir: dir.path().to_owned() };
    let mut comparison = WalkComparison::default();
    let mut locked = 0;
    // Not every random workspace has a resolution.
    for round in 0..rounds * 8 {
        let index = format!("index{}", locked / 8);
        if !dir.path().join(&index).exists() {
            write_index(&mut random, &dir.path().join(&index), minor);
        }
        let folder = dir.path().join(format!("w{round}"));
        let names = write_workspace(&mut random, &folder, minor);
        if !uv.run(&folder, &["lock", "--find-links", &format!("../{index}")]).0 {
            continue;
        }
        for kind in 0..3 {
            let choice = SyncNames::random(&mut random, &names, kind);
            comparison.add(&uv, &folder, &choice);
            check_short_version(&folder, &choice, &uv.version);
        }
        locked += 1;
        if locked == rounds {
            break;
        }
    }
    let WalkComparison { compared, refused, differences } = comparison;
    println!("{locked} workspaces with a lock, {compared} choices compared, {refused} refused");
    if !differences.is_empty() {
        let kept = dir.keep();
        panic!("{} differences, in {}:\n{}", differences.len(), kept.display(), differences.join("\n"));
    }
    assert_eq!(locked, rounds, "few of the workspaces have a resolution: the generator is wrong");
}
