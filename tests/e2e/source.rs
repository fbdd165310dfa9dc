//! Sources that are not what they should be: other contents, archives that lead outside, patches that do not fit.

use crate::server::Reply;
use crate::world::World;

const STAGES: &str = r#"
[sources.data]
tarball = "SERVER/data.tar"

[stages.last]
kind = "tree"
pieces = [{ from = "data" }]
"#;

/// A world that is not locked, whose archive has these members: name, kind, link, text.
fn world(members: &[(&str, tar::EntryType, &str, &str)]) -> World {
    let world = World::unlocked(STAGES);
    world.server.put("/data.tar", Reply::File(tarball(members)));
    world
}

fn tarball(members: &[(&str, tar::EntryType, &str, &str)]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (name, kind, link, text) in members {
        let mut header = tar::Header::new_gnu();
        // By hand: the library's own setters refuse the names that these tests need.
        header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
        header.as_old_mut().linkname[..link.len()].copy_from_slice(link.as_bytes());
        header.set_entry_type(*kind);
        header.set_mode(0o644);
        header.set_size(text.len() as u64);
        header.set_cksum();
        bytes.extend_from_slice(header.as_bytes());
        bytes.extend_from_slice(text.as_bytes());
        bytes.resize(bytes.len().next_multiple_of(512), 0);
    }
    bytes.resize(bytes.len() + 1024, 0);
    bytes
}

const FILE: tar::EntryType = tar::EntryType::Regular;
const LINK: tar::EntryType = tar::EntryType::Symlink;

#[test]
fn a_good_archive() {
    let world = world(&[("data-1/file", FILE, "", "text\n"), ("data-1/sub/other", FILE, "", "")]);
    world.lock();
    assert!(world.run(&["all"]).ok().err.contains("result: "));
    assert_eq!(world.result("file"), "text\n");
}

