//! Recipes, locks and command lines that are wrong.

use crate::basics::STAGES;
use crate::world::World;

#[test]
fn an_unknown_field() {
    let world = World::unlocked("[stages.last]\nkind = \"run\"\nscirpt = \"true\"\n");
    insta::assert_snapshot!(world.run(&["all"]), @"
    --- exit 1
    error: stage `last` has no `script`
      --> akbuild.toml:18:9
       |
    18 | [stages.last]
       |  ^^^^
       = help: there is a field `scirpt`: did you mean `script`?
    ");
}

#[test]
fn a_piece_that_climbs_out_of_its_tree() {
    let pieces = "[stages.last]\nkind = \"tree\"\npieces = [{ from = \"app\", to = \"../../x\" }]\n";
    let world = World::unlocked(pieces);
    insta::assert_snapshot!(world.run(&["all"]), @r#"
    --- exit 1
    error: bad path `../../x`
      --> akbuild.toml:20:33
       |
    20 | pieces = [{ from = "app", to = "../../x" }]
       |  ^^^^^^^ it has an empty part, `.` or `..`
       = help: write it relative to `/opt/tiny`, or as a whole path below it
    "#);
}

#[test]
fn a_copy_that_climbs_out_of_the_work_folder() {
    let copies = "copies = [{ from = \"app\", to = \"/build/../x\" }]\n";
    let world = World::unlocked(&format!("[stages.last]\nkind = \"run\"\nscript = \"true\"\n{copies}"));
    insta::assert_snapshot!(world.run(&["all"]), @r#"
    --- exit 1
    error: bad path `/build/../x`
      --> akbuild.toml:21:33
       |
    21 | copies = [{ from = "app", to = "/build/../x" }]
       |  ^^^^^^^^^^^ it has an empty part, `.` or `..`
       = help: write it relative to `/build`, or as a whole path below it
    "#);
}

#[test]
fn a_cycle() {
    let world = World::unlocked(
        r#"
[stages.a]
kind = "run"
script = "true"
mounts = [{ from = "b", to = "/b" }]

[stages.b]
kind = "run"
script = "true"
mounts = [{ from = "last", to = "/last" }]

[stages.last]
kind = "tree"
pieces = [{ from = "a" }]
"#,
    );
    insta::assert_snapshot!(world.run(&["all"]), @"
    --- exit 1
    error: dependency cycle: a -> b -> last -> a
      --> akbuild.toml:19:9
       |
    19 | [stages.a]
       |  ^ needs `b`
       = help: each stage reads the output of the next: take one of these inputs away
    ");
}

#[test]
fn a_source_that_is_not_declared() {
    let world = World::unlocked("[stages.last]\nkind = \"tree\"\npieces = [{ from = \"source:ap\" }]\n");
    insta::assert_snapshot!(world.run(&["all"]), @r#"
    --- exit 1
    error: no source `ap`
      --> akbuild.toml:20:21
       |
    20 | pieces = [{ from = "source:ap" }]
       |  ^^^^^^^^^
       = help: did you mean `app`?
    "#);
}

#[test]
fn a_source_whose_folder_is_not_there() {
    let world = World::new(STAGES);
    std::fs::remove_dir(world.path("project/app")).unwrap();
    insta::assert_snapshot!(world.run(&["all"]), @"
    --- exit 1
    error: source `app` is the local folder `[PROJECT]/app`, which is not there
      help: check `path` of the source
    ");
}

#[test]
fn a_stage_that_takes_nothing() {
    let world = World::new(STAGES);
    insta::assert_snapshot!(world.run(&["all"]), @"
    --- exit 1
    to build: 3 stages
    started  sysroot:build
    built  sysroot:build  [TIME]  [OUTPUT]
    started  words
    failed  words  [TIME]  stage `words` takes nothing from source `app`: none of its files matches `*.txt`

    stage  status  time  size  output
    words  failed  [TIME]
    loud  skipped
    last  skipped

    sysroots  1 built in [TIME]
    downloads  1 file, [SIZE]

    failed words after [TIME]
      stage `words` takes nothing from source `app`: none of its files matches `*.txt`
        help: check `include` and `exclude` of the stage: the tree is empty

    skipped (what they need failed, or the run stopped): loud, last

    failed after [TIME]: 1 failed, 2 skipped
    timeline: [HOME]/builds-v1/[NAME]/build.html
    ");
}

#[test]
fn a_name_that_no_stage_has() {
    let world = World::new(STAGES);
    insta::assert_snapshot!(world.run(&["build", "wrods"]), @"
    --- exit 1
    error: no stage is called `wrods`
      help: did you mean `words`? the stages are `words`, `loud`, `last`
    ");
    insta::assert_snapshot!(world.run(&["why", "l*"]), @"
    --- exit 1
    error: `l*` means 2 stages
      help: name one
    ");
}

#[test]
fn a_file_in_a_place_that_the_stage_does_not_write_to() {
    let files = "files = [{ path = \"/etc/motd\", text = \"hello\" }]";
    let world = World::unlocked(&STAGES.replace("mounts = [", &format!("{files}\nmounts = [")));
    insta::assert_snapshot!(world.run(&["all"]), @r#"
    --- exit 1
    error: bad path `/etc/motd`
      --> akbuild.toml:27:20
       |
    27 | files = [{ path = "/etc/motd", text = "hello" }]
       |  ^^^^^^^^^ it is not below `/build`, `/out` or `/tmp`
       = help: write it relative to `/build`, or as a whole path below `/build`, `/out` or `/tmp`
    "#);
}

#[test]
fn no_lock() {
    let world = World::unlocked(STAGES);
    insta::assert_snapshot!(world.run(&["all"]), @"
    --- exit 1
    error: there is no `akbuild.lock`
     = note: sysroot `build` (1 package asked for) is not locked
     = help: run `akbuild lock`, look at the difference, and commit it
    ");
    assert!(!world.path("project/akbuild.lock").exists());
}

#[test]
fn a_lock_that_is_out_of_date() {
    let world = World::new(STAGES);
    let before = world.read("akbuild.lock");
    world.edit("akbuild.toml", "packages = [\"tools\"]", "packages = [\"tools\", \"extra\"]");
    world.edit("akbuild.toml", "[debian]", "[sources.data]\ntarball = \"http://files.invalid/data.tar\"\n\n[debian]");
    insta::assert_snapshot!(world.run(&["all"]), @"
    --- exit 1
    error: `akbuild.lock` is out of date
     = note: source `data` (http://files.invalid/data.tar) is not locked
     = note: sysroot `build` is locked for fewer packages, and the recipe asks for packages with `extra`
     = help: run `akbuild lock`, look at the difference, and commit it
    ");
    assert_eq!(world.read("akbuild.lock"), before);
}

#[test]
fn a_package_that_the_archive_does_not_have() {
    let world = World::unlocked(STAGES);
    world.edit("akbuild.toml", "packages = [\"tools\"]", "packages = [\"tolls\"]");
    insta::assert_snapshot!(world.run(&["lock"]), @"
    --- exit 1
    resolving sysroots
    error: no package `tolls` in suite `sid`
      needed by: sysroot `build`
      help: is one of these meant? `tools`
    ");
    assert!(!world.path("project/akbuild.lock").exists());
}

#[test]
fn a_local_source_that_is_wrong() {
    let world = World::new(STAGES);
    crate::basics::files(&world);
    insta::assert_snapshot!(world.run(&["all", "--source", "ap=app"]), @"
    --- exit 1
    error: `--source` names `ap`, which is no source of the recipe
     = help: did you mean `app`?
    ");
    insta::assert_snapshot!(world.run(&["all", "--source", "app=nowhere"]), @"
    --- exit 1
    error: cannot open the local source `./nowhere`: No such file or directory (os error 2)
    ");
    insta::assert_snapshot!(world.run(&["all", "--source", "app"]), @"
    --- exit 2
    error: invalid value 'app' for '--source <NAME=PATH>': expected NAME=PATH, such as app=../app

    For more information, try '--help'.
    ");
}

#[test]
fn no_recipe() {
    let world = World::unlocked(STAGES);
    std::fs::remove_file(world.path("project/akbuild.toml")).unwrap();
    insta::assert_snapshot!(world.run(&["all"]), @"
    --- exit 1
    error: there is no `akbuild.toml` in this folder or above it
      help: go to the project's folder, or name it with -C DIR or --recipe FILE
    ");
    insta::assert_snapshot!(world.run(&["-C", "/nowhere", "all"]), @"
    --- exit 1
    error: cannot open the folder `/nowhere`: No such file or directory (os error 2)
    ");
}

#[test]
fn a_wrong_command_line() {
    let world = World::unlocked(STAGES);
    insta::assert_snapshot!(world.run(&["al"]), @"
    --- exit 2
    error: unrecognized subcommand 'al'

      tip: a similar subcommand exists: 'all'

    Usage: akbuild [OPTIONS] <COMMAND>

    For more information, try '--help'.
    ");
    insta::assert_snapshot!(world.run(&["build"]), @"
    --- exit 2
    error: the following required arguments were not provided:
      <STAGE>...

    Usage: akbuild build --home <DIR> <STAGE>...

    For more information, try '--help'.
    ");
    insta::assert_snapshot!(world.run(&["all", "-j0"]), @"
    --- exit 2
    error: invalid value '0' for '--jobs <N>': 0 is not in 1..=1024

    For more information, try '--help'.
    ");
}
