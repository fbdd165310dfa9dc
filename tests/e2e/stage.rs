//! Stages that fail, each in its way.

use crate::world::World;

fn run(script: &str, more: &str) -> World {
    World::new(&format!(
        "[stages.last]\nkind = \"run\"\nscript = '''\n{script}\n'''\n{more}\n[stages.after]\nkind = \"tree\"\npieces = [{{ from = \"last\" }}]\n"
    ))
}

#[test]
fn a_script_that_fails() {
    let world = run("for i in {1..30}; do echo \"line $i\"; done\necho wrong >&2\nexit 3", "");
    insta::assert_snapshot!(world.run(&["build", "after"]), @"
    --- exit 1
    to build: 2 stages
    started  sysroot:build
    built  sysroot:build  [TIME]  [OUTPUT]
    started  last
    failed  last  [TIME]  stage `last` exited with status 3

    stage  status  time  size  output
    last  failed  [TIME]
    after  skipped

    sysroots  1 built in [TIME]
    downloads  1 file, [SIZE]

    failed last after [TIME]
      stage `last` exited with status 3
      the end of its log:
        | line 7
        | line 8
        | line 9
        | line 10
        | line 11
        | line 12
        | line 13
        | line 14
        | line 15
        | line 16
        | line 17
        | line 18
        | line 19
        | line 20
        | line 21
        | line 22
        | line 23
        | line 24
        | line 25
        | line 26
        | line 27
        | line 28
        | line 29
        | line 30
        | wrong
      log: [HOME]/builds-v1/[NAME]/last.log
      help: `akbuild log last` prints the log, `akbuild shell last` opens its sandbox

    skipped (what they need failed, or the run stopped): after

    failed after [TIME]: 1 failed, 1 skipped
    timeline: [HOME]/builds-v1/[NAME]/build.html
    ");
    let log = world.run(&["log", "last"]).ok().out;
    assert_eq!(log.lines().count(), 31);
    assert!(log.starts_with("line 1\n") && log.ends_with("wrong\n"), "{log}");
    assert!(world.bucket("tmp-v1").is_empty() && world.bucket("kept-v1").is_empty());
}

#[test]
fn a_command_in_the_middle_that_fails() {
    let world = run("echo first > \"$out/x\"\nfalse\necho second", "");
    insta::assert_snapshot!(world.run(&["all"]), @"
    --- exit 1
    to build: 1 stage
    started  sysroot:build
    built  sysroot:build  [TIME]  [OUTPUT]
    started  last
    failed  last  [TIME]  stage `last` exited with status 1

    stage  status  time  size  output
    last  failed  [TIME]

    sysroots  1 built in [TIME]
    downloads  1 file, [SIZE]

    failed last after [TIME]
      stage `last` exited with status 1
      log: [HOME]/builds-v1/[NAME]/last.log
      help: `akbuild log last` prints the log, `akbuild shell last` opens its sandbox

    failed after [TIME]: 1 failed
    timeline: [HOME]/builds-v1/[NAME]/build.html
    ");
    insta::assert_snapshot!(run("false | cat; echo not reached", "").run(&["all", "-q"]), @"
    --- exit 1
    failed last after [TIME]
      stage `last` exited with status 1
      log: [HOME]/builds-v1/[NAME]/last.log
      help: `akbuild log last` prints the log, `akbuild shell last` opens its sandbox
    ");
    insta::assert_snapshot!(run("echo \"$UNKNOWN\"", "").run(&["all", "-q"]), @"
    --- exit 1
    failed last after [TIME]
      stage `last` exited with status 1
      the end of its log:
        | /bin/bash: line 1: UNKNOWN: unbound variable
      log: [HOME]/builds-v1/[NAME]/last.log
      help: `akbuild log last` prints the log, `akbuild shell last` opens its sandbox
    ");
}

#[test]
fn a_script_that_is_killed() {
    insta::assert_snapshot!(run("kill -SEGV $$", "").run(&["all", "-q"]), @"
    --- exit 1
    failed last after [TIME]
      stage `last` was ended by signal 11
      log: [HOME]/builds-v1/[NAME]/last.log
      help: `akbuild log last` prints the log, `akbuild shell last` opens its sandbox
    ");
}

#[test]
fn a_stage_that_writes_nothing() {
    insta::assert_snapshot!(run("true", "").run(&["all", "-q"]), @"
    --- exit 1
    failed last after [TIME]
      stage `last` succeeded but left its output empty
        help: its script must write to $out
      log: [HOME]/builds-v1/[NAME]/last.log
      help: `akbuild log last` prints the log, `akbuild shell last` opens its sandbox
    ");
}

#[test]
fn an_output_that_is_not_the_pinned_one() {
    let pin = "output_hash = \"sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\"";
    let world = run("echo x > \"$out/x\"", pin);
    insta::assert_snapshot!(world.run(&["all", "-q"]), @"
    --- exit 1
    failed last after [TIME]
      output of stage `last` has another hash than its `output_hash`
        expected sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=
           found sha256-Kb/pCu9YKNiGv2MsO32O/W9ohYyo3g7ZeWFChSp3GXU=
        help: see what changed with `akbuild why last`; if it is meant, pin the new hash at akbuild.toml:18
      log: [HOME]/builds-v1/[NAME]/last.log
      help: `akbuild log last` prints the log, `akbuild shell last` opens its sandbox
    ");
    // It is not taken for built.
    let _ = world.run(&["all", "-q"]).failed();
}

#[test]
fn a_failed_stage_is_kept_if_asked_for() {
    let world = run("echo x > \"$out/x\"; false", "");
    let ran = world.run(&["all", "--keep-failed"]).failed();
    let kept = world.bucket("kept-v1");
    assert_eq!(kept.len(), 1);
    assert_eq!(std::fs::read_to_string(world.home().join("kept-v1").join(&kept[0]).join("out/x")).unwrap(), "x\n");
    assert!(ran.err.contains(&format!("kept: {}", world.home().join("kept-v1").join(&kept[0]).display())), "{ran}");
}

#[test]
fn a_stage_that_fails_is_built_at_the_next_run() {
    let world = run("[ -e good ] && cp good \"$out\"", "copies = [{ from = \"app\" }]");
    world.write("app/other", "");
    assert_eq!(world.run(&["build", "after", "--json"]).failed().stages(), "after skipped, last failed");
    world.write("app/good", "");
    assert_eq!(world.run(&["build", "after", "--json"]).ok().stages(), "after built, last built");
}

#[test]
fn a_check_that_fails() {
    let check = "checks = [{ run = \"cat $out/x; cat $out/y\", sysroot = \"build\" }]";
    insta::assert_snapshot!(run("echo x > \"$out/x\"", check).run(&["all", "-q"]), @"
    --- exit 1
    failed last after [TIME]
      a check of stage `last` exited with status 1
      the end of its log:
        | x
        | cat: /out/y: No such file or directory
      log: [HOME]/builds-v1/[NAME]/last.log
      help: `akbuild log last` prints the log, `akbuild shell last` opens its sandbox
    ");
}

#[test]
fn two_pieces_with_the_same_file() {
    let world = run("echo x > \"$out/x\"", "");
    world.edit("akbuild.toml", "{ from = \"last\" }", "{ from = \"last\" }, { from = \"app\" }");
    world.write("app/x", "other");
    insta::assert_snapshot!(world.run(&["build", "after", "-q"]), @"
    --- exit 1
    failed after after [TIME]
      stage `after`: `x` comes from two pieces
        help: give one of them an `exclude`
      log: [HOME]/builds-v1/[NAME]/after.log
      help: `akbuild log after` prints the log
    ");
}

#[test]
fn a_shell_that_is_not_in_the_sysroot() {
    let world = run("true", "");
    world.edit("akbuild.toml", "packages = [\"tools\"]", "packages = [\"extra\"]");
    world.lock();
    insta::assert_snapshot!(world.run(&["all", "-q"]), @"
    --- exit 1
    failed last after [TIME]
      cannot run /bin/bash in the sandbox: No such file or directory (os error 2); look whether it, and the interpreter that it names, are in the root
      log: [HOME]/builds-v1/[NAME]/last.log
      help: `akbuild log last` prints the log, `akbuild shell last` opens its sandbox
    ");
}

#[test]
fn a_link_into_a_folder_of_the_build() {
    let script = "echo x > made; mkdir $out/bin; ln -s /build/made $out/bin/made; ln -s ../../build/made $out/bin/other\n\
        touch /tmp/left; ln -s /tmp/left $out/left; ln -s /tmp/app.sock $out/sock; ln -s bin/made $out/made";
    insta::assert_snapshot!(run(script, "").run(&["build", "last", "--quiet"]), @"
    --- exit 1
    failed last after [TIME]
      stage `last` left 3 links into folders of its build, which lead nowhere afterwards:
        bin/made -> /build/made
        bin/other -> ../../build/made
        left -> /tmp/left
        help: copy what the link leads to, or make the link relative within the output
      log: [HOME]/builds-v1/[NAME]/last.log
      help: `akbuild log last` prints the log, `akbuild shell last` opens its sandbox
    ");
}

#[test]
fn libraries_that_are_missing_at_run_time() {
    let sysroot = "checks = [{ elf = \"bare\" }]\n[sysroots.bare]\npackages = [\"busybox\"]\nessential = false\n";
    let ran = run("mkdir $out/bin; cp /usr/bin/bash $out/bin/", sysroot).run(&["build", "last", "--quiet"]);
    let told = |text: &str| ran.err.lines().any(|line| line.trim() == text);
    // What a library is called, and how many versions of it are needed, is the machine's own matter.
    for line in [
        "/out/bin/bash needs libc.so.6",
        "libc.so.6 is in package `tools`, which sysroot `build` has",
        "help: add `tools` to `packages` of `[sysroots.bare]`, and run `akbuild lock`",
    ] {
        assert!(told(line), "{line}\n{}", ran.err);
    }
    assert!(ran.err.contains("| 1 program; 0 libraries; "), "{}", ran.err);
}
