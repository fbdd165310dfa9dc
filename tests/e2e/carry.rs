//! A build is carried to another home in one file, and goes on there without a network.

use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::process::Stdio;

use serde_json::Value;

use crate::server::Reply;
use crate::whole::whole_home;
use crate::world::{Ran, World, is_root, names, text};

/// A stage with a download, whose npm is a script; one that uses its output; and a patched source.
const STAGES: &str = r#"
[sources.data]
tarball = "SERVER/data.tar"

[[patches]]
source = "data"
file = "file"
from = "one"
to = "two"
why = "one is not enough"

[stages.deps]
kind = "npm-ci"
source = "app"
include = ["**"]
env = { PATH = "/build/bin:/usr/bin:/bin" }

[stages.words]
kind = "run"
script = 'cat file /deps/node_modules/a > "$out/words"'
copies = [{ from = "data" }]
mounts = [{ from = "deps", to = "/deps" }]

[stages.last]
kind = "tree"
pieces = [{ from = "words", to = "share" }]
"#;

const PACKAGE: &[u8] = b"what npm would unpack";

fn world() -> World {
    let world = World::unlocked(STAGES);
    let mut data = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.set_size(4);
    header.set_mode(0o644);
    data.append_data(&mut header, "data/file", &b"one\n"[..]).unwrap();
    world.server.put("/data.tar", Reply::File(data.into_inner().unwrap()));
    world.server.put("/npm/a/-/a-1.0.0.tgz", Reply::File(PACKAGE.to_vec()));
    let overlay = world.read("akbuild.local.toml");
    let npm = format!("npm = [\"{}\"]", world.server.url("/npm/"));
    let lines = overlay.lines().map(|line| if line.starts_with("npm = ") { &npm } else { line });
    world.write("akbuild.local.toml", &lines.collect::<Vec<_>>().join("\n"));
    let integrity = akbuild_nar::Digest::sha256(PACKAGE);
    let package = format!(r#""node_modules/a": {{"version": "1.0.0", "integrity": "{integrity}"}}"#);
    world.write("app/package-lock.json", &format!(r#"{{"lockfileVersion": 3, "packages": {{{package}}}}}"#));
    world.write("app/package.json", "{}");
    let npm = "#!/bin/bash\nmkdir node_modules; echo unpacked > node_modules/a\n";
    for (name, script) in
        [("npm", npm), ("node", "#!/bin/bash\n"), ("find", "#!/bin/bash\n"), ("xargs", "#!/bin/bash\n")]
    {
        world.write(&format!("app/bin/{name}"), script);
        let path = world.path("project/app/bin").join(name);
        fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    }
    world.lock();
    world
}

/// The same, built and exported; the digest of the file and its path.
fn exported(world: &World, args: &[&str]) -> (String, PathBuf) {
    let _ = world.run(&["all"]).ok();
    export(world, args)
}

fn export(world: &World, args: &[&str]) -> (String, PathBuf) {
    let file = world.path("file.akbuild");
    let ran = world.run(&[&["cache", "export", "--output", file.to_str().unwrap()], args].concat()).ok();
    let (digest, path) = ran.out.trim_end().split_once("  ").unwrap();
    assert_eq!(path, file.to_str().unwrap());
    (digest.to_owned(), file)
}

fn json(ran: &Ran) -> Value {
    serde_json::from_str(&ran.out).expect(&ran.out)
}

/// Runs it with another home.
fn there(world: &World, args: &[&str]) -> Ran {
    world.run(&[&["--home", world.path("there").to_str().unwrap()], args].concat())
}

#[test]
fn a_build_goes_on_elsewhere_without_a_network() {
    let world = world();
    let (digest, file) = exported(&world, &[]);
    assert_eq!(akbuild_nar::Digest::sha256(&fs::read(&file).unwrap()).hex(), digest);
    let questions = world.server.questions();
    insta::assert_snapshot!(there(&world, &["cache", "import", file.to_str().unwrap()]).ok(), @"
               new  there
    trees  6  0
    downloads  1  0
    lists  2  0
    actions  5  0
    --- exit 0
    ");
    assert_eq!(there(&world, &["all", "--offline", "--json"]).ok().stages(), "deps cached, last cached, words cached");
    assert_eq!(world.result("share/words"), "two\nunpacked\n");
    let rebuilt = there(&world, &["build", "--rebuild", "deps", "words", "--offline", "--json"]).ok();
    assert_eq!(rebuilt.stages(), "deps built, words built");
    assert_eq!(world.server.questions(), questions);
    whole_home(&world.path("there"));
    let again = json(&there(&world, &["cache", "import", file.to_str().unwrap(), "--json"]).ok());
    assert_eq!((text(&again["sha256"]), &again["kept"]), (digest.as_str(), &Value::Array(Vec::new())));
    assert!(again["entries"].as_object().unwrap().values().all(|count| count["new"] == 0), "{again:#}");
    // The same contents give the same file.
    let (second, _) = export(&world, &[]);
    assert_eq!(second, digest);
}

#[test]
fn outputs_alone_and_by_their_records() {
    let world = world();
    let (_, whole) = exported(&world, &["last"]);
    let all = fs::metadata(&whole).unwrap().len();
    let elsewhere = world.path("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    // Outside of a project, records tell what belongs to a stage: all but the source that is downloads alone.
    let (_, file) = export(&world, &["-C", elsewhere.to_str().unwrap(), "last"]);
    let new = json(&there(&world, &["cache", "import", file.to_str().unwrap(), "--json"]).ok());
    let counts = ["trees", "downloads", "lists", "actions"].map(|kind| new["entries"][kind]["new"].as_u64().unwrap());
    assert_eq!(counts, [6, 1, 2, 5]);
    assert_eq!(
        there(&world, &["build", "last", "--offline", "--json"]).ok().stages(),
        "deps cached, last cached, words cached"
    );
    fs::remove_dir_all(world.path("there")).unwrap();

    let (_, file) = export(&world, &["--outputs-only", "w*s"]);
    assert!(fs::metadata(&file).unwrap().len() < all / 4);
    let new = json(&there(&world, &["cache", "import", file.to_str().unwrap(), "--json"]).ok());
    let counts = ["trees", "downloads", "lists", "actions"].map(|kind| new["entries"][kind]["new"].as_u64().unwrap());
    assert_eq!(counts, [1, 0, 0, 1]);
    assert_eq!(there(&world, &["cache", "cat", "words", "words"]).ok().out, "two\nunpacked\n");
}

#[test]
fn through_a_pipe() {
    let world = world();
    let (digest, file) = exported(&world, &[]);
    let ran = world.command(&["cache", "export"]).output().unwrap();
    assert_eq!(ran.stdout, fs::read(&file).unwrap());
    assert!(String::from_utf8(ran.stderr).unwrap().starts_with(&format!("sha256 {digest}, ")));
    let mut import = world.command(&["--home", world.path("there").to_str().unwrap(), "cache", "import", "-"]);
    let mut import = import.stdin(Stdio::piped()).spawn().unwrap();
    import.stdin.take().unwrap().write_all(&ran.stdout).unwrap();
    assert!(world.end(import).ok().out.contains("trees"));
    // The reader of an export that ends early has ended it; the code says that the export is not whole.
    let mut export = world.command(&["cache", "export"]).spawn().unwrap();
    drop(export.stdout.take());
    insta::assert_snapshot!(world.end(export), @"
    --- exit 141
    ");
}

#[test]
fn not_to_a_terminal() {
    let world = world();
    let _ = world.run(&["all"]).ok();
    let line = format!("{} --home {} cache export", env!("CARGO_BIN_EXE_akbuild"), world.home().display());
    let mut command = std::process::Command::new("script");
    let ran = command.args(["-qec", &line, "/dev/null"]).current_dir(world.path("project")).output().unwrap();
    let said = String::from_utf8(ran.stdout).unwrap();
    assert!(said.contains("an export is nothing for a terminal"), "{said}");
    assert_eq!(ran.status.code(), Some(1));
}

#[test]
fn what_cannot_be_exported() {
    let world = world();
    insta::assert_snapshot!(world.run(&["cache", "export", "--output", "file"]).failed(), @"
    --- exit 1
    error: not all that belongs to the export is in the store:
      the output of `sysroot:build`, which was never built as it is now
      the output of `deps`, which was never built as it is now
      the output of `words`, which was never built as it is now
      the output of `last`, which was never built as it is now
      help: `akbuild build --rebuild STAGE` brings in what a stage needs; with `--outputs-only` outputs are enough
    ");
    let _ = world.run(&["all"]).ok();
    insta::assert_snapshot!(world.run(&["cache", "export", "wrods", "--output", "file"]).failed(), @"
    --- exit 1
    error: nothing in the store is called `wrods`
      help: did you mean `words`? name a stage that was built, or at least 4 characters of a hash; `akbuild cache ls` lists what there is
    ");
    insta::assert_snapshot!(world.run(&["cache", "export", "--json"]).failed(), @r#"
    {"reason":"started","schema":1,"version":"0.1.0"}
    {"reason":"error","message":"error: the export goes to stdout, where `--json` would be in it\n  help: name a file with `--output FILE`"}
    --- exit 1
    error: the export goes to stdout, where `--json` would be in it
      help: name a file with `--output FILE`
    "#);
    insta::assert_snapshot!(world.run(&["-C", "/", "cache", "export", "--output", "file"]).failed(), @"
    --- exit 1
    error: there is no recipe here that would say what to export
      help: name stages, or the beginning of hashes
    ");
    insta::assert_snapshot!(world.run(&["cache", "export", "--output", "none/file"]).failed(), @"
    --- exit 1
    error: cannot write `none/file`: No such file or directory (os error 2)
    ");
    let blob = akbuild_nar::Digest::sha256(PACKAGE).hex();
    fs::remove_file(world.home().join(format!("blobs-v1/sha256/{}/{blob}", &blob[..2]))).unwrap();
    insta::assert_snapshot!(world.run(&["cache", "export", "--output", "file"]).failed(), @"
    --- exit 1
    error: not all that belongs to the export is in the store:
      pkg:npm/a@1.0.0 for `deps`, sha256-UNO2veuSPJXgtCKaGfHD4/IgwO0bFl3ZXb5LpMS/0iE=
      help: `akbuild build --rebuild STAGE` brings in what a stage needs; with `--outputs-only` outputs are enough
    ");
    assert!(!names(&world.path("project")).iter().any(|name| name.starts_with("file")));
    let _ = world.run(&["build", "--rebuild", "deps"]).ok();
    let _ = world.run(&["cache", "export", "--output", "file"]).ok();
}

#[test]
fn what_cannot_be_imported() {
    let world = world();
    let (_, file) = exported(&world, &[]);
    let bytes = fs::read(&file).unwrap();
    insta::assert_snapshot!(there(&world, &["cache", "import", "none"]).failed(), @"
    --- exit 1
    error: cannot open `none`: No such file or directory (os error 2)
    ");
    insta::assert_snapshot!(there(&world, &["cache", "import", "akbuild.toml"]).failed(), @"
    --- exit 1
    error: this is no export: it does not begin with `akbuild-export-`
      help: `akbuild cache export` makes one
    ");
    for end in [20, bytes.len() / 3, bytes.len() - 1] {
        fs::write(&file, &bytes[..end]).unwrap();
        let said = there(&world, &["cache", "import", file.to_str().unwrap()]).failed().err;
        assert!(said.starts_with("error: the export is damaged a") && said.contains("it ends there"), "{said}");
        whole_home(&world.path("there"));
    }
    fs::write(&file, &bytes).unwrap();
    let _ = there(&world, &["cache", "import", file.to_str().unwrap()]).ok();
    assert_eq!(there(&world, &["all", "--offline", "--json"]).ok().stages(), "deps cached, last cached, words cached");
}

#[test]
fn out_of_a_home_that_cannot_be_written_to() {
    let world = World::of_user(crate::basics::STAGES);
    crate::basics::files(&world);
    world.lock();
    let _ = world.run(&["all"]).ok();
    let script = format!("chmod -R {{}}w {}", world.home().display());
    let chmod = |how: &str| {
        let args = script.replace("{}", how);
        assert!(std::process::Command::new("sh").args(["-c", &args]).status().unwrap().success());
    };
    chmod("a-");
    assert!(is_root() || fs::write(world.home().join("x"), "").is_err());
    let ran = world.run(&["cache", "export", "--output", "../file"]);
    chmod("u+");
    let _ = ran.ok();
    let import = |args: &[&str]| there(&world, args).ok();
    let _ = import(&["-C", "..", "cache", "import", "file"]);
    assert_eq!(import(&["all", "--offline", "--json"]).stages(), "last cached, loud cached, words cached");
}
