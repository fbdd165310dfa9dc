//! Collection in a real store: each reason to stay, what is freed, and what else goes with what goes.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use akbuild_nar::{Digest, TreeHash};
use akbuild_store::{
    Action, Artifact, Blob, BuildId, Collecting, Collection, Entry, Key, Maker, Publish, StageRecord, Store, Why,
};

const ALL: Collecting = Collecting { keep: 1, older_than: None, max_size: None, floor: 0 };

/// A home, closed: no lease holds anything.
struct Home {
    folder: tempfile::TempDir,
}

impl Home {
    fn new() -> Self {
        Home { folder: tempfile::tempdir().unwrap() }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("home")
    }

    fn open(&self) -> Store {
        Store::open(&self.path()).unwrap()
    }

    fn collect(&self, asked: &Collecting) -> Collection {
        let planned = self.open().plan_collection(asked).unwrap();
        let done = self.open().collect(asked, &mut |_, _| {}).unwrap();
        assert_eq!(planned.entries, done.entries, "what is done is what was said");
        assert_eq!((planned.before, planned.freed), (done.before, done.freed));
        done
    }

    fn names(&self, bucket: &str) -> Vec<String> {
        let entries = fs::read_dir(self.path().join(bucket)).unwrap();
        let mut names: Vec<String> = entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    /// What the index has, by its number of rows in each table.
    fn rows(&self) -> [i64; 6] {
        let index = rusqlite::Connection::open(self.path().join("index-v2.sqlite")).unwrap();
        let count = |table| index.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0)).unwrap();
        ["trees", "blobs", "actions", "builds", "stages", "memo"].map(count)
    }
}

fn publish(store: &Store, text: &str) -> TreeHash {
    let scratch = store.scratch("test").unwrap();
    let tree = scratch.path().join("out");
    fs::create_dir_all(tree.join("folder")).unwrap();
    fs::write(tree.join("folder/file"), text.repeat(3000)).unwrap();
    store.publish(&tree, &Publish { listing: true, ..Publish::default() }).unwrap().hash
}

fn write_blob(store: &Store, bytes: &[u8]) -> Digest {
    let digest = Digest::sha256(bytes);
    if let Blob::Missing(mut writer) = store.blob_writer(&digest).unwrap() {
        std::io::Write::write_all(&mut writer, bytes).unwrap();
        writer.commit().unwrap();
    }
    digest
}

/// Builds a stage, as the engine would: its input, its download, its output, all recorded.
fn build(store: &Store, name: &str, ok: bool) -> (BuildId, [TreeHash; 2], Digest) {
    let build = store.begin_build(&["akbuild".into()], "sample", &["web".into()]).unwrap();
    let (input, output) = (publish(store, &format!("input of {name}")), publish(store, name));
    let blob = write_blob(store, name.as_bytes());
    let list = store.put_artifacts(&[Artifact { name: format!("pkg:npm/{name}@1"), digest: blob }]).unwrap();
    let log = store.log_path(&build, "web");
    fs::write(&log, "log").unwrap();
    let action = Action {
        key: Key::of(name.as_bytes()),
        project: "sample".into(),
        stage: "web".into(),
        kind: "exec".into(),
        output,
        manifest: "{}".into(),
        seconds: 1.0,
        max_rss: 0,
        created: SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs(),
        log: Some(log.strip_prefix(store.home()).unwrap().to_owned()),
        bytes: 1,
        files: 1,
        inputs: BTreeMap::from([("source:app".into(), input)]),
        artifacts: Some(list),
        phases: Vec::new(),
        build: Some(build.clone()),
        maker: Maker::default(),
    };
    store.record_action(&action).unwrap();
    let key = Some(action.key);
    let stage = StageRecord { stage: "web".into(), key, output: Some(output), ..StageRecord::default() };
    store.record_stages(&build, &[stage]).unwrap();
    store.memo_put("subset-v1", format!("[\"{input}\",\"\"]").as_bytes(), b"x").unwrap();
    store.finish_build(&build, ok).unwrap();
    (build, [input, output], blob)
}

fn why(collection: &Collection, entry: &Entry) -> Why {
    collection.entries.iter().find(|v| v.entry == *entry).unwrap_or_else(|| panic!("no {entry:?}")).why.clone()
}

/// Bytes on the disk below a folder, each file once.
fn bytes_below(folder: &Path) -> u64 {
    use std::os::unix::fs::MetadataExt;
    let mut seen = std::collections::HashSet::new();
    let mut open = vec![folder.to_owned()];
    let mut sum = 0;
    while let Some(path) = open.pop() {
        let meta = path.symlink_metadata().unwrap();
        if seen.insert(meta.ino()) {
            sum += meta.blocks() * 512;
        }
        if meta.is_dir() {
            open.extend(fs::read_dir(&path).unwrap().map(|e| e.unwrap().path()));
        }
    }
    sum
}

