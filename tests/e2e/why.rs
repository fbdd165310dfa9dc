//! What `why` and `plan` say of a change: the root cause, and what follows from it.

use serde_json::Value;

use crate::archive::newer;
use crate::server::Reply;
use crate::world::World;

pub(crate) const STAGES: &str = r#"
[stages.words]
kind = "run"
script = '''
# the words
cat *.txt > "$out/words"
'''
copies = [{ from = "app", include = ["*.txt"] }]
env = { TONE = "plain" }

[stages.first]
kind = "run"
script = 'head -n 1 /words/words > "$out/first"'
mounts = [{ from = "words", to = "/words" }]

[stages.notes]
kind = "run"
script = 'cp -r notes "$out"'
copies = [{ from = "app", include = ["notes/**"] }]

[stages.last]
kind = "tree"
pieces = [{ from = "first" }, { from = "notes" }]
"#;

pub(crate) fn built() -> World {
    let world = World::new(STAGES);
    world.write("app/a.txt", "one\ntwo\nthree\n");
    world.write("app/b.txt", "four\n");
    world.write("app/notes/n.md", "note\n");
    let _ = world.run(&["all"]).ok();
    world
}

pub(crate) fn all(world: &World) -> String {
    world.run(&["all", "--json"]).ok().stages()
}

