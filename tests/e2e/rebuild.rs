//! What is built again after a change, and what is not; and whether `plan` and `why` know it.

use crate::world::World;

const STAGES: &str = r#"
[stages.words]
kind = "run"
script = 'cat *.txt > "$out/words"'
copies = [{ from = "app", include = ["*.txt"] }]

[stages.loud]
kind = "run"
script = 'read -r line < /words/words; echo "${line^^}!" > "$out/loud"'
mounts = [{ from = "words", to = "/words" }]

[stages.notes]
kind = "run"
script = 'cp -r notes "$out"'
copies = [{ from = "app", include = ["notes/**"] }]
env = { TONE = "plain" }

[stages.last]
kind = "tree"
pieces = [{ from = "words" }, { from = "loud" }, { from = "notes" }]
"#;

const NOTHING: &str = "last cached, loud cached, notes cached, words cached";

fn built() -> World {
    let world = World::new(STAGES);
    world.write("app/a.txt", "one\n");
    world.write("app/notes/n.md", "note\n");
    world.write("app/README", "not declared\n");
    assert_eq!(all(&world), "last built, loud built, notes built, words built");
    assert_eq!(all(&world), NOTHING);
    world
}

fn all(world: &World) -> String {
    world.run(&["all", "--json"]).ok().stages()
}

