//! Mirrors that serve something else, nothing, or nothing yet.

use crate::archive::{PACKAGE, archive, newer};
use crate::basics::{STAGES, files};
use crate::server::Reply;
use crate::world::World;

fn world() -> World {
    let world = World::new(STAGES);
    files(&world);
    world
}

fn package() -> String {
    format!("/debian/{PACKAGE}")
}

#[test]
fn other_bytes_than_the_pinned_ones() {
    let world = world();
    let mut bytes = archive().files[PACKAGE].clone();
    *bytes.last_mut().unwrap() ^= 1;
    world.server.put(&package(), Reply::File(bytes));
    insta::assert_snapshot!(without_digests(&world.run(&["all"]).failed().to_string()), @"
    --- exit 1
    to build: 3 stages
    started  sysroot:build
    failed  sysroot:build  [TIME]  1 artifact could not be fetched:

    stage  status  time  size  output
    words  skipped
    loud  skipped
    last  skipped

    sysroots  1 failed in [TIME]

    failed sysroot:build after [TIME]
      1 artifact could not be fetched:

      tools 1.0 (sysroot `build` needs it): wrong contents
        expected [DIGEST]
        found  [DIGEST]
        [SERVER]/debian/pool/main/tools_1.0_amd64.deb: [BYTES] bytes that are something else

      wrong contents: find out why a mirror has other bytes than the lock names before you lock again; another mirror can be set in akbuild.local.toml

    skipped (what they need failed, or the run stopped): words, loud, last

    failed after [TIME]: 1 failed, 3 skipped
    timeline: [HOME]/builds-v1/[NAME]/build.html
    ");
    assert!(world.bucket("trees-v1").len() <= 1, "the source and nothing else");
}

#[test]
fn a_mirror_that_fails_at_first() {
    let world = world();
    world.server.put(&package(), Reply::Broken(2, archive().files[PACKAGE].clone()));
    assert!(world.run(&["all"]).ok().err.contains("result: "));
    assert_eq!(world.server.asked(&package()), 3);
}

#[test]
fn a_package_that_is_gone_from_every_mirror() {
    let world = world();
    world.mirrors(&["/debian/", "/second/"]);
    world.server.remove(&package());
    insta::assert_snapshot!(world.run(&["all"]), @"
    --- exit 1
    to build: 3 stages
    started  sysroot:build
    failed  sysroot:build  [TIME]  1 artifact could not be fetched:

    stage  status  time  size  output
    words  skipped
    loud  skipped
    last  skipped

    sysroots  1 failed in [TIME]

    failed sysroot:build after [TIME]
      1 artifact could not be fetched:

      tools 1.0 (sysroot `build` needs it): no mirror has it
        [SERVER]/debian/pool/main/tools_1.0_amd64.deb: 404 Not Found
        [SERVER]/second/pool/main/tools_1.0_amd64.deb: 404 Not Found

      not found: add a mirror that still has it to akbuild.local.toml, or pin what there is now: akbuild lock all

    skipped (what they need failed, or the run stopped): words, loud, last

    failed after [TIME]: 1 failed, 3 skipped
    timeline: [HOME]/builds-v1/[NAME]/build.html
    ");
    assert_eq!(world.server.asked(&format!("/second/{PACKAGE}")), 1);
}

#[test]
fn a_lock_that_is_made_anew_pins_what_there_is_now() {
    let world = world();
    world.server.remove(&package());
    for (path, bytes) in &newer().files {
        world.server.put(&format!("/debian/{path}"), Reply::File(bytes.clone()));
    }
    assert!(world.run(&["lock"]).ok().err.contains("up to date"));
    let _ = world.run(&["all"]).failed();
    insta::assert_snapshot!(world.run(&["lock", "all"]), @"
    --- exit 0
    resolving sysroots
    suite `sid` of Fri, 30 Oct 2026 08:08:01 UTC, signed by [KEY]
    wrote [PROJECT]/akbuild.lock: lines added 1, removed 1
    ");
    assert!(world.run(&["all"]).ok().err.contains("result: "));
}

#[test]
fn a_second_mirror_helps() {
    let world = world();
    world.mirrors(&["/debian/", "/second/"]);
    let reply = world.server.remove(&package());
    world.server.put(&format!("/second/{PACKAGE}"), reply);
    assert!(world.run(&["all"]).ok().err.contains("result: "));
}

#[test]
fn offline_with_something_missing() {
    let world = world();
    let questions = world.server.questions();
    insta::assert_snapshot!(world.run(&["all", "--offline"]), @"
    --- exit 1
    to build: 3 stages
    started  sysroot:build
    failed  sysroot:build  [TIME]  1 artifact could not be fetched:

    stage  status  time  size  output
    words  skipped
    loud  skipped
    last  skipped

    sysroots  1 failed in [TIME]

    failed sysroot:build after [TIME]
      1 artifact could not be fetched:

      tools 1.0 (sysroot `build` needs it): not in the store, and downloading is switched off

      downloading is switched off: run the same again without --offline

    skipped (what they need failed, or the run stopped): words, loud, last

    failed after [TIME]: 1 failed, 3 skipped
    timeline: [HOME]/builds-v1/[NAME]/build.html
    ");
    assert_eq!(world.server.questions(), questions);
}

#[test]
fn offline_with_everything_there() {
    let world = world();
    assert!(world.run(&["all"]).ok().err.contains("result: "));
    let questions = world.server.questions();
    world.write("app/a.txt", "other\n");
    assert_eq!(world.run(&["all", "--offline", "--json"]).ok().stages(), "last built, loud built, words built");
    assert_eq!(world.server.questions(), questions, "what is there is not asked for");
}

#[test]
fn an_archive_that_somebody_else_signed() {
    let world = World::unlocked(STAGES);
    let key = akbuild_fixtures::FakeKey::new();
    world.server.put("/debian/dists/sid/InRelease", Reply::File(key.sign("Suite: sid\n").into_bytes()));
    let shown = world.run(&["lock"]).failed().to_string();
    assert!(shown.contains("no accepted key made it"), "{shown}");
    assert!(!world.path("project/akbuild.lock").exists());
}

/// Digests and sizes follow from the programs of this machine.
fn without_digests(text: &str) -> String {
    let word = |word: &str| match word {
        word if word.starts_with("sha256-") => "[DIGEST]".to_owned(),
        word if word.len() > 5 && word.bytes().all(|b| b.is_ascii_digit()) => "[BYTES]".to_owned(),
        word => word.to_owned(),
    };
    let line = |line: &str| line.split(' ').map(word).collect::<Vec<_>>().join(" ") + "\n";
    text.lines().map(line).collect()
}
