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