#[test]
fn a_file_two_stages_away() {
    let world = built();
    world.write("app/a.txt", "one\ntwo\n3\n");
    insta::assert_snapshot!(world.run(&["why", "last"]), @"
    `last` may run because `first` may run, because `words` would run, because `a.txt` line 3 changed in source `app`

    `last`, last built [AGE] ago
      it follows from `first`

    `first`, last built [AGE] ago
      it follows from `words`

    `words`, last built [AGE] ago
      `a.txt` line 3 changed in source `app`
    --- exit 0
    ");
    insta::assert_snapshot!(world.run(&["why", "words"]), @"
    `words` would run because `a.txt` line 3 changed in source `app`
    --- exit 0
    ");
    insta::assert_snapshot!(world.run(&["why", "notes"]), @"
    `notes` is cached: nothing that its key covers differs from its run [AGE] ago
    it ran then because it was not built before
    --- exit 0
    ");
    insta::assert_snapshot!(world.run(&["plan", "-j", "2"]), @"
    node  action  last time  to download  why
    source:app  cached
    sysroot:build  cached
    words  build  [TIME]  `a.txt` line 3 changed in source `app`
    first  may build  [TIME]  only if `words` changes
    notes  cached
    last  may build  [TIME]  only if `first` changes

    1 node to build, up to 2 more, at most [TIME] of work by past records, about [TIME] with -j 2
    --- exit 0
    ");
    insta::assert_snapshot!(world.run(&["graph"]), @"
    cached  source:app
    cached  sysroot:build
    would run  words <- source:app sysroot:build
    follows  first <- sysroot:build words
    cached  notes <- source:app sysroot:build
    follows  last <- first notes
    --- exit 0
    ");
    // Only its first line is what follows sees: `words` ran, `first` gave the same bytes.
    assert_eq!(all(&world), "first built, last cached, notes cached, words built");
    insta::assert_snapshot!(world.run(&["why", "last"]), @"
    `last` is cached: nothing that its key covers differs from its run [AGE] ago
    it ran then because it was not built before
    --- exit 0
    ");
    insta::assert_snapshot!(world.run(&["why", "first"]), @"
    `first` is cached: nothing that its key covers differs from its run [AGE] ago
    it ran then because `words` changed, because `a.txt` line 3 changed in source `app`

    `first`, [AGE] ago
      it follows from `words`

    `words`, [AGE] ago
      `a.txt` line 3 changed in source `app`
    --- exit 0
    ");
    let document: Value = serde_json::from_str(&world.run(&["why", "first", "--json"]).ok().out).unwrap();
    insta::assert_snapshot!(document["reason"], @r#""`words` changed, because `a.txt` line 3 changed in source `app`""#);
    insta::assert_snapshot!(format!("{:#}", document["roots"]), @r#"
    [
      {
        "way": [
          "words"
        ],
        "text": "`a.txt` line 3 changed in source `app`",
        "cause": {
          "cause": "files",
          "source": "source:app",
          "fields": [
            "copy.0./build"
          ],
          "files": [
            {
              "path": "a.txt",
              "change": {
                "content": {
                  "old_size": 14,
                  "new_size": 10
                }
              },
              "line": 3,
              "hunks": "@@ -1,3 +1,3 @@\n one\n two\n-three\n+3\n"
            }
          ]
        }
      }
    ]
    "#);
    insta::assert_snapshot!(document["nodes"][0]["causes"], @r#"[{"cause":"follows","node":1,"name":"words","files":[{"path":"words","change":{"content":{"old_size":19,"new_size":15}},"line":3,"hunks":"@@ -1,4 +1,4 @@\n one\n two\n-three\n+3\n four\n"}]}]"#);
    assert_eq!(document["nodes"][0]["old"]["output"], document["nodes"][0]["new"]["output"]);
    assert_ne!(document["nodes"][1]["old"]["key"], document["nodes"][1]["new"]["key"]);
    assert_eq!((document["schema"].as_u64(), document["state"].as_str()), (Some(1), Some("ran")));
}

#[test]
fn two_causes_at_once_and_what_is_written() {
    let world = built();
    world.edit("akbuild.toml", "cat *.txt", "cat  *.txt");
    world.edit("akbuild.toml", "TONE = \"plain\"", "TONE = \"loud\"");
    world.write("app/notes/n.md", "another note\n");
    insta::assert_snapshot!(world.run(&["why", "last"]), @r#"
    `last` may run for 3 reasons
      `notes` would run, because `notes/n.md` line 1 changed in source `app`
      `first` may run, because `words` would run, because variable `TONE` changed from `plain` to `loud`
      `first` may run, because `words` would run, because its script changed at line 2

    `last`, last built [AGE] ago
      it follows from `first`
      it follows from `notes`

    `first`, last built [AGE] ago
      it follows from `words`

    `words`, last built [AGE] ago
      variable `TONE` changed from `plain` to `loud`
      its script changed at line 2
        @@ -1,2 +1,2 @@
         # the words
        -cat *.txt > "$out/words"
        +cat  *.txt > "$out/words"

    `notes`, last built [AGE] ago
      `notes/n.md` line 1 changed in source `app`
    --- exit 0
    "#);
    insta::assert_snapshot!(world.run(&["why", "words"]), @r#"
    `words` would run for 2 reasons
      variable `TONE` changed from `plain` to `loud`
      its script changed at line 2

    `words`, last built [AGE] ago
      variable `TONE` changed from `plain` to `loud`
      its script changed at line 2
        @@ -1,2 +1,2 @@
         # the words
        -cat *.txt > "$out/words"
        +cat  *.txt > "$out/words"
    --- exit 0
    "#);
    insta::assert_snapshot!(world.run(&["plan", "-j", "2"]), @"
    node  action  last time  to download  why
    source:app  cached
    sysroot:build  cached
    words  build  [TIME]  variable `TONE` changed from `plain` to `loud`; and 1 more
    first  may build  [TIME]  only if `words` changes
    notes  build  [TIME]  `notes/n.md` line 1 changed in source `app`
    last  may build  [TIME]  only if `first`, `notes` change

    2 nodes to build, up to 2 more, at most [TIME] of work by past records, about [TIME] with -j 2
    --- exit 0
    ");
    // The bytes are the same: what follows does not run.
    assert_eq!(all(&world), "first cached, last built, notes built, words built");
    insta::assert_snapshot!(world.run(&["why", "words"]), @r#"
    `words` is cached: nothing that its key covers differs from its run [AGE] ago
    it ran then for 2 reasons
      variable `TONE` changed from `plain` to `loud`
      its script changed at line 2

    `words`, [AGE] ago
      variable `TONE` changed from `plain` to `loud`
      its script changed at line 2
        @@ -1,2 +1,2 @@
         # the words
        -cat *.txt > "$out/words"
        +cat  *.txt > "$out/words"
    --- exit 0
    "#);
    insta::assert_snapshot!(world.run(&["why", "first"]), @"
    `first` is cached: nothing that its key covers differs from its run [AGE] ago
    it ran then because it was not built before
    --- exit 0
    ");
}

#[test]
fn files_of_a_subset_that_came_and_went() {
    let world = built();
    std::fs::remove_file(world.path("project/app/b.txt")).unwrap();
    for n in 0..25 {
        world.write(&format!("app/c{n:02}.txt"), "new\n");
    }
    world.write("app/no.md", "not declared\n");
    insta::assert_snapshot!(world.run(&["why", "words"]), @"
    `words` would run because `b.txt` is gone from source `app`, and 25 other files changed

    `words`, last built [AGE] ago
      26 files of source `app` differ
        `b.txt` is gone, 5 B
        `c00.txt` is new, 4 B
        `c01.txt` is new, 4 B
        `c02.txt` is new, 4 B
        `c03.txt` is new, 4 B
        `c04.txt` is new, 4 B
        `c05.txt` is new, 4 B
        `c06.txt` is new, 4 B
        `c07.txt` is new, 4 B
        `c08.txt` is new, 4 B
        `c09.txt` is new, 4 B
        `c10.txt` is new, 4 B
        `c11.txt` is new, 4 B
        `c12.txt` is new, 4 B
        `c13.txt` is new, 4 B
        `c14.txt` is new, 4 B
        `c15.txt` is new, 4 B
        `c16.txt` is new, 4 B
        `c17.txt` is new, 4 B
        `c18.txt` is new, 4 B
        and 6 more
    --- exit 0
    ");
    let document: Value = serde_json::from_str(&world.run(&["why", "words", "--json"]).ok().out).unwrap();
    let files = document["nodes"][0]["causes"][0]["files"].as_array().unwrap();
    assert_eq!(files.len(), 26);
    assert_eq!(
        files[0].to_string(),
        r#"{"path":"b.txt","change":{"removed":{"file":{"size":5,"exec":false}}},"line":null}"#
    );
}

#[test]
fn another_part_of_a_tree() {
    let world = built();
    world.edit("akbuild.toml", "include = [\"*.txt\"]", "include = [\"a.txt\", \"b.txt\"]");
    world.edit("akbuild.toml", "mounts = [{", "mounts = [{ from = \"app\", path = \"notes\", to = \"/notes\" }, {");
    insta::assert_snapshot!(world.run(&["why", "first"]), @"
    `first` would run because it also takes `notes` of source `app` at `/notes`
    --- exit 0
    ");
    // The same files, taken in another way, are the same to it.
    insta::assert_snapshot!(world.run(&["why", "words"]), @"
    `words` is cached: nothing that its key covers differs from its run [AGE] ago
    it ran then because it was not built before
    --- exit 0
    ");
}

#[test]
fn other_files_of_a_tree() {
    let world = built();
    world.edit("akbuild.toml", "include = [\"*.txt\"]", "include = [\"*.txt\"], exclude = [\"b.txt\"]");
    insta::assert_snapshot!(world.run(&["why", "words"]), @"
    `words` would run because it takes `*.txt` of source `app` without `b.txt` at `/build`, and took `*.txt` of source `app`
    --- exit 0
    ");
}

#[test]
fn another_version_of_a_package_of_the_sysroot() {
    let world = built();
    for (path, bytes) in &newer().files {
        world.server.put(&format!("/debian/{path}"), Reply::File(bytes.clone()));
    }
    world.edit("akbuild.toml", "packages = [\"tools\"]", "packages = [\"tools\", \"extra\"]");
    let _ = world.run(&["lock", "all"]).ok();
    insta::assert_snapshot!(world.run(&["why", "last"]), @"
    `last` may run because `first` may run, because sysroot `build` would be made, because package `extra` 2 is new, and 1 more

    `last`, last built [AGE] ago
      it follows from `first`
      it follows from `notes`

    `first`, last built [AGE] ago
      it follows from sysroot `build`
      it follows from `words`

    sysroot `build`, last built [AGE] ago
      2 packages changed
        `extra` 2 is new
        `tools` changed from 1.0 to 1.1

    `words`, last built [AGE] ago
      it follows from sysroot `build`

    `notes`, last built [AGE] ago
      it follows from sysroot `build`
    --- exit 0
    ");
    insta::assert_snapshot!(world.run(&["plan", "words", "-j", "2"]), @"
    node  action  last time  to download  why
    source:app  cached
    sysroot:build  build  [TIME]  2 files, [SIZE]  package `extra` 2 is new, and 1 more
    words  may build  [TIME]  only if sysroot `build` changes

    1 node to build, up to 1 more, at most [TIME] of work by past records, about [TIME] with -j 2, 2 files, [SIZE] to download
    --- exit 0
    ");
    let _ = world.run(&["build", "words"]).ok();
    insta::assert_snapshot!(world.run(&["why", "words"]), @"
    `words` is cached: nothing that its key covers differs from its run [AGE] ago
    it ran then because sysroot `build` changed, because package `extra` 2 is new, and 1 more

    `words`, [AGE] ago
      it follows from sysroot `build`

    sysroot `build`, [AGE] ago
      2 packages changed
        `extra` 2 is new
        `tools` changed from 1.0 to 1.1
    --- exit 0
    ");
}

#[test]
fn trees_that_were_collected() {
    let world = built();
    world.write("app/a.txt", "1\n");
    for bucket in ["trees-v1", "listings-v1"] {
        assert!(std::process::Command::new("rm").arg("-rf").arg(world.home().join(bucket)).status().unwrap().success());
        std::fs::create_dir(world.home().join(bucket)).unwrap();
    }
    insta::assert_snapshot!(world.run(&["why", "notes"]), @"
    `notes` would run because its output is no longer in the store
    --- exit 0
    ");
    insta::assert_snapshot!(world.run(&["why", "last"]), @"
    `last` would run for 3 reasons
      `notes` would run, because its output is no longer in the store
      `first` would run, because sysroot `build` would be made, because its output is no longer in the store
      `first` would run, because `words` would run, because files of source `app` that it sees changed; which ones is not known

    `last`, last built [AGE] ago
      it follows from `first`
      it follows from `notes`

    `first`, last built [AGE] ago
      it follows from sysroot `build`
      it follows from `words`

    sysroot `build`
      its output is no longer in the store

    `words`, last built [AGE] ago
      files of source `app` that it sees changed; which ones is not known
        was: sha256-mIUy29FFKm..., which is not in the store
        is: sha256-uTLQSCGvV7...
      it follows from sysroot `build`

    `notes`
      its output is no longer in the store
    --- exit 0
    ");
    insta::assert_snapshot!(world.run(&["plan", "-j", "2"]), @"
    node  action  last time  to download  why
    source:app  cached
    sysroot:build  build  [TIME]  its output is no longer in the store
    words  build  [TIME]  files of source `app` that it sees changed; which ones is not known; and it follows from sysroot `build`
    first  build  [TIME]  follows from sysroot `build`, `words`
    notes  build  [TIME]  its output is no longer in the store
    last  build  [TIME]  follows from `first`, `notes`

    5 nodes to build, [TIME] of work by past records, about [TIME] with -j 2
    --- exit 0
    ");
}

#[test]
fn the_same_inputs_that_gave_other_bytes() {
    let world = World::new(
        "[stages.dice]\nkind = \"run\"\nscript = 'printf %010d $SRANDOM > \"$out/dice\"'\n\
        [stages.last]\nkind = \"tree\"\npieces = [{ from = \"dice\" }]\n",
    );
    let _ = world.run(&["all"]).ok();
    let _ = world.run(&["build", "dice", "--rebuild"]).ok();
    insta::assert_snapshot!(world.run(&["why", "last"]), @"
    `last` would run because `dice` changed, because the same inputs gave other bytes, as in `dice`

    `last`, last built [AGE] ago
      it follows from `dice`

    `dice`, [AGE] ago
      the same inputs gave other bytes, as in `dice`
    --- exit 0
    ");
    insta::assert_snapshot!(world.run(&["why", "dice"]), @"
    `dice` is cached: nothing that its key covers differs from its run [AGE] ago
    it ran then for 2 reasons
      it was asked for
      the same inputs gave other bytes, as in `dice`

    `dice`, [AGE] ago
      it was asked for
      the same inputs gave other bytes, as in `dice`
    --- exit 0
    ");
    assert_eq!(all(&world), "dice cached, last built");
    insta::assert_snapshot!(world.run(&["why", "last"]), @"
    `last` is cached: nothing that its key covers differs from its run [AGE] ago
    it ran then because `dice` changed, because the same inputs gave other bytes, as in `dice`

    `last`, [AGE] ago
      it follows from `dice`

    `dice`, [AGE] ago
      the same inputs gave other bytes, as in `dice`
    --- exit 0
    ");
}

#[test]
fn a_single_file_of_a_patched_source() {
    let world = World::new(
        r#"
[[patches]]
source = "app"
file = "b.txt"
from = "four"
to = "4"
why = "figures are shorter"

[stages.last]
kind = "run"
script = 'cp /a.txt "$out/a"'
mounts = [{ from = "app", path = "a.txt", to = "/a.txt" }]
"#,
    );
    world.write("app/a.txt", "one\ntwo\n");
    world.write("app/b.txt", "four\n");
    let _ = world.run(&["all"]).ok();
    world.write("app/a.txt", "one\n2\n");
    insta::assert_snapshot!(world.run(&["why", "last"]).ok(), @"
    `last` would run because `a.txt` line 2 changed in source `app`
    --- exit 0
    ");
}

const PATCHED: &str = r#"
[[patches]]
source = "app"
file = "b.txt"
from = "four"
to = "4"
why = "figures are shorter"

[stages.first]
kind = "run"
script = 'cat *.txt > "$out/first"'
copies = [{ from = "app", include = ["a.txt"] }]

[stages.last]
kind = "run"
script = 'cat *.txt > "$out/last"'
copies = [{ from = "app", include = ["*.txt"] }]
"#;

#[test]
fn patches_of_files_that_a_stage_does_not_see() {
    let world = World::new(PATCHED);
    world.write("app/a.txt", "one\ntwo\n");
    world.write("app/b.txt", "four\n");
    let _ = world.run(&["build", "first", "last"]).ok();
    world.write("app/a.txt", "one\n2\n");
    world.edit("akbuild.toml", "to = \"4\"", "to = \"IV\"");
    insta::assert_snapshot!(world.run(&["why", "first"]), @"
    `first` would run because `a.txt` line 2 changed in source `app`
    --- exit 0
    ");
    insta::assert_snapshot!(world.run(&["why", "last"]), @r#"
    `last` would run for 2 reasons
      the patch of `b.txt` changed
      `a.txt` line 2 changed in source `app`

    `last`, last built [AGE] ago
      the patch of `b.txt` changed
        - replace `four` by `4`
        + replace `four` by `IV`
      `a.txt` line 2 changed in source `app`
    --- exit 0
    "#);
    // Its file differs by more than the patch.
    world.write("app/b.txt", "four\nfive\n");
    insta::assert_snapshot!(world.run(&["why", "last"]), @r#"
    `last` would run for 2 reasons
      the patch of `b.txt` changed
      `a.txt` line 2 changed in source `app`, and 1 other file changed

    `last`, last built [AGE] ago
      the patch of `b.txt` changed
        - replace `four` by `4`
        + replace `four` by `IV`
      2 files of source `app` differ
        `a.txt` line 2 changed, 6 B, was 8 B
        `b.txt` line 1 changed, 8 B, was 2 B
    --- exit 0
    "#);
    world.write("app/a.txt", "one\ntwo\n");
    insta::assert_snapshot!(world.run(&["why", "first"]), @"
    `first` is cached: nothing that its key covers differs from its run [AGE] ago
    it ran then because it was not built before
    --- exit 0
    ");
}

#[test]
fn long_values_are_shown_where_they_differ() {
    let words = |word: &str| format!("{}--flag={word} {}", "--long-option=value ".repeat(12), "more ".repeat(20));
    let stages = |word: &str, text: &str| {
        let lines: String = (1..=30).map(|n| format!("echo {n}\n")).collect();
        format!(
            "[stages.last]\nkind = \"run\"\nscript = '''\n{lines}echo {word} > \"$out/last\"\n{lines}echo {}\n'''\n\
             env = {{ FLAGS = \"{}\" }}\nfiles = [{{ path = \"/build/conf\", text = \"{text}\" }}]\n",
            words(word),
            words(word)
        )
    };
    let world = World::new(&stages("one", "a"));
    let _ = world.run(&["all"]).ok();
    world.recipe(&stages("two", "a\\nb\\n"));
    insta::assert_snapshot!(world.run(&["why", "last"]), @r#"
    `last` would run for 3 reasons
      variable `FLAGS` changed
      the file `/build/conf` that it is given changed at line 2
      its script changed at line 31

    `last`, last built [AGE] ago
      variable `FLAGS` changed
        - ...on=value --long-option=value --long-option=value --flag=one more more more more more more more more more more more more more more more more more more more more
        + ...on=value --long-option=value --long-option=value --flag=two more more more more more more more more more more more more more more more more more more more more
      the file `/build/conf` that it is given changed at line 2
        @@ -1 +1,2 @@
        -a
        \ no line end at the end of the file
        +a
        +b
      its script changed at line 31
        @@ -28,7 +28,7 @@
         echo 28
         echo 29
         echo 30
        -echo one > "$out/last"
        +echo two > "$out/last"
         echo 1
         echo 2
         echo 3
        @@ -59,4 +59,4 @@
         echo 28
         echo 29
         echo 30
        -...on=value --long-option=value --long-option=value --flag=one more more more more more more more more more more more more more more more more more more more more
        +...on=value --long-option=value --long-option=value --flag=two more more more more more more more more more more more more more more more more more more more more
    --- exit 0
    "#);
    let full = world.run(&["why", "last", "--verbose"]).ok().out;
    assert!(full.contains(&format!("- {}", words("one").trim_end())), "{full}");
    assert!(full.contains(&format!("+ {}", words("two").trim_end())), "{full}");
    assert!(full.contains("fields of its key that differ\n    `env.FLAGS` was `"), "{full}");
    assert!(full.contains(&format!("+echo {}", words("two").trim_end())), "{full}");
    let document: Value = serde_json::from_str(&world.run(&["why", "last", "--json"]).ok().out).unwrap();
    let fields = document["nodes"][0]["fields"].as_array().unwrap();
    let names: Vec<&str> = fields.iter().map(|field| field["field"].as_str().unwrap()).collect();
    assert_eq!(names, ["env.FLAGS", "file./build/conf", "script"]);
    assert_eq!((fields[0]["old"].as_str(), fields[0]["new"].as_str()), (Some(&*words("one")), Some(&*words("two"))));
}
