//! The store from outside: what is published is found, and nothing else.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use akbuild_nar::{Algo, Digest, Kind, TreeHash, hash_path};
use akbuild_store::{
    Action, Artifact, Blob, Found, Key, Maker, Phase, Publish, Published, StageRecord, Store, StoreError,
};

struct Home {
    folder: tempfile::TempDir,
    store: Store,
}

fn home() -> Home {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("home")).unwrap();
    Home { folder, store }
}

impl Home {
    fn reopen(&self) -> Store {
        Store::open(self.store.home()).unwrap()
    }

    fn publish(&self, text: &str) -> Published {
        publish(&self.store, text, &Publish::default()).unwrap()
    }

    /// Makes rows look as if they came from before a loss of power.
    fn lose_power(&self) {
        let index = rusqlite::Connection::open(self.store.home().join("index-v2.sqlite")).unwrap();
        index.execute_batch("UPDATE trees SET boot = 'earlier'; UPDATE blobs SET boot = 'earlier'").unwrap();
    }

    /// Closes the store, does something to its index, and opens it again.
    fn damage_index(self, harm: impl FnOnce(&Path)) -> (tempfile::TempDir, Store) {
        let Home { folder, store } = self;
        let home = store.home().to_owned();
        drop(store);
        harm(&home.join("index-v2.sqlite"));
        let store = Store::open(&home).unwrap();
        (folder, store)
    }

    fn is_empty(&self, bucket: &str) -> bool {
        fs::read_dir(self.store.home().join(bucket)).unwrap().next().is_none()
    }
}

fn publish(store: &Store, text: &str, options: &Publish) -> Result<Published, StoreError> {
    let scratch = store.scratch("test").unwrap();
    let tree = scratch.path().join("out");
    fs::create_dir_all(tree.join("folder")).unwrap();
    fs::write(tree.join("folder/file"), text).unwrap();
    symlink("folder/file", tree.join("link")).unwrap();
    store.publish(&tree, options)
}

/// Changes a file of a stored tree, as a disk or a person might.
fn damage(path: &Path) {
    fs::set_permissions(path, fs::Permissions::from_mode(0o644)).unwrap();
    fs::write(path, "damaged").unwrap();
}

fn write_blob(store: &Store, bytes: &[u8]) -> Digest {
    let digest = Digest::sha256(bytes);
    let Blob::Missing(mut writer) = store.blob_writer(&digest).unwrap() else { panic!("the blob is there") };
    std::io::Write::write_all(&mut writer, bytes).unwrap();
    writer.commit().unwrap();
    digest
}

fn action(n: u8, stage: &str, created: u64) -> Action {
    Action {
        key: Key::of(&[n]),
        project: "sample".into(),
        stage: stage.into(),
        kind: "exec".into(),
        output: TreeHash::from([n; 32]),
        manifest: "{}".into(),
        seconds: 1.25,
        max_rss: 4096,
        created,
        log: Some(PathBuf::from("builds-v1/1/web.log")),
        bytes: 10,
        files: 2,
        inputs: BTreeMap::from([("source:app".into(), TreeHash::from([7; 32]))]),
        artifacts: None,
        phases: vec![Phase { name: "run".into(), started: 0.5, seconds: 1.0 }],
        build: None,
        maker: Maker { akbuild: "1".into(), ..Maker::default() },
    }
}

#[test]
fn a_published_tree_is_normal_and_found_by_every_process() {
    let home = home();
    let published = home.publish("hello");
    let path = home.store.tree_path(&published.hash);
    assert!(!published.existed);
    assert_eq!(
        (published.stats.files, published.stats.dirs, published.stats.symlinks, published.stats.bytes),
        (1, 2, 1, 5)
    );
    assert_eq!(hash_path(&path).unwrap(), published.hash);
    for (path, mode) in [(path.clone(), 0o555), (path.join("folder"), 0o555), (path.join("folder/file"), 0o444)] {
        let found = path.symlink_metadata().unwrap();
        assert_eq!((found.mtime(), found.mode() & 0o7777), (1, mode), "{}", path.display());
    }
    assert_eq!(path.join("link").symlink_metadata().unwrap().mtime(), 1);
    assert!(home.store.has_tree(&published.hash));
    assert!(home.reopen().has_tree(&published.hash));
    assert_eq!(home.reopen().tree_stats(&published.hash).unwrap(), Some(published.stats));
    assert!(!home.store.has_tree(&TreeHash::from([7; 32])));
    assert!(home.is_empty("tmp-v1"));
}

