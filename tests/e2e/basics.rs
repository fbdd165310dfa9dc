//! Lock, build, build again: what is said, what is made, and how it ends.

use crate::world::World;

/// Two stages in a row, and one that puts them together.
pub(crate) const STAGES: &str = r#"
[stages.words]
kind = "run"
script = 'cat *.txt > "$out/words"'
copies = [{ from = "app", include = ["*.txt"] }]

[stages.loud]
kind = "run"
script = 'while read -r line; do echo "${line^^}!"; done < /words/words > "$out/loud"'
mounts = [{ from = "words", to = "/words" }]

[stages.last]
kind = "tree"
pieces = [{ from = "words" }, { from = "loud" }]
files = [{ path = "bin/hello", text = "hello\n", executable = true }]
"#;

pub(crate) fn files(world: &World) {
    world.write("app/a.txt", "one\n");
    world.write("app/b.txt", "two\n");
}

#[test]
fn lock_build_and_build_again() {
    whole_story(&World::unlocked(STAGES));
}

#[test]
fn the_same_as_an_ordinary_user() {
    whole_story(&World::of_user(STAGES));
}

fn whole_story(world: &World) {
    files(world);
    insta::allow_duplicates! {
        insta::assert_snapshot!(world.run(&["lock"]), @"
        --- exit 0
        resolving sysroots
        suite `sid` of Fri, 30 Oct 2026 08:08:01 UTC, signed by [KEY]
        wrote [PROJECT]/akbuild.lock: lines added 14, removed 0
        ");
        insta::assert_snapshot!(world.run(&["lock"]), @"
        --- exit 0
        the lock is up to date
        ");
        insta::assert_snapshot!(world.run(&["all"]), @"
        --- exit 0
        to build: 3 stages
        started  sysroot:build
        built  sysroot:build  [TIME]  [OUTPUT]
        started  words
        built  words  [TIME]  8 B  sha256-JXZ1Sk04Wg...
        started  loud
        built  loud  [TIME]  10 B  sha256-hkVGIlmZWH...
        started  last
        built  last  [TIME]  24 B  sha256-m4KsmIKR8M...

        stage  status  time  size  output
        words  built  [TIME]  8 B  sha256-JXZ1Sk04Wg...
        loud  built  [TIME]  10 B  sha256-hkVGIlmZWH...
        last  built  [TIME]  24 B  sha256-m4KsmIKR8M...

        sysroots  1 built in [TIME]
        downloads  1 file, [SIZE]

        done in [TIME]: 3 built
        timeline: [HOME]/builds-v1/[NAME]/build.html
        result: [PROJECT]/result
        ");
        assert_eq!(world.result("loud"), "ONE!\nTWO!\n");
        assert_eq!(world.result("bin/hello"), "hello\n");
        insta::assert_snapshot!(world.run(&["all"]), @"
        --- exit 0
        up to date: 3 stages

        stage  status  time  size  output
        words  cached  8 B  sha256-JXZ1Sk04Wg...
        loud  cached  10 B  sha256-hkVGIlmZWH...
        last  cached  24 B  sha256-m4KsmIKR8M...

        done in [TIME]: 3 cached
        result: [PROJECT]/result
        ");
    }
    assert!(world.bucket("tmp-v1").is_empty());
}

#[test]
fn events() {
    let world = World::new(STAGES);
    files(&world);
    let ran = world.run(&["all", "--json"]).ok();
    assert_eq!(ran.err, "", "all is said in events");
    // Each event without what varies: the fields that it has, and who it is about.
    let shape = |event: &serde_json::Value| {
        let event = event.as_object().unwrap();
        let about = ["reason", "stage", "node", "status", "phase"].iter().filter_map(|key| event.get(*key)?.as_str());
        let fields: Vec<&str> = event.keys().map(String::as_str).collect();
        format!("{}: {}\n", about.collect::<Vec<_>>().join(" "), fields.join(" "))
    };
    let mut shapes: Vec<String> = Vec::new();
    for shape in ran.events().iter().map(shape) {
        if !shapes.contains(&shape) {
            shapes.push(shape);
        }
    }
    insta::assert_snapshot!(shapes.concat(), @"
    started: reason schema version
    planned: reason to_run cached
    node-finished source:app cached: reason node status seconds started bytes files output key max_rss log error tail kept
    node-started sysroot:build: reason node
    phase sysroot:build fetch: reason node phase
    download sysroot:build: reason node files total_files bytes total_bytes retries
    phase sysroot:build unpack: reason node phase
    unpacked sysroot:build: reason node packages total_packages
    phase sysroot:build publish: reason node phase
    node-finished sysroot:build built: reason node status seconds started bytes files output key max_rss log error tail kept
    stage-started words: reason stage
    phase words copy: reason stage phase
    phase words run: reason stage phase
    phase words publish: reason stage phase
    stage-finished words built: reason stage status seconds started bytes files output key max_rss log error tail kept
    stage-started loud: reason stage
    phase loud copy: reason stage phase
    phase loud run: reason stage phase
    phase loud publish: reason stage phase
    stage-finished loud built: reason stage status seconds started bytes files output key max_rss log error tail kept
    stage-started last: reason stage
    phase last link: reason stage phase
    phase last publish: reason stage phase
    stage-finished last built: reason stage status seconds started bytes files output key max_rss log error tail kept
    finished: reason ok cancelled seconds built cached failed skipped equal differing downloaded_files downloaded_bytes result timeline
    ");
    let last = ran.events().pop().unwrap();
    assert_eq!((&last["ok"], &last["built"], &last["failed"]), (&true.into(), &3.into(), &0.into()));
    assert_eq!(last["result"], world.path("project/result").display().to_string());
}

#[test]
fn what_is_data_goes_to_standard_output() {
    let world = World::new(STAGES);
    files(&world);
    insta::assert_snapshot!(world.run(&["graph"]), @"
    cached  source:app
    would run  sysroot:build
    would run  words <- source:app sysroot:build
    would run  loud <- sysroot:build words
    would run  last <- words loud
    --- exit 0
    ");
    insta::assert_snapshot!(world.run(&["plan"]), @"
    node  action  last time  to download  why
    source:app  cached
    sysroot:build  build  1 file, [SIZE]  it was not built before
    words  build  it was not built before
    loud  build  it was not built before
    last  build  it was not built before

    4 nodes to build, 4 nodes without a known time, 1 file, [SIZE] to download
    --- exit 0
    ");
    insta::assert_snapshot!(world.run(&["hash", "app"]), @"
    sha256-x2VpPS/E241yWxUdSgcjaq9Yw/QRDHdjN5CEPMDnU/4=
    --- exit 0
    ");
    insta::assert_snapshot!(world.run(&["log", "words"]), @"
    --- exit 1
    error: stage `words` has no log
      help: build it with `akbuild build words --rebuild`
    ");
    insta::assert_snapshot!(world.run(&["why", "words"]), @"
    `words` would run because it was not built before
    --- exit 0
    ");
    insta::assert_snapshot!(world.run(&["build", "l*", "-q"]), @"--- exit 0");
    assert!(!world.path("project/result").exists(), "only `all` links a result");
}

#[test]
fn a_local_folder_in_place_of_a_source() {
    let world = World::new(STAGES);
    files(&world);
    world.write("other/a.txt", "three\n");
    let ran = world.run(&["all", "--source", "app=other"]).ok();
    assert_eq!(world.result("loud"), "THREE!\n");
    assert!(ran.err.starts_with("warning: source `app` is the local folder `"), "{ran}");
}

#[test]
fn what_a_result_leads_to_cannot_be_changed() {
    let world = World::new(STAGES);
    files(&world);
    let _ = world.run(&["all"]).ok();
    let mode = |path: &str| {
        let meta = std::fs::metadata(world.path("project/result").join(path)).unwrap();
        (std::os::unix::fs::MetadataExt::mode(&meta) & 0o7777, std::os::unix::fs::MetadataExt::mtime(&meta))
    };
    assert_eq!([mode("loud"), mode("bin/hello"), mode("bin")], [(0o444, 1), (0o555, 1), (0o555, 1)]);
}