#[test]
fn a_file_rebuilds_the_stage_that_declares_it_and_what_follows() {
    let world = built();
    world.write("app/notes/n.md", "another note\n");
    insta::assert_snapshot!(world.run(&["plan", "-j", "2"]), @"
    node  action  last time  to download  why
    source:app  cached
    sysroot:build  cached
    words  cached
    loud  cached
    notes  build  [TIME]  `notes/n.md` line 1 changed in source `app`
    last  may build  [TIME]  only if `notes` changes

    1 node to build, up to 1 more, at most [TIME] of work by past records, about [TIME] with -j 2
    --- exit 0
    ");
    insta::assert_snapshot!(world.run(&["why", "notes"]), @"
    `notes` would run because `notes/n.md` line 1 changed in source `app`
    --- exit 0
    ");
    assert_eq!(all(&world), "last built, loud cached, notes built, words cached");
    assert_eq!(world.result("notes/n.md"), "another note\n");
    insta::assert_snapshot!(world.run(&["why", "notes"]), @"
    `notes` is cached: nothing that its key covers differs from its run [AGE] ago
    it ran then because `notes/n.md` line 1 changed in source `app`
    --- exit 0
    ");
}

#[test]
fn a_file_that_no_stage_declares_rebuilds_nothing() {
    let world = built();
    world.write("app/README", "other text\n");
    world.write("app/new", "new\n");
    insta::assert_snapshot!(world.run(&["plan", "-j", "2"]), @"
    node  action  last time  to download  why
    source:app  cached
    sysroot:build  cached
    words  cached
    loud  cached
    notes  cached
    last  cached

    nothing to do
    --- exit 0
    ");
    assert_eq!(all(&world), NOTHING);
}

#[test]
fn a_file_that_is_written_again_with_the_same_text_rebuilds_nothing() {
    let world = built();
    world.write("app/notes/n.md", "note\n");
    assert_eq!(all(&world), NOTHING);
}

#[test]
fn a_new_file_rebuilds_the_stage_whose_pattern_it_matches() {
    let world = built();
    world.write("app/0.txt", "zero\n");
    assert_eq!(all(&world), "last built, loud built, notes cached, words built");
    assert_eq!(world.result("loud"), "ZERO!\n");
}

#[test]
fn a_stage_that_gives_the_same_bytes_rebuilds_nothing_after_it() {
    let world = built();
    world.write("app/b.txt", "");
    assert_eq!(all(&world), "last cached, loud cached, notes cached, words built");
    world.write("app/a.txt", "two\n");
    // `loud` is built again, since only its first line is its input's.
    assert_eq!(all(&world), "last built, loud built, notes cached, words built");
    world.write("app/b.txt", "second line\n");
    assert_eq!(all(&world), "last built, loud built, notes cached, words built");
    assert_eq!(world.result("loud"), "TWO!\n");
}

#[test]
fn a_changed_stage_is_built_again() {
    for (from, to) in [
        ("cp -r notes", "cp  -r notes"),
        ("TONE = \"plain\"", "TONE = \"loud\""),
        ("TONE = \"plain\"", "TUNE = \"plain\""),
        ("env = { TONE", "files = [{ path = \"/build/f\", text = \"f\" }]\nenv = { TONE"),
        ("env = { TONE", "mounts = [{ from = \"app\", path = \"README\", to = \"/readme\" }]\nenv = { TONE"),
    ] {
        let world = built();
        world.edit("akbuild.toml", from, to);
        // Its output is the same: what follows is not.
        assert_eq!(all(&world), "last cached, loud cached, notes built, words cached", "{from}");
    }
}

#[test]
fn why_says_what_changed() {
    let world = built();
    world.edit("akbuild.toml", "cp -r notes", "cp  -r notes");
    world.edit("akbuild.toml", "TONE = \"plain\"", "TUNE = \"plain\"");
    world.edit(
        "akbuild.toml",
        "mounts = [{ from = \"words\", to = \"/words\" }]",
        "mounts = [{ from = \"words\", to = \"/words\" }, { from = \"app\", to = \"/app\" }]",
    );
    insta::assert_snapshot!(world.run(&["why", "notes"]), @r#"
    `notes` would run for 3 reasons
      variable `TONE` is gone
      variable `TUNE` is new
      its script changed

    `notes`, last built [AGE] ago
      variable `TONE` is gone
        - plain
      variable `TUNE` is new
        + plain
      its script changed
        - cp -r notes "$out"
        + cp  -r notes "$out"
    --- exit 0
    "#);
    insta::assert_snapshot!(world.run(&["why", "loud"]), @"
    `loud` would run because it also takes source `app` at `/app`
    --- exit 0
    ");
    insta::assert_snapshot!(world.run(&["why", "words"]), @"
    `words` is cached: nothing that its key covers differs from its run [AGE] ago
    it ran then because it was not built before
    --- exit 0
    ");
    insta::assert_snapshot!(world.run(&["why", "last"]), @r#"
    `last` may run for 4 reasons
      `loud` would run, because it also takes source `app` at `/app`
      `notes` would run, because variable `TONE` is gone
      `notes` would run, because variable `TUNE` is new
      `notes` would run, because its script changed

    `last`, last built [AGE] ago
      it follows from `loud`
      it follows from `notes`

    `loud`, last built [AGE] ago
      it also takes source `app` at `/app`

    `notes`, last built [AGE] ago
      variable `TONE` is gone
        - plain
      variable `TUNE` is new
        + plain
      its script changed
        - cp -r notes "$out"
        + cp  -r notes "$out"
    --- exit 0
    "#);
    insta::assert_snapshot!(world.run(&["plan", "-j", "2"]), @"
    node  action  last time  to download  why
    source:app  cached
    sysroot:build  cached
    words  cached
    loud  build  [TIME]  it also takes source `app` at `/app`
    notes  build  [TIME]  variable `TONE` is gone; and 2 more
    last  may build  [TIME]  only if `loud`, `notes` change

    2 nodes to build, up to 1 more, at most [TIME] of work by past records, about [TIME] with -j 2
    --- exit 0
    ");
}

#[test]
fn going_back_needs_no_build() {
    let world = built();
    world.write("app/a.txt", "two\n");
    assert_eq!(all(&world), "last built, loud built, notes cached, words built");
    world.write("app/a.txt", "one\n");
    assert_eq!(all(&world), NOTHING);
    assert_eq!(world.result("loud"), "ONE!\n");
}

#[test]
fn rebuild_builds_what_is_there() {
    let world = built();
    let ran = world.run(&["build", "not*", "--rebuild", "--json"]).ok();
    assert_eq!(ran.stages(), "notes built");
    assert_eq!(all(&world), NOTHING);
}

#[test]
fn another_package_in_the_sysroot_rebuilds_everything_that_runs_in_it() {
    let world = built();
    world.edit("akbuild.toml", "packages = [\"tools\"]", "packages = [\"tools\", \"extra\"]");
    world.lock();
    assert_eq!(all(&world), "last cached, loud built, notes built, words built");
}
