//! Generated projects, installed by the real npm twice: with all files against a registry as npm knows it, and with the files and
//! the registry that a stage has. Both must leave the same `node_modules`.
//!
//! `AKBUILD_NPM_PROJECTS=N` tries so many projects instead of a few.
#![allow(clippy::disallowed_methods, reason = "the machine's own npm is what is compared with")]

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use akbuild_nar::{Algo, Digest, Hasher};
use akbuild_registry::{Catalogue, NpmLock, Server};
use serde_json::{Value, json};

use super::{NpmSight, local_files, platform, seen, sight};

/// Numbers that look random and are the same each time.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % end
    }

    fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }
}

/// A published package: its manifest, and further files.
type Package = (Value, Vec<(&'static str, &'static str)>);

/// What the registry has.
fn packages() -> Vec<Package> {
    let script = ("cli.js", "#!/usr/bin/env node\n");
    vec![
        (json!({"name": "a", "version": "1.0.0", "dependencies": {"b": "^1.0.0"}, "bin": "cli.js"}), vec![script]),
        (json!({"name": "a", "version": "2.0.0", "dependencies": {"b": "^2.0.0", "@s/q": "*"}}), vec![]),
        (json!({"name": "b", "version": "1.0.0"}), vec![]),
        (json!({"name": "b", "version": "2.0.0", "bin": {"b-one": "cli.js", "b-gone": "gone.js"}}), vec![script]),
        (json!({"name": "@s/q", "version": "1.0.0", "dependencies": {"b": "1"}, "bin": "./cli.js"}), vec![script]),
        (json!({"name": "npm", "version": "1.0.0"}), vec![]),
        (json!({"name": "pypi", "version": "1.0.0", "dependencies": {"go": ">=1.0.0-rc.1"}}), vec![]),
        (json!({"name": "go", "version": "1.0.0-rc.1"}), vec![]),
        (
            json!({"name": "packed", "version": "1.0.0", "dependencies": {"b": "1", "inner": "*"}, "bundleDependencies": ["inner"]}),
            vec![("node_modules/inner/package.json", r#"{"name": "inner", "version": "9.0.0"}"#)],
        ),
        (json!({"name": "inner", "version": "1.0.0"}), vec![]),
        (
            json!({"name": "native", "version": "1.0.0", "optionalDependencies": {"on-linux": "1", "on-windows": "1"}}),
            vec![],
        ),
        (json!({"name": "on-linux", "version": "1.0.0", "os": ["linux"], "cpu": ["x64", "arm64"]}), vec![]),
        (json!({"name": "on-windows", "version": "1.0.0", "os": ["win32"]}), vec![]),
        (json!({"name": "plugin", "version": "1.0.0", "peerDependencies": {"b": "1"}}), vec![]),
    ]
}

fn tarball((manifest, files): &Package) -> Vec<u8> {
    let mut tar = tar::Builder::new(flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast()));
    let manifest = manifest.to_string();
    for (path, text) in [("package.json", &*manifest)].into_iter().chain(files.iter().copied()) {
        let mut header = tar::Header::new_gnu();
        header.set_size(text.len() as u64);
        header.set_mode(0o644);
        tar.append_data(&mut header, format!("package/{path}"), text.as_bytes()).unwrap();
    }
    tar.into_inner().unwrap().finish().unwrap()
}

fn sha512(bytes: &[u8]) -> Digest {
    let mut hasher = Hasher::new(Algo::Sha512);
    hasher.update(bytes);
    hasher.finish()
}

fn text<'a>(package: &'a Package, field: &str) -> &'a str {
    package.0[field].as_str().unwrap()
}

/// Answers by path as any registry of npm packages does, until the process ends. Gives its base address.
fn conventional_registry() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let mut answers: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    let mut pages: BTreeMap<String, Value> = BTreeMap::new();
    for package in packages() {
        let (name, version) = (text(&package, "name"), text(&package, "version"));
        let path = format!("/{name}/-/{}-{version}.tgz", name.rsplit('/').next().unwrap());
        let bytes = tarball(&package);
        let mut manifest = package.0.clone();
        manifest["dist"] = json!({"tarball": format!("{base}{path}"), "integrity": sha512(&bytes).to_string()});
        let page = pages.entry(name.to_owned()).or_insert_with(|| json!({"name": name, "versions": {}}));
        page["versions"][version] = manifest;
        page["dist-tags"] = json!({"latest": version});
        answers.insert(path, bytes);
    }
    answers.extend(pages.into_iter().map(|(name, page)| (format!("/{name}"), page.to_string().into_bytes())));
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let (mut stream, mut request) = (stream.unwrap(), Vec::new());
            let mut byte = [0];
            while !request.ends_with(b"\r\n\r\n") && stream.read(&mut byte).is_ok_and(|n| n == 1) {
                request.push(byte[0]);
            }
            let request = String::from_utf8_lossy(&request).replace("%2f", "/");
            let body = request.split(' ').nth(1).and_then(|path| answers.get(path));
            let status = if body.is_some() { "200 OK" } else { "404 Not Found" };
            let body = body.map(Vec::as_slice).unwrap_or_default();
            let head = format!("HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: {}\r\n\r\n", body.len());
            let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body));
        }
    });
    base
}

