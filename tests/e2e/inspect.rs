//! Looking into the store: what is there, what it was made from, and what is in it.

use serde_json::Value;

use crate::world::{Ran, World};

const STAGES: &str = r#"
[stages.words]
kind = "run"
script = 'mkdir "$out/deep"; cat *.txt > "$out/deep/words"; ln -s deep/words "$out/link"; ln -s ../../secret "$out/out"'
copies = [{ from = "app", include = ["*.txt"] }]

[stages.last]
kind = "tree"
pieces = [{ from = "words", to = "share" }]
"#;

fn built() -> World {
    let world = World::new(STAGES);
    world.write("app/a.txt", "one\n");
    let _ = world.run(&["all"]).ok();
    world
}

fn json(ran: &Ran) -> Value {
    serde_json::from_str(&ran.out).expect(&ran.out)
}

fn shown(world: &World, args: &[&str]) -> Value {
    json(&world.run(&[&["cache", "show", "--json"], args].concat()).ok())["shown"][0].clone()
}

#[test]
fn what_is_there() {
    let world = built();
    let ran = world.run(&["cache", "ls", "--json", "--sort", "stage"]).ok();
    let names =
        |tree: &Value| tree["made_for"].as_array().unwrap().iter().map(|n| n["node"].clone()).collect::<Vec<_>>();
    let listed = json(&ran);
    let names: Vec<_> = listed["trees"].as_array().unwrap().iter().flat_map(names).collect();
    assert_eq!(names, ["last", "source:app", "sysroot:build", "words"]);
    assert_eq!(listed["trees"][0]["roots"][0], world.path("project/result").to_str().unwrap());
    let one = json(&world.run(&["cache", "ls", "--json", "--stage", "w?rds"]).ok());
    assert_eq!(one["trees"].as_array().unwrap().len(), 1);
    let blobs = json(&world.run(&["cache", "ls", "--blobs", "--json"]).ok());
    assert!(blobs["blobs"][0]["name"].as_str().unwrap().starts_with("pkg:deb/debian/"), "{blobs}");
    let table = world.run(&["cache", "ls", "--stage", "last"]).ok();
    assert!(table.out.starts_with("made for  output "), "{table}");
}

#[test]
fn what_something_was_made_from_and_who_uses_it() {
    let world = built();
    let words = shown(&world, &["words"]);
    assert_eq!((&words["stage"], &words["present"], &words["files"]), (&"words".into(), &true.into(), &1.into()));
    let inputs: Vec<&String> = words["inputs"].as_object().unwrap().keys().collect();
    assert_eq!(inputs, ["source:app", "sysroot:build"]);
    assert!(words["used_by"][0].as_str().unwrap().starts_with("tiny/last "), "{words}");
    assert!(words["phases"].as_array().unwrap().iter().any(|phase| phase["name"] == "run"), "{words}");
    assert!(words["manifest"]["script"].as_str().unwrap().contains("cat *.txt"), "{words}");
    assert_eq!(words["maker"]["akbuild"], env!("CARGO_PKG_VERSION"));
    // The same by the beginning of its key, of its output in any way of writing, and by what leads to it.
    let key = words["key"].as_str().unwrap();
    assert_eq!(shown(&world, &[&key[..9]])["key"], words["key"]);
    let output = words["output"].as_str().unwrap();
    let tree = shown(&world, &[&format!("{}...", &output[..17])]);
    assert_eq!((&tree["what"], &tree["keys"][0]), (&"tree".into(), &words["key"]));
    assert_eq!(shown(&world, &[tree["hex"].as_str().unwrap()])["output"], words["output"]);
    assert_eq!(shown(&world, &["result"])["made_for"][0], "tiny/last");
    let root = shown(&world, &["sysroot:build", "--artifacts"]);
    assert_eq!(root["artifact_list"].as_array().unwrap().len() as u64, root["artifacts"].as_u64().unwrap());
    let blob = shown(&world, &[root["artifact_list"][0]["digest"].as_str().unwrap()]);
    assert_eq!((&blob["what"], &blob["names"][0]), (&"download".into(), &root["artifact_list"][0]["name"]));
}

