//! The files that are planned for a Go module against those that the real `go mod vendor` takes, for random modules whose
//! `go.sum` also has lines that nothing needs.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use akbuild_names::{GoFileKind, GoModuleFile};
use akbuild_nar::Digest;
use akbuild_registry::{Artifact, GoLock, GoModText, PackageFile};

use crate::clients::{client, misses, run};
use crate::http::{Files, local, zip};

/// Worlds that are generated. More take part if `AKBUILD_GO_WORLDS` says so.
const WORLDS: u64 = 12;
const MODULES: usize = 8;
const VERSIONS: [&str; 3] = ["v1.0.0", "v1.1.0", "v1.10.0-rc.1"];
const LANGUAGES: [&str; 6] = ["", "go 1.15\n", "go 1.16\n", "go 1.17\n", "go 1.18\n", "go 1.19\n"];

/// Choices that depend on a seed alone.
struct Choices(u64);

impl Choices {
    fn below(&mut self, limit: usize) -> usize {
        // splitmix64
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % limit as u64) as usize
    }

    /// Some modules, each once, with a version.
    fn modules(&mut self, at_most: usize, but: usize) -> BTreeMap<usize, &'static str> {
        let chosen = (0..self.below(at_most + 1)).map(|_| self.below(MODULES)).collect::<BTreeSet<_>>();
        chosen.into_iter().filter(|module| *module != but).map(|m| (m, VERSIONS[self.below(VERSIONS.len())])).collect()
    }
}

fn path(module: usize) -> String {
    format!("m{module}.invalid/Mod")
}

fn go_mod(name: &str, language: &str, required: &BTreeMap<usize, &str>) -> String {
    let required: String = required.iter().map(|(m, version)| format!("require {} {version}\n", path(*m))).collect();
    format!("module {name}\n\n{language}{required}")
}

/// A Go file that imports packages of some of the modules.
fn go_file(package: &str, required: &BTreeMap<usize, &str>, choices: &mut Choices) -> String {
    let mut text = format!("package {package}\n\n");
    for module in required.keys() {
        let package = match choices.below(4) {
            0 => continue,
            1 => format!("{}/sub", path(*module)),
            _ => path(*module),
        };
        text.push_str(&format!("import _ \"{package}\"\n"));
    }
    text
}

/// Every version of every module.
fn all_modules(choices: &mut Choices) -> Files {
    let mut files = Files::new();
    for module in 0..MODULES {
        for version in VERSIONS {
            let required = choices.modules(3, module);
            let go_mod = go_mod(&path(module), LANGUAGES[choices.below(LANGUAGES.len())], &required);
            let inside = |file: &str| format!("{}@{version}/{file}", path(module));
            let texts = [
                (inside("go.mod"), go_mod.clone()),
                (inside("x.go"), go_file("x", &required, choices)),
                (inside("x_test.go"), go_file("x", &required, choices)),
                (inside("sub/s.go"), go_file("s", &required, choices)),
            ];
            let texts: Vec<(&str, &str)> = texts.iter().map(|(name, text)| (&**name, &**text)).collect();
            files.go(&path(module), version, &go_mod, &zip(&texts));
        }
    }
    files
}

/// The module that is built. Its language has to be said, or `go mod tidy` says it.
fn write_main(dir: &Path, choices: &mut Choices) {
    let required = choices.modules(4, MODULES);
    let mut text = go_mod("main.invalid/m", LANGUAGES[1 + choices.below(LANGUAGES.len() - 1)], &required);
    let other = |choices: &mut Choices| (path(choices.below(MODULES)), VERSIONS[choices.below(VERSIONS.len())]);
    match choices.below(5) {
        0 => {
            let (from, (to, version)) = (path(choices.below(MODULES)), other(choices));
            text.push_str(&format!("replace {from} => {to} {version}\n"));
        }
        1 => {
            let replaced = choices.below(MODULES);
            text.push_str(&format!("replace {} => ../lib\n", path(replaced)));
            let lib = dir.join("lib");
            fs::create_dir_all(lib.join("sub")).unwrap();
            let required = choices.modules(2, replaced);
            let language = LANGUAGES[choices.below(LANGUAGES.len())];
            fs::write(lib.join("go.mod"), go_mod(&path(replaced), language, &required)).unwrap();
            fs::write(lib.join("x.go"), go_file("x", &required, choices)).unwrap();
            fs::write(lib.join("sub/s.go"), go_file("s", &required, choices)).unwrap();
        }
        2 => {
            let (excluded, version) = other(choices);
            text.push_str(&format!("exclude {excluded} {version}\n"));
        }
        _ => {}
    }
    fs::create_dir_all(dir.join("main")).unwrap();
    fs::write(dir.join("main/go.mod"), text).unwrap();
    fs::write(dir.join("main/main.go"), go_file("main", &required, choices) + "\nfunc main() {}\n").unwrap();
    fs::write(dir.join("main/main_test.go"), go_file("main", &required, choices)).unwrap();
}