/// The files of a project.
fn project(numbers: &mut Numbers) -> BTreeMap<String, String> {
    let mut files = BTreeMap::new();
    let dependencies = |numbers: &mut Numbers, most: usize| {
        let mut wanted = serde_json::Map::new();
        for _ in 0..=numbers.below(most) {
            let (name, range) = [
                ("a", "1"),
                ("a", "2"),
                ("b", "1"),
                ("b", "*"),
                ("@s/q", "*"),
                ("npm", "1"),
                ("pypi", "^1.0.0"),
                ("go", "1.0.0-rc.1"),
                ("packed", "1"),
                ("native", "latest"),
                ("plugin", "1"),
                ("alias", "npm:b@2"),
                ("inner", "*"),
            ][numbers.below(13)];
            wanted.insert(name.to_owned(), range.into());
        }
        Value::Object(wanted)
    };
    let mut root = json!({"name": "root", "version": "1.0.0", "dependencies": dependencies(numbers, 5)});
    root["devDependencies"] = dependencies(numbers, 2);
    if numbers.one_in(3) {
        root["bundleDependencies"] = root["dependencies"].as_object().unwrap().keys().take(1).cloned().collect();
    }
    if numbers.one_in(2) {
        root["workspaces"] = json!(["packages/*", "deep/in/here"]);
        for (at, folder) in ["packages/one", "packages/two", "deep/in/here"].iter().enumerate() {
            let mut manifest =
                json!({"name": format!("@w/{at}"), "version": "1.0.0", "dependencies": dependencies(numbers, 3)});
            match numbers.below(4) {
                0 => manifest["bin"] = json!("cli.js"),
                1 => manifest["bin"] = json!({format!("w{at}"): "./cli.js", "gone": "built/gone.js"}),
                2 => manifest["directories"] = json!({"bin": "programs"}),
                _ => {}
            }
            files.insert(format!("{folder}/package.json"), manifest.to_string());
            files.insert(format!("{folder}/cli.js"), "#!/usr/bin/env node\n".to_owned());
            files.insert(format!("{folder}/programs/p{at}"), "#!/bin/sh\n".to_owned());
            files.insert(format!("{folder}/other.js"), "other\n".to_owned());
        }
    }
    let settings = ["", "legacy-peer-deps=true\n", "omit=dev\n", "install-strategy=nested\n", "bin-links=false\n"];
    files.insert(".npmrc".to_owned(), settings[numbers.below(settings.len())].to_owned());
    let mark = if numbers.one_in(3) { "\u{feff}" } else { "" };
    files.insert("package.json".to_owned(), format!("{mark}{root}"));
    files
}

fn write(folder: &Path, files: &BTreeMap<String, String>) {
    for (path, text) in files {
        let path = folder.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
}

fn npm(folder: &Path, registry: &str, words: &[&str]) -> Result<(), String> {
    let mut npm = Command::new("npm");
    npm.current_dir(folder).args(words).args(["--ignore-scripts", "--no-audit", "--no-fund", "--fetch-retries=0"]);
    let path = std::env::vars_os().filter(|(name, _)| name == "PATH");
    npm.env_clear().envs(path).env("HOME", folder).env("npm_config_cache", folder.join("cache"));
    npm.env("npm_config_registry", registry)
        .env("npm_config_update_notifier", "false")
        .env("npm_config_replace_registry_host", "always");
    let output = npm.output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    if output.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&text).into_owned()) }
}

/// Everything in folders called `node_modules`: links by their targets, files by their texts.
fn modules(top: &Path, folder: &Path, is_inside: bool, found: &mut BTreeMap<PathBuf, String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let relative = path.strip_prefix(top).unwrap().to_owned();
        let kind = fs::symlink_metadata(&path).unwrap();
        let is_inside = is_inside || path.ends_with("node_modules");
        if kind.is_dir() && !path.ends_with("cache") {
            modules(top, &path, is_inside, found);
        } else if is_inside && kind.is_symlink() {
            found.insert(relative, format!("-> {}", fs::read_link(&path).unwrap().display()));
        } else if is_inside && !path.ends_with(".package-lock.json") {
            found.insert(relative, fs::read_to_string(&path).unwrap());
        }
    }
}

