//! The store against a model: whatever is published, lost, killed or opened again, what was
//! finished is found and nothing partial is seen. And processes that share a home.
//!
//! The processes are this test program again, running [`worker`] with a task in its environment.
#![allow(clippy::disallowed_methods, reason = "tests start programs")]

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use akbuild_nar::{Digest, TreeHash, hash_path};
use akbuild_store::{Action, Artifact, Blob, Collecting, Finding, Key, Publish, Store, StoreError, Verify};
use proptest::prelude::*;

const TASK: &str = "STORE_TEST_TASK";
const HOME: &str = "STORE_TEST_HOME";
/// All that nothing keeps.
const ALL: Collecting = Collecting { keep: 0, older_than: None, max_size: None, floor: 0 };

fn publish(store: &Store, n: u32) -> Result<TreeHash, StoreError> {
    let scratch = store.scratch("work")?;
    let tree = scratch.path().join("out");
    for folder in ["a", "b/c"] {
        let folder = tree.join(folder);
        fs::create_dir_all(&folder).and_then(|()| fs::write(folder.join("f"), format!("{n}").repeat(500))).unwrap();
    }
    let published = store.publish(&tree, &Publish { listing: n.is_multiple_of(2), ..Publish::default() })?;
    store.record_action(&action(n, published.hash))?;
    Ok(published.hash)
}

fn action(n: u32, output: TreeHash) -> Action {
    let (project, stage, kind) = ("p".to_owned(), format!("stage-{}", n % 3), "exec".to_owned());
    let (key, manifest) = (Key::of(&n.to_le_bytes()), "{}".to_owned());
    let (seconds, max_rss, created, log, bytes, files) = (0.5, 0, u64::from(n), None, 1, 1);
    let (inputs, artifacts, phases, build, maker) = Default::default();
    Action {
        key,
        project,
        stage,
        kind,
        output,
        manifest,
        seconds,
        max_rss,
        created,
        log,
        bytes,
        files,
        inputs,
        artifacts,
        phases,
        build,
        maker,
    }
}

fn blob(store: &Store, n: u32) -> Result<Digest, StoreError> {
    let bytes = format!("blob {n}").repeat(1000);
    let digest = Digest::sha256(bytes.as_bytes());
    if let Blob::Missing(mut writer) = store.blob_writer(&digest)? {
        writer.restart()?;
        // Writing is the downloader's, and so is its error.
        let path = writer.path().to_owned();
        let full = |_| StoreError::Full { action: "write", path, needed: None, available: 0 };
        writer.file().write_all(bytes.as_bytes()).map_err(full)?;
        writer.commit()?;
    }
    Ok(digest)
}

/// Nothing under a final name is anything but what its name says.
fn nothing_partial(home: &Path) {
    for entry in fs::read_dir(home.join("trees-v1")).unwrap() {
        let path = entry.unwrap().path();
        assert_eq!(hash_path(&path).unwrap().hex(), path.file_name().unwrap().to_str().unwrap());
    }
    for folder in
        fs::read_dir(home.join("blobs-v1")).unwrap().flat_map(|algo| fs::read_dir(algo.unwrap().path()).unwrap())
    {
        for file in fs::read_dir(folder.unwrap().path()).unwrap() {
            let path = file.unwrap().path();
            let found = Digest::sha256(&fs::read(&path).unwrap()).hex();
            assert_eq!(found, path.file_name().unwrap().to_str().unwrap());
        }
    }
}

/// What is wrong with the store.
fn wrong(store: &Store) -> Vec<Finding> {
    let verified = store.verify(&Verify { threads: 2, record: true, progress: &|_| () }).unwrap();
    verified.findings.into_iter().filter(|finding| finding.problem.is_wrong()).collect()
}

/// Publishes things, flips a byte in each, and repairs what is found.
fn damage_and_repair(home: &Path) {
    let store = Store::open(home).unwrap();
    for n in std::process::id()..u32::MAX {
        let (tree, blob) = (publish(&store, n).unwrap(), blob(&store, n).unwrap());
        for file in [store.tree_path(&tree).join("a/f"), store.blob_path(&blob)] {
            fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o644)).unwrap();
            fs::File::options().write(true).open(&file).and_then(|mut f| f.write_all(b"x")).unwrap();
        }
        let found = wrong(&store);
        assert_eq!(found.len(), 2, "{found:?}");
        found.iter().for_each(|finding| drop(store.repair(finding).unwrap()));
        std::io::stdout().write_all(b"\ndone\n").unwrap();
    }
}

