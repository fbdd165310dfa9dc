//! What Python source distributions are built with: pins that stay, move and go. The `uv` of these tests is a script that
//! asks the registry for what a file names, and takes the newest version that it sees.

use std::io::{Cursor, Write};

use crate::server::Reply;
use crate::world::World;

const UV: &str = r##"#!/bin/bash
set -euo pipefail
if [ "$1" = venv ]; then
    mkdir -p "$out/bin"
    printf '#!/bin/bash\n' > "$out/bin/python"
    chmod 755 "$out/bin/python"
    exit
fi
if [ "$1" != sync ]; then
    echo '[]'
    exit
fi
ask() {
    exec 3<>/dev/tcp/127.0.0.1/4873
    printf 'GET %s HTTP/1.0\r\nHost: 127.0.0.1:4873\r\nAccept: text/html\r\nConnection: close\r\n\r\n' "$1" >&3
    cat <&3
    exec 3>&-
}
while read -r name least; do
    if [ "$name" = fail ]; then echo 'it does not compile' >&2; exit 1; fi
    best=0
    while read -r line; do
        if [[ $line =~ href=\"([^\"#]+).*\>$name-([0-9]+)-py3 ]]; then
            version=${BASH_REMATCH[2]}
            if [ "$version" -ge "$least" ] && [ "$version" -gt "$best" ]; then best=$version path=/pypi/${BASH_REMATCH[1]#../../}; fi
        fi
    done < <(ask "/pypi/simple/$name/")
    if [ "$best" = 0 ]; then echo "no version of $name from $least on" >&2; exit 1; fi
    ask "$path" > /tmp/file
    read -r _ status _ < /tmp/file
    [ "$status" = 200 ]
    echo "$name $best" >> "$out/used"
done < wanted
"##;

const STAGES: &str = r#"
[tools]
uv = { python = "uv==1.0" }

[stages.last]
kind = "uv-sync"
source = "app"
include = ["uv.lock", "pyproject.toml", "wanted"]
venv = "/opt/tiny/venv"
python = "3.14"
"#;

fn wheel(files: &[(&str, &str)]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, text) in files {
        zip.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
        zip.write_all(text.as_bytes()).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

/// Puts these versions of a project on the index.
fn publish(world: &World, name: &str, versions: &[&str], files: &[(&str, &str)]) {
    let mut page = String::new();
    for version in versions {
        let file = format!("{name}-{version}-py3-none-any.whl");
        let bytes = wheel(&[&[(&*format!("{name}/version"), *version)], files].concat());
        let sha256 = akbuild_nar::Digest::sha256(&bytes).hex();
        page.push_str(&format!("<a href=\"../files/{file}#sha256={sha256}\">{file}</a>\n"));
        world.server.put(&format!("/python/files/{file}"), Reply::File(bytes));
    }
    world.server.put(&format!("/python/{name}/"), Reply::File(page.into_bytes()));
}

fn world(wanted: &str) -> World {
    let world = World::unlocked(STAGES);
    world.edit("akbuild.toml", "packages = [\"tools\"]", "packages = [\"tools\", \"libc6\"]");
    world.edit(
        "akbuild.local.toml",
        &format!("python = [\"{}\"]", world.server.url("/none/")),
        &format!("python = [\"{}\"]", world.server.url("/python/")),
    );
    publish(&world, "uv", &["1.0"], &[("uv-1.0.data/scripts/uv", UV)]);
    publish(&world, "packaging", &["1"], &[]);
    publish(&world, "backend", &["1"], &[]);
    world.write("app/pyproject.toml", "[project]\nname = \"tiny\"\nversion = \"1\"\n");
    world.write(
        "app/uv.lock",
        "version = 1\nrequires-python = \">=3.14\"\n\n[[package]]\nname = \"tiny\"\nversion = \"1\"\nsource = { virtual = \".\" }\n",
    );
    world.write("app/wanted", wanted);
    world
}

/// The Python pins of the lock, `NAME VERSION` each.
fn pins(world: &World) -> Vec<String> {
    let lock = world.read("akbuild.lock");
    let python = lock.split("\npython = [\n").nth(1).and_then(|rest| rest.split("\n]").next()).unwrap_or_default();
    let field =
        |line: &str, name: &str| line.split(&format!("{name} = \"")).nth(1)?.split('"').next().map(str::to_owned);
    python.lines().filter_map(|line| Some(format!("{} {}", field(line, "name")?, field(line, "version")?))).collect()
}

#[test]
fn a_pin_stays_while_it_fits() {
    let world = world("packaging 1\nbackend 1\n");
    world.lock();
    assert_eq!(pins(&world), ["backend 1", "packaging 1"]);
    let before = world.read("akbuild.lock");
    publish(&world, "packaging", &["1", "2"], &[]);
    publish(&world, "backend", &["1", "2"], &[]);
    assert!(world.run(&["lock"]).ok().err.contains("the lock is up to date"));
    assert_eq!(world.read("akbuild.lock"), before, "newer versions move nothing");
    world.write("app/wanted", "backend 1\npackaging 1\n");
    assert!(world.run(&["lock"]).ok().err.contains("the lock is up to date"));

    world.write("app/wanted", "packaging 1\nbackend 2\n");
    let said = world.run(&["lock"]).ok().err;
    assert!(said.contains("the pins of `backend` do not fit any more: trying without them"), "{said}");
    assert_eq!(pins(&world), ["backend 2", "packaging 1"], "only what does not fit moves");
    let _ = world.run(&["all"]).ok();
    assert_eq!(world.result("used"), "packaging 1\nbackend 2\n");

    world.write("app/wanted", "backend 1\n");
    world.lock();
    assert_eq!(pins(&world), ["backend 2"], "what nothing asks for goes");
    publish(&world, "backend", &["1", "2", "3"], &[]);
    let _ = world.run(&["lock", "python"]).ok();
    assert_eq!(pins(&world), ["backend 3"], "asked for anew");
}

#[test]
fn an_update_leaves_pins_alone() {
    let world = world("packaging 1\n");
    world.lock();
    publish(&world, "packaging", &["1", "2"], &[]);
    let _ = world.run(&["update", "1.1.0"]).ok();
    assert!(world.read("akbuild.toml").contains("version = \"1.1.0\""));
    assert_eq!(pins(&world), ["packaging 1"]);
}

#[test]
fn what_was_resolved_before_a_stage_failed_is_kept() {
    let world = world("packaging 1\nfail now\n");
    let failed = world.run(&["lock"]).failed();
    let (said, shown) = (failed.err.clone(), failed.to_string());
    assert!(said.contains("it does not compile"), "{said}");
    let end = shown.split("build.html\n").nth(1).unwrap().to_owned();
    insta::assert_snapshot!(end, @"
    wrote [PROJECT]/akbuild.lock: lines added 18, removed 0; not resolved yet: what source distributions are built with; the next `akbuild lock` goes on from there
    error: `last` failed, so it is not known what source distributions are built with
      help: correct what the lines above say; the next attempt goes on with this step
    ");
    let index = "/debian/dists/sid/InRelease";
    let (asked, lock) = (world.server.asked(index), world.read("akbuild.lock"));
    assert!(lock.contains("name = \"uv\"") && lock.contains("name = \"libc6\""), "{lock}");

    world.write("app/wanted", "packaging 1\n");
    let said = world.run(&["lock"]).ok().err;
    assert!(!said.contains("resolving sysroots") && !said.contains("pinning tool"), "{said}");
    assert_eq!(world.server.asked(index), asked, "the next attempt goes on where this one failed");
    assert_eq!(pins(&world), ["packaging 1"]);
}

#[test]
fn checks_of_a_stage_wait_for_its_build() {
    let world = world("packaging 1\n");
    world.edit(
        "akbuild.toml",
        "python = \"3.14\"",
        "python = \"3.14\"\nchecks = [{ run = \"exit 7\", sysroot = \"build\" }]",
    );
    world.lock();
    assert_eq!(pins(&world), ["packaging 1"]);
    assert!(world.run(&["all"]).failed().err.contains("a check of stage `last` exited with status 7"));
}

#[test]
fn a_tool_that_the_index_does_not_have() {
    let world = world("packaging 1\n");
    world.edit("akbuild.toml", "uv==1.0", "uv==1.1");
    insta::assert_snapshot!(world.run(&["lock"]), @"
    --- exit 1
    resolving sysroots
    suite `sid` of Fri, 30 Oct 2026 08:08:01 UTC, signed by [KEY]
    pinning tool `uv` (uv==1.1)
    wrote [PROJECT]/akbuild.lock: lines added 16, removed 0; not resolved yet: tools, what source distributions are built with; the next `akbuild lock` goes on from there
    error: cannot pin tool `uv` (uv==1.1): the Python index has no wheel of uv 1.1 for this machine; the last ones there are 1.0
      help: look at [SERVER]/python/uv/ and correct the recipe's tools
    ");
    world.edit("akbuild.toml", "uv==1.1", "uvv==1.0");
    insta::assert_snapshot!(world.run(&["lock"]), @"
    --- exit 1
    pinning tool `uv` (uvv==1.0)
    error: cannot pin tool `uv` (uvv==1.0): not found on any mirror:
      [SERVER]/python/uvv/: 404 Not Found
      help: correct the package or its version in the recipe's tools
    ");
}