#[test]
fn the_last_builds_keep_all_that_they_used() {
    let home = Home::new();
    let store = home.open();
    let builds: Vec<_> = ["one", "two", "three", "four"].iter().map(|name| build(&store, name, true)).collect();
    drop(store);
    let done = home.collect(&Collecting { keep: 2, ..ALL });
    for (i, (id, trees, blob)) in builds.iter().enumerate() {
        let store = home.open();
        let stays = i >= 2;
        assert_eq!(trees.map(|tree| store.has_tree(&tree)), [stays; 2], "{i}");
        assert_eq!(store.has_blob(blob), stays);
        assert_eq!(store.build(id).unwrap().is_some(), stays);
        assert_eq!(store.build_dir(id).exists(), stays);
        let name = ["one", "two", "three", "four"][i];
        assert_eq!(store.action(&Key::of(name.as_bytes())).unwrap().is_some(), stays);
        if stays {
            assert!(matches!(why(&done, &Entry::Tree(trees[0])), Why::Build(_)));
        }
    }
    assert_eq!(home.rows(), [4, 2, 2, 2, 2, 2]);
    for bucket in ["trees-v1", "listings-v1"] {
        assert_eq!(home.names(bucket).len(), 4, "{bucket}");
    }
    for bucket in ["actions-v1", "artifacts-v1", "builds-v1"] {
        assert_eq!(home.names(bucket).len(), 2, "{bucket}");
    }
    assert!(home.names("tmp-v1").is_empty());
}

#[test]
fn a_linked_tree_stays_with_what_explains_it() {
    let home = Home::new();
    let store = home.open();
    let (id, [input, output], blob) = build(&store, "one", true);
    let link = home.folder.path().join("result");
    store.link_result(&link, &output).unwrap();
    drop(store);
    let done = home.collect(&Collecting { keep: 0, ..ALL });
    assert_eq!(why(&done, &Entry::Tree(output)), Why::Root(link.clone()));
    assert_eq!(why(&done, &Entry::Listing(input)), Why::Explains);
    let store = home.open();
    assert!(store.has_tree(&output) && !store.has_tree(&input) && !store.has_blob(&blob));
    assert_eq!(store.listing(&input).unwrap().entries.len(), 3, "what was in it is still known");
    assert!(store.last_log("sample", "web").unwrap().is_some_and(|log| log.starts_with(store.build_dir(&id))));
    drop(store);
    // Without the link it goes, and the newest action still explains.
    fs::remove_file(link).unwrap();
    home.collect(&Collecting { keep: 0, ..ALL });
    assert!(!home.open().has_tree(&output));
    assert!(home.open().last_action("sample", "web").unwrap().is_some());
    assert_eq!(home.rows(), [0, 0, 1, 1, 1, 1]);
}

#[test]
fn what_processes_rely_on_stays() {
    let home = Home::new();
    let (kept, gone) = (publish(&home.open(), "kept"), publish(&home.open(), "gone"));
    let blob = write_blob(&home.open(), b"blob");
    let repository = home.path().join("git-v1/app.git");
    fs::create_dir_all(&repository).unwrap();
    let user = home.open();
    assert!(user.has_tree(&kept) && user.has_blob(&blob));
    user.use_repository(&repository).unwrap();
    let build = user.begin_build(&[], "sample", &[]).unwrap();
    let list = user.put_artifacts(&[]).unwrap();
    let in_use = Why::InUse(std::process::id());
    let asked = Collecting { keep: 0, ..ALL };
    let done = home.collect(&asked);
    let items = [
        Entry::Tree(kept),
        Entry::Blob(blob),
        Entry::Repository("app.git".into()),
        Entry::Build(build.clone()),
        Entry::List(list),
    ];
    for entry in &items {
        assert_eq!(why(&done, entry), in_use, "{entry:?}");
    }
    assert_eq!(why(&done, &Entry::Tree(gone)), Why::Nothing);
    user.finish_build(&build, true).unwrap();
    drop(user);
    let done = home.collect(&asked);
    for entry in &items {
        assert_eq!(why(&done, entry), Why::Nothing, "{entry:?}");
    }
    assert!(!repository.exists() && home.names("builds-v1").is_empty() && home.names("artifacts-v1").is_empty());
}

