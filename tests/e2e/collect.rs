//! Collection beside real builds: what goes, what stays, and that no build ever misses anything.

use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::Value;

use crate::gate;
use crate::world::{World, text};

const STAGES: &str = r#"
[stages.words]
kind = "run"
script = 'cat *.txt > "$out/words"'
copies = [{ from = "app", include = ["*.txt"] }]

[stages.loud]
kind = "run"
script = 'read -r line < /words/words; echo "${line^^}!" > "$out/loud"'
mounts = [{ from = "words", to = "/words" }]

[stages.last]
kind = "tree"
pieces = [{ from = "words" }, { from = "loud" }]
"#;

fn all(world: &World) -> String {
    world.run(&["all", "--json"]).ok().stages()
}

fn collect(world: &World, args: &[&str]) -> Value {
    let ran = world.run(&[&["cache", "gc", "--floor", "0", "--json"], args].concat()).ok();
    serde_json::from_str(&ran.out).expect(&ran.out)
}

/// What becomes of the trees: `project/stage goes` or `project/stage why`, sorted.
fn trees(done: &Value) -> String {
    let trees = done["entries"].as_array().unwrap().iter().filter(|entry| entry["kind"] == "tree");
    let mut lines: Vec<String> = trees.map(|tree| format!("{} {}", text(&tree["about"]), text(&tree["why"]))).collect();
    lines.sort();
    lines.join("\n")
}

#[test]
fn what_the_last_builds_used_stays_and_the_rest_goes() {
    let world = World::new(STAGES);
    for text in ["one\n", "two\n", "three\n"] {
        world.write("app/a.txt", text);
        assert_eq!(all(&world), "last built, loud built, words built");
    }
    let before = world.bucket("trees-v1").len();
    let planned = collect(&world, &["--keep", "1", "--dry-run"]);
    insta::assert_snapshot!(trees(&planned), @"
    tiny/last nothing
    tiny/last nothing
    tiny/last root
    tiny/loud build
    tiny/loud nothing
    tiny/loud nothing
    tiny/source:app build
    tiny/source:app nothing
    tiny/source:app nothing
    tiny/sysroot:build build
    tiny/words build
    tiny/words nothing
    tiny/words nothing
    ");
    assert_eq!(world.bucket("trees-v1").len(), before, "nothing is removed");
    let done = collect(&world, &["--keep", "1"]);
    assert_eq!((&done["entries"], &done["freed"]), (&planned["entries"], &planned["freed"]));
    assert_eq!(world.bucket("trees-v1").len(), 5);
    assert_eq!(all(&world), "last cached, loud cached, words cached");
    // Why it was built is still known, and so is how to go back.
    let _ = world.run(&["log", "words"]).ok();
    world.write("app/a.txt", "one\n");
    assert_eq!(all(&world), "last built, loud built, words built");
    assert_eq!(world.result("loud"), "ONE!\n");
}

#[test]
fn a_link_keeps_its_tree_and_nothing_else_is_needed() {
    let world = World::new(STAGES);
    world.write("app/a.txt", "one\n");
    let _ = all(&world);
    insta::assert_snapshot!(trees(&collect(&world, &["--keep", "0"])), @"
    tiny/last root
    tiny/loud nothing
    tiny/source:app nothing
    tiny/sysroot:build nothing
    tiny/words nothing
    ");
    assert_eq!(world.result("loud"), "ONE!\n");
    std::fs::remove_file(world.path("project/result")).unwrap();
    let _ = collect(&world, &["--keep", "0"]);
    assert!(world.bucket("trees-v1").is_empty());
    assert_eq!(all(&world), "last built, loud built, words built");
}

/// Folders of the store cannot be written to, and without privileges not be moved as they are.
#[test]
fn an_ordinary_user_collects() {
    let world = World::of_user(STAGES);
    world.lock();
    for text in ["one\n", "two\n"] {
        world.write("app/a.txt", text);
        let _ = all(&world);
    }
    let _ = collect(&world, &["--keep", "0"]);
    assert_eq!(world.bucket("trees-v1").len(), 1);
    assert!(world.bucket("tmp-v1").is_empty());
}

#[test]
fn what_a_running_stage_uses_stays() {
    let world = World::new(&[gate::stage("slow", "cat /words/words > \"$out/slow\""), WORDS.to_owned()].concat());
    world.edit(
        "akbuild.toml",
        "kind = \"run\"\nscript = '''",
        "kind = \"run\"\nmounts = [{ from = \"words\", to = \"/words\" }]\nscript = '''",
    );
    world.write("app/a.txt", "one\n");
    let build = world.start(&["all", "--json"]);
    let _ = gate::at_gate(&world, "slow");
    let done = collect(&world, &["--keep", "0"]);
    insta::assert_snapshot!(trees(&done), @"
    tiny/source:app in-use
    tiny/sysroot:build in-use
    tiny/words in-use
    ");
    let tree = done["entries"].as_array().unwrap().iter().find(|entry| entry["why"] == "in-use").unwrap();
    assert_eq!(text(&tree["by"]), build.id().to_string());
    gate::open(&world, "slow");
    assert_eq!(world.end(build).ok().stages(), "last built, slow built, words built");
    assert_eq!(world.result("slow"), "one\n");
}

const WORDS: &str = r#"
[stages.words]
kind = "run"
script = 'cat *.txt > "$out/words"'
copies = [{ from = "app", include = ["*.txt"] }]

[stages.last]
kind = "tree"
pieces = [{ from = "slow" }]
"#;

/// Nothing is kept but what processes use: whatever a build has looked up must be there until its end.
#[test]
fn builds_miss_nothing_while_collectors_run() {
    let world = World::new(STAGES);
    world.write("app/a.txt", "zero\n");
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let collector = scope.spawn(|| {
            let mut gone = 0;
            while !done.load(Ordering::Relaxed) {
                let entries = collect(&world, &["--keep", "0"])["entries"].take();
                gone += entries.as_array().unwrap().iter().filter(|entry| entry["goes"] == true).count();
            }
            gone
        });
        let builder = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            for n in 0..6 {
                world.write("app/a.txt", &format!("text {}\n", n % 2));
                let [one, two] = [&["all"], &["all"]].map(|args| world.start(args));
                for child in [one, two] {
                    let _ = world.end(child).ok();
                }
                assert_eq!(world.result("loud"), format!("TEXT {}!\n", n % 2));
            }
        }));
        done.store(true, Ordering::Relaxed);
        assert!(collector.join().unwrap() > 0, "there was something to collect");
        builder.unwrap();
    });
    crate::whole::tidy(&world);
}

