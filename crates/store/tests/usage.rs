//! How much room things take: the same as `du` says.
#![allow(missing_docs, clippy::disallowed_methods)]

use std::fs;
use std::path::Path;
use std::process::Command;

use akbuild_nar::TreeHash;
use akbuild_store::{Publish, Room, Share, Store};

const BIG: usize = 300_000;

fn publish(store: &Store, make: impl FnOnce(&Path)) -> TreeHash {
    let scratch = store.scratch("test").unwrap();
    let tree = scratch.path().join("tree");
    fs::create_dir(&tree).unwrap();
    make(&tree);
    store.publish(&tree, &Publish::default()).unwrap().hash
}

fn du(path: &Path) -> u64 {
    let output = Command::new("du").args(["-s", "--block-size=1"]).arg(path).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    text.split('\t').next().unwrap().parse().unwrap()
}

#[test]
fn what_is_shared_is_counted_once() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("home")).unwrap();
    let first = publish(&store, |tree| {
        fs::create_dir(tree.join("deep")).unwrap();
        fs::write(tree.join("deep/shared"), vec![1; BIG]).unwrap();
        fs::write(tree.join("own"), vec![2; BIG]).unwrap();
        fs::hard_link(tree.join("own"), tree.join("own-too")).unwrap();
    });
    let second = publish(&store, |tree| {
        store.link(&store.tree_path(&first).join("deep"), &tree.join("sub")).unwrap();
        std::os::unix::fs::symlink("sub", tree.join("link")).unwrap();
    });
    fs::write(store.home().join("stray"), vec![3; BIG]).unwrap();
    let usage = store.usage().unwrap();
    assert_eq!(usage.bytes, du(store.home()));
    let home = fs::metadata(store.home()).unwrap();
    let parts: u64 = usage.buckets.values().map(|room| room.bytes).sum();
    assert_eq!(parts + std::os::unix::fs::MetadataExt::blocks(&home) * 512, usage.bytes);
    assert_eq!(usage.buckets["trees-v1"], Room { bytes: du(&store.home().join("trees-v1")), files: 3 });
    assert_eq!(usage.buckets["stray"].files, 1);
    // Of the first, its own file and its folders come free; of the second, its folders and what the link takes.
    let (one, two) = (usage.share([&first]), usage.share([&second]));
    let shared = du(&store.tree_path(&first).join("deep/shared"));
    assert_eq!(one, Share { bytes: du(&store.tree_path(&first)), frees: du(&store.tree_path(&first)) - shared });
    assert_eq!(two, Share { bytes: du(&store.tree_path(&second)), frees: du(&store.tree_path(&second)) - shared });
    let both = one.frees + two.frees + shared;
    assert_eq!(usage.share([&first, &second]), Share { bytes: both, frees: both });
    assert_eq!(usage.share([&TreeHash::from([0; 32])]), Share::default());
}

#[test]
fn a_name_outside_of_the_home_keeps_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("home")).unwrap();
    let tree = publish(&store, |tree| fs::write(tree.join("file"), vec![1; BIG]).unwrap());
    let file = store.tree_path(&tree).join("file");
    fs::hard_link(&file, folder.path().join("outside")).unwrap();
    let share = store.usage().unwrap().share([&tree]);
    assert_eq!(share.bytes - share.frees, du(&file));
}
