//! Stages that run twice: what is said of those that give the same bytes, and of those that do not.

use std::fs;

use serde_json::json;

use crate::gate::{at_gate, stage};
use crate::world::{Ran, World};

/// A stage whose output is what the test gives it: a file.
fn given(more: &str) -> World {
    let last = stage("last", "mv \"$out/given\" \"$out/file\"")
        .replace("rm \"$out/up\" \"$out/go\"", "rm \"$out/up\"; mv \"$out/go\" \"$out/given\"");
    World::new(&format!("{last}{more}"))
}

/// Hands a file to a stage or check that waits for it.
fn give(world: &World, node: &str, bytes: &[u8]) {
    let out = at_gate(world, node);
    fs::write(out.join("coming"), bytes).unwrap();
    fs::rename(out.join("coming"), out.join("go")).unwrap();
}

/// Builds the stage with the one file, and checks it with the other.
fn check(world: &World, first: &[u8], second: &[u8], options: &[&str]) -> Ran {
    let run = world.start(&[&["build", "last", "--check"], options].concat());
    give(world, "last", first);
    give(world, "check_last", second);
    world.end(run)
}

#[test]
fn equal_stages() {
    let world = World::new(crate::basics::STAGES);
    crate::basics::files(&world);
    insta::assert_snapshot!(world.run(&["build", "words", "--check"]), @"
    --- exit 0
    to build: 1 stage, to check: 1
    started  sysroot:build
    built  sysroot:build  [TIME]  [OUTPUT]
    started  words
    built  words  [TIME]  8 B  sha256-JXZ1Sk04Wg...
    started  check:words
    equal  check:words  [TIME]  8 B  sha256-JXZ1Sk04Wg...

    stage  status  time  size  output
    words  built  [TIME]  8 B  sha256-JXZ1Sk04Wg...

    sysroots  1 built in [TIME]
    downloads  1 file, [SIZE]

    done in [TIME]: 1 built, 1 equal
    timeline: [HOME]/builds-v1/[NAME]/build.html
    ");
    let trees = world.bucket("trees-v1");
    insta::assert_snapshot!(world.run(&["build", "words", "--check"]), @"
    --- exit 0
    to check: 1 stage, up to date: 1
    started  check:words
    equal  check:words  [TIME]  8 B  sha256-JXZ1Sk04Wg...

    stage  status  time  size  output
    words  cached  8 B  sha256-JXZ1Sk04Wg...

    done in [TIME]: 1 cached, 1 equal
    timeline: [HOME]/builds-v1/[NAME]/build.html
    ");
    assert_eq!(world.bucket("trees-v1"), trees);
    // With `all`, everything is checked that the targets need: also what only puts trees together.
    let ran = world.run(&["all", "--check", "--json"]).ok();
    let checked: Vec<_> = ran.events().into_iter().filter(|event| event["reason"] == "checked").collect();
    let equal = |event: &serde_json::Value| (event["stage"].clone(), event["equal"].clone(), event["files"].clone());
    let expected = ["words", "loud", "last"].map(|stage| (json!(stage), json!(true), json!([])));
    assert_eq!(checked.iter().map(equal).collect::<Vec<_>>(), expected);
    let end = ran.events().pop().unwrap();
    assert_eq!((&end["ok"], &end["equal"], &end["differing"]), (&json!(true), &json!(3), &json!(0)));
    let timeline = world.run(&["trace", "--chrome"]).ok().out;
    assert!(fs::read_to_string(timeline.trim()).unwrap().contains("\"check:loud\""));
}

#[test]
fn a_text_that_differs() {
    let world = given("");
    insta::assert_snapshot!(check(&world, b"title\nmade on Monday\nend\n", b"title\nmade on Tuesday\nend\n", &[]), @"
    --- exit 3
    to build: 1 stage, to check: 1
    started  sysroot:build
    built  sysroot:build  [TIME]  [OUTPUT]
    started  last
    built  last  [TIME]  25 B  sha256-kvWu+bIKbh...
    started  check:last
    differs  check:last  [TIME]  26 B  sha256-trEvEEIZ0D...

    stage  status  time  size  output
    last  built  [TIME]  25 B  sha256-kvWu+bIKbh...

    sysroots  1 built in [TIME]
    downloads  1 file, [SIZE]

    differs last: 1 of 1 file differs
      file: other contents, 25 B -> 26 B
        | text: 1 line added, 1 removed, from line 2 on
        | @@ -1,3 +1,3 @@
        |  title
        | -made on Monday
        | +made on Tuesday
        |  end
      stored sha256-kvWu+bIKbhNXFO+wrVjCWq3MpgHl4UvtFJDDx8z5S+g=
       found sha256-trEvEEIZ0DEhHF/iWpDU8/0g3TkaVg3caQF5JWDB0Xg=
      help: see all of it with `akbuild cache diff sha256-kvWu+bIKbh... sha256-trEvEEIZ0D...`;
            the usual causes are dates, random names, and an order that nobody settles

    differs after [TIME]: 1 built, 1 differing
    timeline: [HOME]/builds-v1/[NAME]/build.html
    ");
    // The stored output is the one that counts.
    let _ = world.run(&["all", "-q"]).ok();
    assert_eq!(world.result("file"), "title\nmade on Monday\nend\n");
    // It is already there: only the check runs.
    let run = world.start(&["build", "last", "--check", "-q"]);
    give(&world, "check_last", b"title\n");
    insta::assert_snapshot!(world.end(run), @"
    --- exit 3
    differs last: 1 of 1 file differs
      file: other contents, 25 B -> 6 B
        | text: 2 lines removed, at line 2
        | @@ -1,3 +1 @@
        |  title
        | -made on Monday
        | -end
      stored sha256-kvWu+bIKbhNXFO+wrVjCWq3MpgHl4UvtFJDDx8z5S+g=
       found sha256-Qn1NsocsW8cdkRukU1bd1s7akrD+i6GUlL6b9OoPGEI=
      help: see all of it with `akbuild cache diff sha256-kvWu+bIKbh... sha256-Qn1NsocsW8...`;
            the usual causes are dates, random names, and an order that nobody settles
    ");
}

#[test]
fn what_needs_a_stage_is_made_from_the_stored_output() {
    let world = given(
        "[stages.after]\nkind = \"run\"\nmounts = [{ from = \"last\", to = \"/last\" }]\nscript = 'cat /last/file > \"$out/after\"'\n",
    );
    let run = world.start(&["build", "last", "after", "--check", "--json"]);
    give(&world, "last", b"one");
    give(&world, "check_last", b"two");
    let ran = world.end(run);
    assert_eq!((ran.code, ran.stages().as_str()), (Some(3), "after built, last built"));
    let events = ran.events();
    let of = |stage: &str| events.iter().find(|e| e["reason"] == "checked" && e["stage"] == stage).unwrap();
    assert_eq!(of("after")["equal"], true);
    let last = of("last");
    assert_eq!(last["equal"], false);
    insta::assert_snapshot!(format!("{:#}", last), @r#"
    {
      "reason": "checked",
      "stage": "last",
      "equal": false,
      "output": "sha256-9IpOj0/Tv6snLVWLzgIDw5q79monN7wvcizw/EtHlAk=",
      "found": "sha256-eMRlXS2OTP7XaWifI/afWgp3hD0+wUAIEzsiME19bzg=",
      "files": [
        {
          "path": "file",
          "change": "other contents of the same 3 B",
          "lines": [
            "text: 1 line added, 1 removed, from line 1 on",
            "@@ -1 +1 @@",
            "-one",
            "\\ no line end at the end of the file",
            "+two",
            "\\ no line end at the end of the file"
          ]
        }
      ]
    }
    "#);
    // Both are there to be looked at.
    assert_eq!(world.bucket("trees-v1").len(), 4, "sysroot, two outputs of `last`, one of `after`");
    let end = events.last().unwrap();
    assert_eq!((&end["ok"], &end["equal"], &end["differing"]), (&json!(true), &json!(1), &json!(1)));
}

#[test]
fn an_archive_with_other_times() {
    let tar = |time: u64| {
        let mut tar = tar::Builder::new(Vec::new());
        let mut header = tar::Header::new_gnu();
        header.set_size(5);
        header.set_mode(0o644);
        header.set_mtime(time);
        tar.append_data(&mut header, "page.html", &b"hello"[..]).unwrap();
        tar.into_inner().unwrap()
    };
    insta::assert_snapshot!(check(&given(""), &tar(1_700_000_000), &tar(1_700_000_060), &["-q"]), @"
    --- exit 3
    differs last: 1 of 1 file differs
      file: other contents of the same 2.0 kB
        | tar: members are the same but for their times: page.html 2023-11-14 22:13:20 -> 2023-11-14 22:14:20
      stored sha256-5aBWRJTqU6S1r3nfqtuQAXzIIl277JVQDTVtLno2mUg=
       found sha256-KpCNFARwqpOCE+2Rt59p/B/X5KjqpRGyQySsKs3qdMU=
      help: see all of it with `akbuild cache diff sha256-5aBWRJTqU6... sha256-KpCNFARwqp...`;
            the usual causes are dates, random names, and an order that nobody settles
    ");
}

#[test]
fn many_files_that_differ() {
    let script = "read -r id < /proc/sys/kernel/random/uuid; for i in {10..40}; do echo $id > \"$out/$i\"; done; ln -s $id \"$out/link\"; echo 1 > \"$out/same\"";
    let world = World::new(&format!("[stages.last]\nkind = \"run\"\nscript = '''\n{script}\n'''\n"));
    let ran = world.run(&["all", "--check", "-q"]);
    assert_eq!(ran.code, Some(3), "{ran}");
    assert!(
        ran.err.contains("differs last: 32 of 33 files differ\n") && ran.err.contains("\n  and 12 more\n"),
        "{ran}"
    );
    assert_eq!(world.run(&["all", "-q"]).ok().err, "");
}

#[test]
fn a_pinned_stage_that_differs() {
    let world = given("");
    world.write("pin/file", "one\n");
    let pin = world.run(&["hash", "pin"]).ok().out;
    world.edit("akbuild.toml", "kind = \"run\"", &format!("kind = \"run\"\noutput_hash = \"{}\"", pin.trim()));
    insta::assert_snapshot!(check(&world, b"one\n", b"two\n", &["-q"]), @"
    --- exit 3
    differs last: 1 of 1 file differs
      file: other contents of the same 4 B
        | text: 1 line added, 1 removed, from line 1 on
        | @@ -1 +1 @@
        | -one
        | +two
      stored sha256-4CEJeQdg2KfJdo6rWMTWRAsjdvg+OHLRd2mUsJRgWww=
       found sha256-tEh26/FyexE0i02c+dcCpvo+LL8VMRQ1RgZQLNSJbPY=
      help: see all of it with `akbuild cache diff sha256-4CEJeQdg2K... sha256-tEh26/Fyex...`;
            the usual causes are dates, random names, and an order that nobody settles
    ");
}

#[test]
fn a_check_that_fails() {
    let world = given("");
    world.edit(
        "akbuild.toml",
        "mv \"$out/given\" \"$out/file\"",
        "read -r code < \"$out/given\"; echo \"code $code\"; exit $code",
    );
    insta::assert_snapshot!(check(&world, b"0\n", b"4\n", &["--keep-failed"]), @"
    --- exit 1
    to build: 1 stage, to check: 1
    started  sysroot:build
    built  sysroot:build  [TIME]  [OUTPUT]
    started  last
    built  last  [TIME]  2 B  sha256-JIVolbZpdY...
    started  check:last
    failed  check:last  [TIME]  stage `last` exited with status 4

    stage  status  time  size  output
    last  built  [TIME]  2 B  sha256-JIVolbZpdY...

    sysroots  1 built in [TIME]
    downloads  1 file, [SIZE]

    failed check:last after [TIME]
      stage `last` exited with status 4
      the end of its log:
        | code 4
      log: [HOME]/builds-v1/[NAME]/check_last.log
      kept: [HOME]/kept-v1/[NAME]

    failed after [TIME]: 1 failed, 1 built
    timeline: [HOME]/builds-v1/[NAME]/build.html
    ");
    assert_eq!(world.bucket("kept-v1").len(), 1);
}

#[test]
fn rebuild_and_check_are_two_things() {
    insta::assert_snapshot!(World::unlocked("").run(&["build", "last", "--check", "--rebuild"]), @"
    --- exit 2
    error: the argument '--check' cannot be used with '--rebuild'

    Usage: akbuild build --check --home <DIR> <STAGE>...

    For more information, try '--help'.
    ");
}