/// Not a test by itself: what the child processes do.
#[test]
fn worker() {
    let Ok(task) = std::env::var(TASK) else { return };
    let home = std::env::var(HOME).unwrap();
    match task.as_str() {
        "publish" => {
            let store = Store::open(Path::new(&home)).unwrap();
            let mut out = std::io::stdout();
            for n in std::process::id()..u32::MAX {
                let line = format!("\ndone {n} {} {}\n", publish(&store, n).unwrap(), blob(&store, n).unwrap());
                out.write_all(line.as_bytes()).unwrap();
            }
        }
        "same" => {
            let store = Store::open(Path::new(&home)).unwrap();
            for n in 0..40 {
                publish(&store, n).unwrap();
                blob(&store, n).unwrap();
            }
        }
        "read-only" => {
            let store = Store::open(Path::new(&home)).unwrap();
            let known = publish(&Store::open(&Path::new(&home).with_extension("other")).unwrap(), 1).unwrap();
            assert!(store.has_tree(&known));
            assert_eq!(store.action(&Key::of(&1u32.to_le_bytes())).unwrap(), Some(action(1, known)));
            assert_eq!(store.listing(&known).unwrap().entries.len(), 6);
            let error = publish(&store, 2).unwrap_err().to_string();
            insta::assert_snapshot!(error.replace(&home, "[HOME]"), @"the store [HOME] is read-only; choose another with --home DIR, or make it writable");
            assert!(matches!(blob(&store, 2), Err(StoreError::ReadOnly { .. })));
            assert!(matches!(store.memo_put("x", b"", b""), Err(StoreError::ReadOnly { .. })));
            assert!(matches!(store.plan_collection(&ALL), Err(StoreError::ReadOnly { .. })));
            assert!(matches!(store.collect(&ALL, &mut |_, _| {}), Err(StoreError::ReadOnly { .. })));
        }
        "rely" => rely(&Store::open(Path::new(&home)).unwrap()),
        "collect" => {
            publish_records(&Store::open(Path::new(&home)).unwrap(), std::process::id());
            let store = Store::open(Path::new(&home)).unwrap();
            std::io::stdout().write_all(b"\nready\n").unwrap();
            store.collect(&ALL, &mut |_, _| {}).unwrap();
        }
        "full" => full(Path::new(&home)),
        "repair" => damage_and_repair(Path::new(&home)),
        other => panic!("{other}"),
    }
}

/// Fills a small file system with trees until one does not fit.
fn full(home: &Path) {
    let store = Store::open(home).unwrap();
    let mut done = Vec::new();
    let error = loop {
        let n = done.len() as u32;
        match blob(&store, n).and_then(|_| store.memo_put("x", &n.to_le_bytes(), &[1; 100_000])) {
            Ok(()) => done.push(n),
            Err(e) => break e,
        }
    };
    assert!(matches!(error, StoreError::Full { .. }), "{error}");
    assert!(error.to_string().starts_with("the disk is full: cannot write "), "{error}");
    drop(store);
    let store = Store::open(home).unwrap();
    for n in done {
        assert!(store.has_blob(&Digest::sha256(format!("blob {n}").repeat(1000).as_bytes())));
    }
    drop(store);
    // Not a byte is left, as far as the file system says.
    let mut rest = fs::File::create(home.join("rest")).unwrap();
    while rest.write_all(&[1; 512]).is_ok() {}
    let collected = Store::open(home).unwrap().collect(&ALL, &mut |_, _| {}).unwrap();
    assert!(collected.freed > 0);
    blob(&Store::open(home).unwrap(), 0).unwrap();
    nothing_partial(home);
}

/// Publishes things, and finds all that it has published again and again.
fn rely(store: &Store) {
    let mut published = Vec::new();
    for n in (0..12).chain(0..12) {
        let (tree, digest) = (publish(store, n).unwrap(), blob(store, n).unwrap());
        let list = store.put_artifacts(&[Artifact { name: n.to_string(), digest }]).unwrap();
        assert_eq!(store.action(&Key::of(&n.to_le_bytes())).unwrap(), Some(action(n, tree)));
        published.push((tree, digest, list));
        for (tree, digest, list) in &published {
            assert!(store.tree_path(tree).join("b/c/f").exists() && store.has_tree(tree), "{n} {tree}");
            assert!(store.blob_path(digest).exists() && store.has_blob(digest), "{n} {digest}");
            assert!(store.artifacts(list).unwrap().is_some(), "{n} {list}");
        }
    }
}