#[test]
fn interrupted_downloads_and_folders_of_failed_stages_go_unless_somebody_has_them() {
    let home = Home::new();
    let store = home.open();
    let interrupted = Digest::sha256(b"interrupted");
    let running = Digest::sha256(b"running");
    let write = |digest| match store.blob_writer(&digest).unwrap() {
        Blob::Missing(mut writer) => std::io::Write::write_all(&mut writer, b"some").map(|()| writer).unwrap(),
        Blob::Present(_) => panic!(),
    };
    drop(write(interrupted));
    let writer = write(running);
    let [old, new] = ["old", "new"].map(|name| store.scratch(name).unwrap().keep().unwrap());
    let build = store.begin_build(&[], "sample", &[]).unwrap();
    let kept = Some(new.clone());
    store.record_stages(&build, &[StageRecord { stage: "web".into(), kept, ..StageRecord::default() }]).unwrap();
    home.collect(&ALL);
    assert_eq!(home.names("partial-v1"), [format!("sha256-{}", running.hex())]);
    assert!(!old.exists() && new.exists());
    drop(writer);
    home.collect(&ALL);
    assert!(home.names("partial-v1").is_empty());
}

#[test]
fn old_and_young_and_the_floor() {
    let home = Home::new();
    let store = home.open();
    let trees = ["a", "b", "c"].map(|name| publish(&store, name));
    drop(store);
    let index = rusqlite::Connection::open(home.path().join("index-v2.sqlite")).unwrap();
    for (tree, days) in trees.iter().zip([30, 20, 10]) {
        let sql = "UPDATE trees SET created = created - ?2 * 86400 WHERE hash = ?1";
        index.execute(sql, (&tree.as_bytes()[..], days)).unwrap();
    }
    let there = || trees.map(|tree| home.open().tree_path(&tree).exists());
    let total = home.open().plan_collection(&ALL).unwrap().before;
    home.collect(&Collecting { floor: total, ..ALL });
    assert_eq!(there(), [true; 3]);
    home.collect(&Collecting { older_than: Some(Duration::from_secs(25 * 86_400)), ..ALL });
    assert_eq!(there(), [false, true, true]);
    // Now the listing of the first has gone as well: each of the others has the same size.
    let left = home.open().plan_collection(&ALL).unwrap().before;
    let done = home.collect(&Collecting { max_size: Some(left - 1), ..ALL });
    assert_eq!((there(), why(&done, &Entry::Tree(trees[2]))), ([false, false, true], Why::Fits));
    home.collect(&Collecting { floor: 1, ..ALL });
    assert_eq!(there(), [false, false, true]);
    home.collect(&ALL);
    assert_eq!(there(), [false; 3]);
}

#[test]
fn what_is_said_to_be_freed_is_freed() {
    let home = Home::new();
    let store = home.open();
    let part = publish(&store, "part");
    let scratch = store.scratch("compose").unwrap();
    let whole = scratch.path().join("out");
    store.link(&store.tree_path(&part), &whole).unwrap();
    fs::write(whole.join("more"), "more".repeat(2000)).unwrap();
    let whole = store.publish(&whole, &Publish::default()).unwrap().hash;
    drop((scratch, store));
    let user = home.open();
    assert!(user.has_tree(&whole));
    let before = bytes_below(&home.path().join("trees-v1"));
    let done = home.collect(&ALL);
    let after = bytes_below(&home.path().join("trees-v1"));
    let part = done.entries.iter().find(|v| v.entry == Entry::Tree(part)).unwrap();
    assert!(part.goes() && part.bytes > done.freed, "its file is shared: {done:?}");
    // The listing's file is the only other thing that went.
    let listing = done.entries.iter().find(|v| matches!(v.entry, Entry::Listing(_))).unwrap();
    assert_eq!(done.freed, before - after + listing.bytes);
    assert_eq!(done.after(), home.open().plan_collection(&ALL).unwrap().before);
}

#[test]
fn an_action_that_the_index_lost_still_describes_its_tree() {
    let home = Home::new();
    let (_, [_, output], _) = build(&home.open(), "one", true);
    let link = home.folder.path().join("result");
    home.open().link_result(&link, &output).unwrap();
    let index = rusqlite::Connection::open(home.path().join("index-v2.sqlite")).unwrap();
    index.execute_batch("DELETE FROM actions").unwrap();
    let done = home.collect(&Collecting { keep: 0, ..ALL });
    assert_eq!(why(&done, &Entry::Action(Key::of(b"one"))), Why::Root(link));
    assert!(home.open().action(&Key::of(b"one")).unwrap().is_some());
}