fn installed(folder: &Path) -> BTreeMap<PathBuf, String> {
    let mut found = BTreeMap::new();
    modules(folder, folder, false, &mut found);
    found
}

/// What a stage sees of a project, with this address in place of the one that stages have.
fn view(files: &BTreeMap<String, String>, address: &str) -> BTreeMap<String, String> {
    let is_included = |path: &&String| {
        ["package-lock.json", ".npmrc"].contains(&path.as_str()) || path.rsplit('/').next() == Some("package.json")
    };
    let chosen: Vec<String> = files.keys().filter(is_included).cloned().collect();
    let below = |folder: &str| files.keys().filter(|path| path.starts_with(&format!("{folder}/"))).cloned().collect();
    let added = local_files(&chosen, |path| files.get(path).cloned(), |path| files.contains_key(path), below).unwrap();
    let shown = |path: String| {
        let whole = files[&path].clone();
        let text = match sight(Path::new(&path)) {
            NpmSight::Whole => whole,
            NpmSight::Rewritten => seen(Path::new(&path), &whole).unwrap_or(whole),
            NpmSight::Empty => String::new(),
        };
        (path, text.replace("http://127.0.0.1:4873", address))
    };
    chosen.into_iter().chain(added).map(shown).collect()
}

/// Installs as a stage does.
fn install_as_stage(folder: &Path, files: &BTreeMap<String, String>) -> Result<(), String> {
    let lock = NpmLock::parse(&files["package-lock.json"], "package-lock.json").unwrap();
    let artifacts = lock.artifacts(&platform()).map_err(|error| error.to_string())?;
    let blobs = folder.with_extension("blobs");
    fs::create_dir(&blobs).unwrap();
    for package in packages() {
        let bytes = tarball(&package);
        fs::write(blobs.join(sha512(&bytes).hex()), bytes).unwrap();
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let catalogue = Arc::new(Catalogue::new(&artifacts, |digest| blobs.join(digest.hex())));
    let server = Server::start(listener, catalogue, None, runtime.handle()).unwrap();
    write(folder, &view(files, &address));
    npm(folder, &format!("{address}/npm/"), &["ci"])?;
    match server.misses().as_slice() {
        [] => Ok(()),
        misses => Err(format!("{misses:?}")),
    }
}

#[test]
fn the_real_npm_installs_the_same_as_in_a_stage() {
    let has_npm =
        std::env::var_os("PATH").is_some_and(|path| std::env::split_paths(&path).any(|dir| dir.join("npm").is_file()));
    assert!(has_npm || std::env::var_os("CI").is_none(), "CI has to have `npm`");
    let count = std::env::var("AKBUILD_NPM_PROJECTS").map_or(4, |count| count.parse().unwrap());
    let registry = format!("{}/", conventional_registry());
    let mut compared = 0;
    for seed in (0..count).filter(|_| has_npm) {
        let dir = tempfile::tempdir().unwrap();
        let [whole, stage] = ["whole", "stage"].map(|name| dir.path().join(name));
        [&whole, &stage].iter().for_each(|folder| fs::create_dir(folder).unwrap());
        let mut files = project(&mut Numbers(seed));
        write(&whole, &files);
        // Some projects ask for what cannot be together.
        if let Err(error) = npm(&whole, &registry, &["install", "--package-lock-only"]) {
            println!("project {seed} cannot be locked: {error}");
            continue;
        }
        let lock = fs::read_to_string(whole.join("package-lock.json")).unwrap();
        files.insert("package-lock.json".to_owned(), format!("\u{feff}{lock}"));
        if let Err(error) = npm(&whole, &registry, &["ci"]) {
            println!("project {seed} cannot be installed: {error}");
            continue;
        }
        let outcome = install_as_stage(&stage, &files);
        assert_eq!(outcome, Ok(()), "project {seed}: {files:#?}");
        let (expected, found) = (installed(&whole), installed(&stage));
        assert!(!expected.is_empty() || files[".npmrc"].contains("omit"), "project {seed}");
        assert_eq!(found, expected, "project {seed}: {files:#?}");
        compared += 1;
    }
    assert!(!has_npm || compared > 0, "no project could be installed");
    println!("{compared} of {count} projects");
}
