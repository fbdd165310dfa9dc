//! The documents and graphs of what would run, and how two runs differ.

use serde_json::Value;

use crate::why::{STAGES, all, built};
use crate::world::World;

#[test]
fn what_was_never_built() {
    let world = World::new(STAGES);
    world.write("app/a.txt", "one\n");
    world.write("app/notes/n.md", "note\n");
    insta::assert_snapshot!(world.run(&["why", "first"]), @"
    `first` would run because it was not built before
    --- exit 0
    ");
    insta::assert_snapshot!(world.run(&["plan", "-j", "2"]), @"
    node  action  last time  to download  why
    source:app  cached
    sysroot:build  build  1 file, [SIZE]  it was not built before
    words  build  it was not built before
    first  build  it was not built before
    notes  build  it was not built before
    last  build  it was not built before

    5 nodes to build, 5 nodes without a known time, 1 file, [SIZE] to download
    --- exit 0
    ");
    let _ = world.run(&["all"]).ok();
    insta::assert_snapshot!(world.run(&["plan", "words", "-j", "2"]), @"
    node  action  last time  to download  why
    source:app  cached
    sysroot:build  cached
    words  cached

    nothing to do
    --- exit 0
    ");
    insta::assert_snapshot!(world.run(&["why", "words"]), @"
    `words` is cached: nothing that its key covers differs from its run [AGE] ago
    it ran then because it was not built before
    --- exit 0
    ");
}

#[test]
fn the_graph_in_all_formats() {
    let world = World::new(STAGES);
    insta::assert_snapshot!(world.run(&["graph", "--home", "/nowhere/at/all"]), @"
    source:app
    sysroot:build
    words <- source:app sysroot:build
    first <- sysroot:build words
    notes <- source:app sysroot:build
    last <- first notes
    --- exit 0
    ");
    world.write("app/a.txt", "one\n");
    world.write("app/notes/n.md", "note\n");
    let _ = world.run(&["all"]).ok();
    world.edit("akbuild.toml", "cat *.txt", "cat  *.txt");
    insta::assert_snapshot!(world.run(&["graph", "--format", "text"]), @"
    cached  source:app
    cached  sysroot:build
    would run  words <- source:app sysroot:build
    follows  first <- sysroot:build words
    cached  notes <- source:app sysroot:build
    follows  last <- first notes
    --- exit 0
    ");
    insta::assert_snapshot!(world.run(&["graph", "--format", "dot"]), @r##"
    digraph akbuild {
      rankdir=LR;
      "source:app" [label="source:app\ncached", style="filled", fillcolor="#e8f1e8"];
      "sysroot:build" [label="sysroot:build\ncached", style="filled", fillcolor="#e8f1e8"];
      "words" [label="words\nwould run", style="filled", fillcolor="#f4b860", penwidth=2, tooltip="its script changed at line 2"];
      "source:app" -> "words";
      "sysroot:build" -> "words";
      "first" [label="first\nfollows", style="filled,dashed", fillcolor="#fbe6c4", tooltip="only if `words` changes"];
      "sysroot:build" -> "first";
      "words" -> "first";
      "notes" [label="notes\ncached", style="filled", fillcolor="#e8f1e8"];
      "source:app" -> "notes";
      "sysroot:build" -> "notes";
      "last" [label="last\nfollows", style="filled,dashed", fillcolor="#fbe6c4", tooltip="only if `first` changes"];
      "first" -> "last";
      "notes" -> "last";
    }
    --- exit 0
    "##);
    insta::assert_snapshot!(world.run(&["graph", "--format", "mermaid"]), @r#"
    graph LR
      n0["source:app<br/>cached"]
      style n0 fill:#e8f1e8,color:#222
      n1["sysroot:build<br/>cached"]
      style n1 fill:#e8f1e8,color:#222
      n2["words<br/>would run"]
      style n2 fill:#f4b860,color:#222
      n0 --> n2
      n1 --> n2
      n3["first<br/>follows"]
      style n3 fill:#fbe6c4,color:#222
      n1 --> n3
      n2 --> n3
      n4["notes<br/>cached"]
      style n4 fill:#e8f1e8,color:#222
      n0 --> n4
      n1 --> n4
      n5["last<br/>follows"]
      style n5 fill:#fbe6c4,color:#222
      n3 --> n5
      n4 --> n5
    --- exit 0
    "#);
    let document: Value = serde_json::from_str(&world.run(&["graph", "--format", "json"]).ok().out).unwrap();
    let states: Vec<String> = document["nodes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|n| format!("{} {} {}", n["name"], n["state"], n["reason"]))
        .collect();
    insta::assert_snapshot!(states.join("\n"), @r#"
    "source:app" "cached" null
    "sysroot:build" "cached" null
    "words" "would-run" "its script changed at line 2"
    "first" "follows" "only if `words` changes"
    "notes" "cached" null
    "last" "follows" "only if `first` changes"
    "#);
    // A local folder that is missing: the shape is told all the same.
    std::fs::remove_dir_all(world.path("project/app")).unwrap();
    insta::assert_snapshot!(world.run(&["graph"]), @"
    source:app
    sysroot:build
    words <- source:app sysroot:build
    first <- sysroot:build words
    notes <- source:app sysroot:build
    last <- first notes
    --- exit 0
    warning: the states of the nodes are not known: source `app` is the local folder `[PROJECT]/app`, which is not there
      help: check `path` of the source
    ");
}

#[test]
fn a_plan_as_json() {
    let world = built();
    world.write("app/a.txt", "1\n");
    let document: Value = serde_json::from_str(&world.run(&["plan", "--json", "-j", "2"]).ok().out).unwrap();
    let nodes: Vec<String> = document["nodes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|n| format!("{} {} {} {} {}", n["node"], n["action"], n["why"], n["follows"], n["downloads"]))
        .collect();
    insta::assert_snapshot!(nodes.join("\n"), @r#"
    "source:app" "cached" null [] {"files":0,"bytes":0,"unsized_files":0,"commits":0}
    "sysroot:build" "cached" null [] {"files":0,"bytes":0,"unsized_files":0,"commits":0}
    "words" "build" "`a.txt` line 1 changed in source `app`" [] {"files":0,"bytes":0,"unsized_files":0,"commits":0}
    "first" "may-build" "only if `words` changes" ["words"] {"files":0,"bytes":0,"unsized_files":0,"commits":0}
    "notes" "cached" null [] {"files":0,"bytes":0,"unsized_files":0,"commits":0}
    "last" "may-build" "only if `first` changes" ["first"] {"files":0,"bytes":0,"unsized_files":0,"commits":0}
    "#);
    insta::assert_snapshot!(document["downloads"], @r#"{"files":0,"bytes":0,"unsized_files":0,"commits":0}"#);
    assert_eq!(document["jobs"], 2);
    assert!(document["nodes"][2]["seconds"].is_f64(), "{document}");
}

#[test]
fn cache_diff_of_two_runs_and_of_two_trees() {
    let world = built();
    world.write("app/a.txt", "1\ntwo\nthree\n");
    assert_eq!(all(&world), "first built, last built, notes cached, words built");
    insta::assert_snapshot!(world.run(&["cache", "diff", "first~1", "first"]), @"
    what went in
      it follows from `words`
      `words`
        `a.txt` line 1 changed in source `app`
    what came out
      is sha256-kIlR4iHvT3... and was sha256-k5xF8+3+MH...: 1 file differs
        `first` line 1 changed, 2 B, was 4 B
            text: 1 line added, 1 removed, from line 1 on
            @@ -1 +1 @@
            -one
            +1
    --- exit 0
    ");
    insta::assert_snapshot!(world.run(&["cache", "diff", "notes", "notes"]), @"
    what went in
      is equal
    what came out
      is equal: sha256-DOzSDxuX6E...
    --- exit 0
    ");
    let document: Value =
        serde_json::from_str(&world.run(&["cache", "diff", "words~1", "words", "--json"]).ok().out).unwrap();
    let (old, new) = (&document["old"]["output"], &document["new"]["output"]);
    insta::assert_snapshot!(world.run(&["cache", "diff", old.as_str().unwrap(), new.as_str().unwrap()]), @"
    is sha256-QWfZsDrFeD... and was sha256-5tpfsQEpht...: 1 file differs
      `words` line 1 changed, 17 B, was 19 B
          text: 1 line added, 1 removed, from line 1 on
          @@ -1,4 +1,4 @@
          -one
          +1
           two
           three
           four
    --- exit 0
    ");
    assert_eq!((document["inputs_equal"].as_bool(), document["outputs_equal"].as_bool()), (Some(false), Some(false)));
    insta::assert_snapshot!(document["files"], @r#"[{"path":"words","change":{"content":{"old_size":19,"new_size":17}},"line":1,"explanation":{"kind":"text","first_line":1,"added":1,"removed":1,"reordered":false,"hunks":"@@ -1,4 +1,4 @@\n-one\n+1\n two\n three\n four\n"}}]"#);
    insta::assert_snapshot!(world.run(&["cache", "diff", "last", "nothing"]), @"
    --- exit 1
    error: nothing in the store is called `nothing`
      help: name a stage that was built, or at least 4 characters of a hash; `akbuild cache ls` lists what there is
    ");
}

const UPSTREAM: &str = r#"
[sources.up]
git = "https://forge.invalid/up"
branch = "main"

[[patches]]
source = "up"
file = "a.txt"
from = "one"
to = "1"
why = "figures are shorter"

[stages.words]
kind = "run"
script = 'cat *.txt > "$out/words"'
copies = [{ from = "up", include = ["*.txt"] }]

[stages.first]
kind = "run"
script = 'head -n 1 /words/words > "$out/first"'
mounts = [{ from = "words", to = "/words" }]

[stages.notes]
kind = "run"
script = 'cp -r notes "$out"'
copies = [{ from = "up", include = ["notes/**"] }]

[stages.last]
kind = "tree"
pieces = [{ from = "first" }, { from = "notes" }]
"#;

/// A world with a source from a repository, which is built.
fn with_repository() -> World {
    let world = World::unlocked(UPSTREAM);
    let overlay = world.read("akbuild.local.toml");
    let url = world.path("upstream").display().to_string();
    world.write("akbuild.local.toml", &format!("{overlay}\n[sources.up]\nurl = {url:?}\n"));
    git(&world, &["init", "--quiet", "--initial-branch", "main", "."]);
    commit(&world, &[("a.txt", "one\n"), ("notes/n.md", "note\n"), ("README.md", "read me\n")]);
    world.lock();
    let _ = world.run(&["all"]).ok();
    world
}

fn git(world: &World, args: &[&str]) {
    std::fs::create_dir_all(world.path("upstream")).unwrap();
    let mut git = std::process::Command::new("git");
    git.args(["-c", "user.name=a", "-c", "user.email=a@example", "-C"]).arg(world.path("upstream")).args(args);
    // The id of a commit depends on them.
    git.env("GIT_AUTHOR_DATE", "1700000000 +0000").env("GIT_COMMITTER_DATE", "1700000000 +0000");
    assert!(git.status().unwrap().success(), "{args:?}");
}

fn commit(world: &World, files: &[(&str, &str)]) {
    for (path, text) in files {
        let path = world.path("upstream").join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    git(world, &["add", "--all"]);
    git(world, &["commit", "--quiet", "--message", "all"]);
}

/// Takes the source's tree as it is before any patch out of the store.
fn lose_unpatched(world: &World) {
    let trees = world.bucket("trees-v1").into_iter().map(|name| world.home().join("trees-v1").join(name));
    let unpatched = |tree: &std::path::PathBuf| std::fs::read(tree.join("a.txt")).is_ok_and(|text| text == b"one\n");
    let unpatched: Vec<_> = trees.filter(|tree| tree.join("README.md").exists() && unpatched(tree)).collect();
    assert_eq!(unpatched.len(), 1);
    let remove = "chmod -R u+w \"$1\" && rm -r \"$1\"";
    let mut shell = std::process::Command::new("sh");
    assert!(shell.args(["-c", remove, "sh"]).arg(&unpatched[0]).status().unwrap().success());
}

#[test]
fn a_changed_patch_of_a_tree_that_was_collected() {
    let world = with_repository();
    lose_unpatched(&world);
    std::fs::rename(world.path("upstream"), world.path("elsewhere")).unwrap();
    world.edit("akbuild.toml", "to = \"1\"", "to = \"I\"");
    insta::assert_snapshot!(world.run(&["plan", "-j", "2"]), @"
    node  action  last time  to download  why
    source:up  cached
    sysroot:build  cached
    words  build  [TIME]  the patch of `a.txt` changed
    first  may build  [TIME]  only if `words` changes
    notes  cached
    last  may build  [TIME]  only if `first` changes

    1 node to build, up to 2 more, at most [TIME] of work by past records, about [TIME] with -j 2
    --- exit 0
    ");
    assert_eq!(all(&world), "first built, last built, notes cached, words built");
    // What no stage sees.
    lose_unpatched(&world);
    let another = "[[patches]]\nsource = \"up\"\nfile = \"README.md\"\nfrom = \"me\"\nto = \"it\"\n\n[stages.words]";
    world.edit("akbuild.toml", "[stages.words]", another);
    insta::assert_snapshot!(world.run(&["plan", "-j", "2"]), @"
    node  action  last time  to download  why
    source:up  cached
    sysroot:build  cached
    words  cached
    first  cached
    notes  cached
    last  cached

    nothing to do
    --- exit 0
    ");
    assert_eq!(all(&world), "first cached, last cached, notes cached, words cached");
}

#[test]
fn a_commit_that_is_not_here_yet() {
    let world = with_repository();
    commit(&world, &[("README.md", "read me too\n")]);
    // Somebody else locks it.
    let _ = world.run(&["lock", "sources", "--home", world.path("other").to_str().unwrap()]).ok();
    insta::assert_snapshot!(world.run(&["plan", "-j", "2"]), @"
    node  action  last time  to download  why
    source:up  fetch  [TIME]  1 commit  commit 0d1a50317b (main) is not in the store
    sysroot:build  cached
    words  may build  [TIME]  only if source `up` changes
    first  may build  [TIME]  only if `words` changes
    notes  may build  [TIME]  only if source `up` changes
    last  may build  [TIME]  only if `first`, `notes` change

    up to 4 nodes to build, at most [TIME] of work by past records, about [TIME] with -j 2, 1 commit to download
    --- exit 0
    ");
    insta::assert_snapshot!(world.run(&["why", "notes"]), @"
    `notes` may run because source `up` would be fetched, because commit 0d1a50317b (main) is not in the store

    `notes`, last built [AGE] ago
      it follows from source `up`

    source `up`
      commit 0d1a50317b (main) is not in the store
    --- exit 0
    ");
    assert_eq!(all(&world), "first cached, last cached, notes cached, words cached");
}