#[test]
fn the_run_before() {
    let world = built();
    world.write("app/a.txt", "two\n");
    let _ = world.run(&["all"]).ok();
    assert_ne!(shown(&world, &["words"])["key"], shown(&world, &["words~1"])["key"]);
    insta::assert_snapshot!(world.run(&["cache", "cat", "words~1", "link"]).ok(), @"
    one
    --- exit 0
    ");
    insta::assert_snapshot!(world.run(&["cache", "show", "words~2"]).failed(), @"
    --- exit 1
    error: `words` has 2 runs on record, so there is no `words~2`
      help: `words` is the newest, `words~1` the one before
    ");
}

#[test]
fn a_stage_stands_for_what_its_last_build_had() {
    let world = built();
    let of = |what: &str| world.run(&["cache", "cat", what, "link"]).ok();
    world.write("app/a.txt", "two\n");
    let _ = world.run(&["all"]).ok();
    assert_eq!((of("words").out, of("words~1").out), ("two\n".to_owned(), "one\n".to_owned()));
    // What was built first is the last build's again, from the store.
    world.write("app/a.txt", "one\n");
    let ran = of("words");
    let builds = world.bucket("builds-v1");
    let note = format!("`words` has changed since it was built in build {}: this is its output of then", builds[1]);
    assert_eq!((ran.out.as_str(), ran.err), ("two\n", format!("{note}; `akbuild why words` says what changed\n")));
    let _ = world.run(&["all"]).ok();
    let ran = of("words");
    assert_eq!((ran.out.as_str(), ran.err.as_str()), ("one\n", ""));
    assert_eq!((of("words~1").out, of("words~1").err), ("two\n".to_owned(), String::new()));
    assert!(
        world
            .run(&["cache", "tree", "words", "--json"])
            .ok()
            .out
            .contains(shown(&world, &["words"])["output"].as_str().unwrap())
    );
    // A document has no note in it, and of a recipe that cannot be read there is none.
    world.write("app/a.txt", "three\n");
    assert_eq!(
        shown(&world, &["words"])["output"],
        json(&world.run(&["cache", "tree", "words", "--json"]).ok())["output"]
    );
    world.edit("akbuild.toml", "cat *.txt", "cat *.txt #");
    assert!(of("words").err.starts_with("`words` has changed since it was built in build "));
    std::fs::remove_file(world.path("project/akbuild.lock")).unwrap();
    assert_eq!(of("words").err, "");
}

#[test]
fn a_rebuild_with_another_result_is_the_last_build() {
    let world = World::new("[stages.last]\nkind = \"run\"\nscript = 'echo $RANDOM-$RANDOM-$RANDOM > \"$out/now\"'\n");
    let now = |what: &str| world.run(&["cache", "cat", what, "now"]).ok().out;
    let build = || {
        let _ = world.run(&["build", "last", "--rebuild"]).ok();
        now("last")
    };
    let (first, second) = (build(), build());
    assert_ne!(first, second);
    assert_eq!((now("last"), now("last~1")), (second, first));
}

#[test]
fn files_of_an_output() {
    let world = built();
    insta::assert_snapshot!(world.run(&["cache", "tree", "words"]).ok(), @"
          size  sha256  path
    dir  deep/
    file  4 B  2c8b08da5ce6  deep/words
    link  link -> deep/words
    link  out -> ../../secret
    --- exit 0
    ");
    insta::assert_snapshot!(world.run(&["cache", "tree", "last", "share", "--depth", "1"]).ok(), @"
          size  sha256  path
    dir  share/
    dir  share/deep/
    link  share/link -> deep/words
    link  share/out -> ../../secret
    --- exit 0
    ");
    insta::assert_snapshot!(world.run(&["cache", "cat", "words", "/deep/words"]).ok(), @"
    one
    --- exit 0
    ");
    // A link that leads out of the tree leads nowhere.
    insta::assert_snapshot!(world.run(&["cache", "cat", "words", "out"]).failed(), @"
    --- exit 1
    error: the tree sha256-et/9qCcZ2gj0udNuNI1xSzIRSFUlTwFb5J8fkbQPOD4= has nothing at `out`
      help: `akbuild cache tree sha256-et/9qCcZ2gj0udNuNI1xSzIRSFUlTwFb5J8fkbQPOD4=` lists what it has
    ");
    insta::assert_snapshot!(world.run(&["cache", "cat", "words", "deep"]).failed(), @"
    --- exit 1
    error: `deep` is a folder
      help: `akbuild cache tree` lists what is in it
    ");
    let files = json(&world.run(&["cache", "tree", "words", "deep", "--json"]).ok());
    assert_eq!((&files["entries"][1]["path"], &files["entries"][1]["bytes"]), (&"deep/words".into(), &4.into()));
}

#[test]
fn what_is_not_there() {
    let world = built();
    insta::assert_snapshot!(world.run(&["cache", "show", "wrods"]).failed(), @"
    --- exit 1
    error: nothing in the store is called `wrods`
      help: did you mean `words`? name a stage that was built, or at least 4 characters of a hash; `akbuild cache ls` lists what there is
    ");
    insta::assert_snapshot!(world.run(&["cache", "tree", "words", "nothing"]).failed(), @"
    --- exit 1
    error: the tree sha256-et/9qCcZ2gj0udNuNI1xSzIRSFUlTwFb5J8fkbQPOD4= has nothing at `nothing`
      help: `akbuild cache tree sha256-et/9qCcZ2gj0udNuNI1xSzIRSFUlTwFb5J8fkbQPOD4=` lists what it has
    ");
    let root = shown(&world, &["sysroot:build", "--artifacts"]);
    let blob = root["artifact_list"][0]["digest"].as_str().unwrap().to_owned();
    let ran = world.run(&["cache", "tree", &blob]).failed();
    assert!(ran.err.contains("is a download, not a tree"), "{ran}");
}

#[test]
fn a_hash_that_could_be_several() {
    let world = built();
    // Two trees whose hashes begin alike: put there by hand, since finding some takes too long.
    for end in ["0", "1"] {
        std::fs::create_dir(world.home().join(format!("trees-v1/abcdef{:0>57}{end}", ""))).unwrap();
    }
    insta::assert_snapshot!(world.run(&["cache", "show", "abcdef"]).failed(), @"
    --- exit 1
    error: `abcdef` is the beginning of 2 hashes
      tree: abcdef0000000000000000000000000000000000000000000000000000000000 (sha256-q83vAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=)
      tree: abcdef0000000000000000000000000000000000000000000000000000000001 (sha256-q83vAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE=)
      help: write more of the one that is meant
    ");
}

#[test]
fn how_much_room_it_takes() {
    let world = built();
    world.write("app/a.txt", "two\n");
    let _ = world.run(&["all"]).ok();
    let used = json(&world.run(&["cache", "du", "--json"]).ok());
    let number = |value: &Value| value.as_u64().unwrap_or_else(|| panic!("{used:#}"));
    let buckets = used["buckets"].as_object().unwrap().values();
    let parts: u64 = buckets.map(|bucket| number(&bucket["bytes"])).sum();
    let whole = number(&used["bytes"]);
    assert!(parts < whole && whole - parts <= 65536, "but for the home folder itself: {used:#}");
    let groups = used["groups"].as_array().unwrap();
    let words = groups.iter().find(|group| group["made_for"][0]["node"] == "words").unwrap();
    // The file is in the tree of `last` too: folders and links alone come free.
    assert_eq!(words["trees"].as_array().unwrap().len(), 2);
    assert!(number(&words["frees"]) < number(&words["bytes"]), "{words:#}");
    let table = world.run(&["cache", "du"]).ok();
    assert!(table.out.starts_with("made for  ") && table.out.contains("\nfolder  "), "{table}");
    assert!(table.out.lines().last().unwrap().starts_with("all "), "{table}");
}

#[test]
fn outside_of_a_project() {
    let world = built();
    let folder = world.path("elsewhere");
    std::fs::create_dir(&folder).unwrap();
    let ran = world.run(&["-C", folder.to_str().unwrap(), "cache", "cat", "words", "link"]).ok();
    assert_eq!(ran.out, "one\n");
}

#[test]
fn where_the_timeline_of_a_build_is() {
    let world = World::new(STAGES);
    insta::assert_snapshot!(world.run(&["trace"]).failed(), @"
    --- exit 1
    error: there is no trace of a build of `tiny`
      help: a build leaves one when it ends: run `akbuild all`
    ");
    world.write("app/a.txt", "one\n");
    let _ = world.run(&["all"]).ok();
    let path = |args: &[&str]| world.run(args).ok().out.trim_end().to_owned();
    let page = std::fs::read_to_string(path(&["trace"])).unwrap();
    assert!(page.contains("it was not built before") && page.contains("sysroot:build"), "{page}");
    let trace: Value = serde_json::from_str(&std::fs::read_to_string(path(&["trace", "--chrome"])).unwrap()).unwrap();
    let events = trace["traceEvents"].as_array().unwrap();
    for name in ["words", "run", "publish", "fetch", "unpack"] {
        assert!(events.iter().any(|event| event["name"] == name), "{name}: {trace:#}");
    }
}
