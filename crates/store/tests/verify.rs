//! Every kind of damage is found, named, and repaired or removed; and nothing else is called damaged.

use std::fs::{self, Permissions};
use std::io::Write;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use akbuild_nar::{Digest, TreeHash, hash_path};
use akbuild_store::{
    Action, Artifact, Blob, BuildId, Finding, Key, Maker, Problem, Progress, Publish, Repair, StageRecord, Store,
    Thing, Verified, Verify,
};

/// A store with one of everything.
struct Full {
    folder: tempfile::TempDir,
    store: Store,
    tree: TreeHash,
    /// Has no listing, and shares a file with the first.
    composed: TreeHash,
    blob: Digest,
    list: Digest,
    key: Key,
    build: BuildId,
}

impl Full {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("home")).unwrap();
        let build = store.begin_build(&["akbuild".into()], "sample", &["web".into()]).unwrap();
        let tree = publish(&store, "hello");
        let composed = compose(&store, &tree);
        let blob = write_blob(&store, b"a package");
        let list = store.put_artifacts(&[Artifact { name: "pkg:npm/a@1".into(), digest: blob }]).unwrap();
        let key = Key::of(b"web");
        store.record_action(&action(key, tree, list)).unwrap();
        store.record_stages(&build, &[StageRecord { stage: "web".into(), ..StageRecord::default() }]).unwrap();
        store.finish_build(&build, true).unwrap();
        store.link_result(&folder.path().join("result"), &composed).unwrap();
        store.memo_put("facts-v1", b"derived", b"of what is there").unwrap();
        store.sync().unwrap();
        Self { folder, store, tree, composed, blob, list, key, build }
    }

    fn home(&self, path: impl AsRef<Path>) -> PathBuf {
        self.store.home().join(path)
    }

    fn in_tree(&self, path: &str) -> PathBuf {
        self.store.tree_path(&self.tree).join(path)
    }

    fn action_path(&self) -> PathBuf {
        self.home(format!("actions-v1/{}.json", self.key))
    }

    fn list_path(&self) -> PathBuf {
        self.home(format!("artifacts-v1/{}", self.list.hex()))
    }

    fn build_path(&self) -> PathBuf {
        self.home(format!("builds-v1/{}/build.json", self.build))
    }

    fn sql(&self, sql: &str) {
        rusqlite::Connection::open(self.home("index-v2.sqlite")).unwrap().execute_batch(sql).unwrap();
    }

    /// What verify finds, what repair does about each, and what verify finds then.
    fn repaired(&self) -> String {
        let found = verify(&self.store);
        let mut lines = Vec::new();
        for finding in &found.findings {
            let done = self.store.repair(finding).unwrap();
            lines.push(format!("{} -> {done:?}", self.line(finding)));
        }
        let left: Vec<_> = verify(&self.store).findings.iter().map(|finding| self.line(finding)).collect();
        lines.push(format!("left: {left:?}"));
        lines.join("\n")
    }

    fn line(&self, finding: &Finding) -> String {
        let (thing, word) = (&finding.thing, finding.problem.word());
        let about = match &finding.problem {
            Problem::Corrupt { files, why } => {
                let files: Vec<_> = files.iter().map(|d| format!("{} {}", d.change.word(), d.path.display())).collect();
                format!("({why}): {files:?}")
            }
            Problem::Mode(paths) => format!("{paths:?}"),
            Problem::Dangling(to) => format!("to {to}"),
            Problem::Missing | Problem::Unrecorded | Problem::Leftover => String::new(),
        };
        let names = [
            (self.tree.to_string(), "[TREE]"),
            (self.composed.to_string(), "[COMPOSED]"),
            (self.blob.to_string(), "[BLOB]"),
            (self.list.to_string(), "[LIST]"),
            (format!("{:?}", self.key), "[KEY]"),
            (self.build.to_string(), "[BUILD]"),
            (self.folder.path().display().to_string(), "[FOLDER]"),
        ];
        let text = format!("{word} {thing:?} {about}").trim_end().to_owned();
        names.iter().fold(text, |text, (from, to)| text.replace(from, to))
    }
}