#[test]
fn wrong_sizes_and_ages() {
    let world = World::unlocked(STAGES);
    insta::assert_snapshot!(world.run(&["cache", "gc", "--floor", "2 loaves"]), @"
    --- exit 2
    error: invalid value '2 loaves' for '--floor <SIZE>': expected a size such as 500MB, 2GB or 1.5GiB (units: B, kB, MB, GB, TB, KiB, MiB, GiB, TiB)

    For more information, try '--help'.
    ");
    insta::assert_snapshot!(world.run(&["cache", "gc", "--older-than", "12"]), @"
    --- exit 2
    error: invalid value '12' for '--older-than <AGE>': expected an age such as 12h, 30d or 2w (units: s, min, h, d, w)

    For more information, try '--help'.
    ");
    insta::assert_snapshot!(world.run(&["cache", "gc", "--max-size", "1MB", "--floor", "1GB"]), @"
    --- exit 1
    error: the store cannot keep 1.0 GB (--floor) and be made as small as [SIZE] (--max-size)
      help: leave out one of them, or use a smaller --floor
    ");
}

#[test]
fn an_empty_store_outside_of_a_project() {
    let world = World::unlocked(STAGES);
    insta::assert_snapshot!(world.run(&["cache", "gc", "-C", "/"]), @"
    removed  nothing
    kept  nothing
    0 B freed, 0 B remain
    --- exit 0
    ");
    insta::assert_snapshot!(world.run(&["cache", "gc", "-C", "/", "--dry-run"]), @"
    what  for  name  size  used

    would go  nothing
    stays  nothing
    0 B would be freed, 0 B remain
    --- exit 0
    ");
}
