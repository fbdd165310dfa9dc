//! Patterns and paths that match nothing: warnings, and errors where a stage cannot go on without.

use crate::basics::{STAGES, files};
use crate::world::World;

fn world(copies: &str) -> World {
    let world = World::new(&STAGES.replace("include = [\"*.txt\"]", copies));
    files(&world);
    world.write("app/sub/c.txt", "three\n");
    world
}

fn warnings(err: &str) -> String {
    err.lines().filter(|line| line.starts_with("warning:")).collect::<Vec<_>>().join("\n")
}

#[test]
fn patterns_that_match_nothing() {
    let world = world("include = [\"*.txt\", \"c.txt\", \"sbu/**\"], exclude = [\"d.txt\", \"sub/**\"]");
    let plan = world.run(&["plan"]).ok();
    insta::assert_snapshot!(warnings(&plan.err), @"
    warning: stage `words` (akbuild.toml:19) includes `c.txt` of source `app`, which matches nothing there; near it there is `sub/c.txt`, `a.txt`, `b.txt`
    warning: stage `words` (akbuild.toml:19) includes `sbu/**` of source `app`, which matches nothing there; the tree has `a.txt`, `b.txt`, `sub`
    warning: stage `words` (akbuild.toml:19) excludes `d.txt` of source `app`, which matches nothing there; near it there is `a.txt`, `b.txt`
    ");
    let build = world.run(&["build", "words"]).ok();
    assert_eq!(warnings(&build.err), warnings(&plan.err));
    assert_eq!(warnings(&world.run(&["lock"]).ok().err), warnings(&plan.err));
    world.write("app/c.txt", "here\n");
    world.write("app/d.txt", "here\n");
    world.edit("akbuild.toml", ", \"sbu/**\"", "");
    assert_eq!(warnings(&world.run(&["all"]).ok().err), "");
}

#[test]
fn a_local_source_that_includes_nothing() {
    let world = World::new(STAGES);
    files(&world);
    world.edit(
        "akbuild.toml",
        "path = \"app\"",
        "path = \"app\"\ninclude = [\"*.txt\", \"wrods/**\"]\nexclude = [\"**/node_modules/**\"]",
    );
    insta::assert_snapshot!(warnings(&world.run(&["plan"]).ok().err), @"warning: source `app` includes `wrods/**`, which matches nothing in its folder; the tree has `a.txt`, `b.txt`");
}

#[test]
fn a_path_that_a_tree_does_not_have() {
    let world = World::new(&STAGES.replace("{ from = \"loud\" }", "{ from = \"loud\", path = \"share/laud\" }"));
    files(&world);
    let failed = world.run(&["all"]).failed().to_string();
    let said = failed.split("failed last after [TIME]\n").nth(1).unwrap().split("\n\n").next().unwrap().to_owned();
    insta::assert_snapshot!(said, @"
    stage `last` (akbuild.toml:29) wants `share/laud` of stage `loud`, which has no such file or folder
      help: correct the path, or what makes the tree: the tree has `loud`
    ");
}

#[test]
fn a_script_that_starts_nowhere() {
    let world = World::new(&STAGES.replace("script = 'cat", "cwd = \"txt\"\nscript = 'cat"));
    files(&world);
    let failed = world.run(&["build", "words"]).failed().to_string();
    let said = failed.split("failed words after [TIME]\n").nth(1).unwrap().split("\n\n").next().unwrap().to_owned();
    insta::assert_snapshot!(said, @"
    stage `words` (akbuild.toml:19) starts in `/build/txt`, which is not there
      help: correct `cwd` or `folder` of the stage, or let its `include` or `copies` bring the folder
    log: [HOME]/builds-v1/[NAME]/words.log
    help: `akbuild log words` prints the log, `akbuild shell words` opens its sandbox
    ");
}

#[test]
fn a_lock_file_in_another_folder() {
    let world = World::new("[stages.last]\nkind = \"npm-ci\"\nsource = \"app\"\n");
    world.write("app/web/package-lock.json", "{}");
    world.write("app/web/package.json", "{}");
    world.write("app/package.json", "{}");
    let said = world.run(&["lock"]).ok().err;
    insta::assert_snapshot!(warnings(&said), @"warning: source `app` has no `package-lock.json`");
}