fn verify(store: &Store) -> Verified {
    store.verify(&Verify { threads: 2, record: false, progress: &|_| () }).unwrap()
}

fn publish(store: &Store, text: &str) -> TreeHash {
    let scratch = store.scratch("test").unwrap();
    let out = scratch.path().join("out");
    fs::create_dir_all(out.join("folder")).unwrap();
    fs::write(out.join("folder/file"), text).unwrap();
    fs::write(out.join("run"), "#!/bin/sh\n").unwrap();
    fs::set_permissions(out.join("run"), Permissions::from_mode(0o755)).unwrap();
    symlink("folder/file", out.join("link")).unwrap();
    store.publish(&out, &Publish { listing: true, ..Publish::default() }).unwrap().hash
}

fn compose(store: &Store, tree: &TreeHash) -> TreeHash {
    let scratch = store.scratch("test").unwrap();
    let out = scratch.path().join("out");
    fs::create_dir(&out).unwrap();
    store.link(&store.tree_path(tree).join("folder/file"), &out.join("shared")).unwrap();
    fs::write(out.join("own"), "own").unwrap();
    store.publish(&out, &Publish::default()).unwrap().hash
}

fn write_blob(store: &Store, bytes: &[u8]) -> Digest {
    let digest = Digest::sha256(bytes);
    let Blob::Missing(mut writer) = store.blob_writer(&digest).unwrap() else { panic!("the blob is there") };
    writer.write_all(bytes).unwrap();
    writer.commit().unwrap();
    digest
}

fn action(key: Key, output: TreeHash, list: Digest) -> Action {
    let (project, stage, kind) = ("sample".into(), "web".into(), "exec".into());
    let (inputs, phases, build) = Default::default();
    Action {
        key,
        project,
        stage,
        kind,
        output,
        manifest: "{}".into(),
        seconds: 1.25,
        max_rss: 0,
        created: 7,
        log: None,
        bytes: 10,
        files: 2,
        inputs,
        artifacts: Some(list),
        phases,
        build,
        maker: Maker::default(),
    }
}

/// Does something to a read-only place as somebody would who may.
fn force(path: &Path, harm: impl FnOnce(&Path)) {
    let folder = path.parent().unwrap();
    let mode = folder.symlink_metadata().unwrap().permissions();
    fs::set_permissions(folder, Permissions::from_mode(0o755)).unwrap();
    harm(path);
    fs::set_permissions(folder, mode).unwrap();
}

fn flip(path: &Path) {
    let mode = path.symlink_metadata().unwrap().permissions();
    fs::set_permissions(path, Permissions::from_mode(0o644)).unwrap();
    let mut bytes = fs::read(path).unwrap();
    let at = bytes.len() / 2;
    bytes[at] ^= 1;
    fs::write(path, bytes).unwrap();
    fs::set_permissions(path, mode).unwrap();
}

#[test]
fn a_whole_store_is_clean_and_stays_as_it_is() {
    let full = Full::new();
    let seen = Mutex::new(Vec::new());
    let progress = |progress: Progress| seen.lock().unwrap().push(progress);
    let verified = full.store.verify(&Verify { threads: 3, record: true, progress: &progress }).unwrap();
    assert_eq!(verified.findings, []);
    let checked = verified.checked;
    assert_eq!((checked.trees, checked.blobs, checked.bytes, checked.records), (2, 1, 32, 4));
    let seen = seen.into_inner().unwrap();
    let last = seen.iter().max_by_key(|p| (p.items, p.bytes)).unwrap();
    assert_eq!(*last, Progress { items: 3, total_items: 3, bytes: 32, total_bytes: 32 });
    assert!(full.store.memo_get("facts-v1", b"derived").unwrap().is_some());
}