/// The lines of `go.sum` for every file.
fn sums(artifacts: &[Artifact]) -> String {
    let line = |artifact: &Artifact| {
        let digest = artifact.digest.to_string();
        let hash = digest.rsplit_once('-').unwrap().1;
        match &artifact.what {
            PackageFile::Go(GoModuleFile { kind: GoFileKind::Mod, module, version }) => {
                format!("{module} {version}/go.mod h1:{hash}\n")
            }
            PackageFile::Go(GoModuleFile { kind: GoFileKind::Zip, module, version }) => {
                format!("{module} {version} h1:{hash}\n")
            }
            other => panic!("{other}"),
        }
    };
    artifacts.iter().map(line).collect()
}

/// What is planned, round by round, for the module in a folder.
fn planned(main: &Path, files: &Files) -> Vec<Artifact> {
    let read = |name: &str| fs::read_to_string(main.join(name)).unwrap();
    let lock = GoLock::parse(&read("go.mod"), &read("go.sum"), "go.mod").unwrap();
    let mut here: BTreeSet<Digest> = BTreeSet::new();
    for _ in 0..100 {
        let needed = lock.needed_files(&|wanted: GoModText<'_>| match wanted {
            GoModText::Folder(folder) => fs::read_to_string(main.join(folder).join("go.mod")).ok(),
            GoModText::Pinned(digest) if !here.contains(digest) => None,
            GoModText::Pinned(digest) => fs::read_to_string(local(files.dir.path(), digest)).ok(),
        });
        let needed = needed.unwrap();
        if needed.is_complete {
            return needed.artifacts;
        }
        here.extend(needed.artifacts.iter().map(|artifact| artifact.digest));
    }
    panic!("the plan does not end");
}

/// The `go.mod` and zip files in a module cache.
fn taken(folder: &Path) -> usize {
    let Ok(entries) = fs::read_dir(folder) else { return 0 };
    let count = |path: PathBuf| match path.is_dir() {
        true => taken(&path),
        false => usize::from(path.extension().is_some_and(|ending| ending == "mod" || ending == "zip")),
    };
    entries.map(|entry| count(entry.unwrap().path())).sum()
}

/// How many files the lines of `go.sum` name, how many are planned, and how many `go mod vendor` takes; `None` if the
/// module cannot be built even with all files.
fn world(go: &Path, seed: u64) -> Option<[usize; 3]> {
    let choices = &mut Choices(seed);
    let files = all_modules(choices);
    let dir = tempfile::tempdir().unwrap();
    let main = dir.path().join("main");
    write_main(dir.path(), choices);
    let env = |proxy: &str, cache: &str| {
        let cache = dir.path().join(cache).display().to_string();
        let fixed = [("GOSUMDB", "off"), ("GOTOOLCHAIN", "local"), ("GOENV", "off"), ("GOFLAGS", "-modcacherw")];
        let mut all = fixed.map(|(name, value)| (name, value.to_owned())).to_vec();
        all.extend([("GOPROXY", proxy.to_owned()), ("GOMODCACHE", cache)]);
        all
    };
    let go_command = |args: &[&str], env: &[(&str, String)]| {
        let env: Vec<(&str, &str)> = env.iter().map(|(name, value)| (*name, &**value)).collect();
        run(go, &main, args, &env)
    };
    let all = files.serve(None);
    let (ok, output) = go_command(&["mod", "tidy"], &env(&format!("http://{}/go", all.address), "all"));
    if !ok {
        assert!(output.contains("go: "), "{output}");
        return None;
    }
    fs::write(main.join("go.sum"), sums(&files.artifacts)).unwrap();
    let planned = planned(&main, &files);
    let some = Files { dir: tempfile::tempdir().unwrap(), artifacts: planned };
    for artifact in &some.artifacts {
        fs::copy(local(files.dir.path(), &artifact.digest), local(some.dir.path(), &artifact.digest)).unwrap();
    }
    let registry = some.serve(None);
    let (ok, output) = go_command(&["mod", "vendor"], &env(&format!("http://{}/go", registry.address), "some"));
    let go_mod = fs::read_to_string(main.join("go.mod")).unwrap();
    // A module that is required under its own name and replaces another one: no files would help.
    if output.contains("used for two different module paths") {
        return None;
    }
    assert!(ok && misses(&registry).is_empty(), "world {seed}: {output}\n{:?}\n{go_mod}", misses(&registry));
    Some([files.artifacts.len(), some.artifacts.len(), taken(&dir.path().join("some/cache/download"))])
}

#[test]
fn go_mod_vendor_finds_all_that_it_needs_among_the_planned_files() {
    let Some(go) = client("go") else { return };
    let asked_for = std::env::var("AKBUILD_GO_WORLDS").ok().and_then(|number| number.parse().ok());
    let worlds = asked_for.unwrap_or(WORLDS);
    let built: Vec<[usize; 3]> = (0..worlds).filter_map(|seed| world(&go, seed)).collect();
    let [named, planned, taken] = [0, 1, 2].map(|n| built.iter().map(|world| world[n]).sum::<usize>());
    println!("{} of {worlds} worlds: {named} files in go.sum, {planned} planned, {taken} taken", built.len());
    assert!(built.len() as u64 >= worlds / 2, "{} of {worlds} worlds can be built", built.len());
    assert!(planned < named && planned >= taken, "{planned} of {named} are planned, {taken} are taken");
}