#[test]
fn archives_that_lead_outside() {
    let up = world(&[("data/../../up", FILE, "", "x")]);
    insta::assert_snapshot!(up.run(&["lock"]), @"
    --- exit 1
    pinning source `data`
    error: [HOME]/tmp-v1/[NAME]/archive: member `data/../../up` has `..` in its name; the archive is refused
    ");
    let absolute = world(&[("/tmp/absolute", FILE, "", "x")]);
    insta::assert_snapshot!(absolute.run(&["lock"]), @"
    --- exit 1
    pinning source `data`
    error: [HOME]/tmp-v1/[NAME]/archive: member `/tmp/absolute` has an absolute name; the archive is refused
    ");
    let through = world(&[("data/out", LINK, "/tmp", ""), ("data/out/file", FILE, "", "x")]);
    insta::assert_snapshot!(through.run(&["lock"]), @"
    --- exit 1
    pinning source `data`
    error: [HOME]/tmp-v1/[NAME]/archive: member `data/out` is a link to the absolute path `/tmp`; the archive is refused
    ");
    for world in [up, absolute, through] {
        assert!(!world.path("project/akbuild.lock").exists());
        assert!(world.bucket("tmp-v1").is_empty() && world.bucket("trees-v1").is_empty());
    }
}

#[test]
fn another_archive_than_the_pinned_one() {
    let world = world(&[("data/file", FILE, "", "text\n")]);
    world.lock();
    world.server.put("/data.tar", Reply::File(tarball(&[("data/file", FILE, "", "evil\n")])));
    std::fs::remove_dir_all(world.home()).unwrap();
    insta::assert_snapshot!(world.run(&["all"]), @"
    --- exit 1
    to build: 1 stage
    started  source:data
    failed  source:data  [TIME]  1 artifact could not be fetched:

    stage  status  time  size  output
    last  skipped

    sources  1 failed in [TIME]

    failed source:data after [TIME]
      1 artifact could not be fetched:

      source data (source `data` is pinned to it): wrong contents
        expected sha256-DAor5L8Re6BSVJ7rlVyIIjTXjTDaRYRHNHrWFskTRzs=
        found  sha256-nmX2S77e1goIK2NLPgkyS91OOUregPVLf5/4aqvl7aA=
        [SERVER]/data.tar: 2048 bytes that are something else

      wrong contents: find out why a mirror has other bytes than the lock names before you lock again; another mirror can be set in akbuild.local.toml

    skipped (what they need failed, or the run stopped): last

    failed after [TIME]: 1 failed, 1 skipped
    timeline: [HOME]/builds-v1/[NAME]/build.html
    ");
}

#[test]
fn another_tree_than_the_pinned_one() {
    let world = world(&[("data/file", FILE, "", "text\n")]);
    let hash = "hash = \"sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\"";
    world.edit("akbuild.toml", "/data.tar\"\n", &format!("/data.tar\"\n{hash}\n"));
    insta::assert_snapshot!(world.run(&["lock"]), @r#"
    --- exit 1
    pinning source `data`
    error: the tree of source `data` has another hash than the one that is pinned here
      --> akbuild.toml:21:9
       |
    21 | hash = "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
       |  ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
       = note: found sha256-Y7NxyWIynDDil9ldnbOA/rqWZFWHjC6E+pEZMHi7j8I=
       = note: from [SERVER]/data.tar
       = help: find out why; if it is meant, write `hash = "sha256-Y7NxyWIynDDil9ldnbOA/rqWZFWHjC6E+pEZMHi7j8I="` here, or remove the line
    "#);
}

#[test]
fn a_pinned_folder_that_has_changed() {
    let world = World::unlocked("[stages.last]\nkind = \"tree\"\npieces = [{ from = \"app\" }]\n");
    world.write("app/file", "text\n");
    let hash = world.run(&["hash", "app"]).ok().out;
    world.edit("akbuild.toml", "path = \"app\"\n", &format!("path = \"app\"\nhash = \"{}\"\n", hash.trim()));
    world.lock();
    assert!(world.run(&["all"]).ok().err.contains("result: "));
    world.write("app/file", "other\n");
    std::fs::remove_dir_all(world.home()).unwrap();
    insta::assert_snapshot!(world.run(&["all"]), @"
    --- exit 1
    to build: 1 stage
    started  source:app
    failed  source:app  [TIME]  source `app` has another hash than the pinned one

    stage  status  time  size  output
    last  skipped

    sources  1 failed in [TIME]

    failed source:app after [TIME]
      source `app` has another hash than the pinned one
        expected sha256-Y7NxyWIynDDil9ldnbOA/rqWZFWHjC6E+pEZMHi7j8I=
           found sha256-d91AfgCb3KwOje1UL/PImLqcGEt57fOAGT9uerP4c5A=
        from [PROJECT]/app
        help: if it was changed on purpose, change the pin: `hash` in the recipe or the overlay if it stands there, or else with `akbuild lock sources`

    skipped (what they need failed, or the run stopped): last

    failed after [TIME]: 1 failed, 1 skipped
    timeline: [HOME]/builds-v1/[NAME]/build.html
    ");
}

fn patched(from: &str) -> World {
    let patch = format!(
        "[[patches]]\nsource = \"app\"\nfile = \"code.c\"\nfrom = \"{from}\"\nto = \"return 1;\"\nwhy = \"it must not fail\"\n"
    );
    let world = World::new(&format!("{patch}\n[stages.last]\nkind = \"tree\"\npieces = [{{ from = \"app\" }}]\n"));
    world.write("app/code.c", "int one() {\n  return 0;\n}\nint two() {\n  return 0; // two\n}\n");
    world
}

#[test]
fn a_patch_that_fits() {
    let world = patched("return 0; // two");
    assert!(world.run(&["all"]).ok().err.contains("result: "));
    assert_eq!(world.result("code.c"), "int one() {\n  return 0;\n}\nint two() {\n  return 1;\n}\n");
}

#[test]
fn a_patch_that_matches_nothing() {
    insta::assert_snapshot!(patched("return 0; // tow").run(&["all"]), @"
    --- exit 1
    to build: 1 stage
    started  source:app
    failed  source:app  [TIME]  patch of `code.c` in source `app` (akbuild.toml:18 (it must not fail)) matches nothing

    stage  status  time  size  output
    last  skipped

    sources  1 failed in [TIME]

    failed source:app after [TIME]
      patch of `code.c` in source `app` (akbuild.toml:18 (it must not fail)) matches nothing
        the nearest text is line 5:  return 0; // two

    skipped (what they need failed, or the run stopped): last

    failed after [TIME]: 1 failed, 1 skipped
    timeline: [HOME]/builds-v1/[NAME]/build.html
    ");
}

#[test]
fn a_patch_that_matches_twice() {
    insta::assert_snapshot!(patched("return 0;").run(&["all"]), @"
    --- exit 1
    to build: 1 stage
    started  source:app
    failed  source:app  [TIME]  patch of `code.c` in source `app` (akbuild.toml:18 (it must not fail)) matches 2 times, at lines 2, 5

    stage  status  time  size  output
    last  skipped

    sources  1 failed in [TIME]

    failed source:app after [TIME]
      patch of `code.c` in source `app` (akbuild.toml:18 (it must not fail)) matches 2 times, at lines 2, 5
        help: make `from` longer, so that it matches once

    skipped (what they need failed, or the run stopped): last

    failed after [TIME]: 1 failed, 1 skipped
    timeline: [HOME]/builds-v1/[NAME]/build.html
    ");
}

#[test]
fn a_source_that_is_pinned_and_was_not_fetched_yet() {
    let world = world(&[("data/file", FILE, "", "good\n")]);
    world.lock();
    let _ = world.run(&["all"]).ok();
    world.server.put("/data.tar", Reply::File(tarball(&[("data/file", FILE, "", "better\n")])));
    // As if the lock came from another machine.
    let elsewhere = world.path("elsewhere");
    let _ = world.run(&["lock", "sources", "--home", elsewhere.to_str().unwrap()]).ok();
    insta::assert_snapshot!(world.run(&["why", "last"]).ok(), @"
    `last` would run because source `data` would be fetched, because archive sha256-E0YsbpQBhR1nNxubmxd9Nk3PpMbvMnOUO1Xqlcejr/U= is not in the store

    `last`, last built [AGE] ago
      it follows from source `data`

    source `data`
      archive sha256-E0YsbpQBhR1nNxubmxd9Nk3PpMbvMnOUO1Xqlcejr/U= is not in the store
    --- exit 0
    ");
}

#[test]
fn a_patched_source_that_was_not_fetched_yet() {
    let world = world(&[("data/file", FILE, "", "good\n")]);
    world.recipe(&format!(
        "{STAGES}\n[[patches]]\nsource = \"data\"\nfile = \"file\"\nfrom = \"good\"\nto = \"fine\"\nwhy = \"taste\"\n"
    ));
    world.lock();
    let _ = world.run(&["all"]).ok();
    world.server.put("/data.tar", Reply::File(tarball(&[("data/file", FILE, "", "good, better\n")])));
    let elsewhere = world.path("elsewhere");
    let _ = world.run(&["lock", "sources", "--home", elsewhere.to_str().unwrap()]).ok();
    insta::assert_snapshot!(world.run(&["why", "last"]).ok(), @"
    `last` may run because source `data` would be fetched, because archive sha256-PhOY9ug0I0rbj3qDma5dNZ1AdZDA3WX8zIRZJLLrdYE= is not in the store

    `last`, last built [AGE] ago
      it follows from source `data`

    source `data`
      archive sha256-PhOY9ug0I0rbj3qDma5dNZ1AdZDA3WX8zIRZJLLrdYE= is not in the store
    --- exit 0
    ");
}