#[test]
fn damage_of_one_tree() {
    let full = Full::new();
    force(&full.in_tree("run"), flip);
    insta::assert_snapshot!(full.repaired(), @r#"
    corrupt Tree([TREE]) (its hash is sha256-kqNSnwSShkwTvVCUmLYCZKXTmV/4XU7ViyCyJUXWa38=): ["changed run"] -> Removed { used_by: [] }
    left: []
    "#);
    assert!(!full.store.has_tree(&full.tree));
    assert_eq!(publish(&full.store, "hello"), full.tree);
    assert_eq!(full.repaired(), "left: []");
    assert_eq!(hash_path(&full.store.tree_path(&full.tree)).unwrap(), full.tree);

    let full = Full::new();
    force(&full.in_tree("link"), |path| fs::remove_file(path).unwrap());
    insta::assert_snapshot!(full.repaired(), @r#"
    corrupt Tree([TREE]) (its hash is sha256-7aD/siWNcabtdtcr+28FZsCWPmWSsIX+QGZMPIYpjJ0=): ["deleted link"] -> Removed { used_by: [] }
    left: []
    "#);

    let full = Full::new();
    force(&full.in_tree("folder/more"), |path| fs::write(path, "added").unwrap());
    insta::assert_snapshot!(full.repaired(), @r#"
    corrupt Tree([TREE]) (its hash is sha256-wp5J/J2ij6pnZvFOiMIGGAiUl99nKYEXMnaQUVqrC00=): ["added folder/more"] -> Removed { used_by: [] }
    left: []
    "#);
    // What was derived from it goes too.
    assert_eq!(full.store.memo_get("facts-v1", b"derived").unwrap(), None);
}

#[test]
fn a_flipped_byte_is_found_in_each_tree_that_shares_it() {
    let full = Full::new();
    flip(&full.in_tree("folder/file"));
    insta::assert_snapshot!(full.repaired(), @r#"
    corrupt Tree([COMPOSED]) (its hash is sha256-Gdrb2ehUb9Woi686C2Fd7R7p8ep4hOqT0+jF4XZlNNk=): ["touched shared"] -> Removed { used_by: [] }
    corrupt Tree([TREE]) (its hash is sha256-QFWR6maCc7pA//+ULrxLAEl2gxpiUzpc0TG1g7QQ1VA=): ["changed folder/file"] -> Removed { used_by: [] }
    left: ["dangling Root(\"[FOLDER]/result\") to tree [COMPOSED]"]
    "#);
}

#[test]
fn modes_and_times_are_set_right_where_they_are() {
    let full = Full::new();
    fs::set_permissions(full.in_tree("folder/file"), Permissions::from_mode(0o664)).unwrap();
    fs::File::open(full.in_tree("folder")).unwrap().set_modified(std::time::SystemTime::now()).unwrap();
    fs::set_permissions(full.store.blob_path(&full.blob), Permissions::from_mode(0o600)).unwrap();
    insta::assert_snapshot!(full.repaired(), @r#"
    mode Tree([COMPOSED]) ["shared"] -> Corrected
    mode Tree([TREE]) ["folder", "folder/file"] -> Corrected
    mode Blob([BLOB]) [] -> Corrected
    left: []
    "#);

    // The permission to execute counts as content; by the listing it can be given back.
    fs::set_permissions(full.in_tree("run"), Permissions::from_mode(0o444)).unwrap();
    insta::assert_snapshot!(full.repaired(), @r#"
    corrupt Tree([TREE]) (its hash is sha256-hEw7bhkgiQhlF1zyTw9u1dHTQR4iFTcg0JjrTyMmBcg=): ["mode run"] -> Corrected
    left: []
    "#);
    assert_eq!(hash_path(&full.store.tree_path(&full.tree)).unwrap(), full.tree);
    // Where there is no listing, nothing says so.
    let own = full.store.tree_path(&full.composed).join("own");
    fs::set_permissions(own, Permissions::from_mode(0o555)).unwrap();
    insta::assert_snapshot!(full.repaired(), @r#"
    corrupt Tree([COMPOSED]) (its hash is sha256-GuUupZX4TwL3eqy0Wjf0mqJpKK+JBzPz3KN/vnJ0MhU=): [] -> Removed { used_by: [] }
    left: ["dangling Root(\"[FOLDER]/result\") to tree [COMPOSED]"]
    "#);
}

#[test]
fn damage_of_blobs_listings_and_lists() {
    let full = Full::new();
    flip(&full.store.blob_path(&full.blob));
    flip(&full.home(format!("listings-v1/{}", full.tree.hex())));
    flip(&full.list_path());
    insta::assert_snapshot!(full.repaired(), @r#"
    corrupt Blob([BLOB]) (its digest is sha256-syjrxO+BTSJO6um33DKizggXLVZr7AADqpX+9ARfrG8=): [] -> Removed { used_by: [] }
    corrupt Listing([TREE]) (line 4 of the listing: its first letter is none of d, f, x, l; delete the listing, it is made again from its tree): [] -> Corrected
    corrupt Artifacts([LIST]) (its digest is sha256-b3NkwykGlXqu6eDdruV8FT2u9hAFiyhZkdMuf59pl5Y=): [] -> Removed { used_by: [] }
    left: ["dangling Action([KEY]) to its list of downloads [LIST]"]
    "#);
    assert_eq!(
        full.store.put_artifacts(&[Artifact { name: "pkg:npm/a@1".into(), digest: full.blob }]).unwrap(),
        full.list
    );

    // Bytes that are no text at all.
    let listing = full.home(format!("listings-v1/{}", full.tree.hex()));
    fs::write(&listing, [0xff; 9]).unwrap();
    full.store.repair(&verify(&full.store).findings[0]).unwrap();
    assert!(!verify(&full.store).findings.iter().any(|f| matches!(f.thing, Thing::Listing(_))));
}

#[test]
fn of_two_records_of_an_action_the_whole_one_is_kept() {
    let full = Full::new();
    let known = full.store.action(&full.key).unwrap();
    flip(&full.action_path());
    insta::assert_snapshot!(full.repaired(), @"
    corrupt Action([KEY]) (it was altered after it was written): [] -> Corrected
    left: []
    ");
    fs::remove_file(full.action_path()).unwrap();
    insta::assert_snapshot!(full.repaired(), @"
    missing Action([KEY]) -> Corrected
    left: []
    ");
    full.sql("UPDATE actions SET json = replace(json, 'sample', 'simple')");
    insta::assert_snapshot!(full.repaired(), @"
    corrupt Action([KEY]) (the index has it damaged): [] -> Recorded
    left: []
    ");
    full.sql("UPDATE actions SET stage = 'other'");
    insta::assert_snapshot!(full.repaired(), @"
    corrupt Action([KEY]) (the index has it damaged): [] -> Recorded
    left: []
    ");
    full.sql("DELETE FROM actions");
    insta::assert_snapshot!(full.repaired(), @"
    unrecorded Action([KEY]) -> Recorded
    left: []
    ");
    assert_eq!(full.store.action(&full.key).unwrap(), known);
    assert_eq!(full.store.last_action("sample", "web").unwrap(), known);
    // Neither of them: it was never made.
    flip(&full.action_path());
    full.sql("UPDATE actions SET json = replace(json, 'sample', 'simple')");
    insta::assert_snapshot!(full.repaired(), @"
    corrupt Action([KEY]) (it was altered after it was written): [] -> Removed { used_by: [] }
    left: []
    ");
    assert_eq!(full.store.action(&full.key).unwrap(), None);
}

#[test]
fn the_record_of_a_build_is_written_again_from_the_index() {
    let full = Full::new();
    let known = full.store.build(&full.build).unwrap();
    flip(&full.build_path());
    insta::assert_snapshot!(full.repaired(), @r#"
    corrupt Build(BuildId("[BUILD]")) (it was altered after it was written): [] -> Corrected
    left: []
    "#);
    full.sql("DELETE FROM builds; DELETE FROM stages");
    insta::assert_snapshot!(full.repaired(), @r#"
    unrecorded Build(BuildId("[BUILD]")) -> Recorded
    left: []
    "#);
    let again = full.store.build(&full.build).unwrap();
    assert_eq!(again.as_ref().map(|b| &b.stages), known.as_ref().map(|b| &b.stages));
    fs::remove_dir_all(full.build_path().parent().unwrap()).unwrap();
    insta::assert_snapshot!(full.repaired(), @r#"
    missing Build(BuildId("[BUILD]")) -> Dropped
    left: []
    "#);
}

#[test]
fn rows_without_files_and_files_without_rows() {
    let full = Full::new();
    akbuild_store::remove(&full.store.tree_path(&full.tree)).unwrap();
    akbuild_store::remove(&full.store.blob_path(&full.blob)).unwrap();
    insta::assert_snapshot!(full.repaired(), @"
    missing Tree([TREE]) -> Dropped
    missing Blob([BLOB]) -> Dropped
    left: []
    ");

    let full = Full::new();
    full.sql("DELETE FROM trees; DELETE FROM blobs");
    let recording = Verify { threads: 1, record: true, progress: &|_| () };
    let found = full.store.verify(&recording).unwrap().findings;
    assert!(found.iter().all(|f| f.problem == Problem::Unrecorded && !f.problem.is_wrong()), "{found:?}");
    assert_eq!((found.len(), verify(&full.store).findings.len()), (3, 0));
    // What is not whole is not recorded.
    full.sql("DELETE FROM trees");
    flip(&full.in_tree("folder/file"));
    let found = full.store.verify(&recording).unwrap().findings;
    assert!(found.iter().all(|f| f.problem.word() == "corrupt"), "{found:?}");
}

#[test]
fn what_leads_nowhere_and_what_belongs_to_nothing() {
    let full = Full::new();
    fs::remove_file(full.list_path()).unwrap();
    akbuild_store::remove(&full.store.tree_path(&full.composed)).unwrap();
    full.sql("DELETE FROM trees WHERE bytes = 8");
    symlink(full.home("trees-v1/gone"), full.folder.path().join("other")).unwrap();
    full.store.add_root(&full.folder.path().join("gone"), &full.tree).unwrap();
    for name in ["trees-v1/notes.txt", "blobs-v1/sha256/zz", "actions-v1/x.json", "artifacts-v1/x", "partial-v1/x"] {
        fs::write(full.home(name), "").unwrap();
    }
    fs::create_dir(full.home("builds-v1/just-begun")).unwrap();
    insta::assert_snapshot!(full.repaired(), @r#"
    dangling Action([KEY]) to its list of downloads [LIST] -> Dropped
    leftover Root("[FOLDER]/gone") -> Dropped
    dangling Root("[FOLDER]/result") to tree [COMPOSED] -> Dropped
    leftover File("[FOLDER]/home/actions-v1/x.json") -> Removed { used_by: [] }
    leftover File("[FOLDER]/home/artifacts-v1/x") -> Removed { used_by: [] }
    leftover File("[FOLDER]/home/blobs-v1/sha256/zz") -> Removed { used_by: [] }
    leftover File("[FOLDER]/home/partial-v1/x") -> Removed { used_by: [] }
    leftover File("[FOLDER]/home/trees-v1/notes.txt") -> Removed { used_by: [] }
    left: []
    "#);
    // The link itself is the user's.
    assert!(full.folder.path().join("result").symlink_metadata().is_ok());
    assert!(full.home("builds-v1/just-begun").exists());
}

#[test]
fn who_used_what_was_removed_is_told() {
    let full = Full::new();
    let blob = full.store.blob_path(&full.blob);
    let lease = full.home("leases-v1/4711-1-1");
    fs::write(&lease, format!("blob {}\n", full.blob)).unwrap();
    let held = fs::File::open(&lease).unwrap();
    rustix::fs::flock(&held, rustix::fs::FlockOperation::LockShared).unwrap();
    flip(&blob);
    let done = full.store.repair(&verify(&full.store).findings[0]).unwrap();
    assert_eq!(done, Repair::Removed { used_by: vec![4711] });
}

#[test]
fn the_index_is_made_again_from_the_folders() {
    let full = Full::new();
    let running = full.store.begin_build(&[], "sample", &[]).unwrap();
    full.store.record_stages(&running, &[StageRecord { stage: "now".into(), ..StageRecord::default() }]).unwrap();
    let age = |store: &Store| {
        let mut trees = store.trees().unwrap();
        trees.iter_mut().for_each(|tree| tree.names.clear());
        (trees, store.blobs().unwrap())
    };
    let known = (age(&full.store), full.store.actions().unwrap(), full.store.build(&full.build).unwrap());
    full.store.reindex().unwrap();
    assert!(full.store.trees().unwrap().is_empty());
    full.store.verify(&Verify { threads: 1, record: true, progress: &|_| () }).unwrap();
    assert_eq!(verify(&full.store).findings, []);
    assert_eq!(full.store.stages(&running).unwrap().len(), 1);
    let mut again = full.store.build(&full.build).unwrap();
    // Times that went through text may differ in their last digit.
    again.iter_mut().zip(&known.2).for_each(|(new, old)| (new.started, new.seconds) = (old.started, old.seconds));
    assert_eq!((age(&full.store), full.store.actions().unwrap(), again), known);
    full.store.reindex().unwrap();
    assert!(full.store.has_tree(&full.tree) && full.store.has_blob(&full.blob));
}

#[test]
fn an_index_that_was_interrupted_is_filled_by_the_next() {
    let full = Full::new();
    // As it is between being emptied and being filled.
    full.sql("DELETE FROM actions; DELETE FROM builds; DELETE FROM stages; PRAGMA user_version = 0");
    let store = Store::open(full.store.home()).unwrap();
    assert_eq!((store.actions().unwrap().len(), store.all_builds().unwrap().len()), (1, 1));
    assert_eq!(verify(&store).findings, []);
    // And is then no longer filled by everybody.
    let index = rusqlite::Connection::open(full.home("index-v2.sqlite")).unwrap();
    assert_eq!(index.query_row("PRAGMA user_version", [], |row| row.get::<_, i64>(0)).unwrap(), 2);
}

#[test]
fn a_damaged_index_is_found_and_replaced() {
    let full = Full::new();
    let index = full.home("index-v2.sqlite");
    for n in 0..200u32 {
        full.store.memo_put("facts-v1", &n.to_le_bytes(), &[7; 500]).unwrap();
    }
    full.store.sync().unwrap();
    // A page that opening does not read.
    let length = fs::metadata(&index).unwrap().len();
    let file = fs::File::options().write(true).open(&index).unwrap();
    std::os::unix::fs::FileExt::write_all_at(&file, &[0xa5; 4096], length - 3 * 4096).unwrap();
    let store = Store::open(full.store.home()).unwrap();
    let found = verify(&store).findings;
    assert_eq!((found.len(), &found[0].thing, found[0].problem.word()), (1, &Thing::Index, "corrupt"));
    assert_eq!(store.repair(&found[0]).unwrap(), Repair::Corrected);
    store.verify(&Verify { threads: 1, record: true, progress: &|_| () }).unwrap();
    assert_eq!(verify(&store).findings, []);
    assert_eq!((store.actions().unwrap().len(), store.all_builds().unwrap().len()), (1, 1));
}