#[test]
fn publishing_again_finds_the_first() {
    let home = home();
    let first = home.publish("hello");
    let again = home.publish("hello");
    assert!(again.existed);
    assert_eq!(first.hash, again.hash);
}

#[test]
fn files_and_links_are_trees_too() {
    let home = home();
    let scratch = home.store.scratch("x").unwrap();
    fs::write(scratch.path().join("file"), "text").unwrap();
    symlink("away", scratch.path().join("link")).unwrap();
    for name in ["file", "link"] {
        let hash = hash_path(&scratch.path().join(name)).unwrap();
        let published = home.store.publish(&scratch.path().join(name), &Publish::default()).unwrap();
        assert_eq!(published.hash, hash);
        assert!(home.store.has_tree(&hash));
    }
}

#[test]
fn an_unexpected_hash_publishes_nothing() {
    let home = home();
    let expect = Some(TreeHash::from([0; 32]));
    let error = publish(&home.store, "hello", &Publish { expect, ..Publish::default() }).unwrap_err();
    let text = error.to_string();
    let path = text.lines().next().unwrap().trim_start_matches("hash mismatch of ").to_owned();
    insta::assert_snapshot!(text.replace(&path, "[PATH]"), @"
    hash mismatch of [PATH]
      expected sha256-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=
      found    sha256-A72fRKIkcKDLZbKCWtJYjL3PaMXvObS9t+clhGDaXbA=
    ");
    assert!(home.is_empty("trees-v1"));
}

#[test]
fn special_files_are_refused_by_name() {
    let home = home();
    let scratch = home.store.scratch("x").unwrap();
    let tree = scratch.path().join("out");
    fs::create_dir(&tree).unwrap();
    let socket = std::os::unix::net::UnixListener::bind(tree.join("s"));
    socket.unwrap();
    let error = home.store.publish(&tree, &Publish::default()).unwrap_err().to_string();
    insta::assert_snapshot!(error.replace(&*tree.to_string_lossy(), "[OUT]"), @"[OUT]/s is a socket; a tree may hold only files, folders and symbolic links: remove it, or keep it out of the output");
}

#[test]
fn a_listing_is_stored_or_made_and_made_again_when_damaged() {
    let home = home();
    let hash = home.publish("hello").hash;
    let file = home.store.home().join("listings-v1").join(hash.hex());
    assert!(!file.exists());
    let listing = home.store.listing(&hash).unwrap();
    insta::assert_snapshot!(listing.to_text(), @"
    d 
    d folder
    f 5 2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824 folder/file
    l folder/file link
    ");
    assert!(matches!(listing.get("folder/file").unwrap().kind, Kind::File { size: 5, .. }));
    fs::write(&file, "d \nx 12").unwrap();
    assert_eq!(home.store.listing(&hash).unwrap(), listing);
    assert_eq!(fs::read_to_string(&file).unwrap(), listing.to_text());

    let with = publish(&home.store, "other", &Publish { listing: true, ..Publish::default() }).unwrap();
    assert!(home.store.home().join("listings-v1").join(with.hash.hex()).exists());
    let error = home.store.listing(&TreeHash::from([0; 32])).unwrap_err();
    insta::assert_snapshot!(error, @"the store has no tree sha256-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=; build or fetch it again");
}

/// The power failed before anything was synced: the tree is hashed again, and dropped if it changed.
#[test]
fn after_a_loss_of_power_trees_are_checked_before_they_are_used() {
    let home = home();
    let (whole, broken) = (home.publish("whole").hash, home.publish("broken").hash);
    damage(&home.store.tree_path(&broken).join("folder/file"));
    assert!(home.store.has_tree(&broken), "within a boot nothing is read again");
    home.lose_power();
    let store = home.reopen();
    assert!(store.has_tree(&whole));
    assert!(!store.has_tree(&broken));
    assert!(!store.tree_path(&broken).exists());
    assert_eq!(home.publish("broken").hash, broken);
    assert!(store.has_tree(&broken));
}

#[test]
fn what_was_synced_is_trusted_at_the_next_boot() {
    let home = home();
    let hash = home.publish("x").hash;
    home.store.sync().unwrap();
    damage(&home.store.tree_path(&hash).join("folder/file"));
    home.lose_power();
    assert!(home.reopen().has_tree(&hash), "it is not read again");
}

/// A leftover under the final name that is not whole gives way to what is published.
#[test]
fn publishing_replaces_a_damaged_leftover() {
    let home = home();
    let hash = home.publish("x").hash;
    damage(&home.store.tree_path(&hash).join("folder/file"));
    home.lose_power();
    let published = home.publish("x");
    assert!(!published.existed);
    assert_eq!(hash_path(&home.store.tree_path(&hash)).unwrap(), hash);
}

#[test]
fn a_lost_or_damaged_index_loses_no_output() {
    for harm in [b"".as_slice(), b"this is no database, whatever its name says", b"SQLite format 3\0and then nothing"] {
        let home = home();
        let (tree, blob) = (home.publish("tree").hash, write_blob(&home.store, b"blob"));
        home.store.record_action(&action(1, "web", 5)).unwrap();
        home.store.sync().unwrap();
        let (_folder, store) = home.damage_index(|index| fs::write(index, harm).unwrap());
        assert!(store.has_tree(&tree) && store.has_blob(&blob));
        assert_eq!(store.last_action("sample", "web").unwrap(), Some(action(1, "web", 5)));
        assert_eq!(store.action(&Key::of(&[1])).unwrap(), Some(action(1, "web", 5)));
    }
}

#[test]
fn a_truncated_index_is_replaced() {
    let home = home();
    let tree = home.publish("tree").hash;
    home.store.sync().unwrap();
    let cut = |index: &Path| fs::File::options().write(true).open(index).unwrap().set_len(5000).unwrap();
    let (_folder, store) = home.damage_index(cut);
    assert!(store.has_tree(&tree));
}

#[test]
fn an_index_of_a_later_version_is_left_alone() {
    let home = home();
    let index = home.store.home().join("index-v2.sqlite");
    rusqlite::Connection::open(&index).unwrap().pragma_update(None, "user_version", 9).unwrap();
    let error = Store::open(home.store.home()).unwrap_err().to_string();
    insta::assert_snapshot!(error.replace(&*index.to_string_lossy(), "[INDEX]"), @"the index [INDEX] has version 9, expected 2; use the akbuild that made it, or another home with --home DIR");
}

#[test]
fn blobs_are_resumed_checked_and_written_once() {
    let home = home();
    let digest = Digest::sha256(b"hello world");
    let Blob::Missing(mut writer) = home.store.blob_writer(&digest).unwrap() else { panic!() };
    std::io::Write::write_all(&mut writer, b"hello ").unwrap();
    drop(writer);
    assert!(!home.store.has_blob(&digest));
    let Blob::Missing(mut writer) = home.store.blob_writer(&digest).unwrap() else { panic!() };
    assert_eq!(writer.len().unwrap(), 6);
    std::io::Write::write_all(writer.file(), b"world").unwrap();
    writer.commit().unwrap();
    assert_eq!(home.store.has_blobs(&[digest, Digest::sha256(b"")]), [true, false]);
    assert_eq!(fs::read(home.store.blob_path(&digest)).unwrap(), b"hello world");
    assert_eq!(home.store.blob_path(&digest).metadata().unwrap().mode() & 0o7777, 0o444);
    assert!(matches!(home.store.blob_writer(&digest).unwrap(), Blob::Present(_)));
    assert!(home.is_empty("partial-v1"));
}

#[test]
fn a_blob_with_another_digest_is_thrown_away() {
    let home = home();
    let digest = Digest::sha256(b"good");
    for through_file in [false, true] {
        let Blob::Missing(mut writer) = home.store.blob_writer(&digest).unwrap() else { panic!() };
        assert!(writer.is_empty().unwrap());
        if through_file {
            std::io::Write::write_all(writer.file(), b"bad").unwrap();
        } else {
            std::io::Write::write_all(&mut writer, b"bad").unwrap();
        }
        insta::allow_duplicates! {
            insta::assert_snapshot!(writer.commit().unwrap_err(), @"
            digest mismatch of a downloaded file of 3 bytes
              expected sha256-dw5gdiTWiSZcpsRIhNCAfZsFTSPEc8EGxyvp3gi3N2w=
              found    sha256-LwXUtonScMr7AihfNfRIZvfcii02ij+dESQ3PuqzH7E=
            ");
        }
        assert!(!home.store.has_blob(&digest));
    }
    let Blob::Missing(mut writer) = home.store.blob_writer(&digest).unwrap() else { panic!() };
    std::io::Write::write_all(&mut writer, b"bad").unwrap();
    writer.restart().unwrap();
    std::io::Write::write_all(&mut writer, b"good").unwrap();
    writer.commit().unwrap();
    assert!(home.store.has_blob(&digest));
}

/// The second writer waits for the first, and then finds the blob.
#[test]
fn one_writer_a_blob() {
    let home = home();
    let digest = Digest::sha256(b"once");
    let Blob::Missing(mut writer) = home.store.blob_writer(&digest).unwrap() else { panic!() };
    let store = home.reopen();
    let (sender, receiver) = std::sync::mpsc::channel();
    let second = std::thread::spawn(move || {
        sender.send(()).unwrap();
        matches!(store.blob_writer(&digest).unwrap(), Blob::Present(_))
    });
    receiver.recv().unwrap();
    std::io::Write::write_all(&mut writer, b"once").unwrap();
    writer.commit().unwrap();
    assert!(second.join().unwrap());
    assert!(home.is_empty("partial-v1"));
}

#[test]
fn blobs_are_checked_after_a_loss_of_power() {
    let home = home();
    let (whole, broken) = (write_blob(&home.store, b"whole"), write_blob(&home.store, b"broken"));
    damage(&home.store.blob_path(&broken));
    home.lose_power();
    assert_eq!(home.reopen().has_blobs(&[whole, broken]), [true, false]);
    assert_eq!(write_blob(&home.store, b"broken"), broken);
}

#[test]
fn what_is_no_go_module_zip_is_refused() {
    let home = home();
    let digest = Digest::new(Algo::GoZip, &[1; 32]).unwrap();
    let Blob::Missing(mut writer) = home.store.blob_writer(&digest).unwrap() else { panic!() };
    std::io::Write::write_all(&mut writer, b"<html>not found</html>").unwrap();
    assert!(matches!(writer.commit().unwrap_err(), StoreError::Damaged { .. }));
    assert!(home.is_empty("partial-v1"));
}

#[test]
fn actions_are_found_by_key_and_the_newest_by_stage() {
    let home = home();
    for (n, stage, created) in [(1, "web", 10), (2, "web", 30), (3, "web", 20), (4, "other", 40)] {
        home.store.record_action(&action(n, stage, created)).unwrap();
    }
    let store = home.reopen();
    assert_eq!(store.action(&Key::of(&[3])).unwrap(), Some(action(3, "web", 20)));
    assert_eq!(store.action(&Key::of(&[9])).unwrap(), None);
    assert_eq!(store.last_action("sample", "web").unwrap(), Some(action(2, "web", 30)));
    assert_eq!(store.last_action("else", "web").unwrap(), None);
}

#[test]
fn what_made_a_tree_is_found_by_its_output() {
    let home = home();
    let same = Action { key: Key::of(&[9]), created: 50, ..action(1, "copy", 10) };
    for action in [action(1, "web", 10), action(2, "web", 30), same.clone()] {
        home.store.record_action(&action).unwrap();
    }
    let store = home.reopen();
    assert_eq!(store.makers(&TreeHash::from([1; 32])).unwrap(), [same.clone(), action(1, "web", 10)]);
    assert_eq!(store.stage_actions("sample", "web", 1).unwrap(), [action(2, "web", 30)]);
    assert_eq!(store.actions().unwrap(), [same, action(2, "web", 30), action(1, "web", 10)]);
}

#[test]
fn things_are_found_by_the_beginning_of_their_hash() {
    let home = home();
    let (tree, blob) = (home.publish("text").hash, write_blob(&home.store, b"bytes"));
    let action = action(1, "web", 10);
    home.store.record_action(&action).unwrap();
    let store = home.reopen();
    let find = |text: &str| store.find(text).unwrap();
    for text in [&tree.to_string()[..13], &tree.hex()[..6], &tree.nix32()[..6], &tree.hex()[..6].to_uppercase()] {
        assert_eq!(find(text), [Found::Tree(tree)], "{text}");
    }
    assert_eq!(find(&tree.to_string()), [Found::Tree(tree)]);
    assert_eq!(find(&format!("{}...", &tree.to_string()[..17])), [Found::Tree(tree)]);
    assert_eq!(find(&format!("sha256:{}", tree.nix32())), [Found::Tree(tree)]);
    assert_eq!(find(&action.key.hex()[..8]), [Found::Action(action.key)]);
    assert_eq!(find(&blob.to_string()[..17]), [Found::Blob(blob)]);
    // An action's output that is no longer there.
    assert_eq!(find("0101"), [Found::Tree(action.output)]);
    for nothing in ["", "010", "sha256-", "sha256-AQE", "sha512-AQEB", "0102", "/etc"] {
        assert_eq!(find(nothing), [], "{nothing}");
    }
}

#[test]
fn a_list_of_artifacts_is_named_by_what_is_in_it() {
    let home = home();
    let artifact = |name: &str| Artifact { name: name.into(), digest: Digest::sha256(name.as_bytes()) };
    let (a, b) = (artifact("pkg:npm/a@1"), artifact("pkg:npm/b@1"));
    let name = home.store.put_artifacts(&[b.clone(), a.clone(), b.clone()]).unwrap();
    assert_eq!(home.store.put_artifacts(&[a.clone(), b.clone()]).unwrap(), name);
    assert_eq!(home.store.artifacts(&name).unwrap(), Some(vec![a, b]));
    fs::write(home.store.home().join(format!("artifacts-v1/{}", name.hex())), "x").unwrap();
    assert_eq!(home.store.artifacts(&name).unwrap(), None);
}

#[test]
fn facts_are_kept_by_namespace() {
    let home = home();
    home.store.memo_put("a-v1", b"key", b"\0value").unwrap();
    assert_eq!(home.reopen().memo_get("a-v1", b"key").unwrap(), Some(b"\0value".to_vec()));
    assert_eq!(home.store.memo_get("b-v1", b"key").unwrap(), None);
}

#[test]
fn builds_leave_records_and_logs() {
    let home = home();
    let argv = ["akbuild".to_owned(), "all".to_owned()];
    let first = home.store.begin_build(&argv, "sample", &["web".to_owned()]).unwrap();
    fs::write(home.store.log_path(&first, "web"), "first").unwrap();
    let second = home.store.begin_build(&argv, "sample", &["web".to_owned()]).unwrap();
    assert!(first < second);
    let log = home.store.last_log("sample", "web").unwrap().unwrap();
    assert_eq!(fs::read_to_string(log).unwrap(), "first");
    let (status, key) = (String::from("built"), Some(Key::of(b"x")));
    let stage = StageRecord { stage: "web".into(), key, status, seconds: 0.5, started: 0.1, ..StageRecord::default() };
    home.store.record_stages(&second, std::slice::from_ref(&stage)).unwrap();
    home.store.finish_build(&second, true).unwrap();
    assert_eq!(home.store.stages(&second).unwrap(), [stage]);
    assert_eq!(home.store.builds("sample").unwrap(), [second.clone(), first]);
    let json = fs::read_to_string(home.store.build_dir(&second).join("build.json")).unwrap();
    assert!(json.contains("\"ok\": true") && json.contains("\"stage\": \"web\""), "{json}");
    assert_eq!(home.store.last_log("sample", "../../x").unwrap(), None);
}

#[test]
fn a_key_is_held_by_one_at_a_time() {
    let home = home();
    let key = Key::of(b"key");
    let lock = home.store.lock_key(&key, "web", &mut |_| panic!("nobody holds it")).unwrap().unwrap();
    let given_up = home.reopen().lock_key(&key, "web", &mut |_| false).unwrap();
    assert!(given_up.is_none());
    let store = home.reopen();
    let (sender, receiver) = std::sync::mpsc::channel();
    let waiter = std::thread::spawn(move || {
        let mut seen = None;
        let lock = store.lock_key(&key, "web", &mut |holder| {
            seen = Some(holder.clone());
            let _ = sender.send(());
            true
        });
        lock.unwrap().unwrap();
        seen.unwrap()
    });
    receiver.recv().unwrap();
    drop(lock);
    let holder = waiter.join().unwrap();
    assert_eq!((holder.pid, &*holder.what), (std::process::id(), "web"));
    let held = home.store.lock_key(&key, "web", &mut |_| panic!("nobody holds it")).unwrap().unwrap();
    let file = home.store.home().join("locks-v1").join(key.hex());
    home.reopen();
    assert!(file.exists(), "another process leaves it alone");
    drop(held);
    assert!(!file.exists());
    // As a killed holder leaves it.
    fs::write(&file, "{}").unwrap();
    home.reopen();
    assert!(!file.exists());
}

#[test]
fn roots_are_links_that_still_point_at_their_tree() {
    let home = home();
    let (one, two) = (home.publish("one").hash, home.publish("two").hash);
    let link = home.folder.path().join("result");
    home.store.link_result(&link, &one).unwrap();
    assert_eq!(home.store.roots().unwrap(), [(link.clone(), one)]);
    home.store.link_result(&link, &two).unwrap();
    assert_eq!(home.store.roots().unwrap(), [(link.clone(), two)]);
    fs::remove_file(&link).unwrap();
    assert_eq!(home.store.roots().unwrap(), []);
    fs::write(&link, "mine").unwrap();
    let error = home.store.link_result(&link, &one).unwrap_err().to_string();
    insta::assert_snapshot!(error.replace(&*link.to_string_lossy(), "[LINK]"), @"cannot replace [LINK]: entity already exists");
    let missing = home.store.add_root(&link, &TreeHash::from([0; 32]));
    assert!(matches!(missing, Err(StoreError::NoTree { .. })));
}

#[test]
fn parts_of_trees_are_linked_and_merged() {
    let home = home();
    let (one, two) = (home.publish("one").hash, home.publish("two").hash);
    let scratch = home.store.scratch("compose").unwrap();
    let out = scratch.path().join("out");
    home.store.link(&home.store.tree_path(&one), &out).unwrap();
    let file = home.store.tree_path(&one).join("folder/file");
    assert_eq!(file.metadata().unwrap().ino(), out.join("folder/file").metadata().unwrap().ino());
    assert_eq!(fs::read_link(out.join("link")).unwrap(), Path::new("folder/file"));
    fs::write(out.join("folder/new"), "writable").unwrap();
    home.store.link(&home.store.tree_path(&two).join("folder/file"), &out.join("folder/other")).unwrap();
    assert_eq!(fs::read_to_string(out.join("folder/other")).unwrap(), "two");
    let error = home.store.link(&home.store.tree_path(&two), &out).unwrap_err().to_string();
    insta::assert_snapshot!(error.replace(&*out.to_string_lossy(), "[OUT]"), @"cannot link [OUT]/folder/file: File exists (os error 17)");
    let published = home.store.publish(&out, &Publish::default()).unwrap();
    assert_eq!(hash_path(&home.store.tree_path(&one)).unwrap(), one);
    assert_eq!(published.stats.files, 3);
}

#[test]
fn scratch_folders_go_with_their_owner_whatever_is_in_them() {
    let home = home();
    let scratch = home.store.scratch("a/b c").unwrap();
    let path = scratch.path().to_owned();
    assert!(path.file_name().unwrap().to_str().unwrap().ends_with("-a_b_c"));
    let mut deep = path.join("ro");
    (0..400).for_each(|_| deep.push("d"));
    fs::create_dir_all(&deep).unwrap();
    fs::write(deep.join("f"), "x").unwrap();
    symlink("/", path.join("root")).unwrap();
    for (path, mode) in [(deep, 0o000), (path.join("ro"), 0o555)] {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }
    home.reopen();
    assert!(path.exists(), "another process leaves it alone");
    drop(scratch);
    assert!(!path.exists());

    let kept = home.store.scratch("kept").unwrap();
    fs::write(kept.path().join("f"), "x").unwrap();
    let kept = kept.keep().unwrap();
    assert!(kept.starts_with(home.store.home().join("kept-v1")) && kept.join("f").exists());

    let abandoned = ["1-2-3-dead", "1-2-4-file"].map(|name| home.store.home().join("tmp-v1").join(name));
    fs::create_dir_all(abandoned[0].join("x")).unwrap();
    fs::write(&abandoned[1], "half").unwrap();
    home.reopen();
    assert!(abandoned.iter().all(|path| !path.exists()));
}

#[test]
fn a_home_of_an_earlier_version_gets_what_it_lacks() {
    let home = home();
    let published = home.publish("hello");
    let Home { folder: _folder, store } = home;
    let path = store.home().to_owned();
    drop(store);
    fs::remove_dir(path.join("leases-v1")).unwrap();
    assert!(Store::open(&path).unwrap().has_tree(&published.hash));
}

#[test]
fn the_log_of_the_index_is_kept_short_without_a_sync() {
    let home = home();
    let log = home.store.home().join("index-v2.sqlite-wal");
    home.store.memo_put("x", b"small", &[1; 1000]).unwrap();
    home.store.rest().unwrap();
    assert!(log.metadata().unwrap().len() > 0, "a short one is left alone");
    home.store.memo_put("x", b"large", &[1; 1 << 20]).unwrap();
    home.store.rest().unwrap();
    assert_eq!(log.metadata().unwrap().len(), 0);
}