/// Trees, blobs, actions that name lists, and builds.
fn publish_records(store: &Store, from: u32) {
    for n in from..from + 8 {
        let (tree, digest) = (publish(store, n).unwrap(), blob(store, n).unwrap());
        let artifacts = Some(store.put_artifacts(&[Artifact { name: n.to_string(), digest }]).unwrap());
        store.record_action(&Action { artifacts, ..action(n, tree) }).unwrap();
        let build = store.begin_build(&[], "p", &[n.to_string()]).unwrap();
        store.finish_build(&build, true).unwrap();
    }
}

/// Nothing names what is not there.
fn nothing_dangling(home: &Path) {
    let index = rusqlite::Connection::open(home.join("index-v2.sqlite")).unwrap();
    let texts = |sql: &str| -> Vec<String> {
        let mut statement = index.prepare(sql).unwrap();
        statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    };
    for tree in texts("SELECT lower(hex(hash)) FROM trees") {
        assert!(home.join("trees-v1").join(&tree).is_dir(), "tree {tree}");
    }
    for blob in texts("SELECT digest FROM blobs") {
        let hex = blob.parse::<Digest>().unwrap().hex();
        assert!(home.join(format!("blobs-v1/sha256/{}/{hex}", &hex[..2])).is_file(), "blob {blob}");
    }
    for build in texts("SELECT id FROM builds UNION SELECT build FROM stages") {
        assert!(home.join("builds-v1").join(&build).join("build.json").is_file(), "build {build}");
    }
    for key in texts("SELECT lower(hex(key)) FROM actions") {
        assert!(home.join(format!("actions-v1/{key}.json")).is_file(), "action {key}");
    }
    for entry in fs::read_dir(home.join("actions-v1")).unwrap() {
        let action: Action = serde_json::from_slice(&fs::read(entry.unwrap().path()).unwrap()).unwrap();
        let list = action.artifacts.map(|list| home.join("artifacts-v1").join(list.hex()));
        assert!(list.is_none_or(|list| list.is_file()), "the list of {}", action.key);
    }
}

fn child(task: &str, home: &Path) -> Command {
    with_task(Command::new(std::env::current_exe().unwrap()), task, home)
}

fn with_task(mut command: Command, task: &str, home: &Path) -> Command {
    command.args(["--exact", "worker", "--nocapture"]).env(TASK, task).env(HOME, home).stdin(Stdio::null());
    command
}

/// Runs a task in a mount namespace that was prepared by a shell line.
fn in_namespace(prepare: &str, task: &str, home: &Path) {
    let mut command = Command::new("unshare");
    let script = format!("{prepare} && exec \"$@\"");
    command.args(["--user", "--map-root-user", "--mount", "sh", "-ec", &script, "sh"]);
    command.arg(std::env::current_exe().unwrap());
    let output = with_task(command, task, home).output().expect("unshare is installed");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn killed_at_any_instant() {
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path().join("home");
    let mut finished = Vec::new();
    for round in 0..25u64 {
        let mut process = child("publish", &home).stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(process.stdout.take().unwrap()).lines();
        for line in lines {
            let line = line.unwrap();
            if let Some(done) = line.strip_prefix("done ") {
                finished.push(done.to_owned());
                // After a number of lines and some more time, both different each round.
                if (finished.len() as u64).is_multiple_of(1 + round % 4) {
                    std::thread::sleep(std::time::Duration::from_micros(round * 397 % 5000));
                    process.kill().unwrap();
                    break;
                }
            }
        }
        process.wait().unwrap();
        let store = Store::open(&home).unwrap();
        nothing_partial(&home);
        assert_eq!(wrong(&store), []);
        assert_eq!(fs::read_dir(home.join("tmp-v1")).unwrap().count(), 0);
        for done in &finished {
            let [n, tree, blob] = done.split(' ').collect::<Vec<_>>().try_into().unwrap();
            let tree = tree.parse().unwrap();
            assert!(store.has_tree(&tree) && store.has_blob(&blob.parse().unwrap()));
            let n: u32 = n.parse().unwrap();
            assert_eq!(store.action(&Key::of(&n.to_le_bytes())).unwrap(), Some(action(n, tree)));
        }
    }
    assert!(finished.len() >= 25);
}

#[test]
fn a_repair_may_be_killed_at_any_instant() {
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path().join("home");
    for round in 0..20u64 {
        let mut process = child("repair", &home).stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(process.stdout.take().unwrap()).lines();
        assert!(lines.map(Result::unwrap).any(|line| line == "done"));
        std::thread::sleep(std::time::Duration::from_micros(round * 1397 % 20_000));
        process.kill().unwrap();
        process.wait().unwrap();
        let store = Store::open(&home).unwrap();
        let found = wrong(&store);
        // What it was at work on, and nothing else. Between the two steps of doing damage, it is a mode.
        let is_known = |finding: &Finding| matches!(finding.problem.word(), "corrupt" | "mode");
        assert!(found.len() <= 2 && found.iter().all(is_known), "{found:?}");
        found.iter().for_each(|finding| drop(store.repair(finding).unwrap()));
        assert_eq!(wrong(&store), []);
        nothing_partial(&home);
        assert_eq!(fs::read_dir(home.join("tmp-v1")).unwrap().count(), 0);
    }
}

#[test]
fn a_collector_is_killed_at_any_instant() {
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path().join("home");
    let kept = publish(&Store::open(&home).unwrap(), 0).unwrap();
    Store::open(&home).unwrap().link_result(&folder.path().join("result"), &kept).unwrap();
    for round in 0..25u64 {
        let mut process = child("collect", &home).stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        assert!(lines.any(|line| line.unwrap() == "ready"));
        std::thread::sleep(std::time::Duration::from_micros(round * 997 % 25_000));
        process.kill().unwrap();
        process.wait().unwrap();
        nothing_dangling(&home);
        let store = Store::open(&home).unwrap();
        assert_eq!(wrong(&store), []);
        assert_eq!(fs::read_dir(home.join("tmp-v1")).unwrap().count(), 0);
        assert!(store.has_tree(&kept));
    }
    Store::open(&home).unwrap().collect(&ALL, &mut |_, _| {}).unwrap();
    nothing_dangling(&home);
    assert_eq!(fs::read_dir(home.join("trees-v1")).unwrap().count(), 1);
}

#[test]
fn what_processes_rely_on_is_there_while_others_collect() {
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path().join("home");
    let start = || child("rely", &home).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    Store::open(&home).unwrap();
    let mut processes: Vec<_> = (0..3).map(|_| start()).collect();
    let mut collected = 0;
    // A process that is started anew relies on nothing yet: there is something to collect all the time.
    let mut more = 3;
    while !processes.is_empty() {
        let done = Store::open(&home).unwrap().collect(&ALL, &mut |_, _| {}).unwrap();
        collected += done.entries.iter().filter(|verdict| verdict.goes()).count();
        for i in (0..processes.len()).rev() {
            if processes[i].try_wait().unwrap().is_none() {
                continue;
            }
            let output = processes.swap_remove(i).wait_with_output().unwrap();
            let text = String::from_utf8_lossy(&output.stdout);
            assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
            if more > 0 {
                more -= 1;
                processes.push(start());
            }
        }
    }
    Store::open(&home).unwrap().collect(&ALL, &mut |_, _| {}).unwrap();
    assert_eq!(fs::read_dir(home.join("trees-v1")).unwrap().count(), 0);
    nothing_dangling(&home);
    println!("{collected} entries were collected meanwhile");
}

#[test]
fn processes_that_make_the_same_things_share_a_home() {
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path().join("home");
    let start = || child("same", &home).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let processes: Vec<_> = (0..6).map(|_| start()).collect();
    for process in processes {
        let output = process.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    nothing_partial(&home);
    assert_eq!(fs::read_dir(home.join("trees-v1")).unwrap().count(), 40);
}

#[test]
fn a_read_only_home_can_be_read() {
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path().join("home");
    publish(&Store::open(&home).unwrap(), 1).unwrap();
    let prepare = format!("mount --bind '{0}' '{0}' && mount -o remount,ro,bind '{0}'", home.display());
    in_namespace(&prepare, "read-only", &home);
}

#[test]
fn a_full_disk_is_said_and_harms_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path().join("home");
    fs::create_dir(&home).unwrap();
    in_namespace(&format!("mount -t tmpfs -o size=3m tmpfs '{}'", home.display()), "full", &home);
}

#[derive(Clone, Debug)]
enum Step {
    Publish(u32),
    Blob(u32),
    Reopen,
    LosePower,
    LoseIndex,
    DamageTree(u32),
    Sync,
    /// A link to a tree.
    Root(u32),
    /// By another process, while this one relies on what it has seen.
    CollectBeside,
    /// While nobody relies on anything, but one process publishes this.
    CollectAlone(u32),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let n = || 0..6u32;
    let step = prop_oneof![
        4 => n().prop_map(Step::Publish),
        2 => n().prop_map(Step::Blob),
        1 => Just(Step::Reopen),
        1 => Just(Step::LosePower),
        1 => Just(Step::LoseIndex),
        1 => n().prop_map(Step::DamageTree),
        1 => Just(Step::Sync),
        1 => n().prop_map(Step::Root),
        1 => Just(Step::CollectBeside),
        2 => n().prop_map(Step::CollectAlone),
    ];
    prop::collection::vec(step, 1..20)
}

/// What the store must have.
#[derive(Default)]
struct Model {
    trees: BTreeSet<u32>,
    blobs: BTreeSet<u32>,
    root: Option<u32>,
}

fn tree_hash(n: u32) -> TreeHash {
    let folder = tempfile::tempdir().unwrap();
    publish(&Store::open(&folder.path().join("h")).unwrap(), n).unwrap()
}

fn check(store: &Store, model: &Model, hashes: &[TreeHash]) -> Result<(), TestCaseError> {
    for n in 0..6u32 {
        let digest = Digest::sha256(format!("blob {n}").repeat(1000).as_bytes());
        prop_assert_eq!(store.has_tree(&hashes[n as usize]), model.trees.contains(&n), "tree {}", n);
        prop_assert_eq!(store.has_blob(&digest), model.blobs.contains(&n), "blob {}", n);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn the_store_is_like_its_model(steps in steps()) {
        let folder = tempfile::tempdir().unwrap();
        let home = folder.path().join("home");
        let hashes: Vec<TreeHash> = (0..6).map(tree_hash).collect();
        let mut model = Model::default();
        let mut store = Store::open(&home).unwrap();
        for step in steps {
            match step {
                Step::Publish(n) => {
                    prop_assert_eq!(publish(&store, n).unwrap(), hashes[n as usize]);
                    model.trees.insert(n);
                }
                Step::Blob(n) => {
                    blob(&store, n).unwrap();
                    model.blobs.insert(n);
                }
                Step::Reopen => store = Store::open(&home).unwrap(),
                Step::Sync => store.sync().unwrap(),
                Step::LosePower => lose_power(&home),
                Step::LoseIndex => {
                    drop(store);
                    ["", "-wal", "-shm"].iter().for_each(|s| drop(fs::remove_file(home.join(format!("index-v2.sqlite{s}")))));
                    store = Store::open(&home).unwrap();
                }
                // As a loss of power does it: the name is there, the bytes are not.
                Step::DamageTree(n) if model.trees.remove(&n) => {
                    let file = store.tree_path(&hashes[n as usize]).join("a/f");
                    fs::remove_file(&file).and_then(|()| fs::write(&file, "")).unwrap();
                    let sql = "UPDATE trees SET boot = 'earlier', synced = 0";
                    rusqlite::Connection::open(home.join("index-v2.sqlite")).unwrap().execute_batch(sql).unwrap();
                }
                Step::Root(n) if model.trees.contains(&n) => {
                    store.link_result(&folder.path().join("result"), &hashes[n as usize]).unwrap();
                    model.root = Some(n);
                }
                Step::DamageTree(_) | Step::Root(_) => {}
                Step::CollectBeside => drop(Store::open(&home).unwrap().collect(&ALL, &mut |_, _| {}).unwrap()),
                Step::CollectAlone(n) => {
                    drop(store);
                    store = Store::open(&home).unwrap();
                    let other = Store::open(&home).unwrap();
                    std::thread::scope(|scope| {
                        scope.spawn(|| publish(&other, n).unwrap());
                        store.collect(&ALL, &mut |_, _| {}).unwrap();
                    });
                    model.trees.retain(|tree| Some(*tree) == model.root);
                    model.trees.insert(n);
                    model.blobs.clear();
                    // Published before or after: another collection leaves exactly that.
                    store.collect(&ALL, &mut |_, _| {}).unwrap();
                    check(&store, &model, &hashes)?;
                }
            }
            nothing_dangling(&home);
            check(&store, &model, &hashes)?;
        }
    }
}

fn lose_power(home: &Path) {
    let index = rusqlite::Connection::open(home.join("index-v2.sqlite")).unwrap();
    index.execute_batch("UPDATE trees SET boot = 'earlier'; UPDATE blobs SET boot = 'earlier'").unwrap();
}
