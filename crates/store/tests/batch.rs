//! Answers to many questions at once are those to each of them.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;

use akbuild_nar::TreeHash;
use akbuild_store::{Action, Key, Maker, OutputBackend, Publish, Store};

fn publish(store: &Store, text: &str) -> TreeHash {
    let scratch = store.scratch("tree").unwrap();
    let tree = scratch.path().join("tree");
    fs::create_dir(&tree).unwrap();
    fs::write(tree.join("file"), text).unwrap();
    store.publish(&tree, &Publish::default()).unwrap().hash
}

fn action(n: u8) -> Action {
    Action {
        key: Key::of(&[n]),
        project: "sample".into(),
        stage: "web".into(),
        kind: "run".into(),
        output: TreeHash::from([n; 32]),
        manifest: "{}".into(),
        seconds: 1.25,
        max_rss: 4096,
        created: 10,
        log: None,
        bytes: 10,
        files: 2,
        inputs: BTreeMap::new(),
        artifacts: None,
        phases: Vec::new(),
        build: None,
        maker: Maker::default(),
    }
}

#[test]
fn many_are_looked_up_at_once_as_each_is_alone() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("home")).unwrap();
    let [whole, gone, damaged] = ["whole", "gone", "damaged"].map(|text| publish(&store, text));
    let trees = [whole, gone, damaged, TreeHash::from([9; 32])];
    for n in 1..=3 {
        store.record_action(&action(n)).unwrap();
    }
    akbuild_store::remove(&store.tree_path(&gone)).unwrap();
    let damaged = store.tree_path(&damaged);
    fs::set_permissions(&damaged, fs::Permissions::from_mode(0o755)).unwrap();
    fs::write(damaged.join("unexpected"), "x").unwrap();
    let record = |n: u8| store.home().join(format!("actions-v1/{}.json", Key::of(&[n])));
    let index = rusqlite::Connection::open(store.home().join("index-v2.sqlite")).unwrap();
    let key = |n: u8| Key::of(&[n]).as_bytes().to_vec();
    // As if all trees came from before a loss of power: each is hashed again.
    index.execute("UPDATE trees SET boot = 'earlier'", []).unwrap();
    // The second is known by its file alone, the third is damaged in both.
    index.execute("DELETE FROM actions WHERE key = ?1 OR key = ?2", (key(2), key(3))).unwrap();
    fs::write(record(3), "").unwrap();

    let store = Store::open(store.home()).unwrap();
    let keys: Vec<Key> = (1..=4).map(|n| Key::of(&[n])).collect();
    let found = store.find_actions(&keys).unwrap();
    assert_eq!(found, [Some(action(1)), Some(action(2)), None, None]);
    let each: Vec<_> = keys.iter().map(|key| store.action(key).unwrap()).collect();
    assert_eq!(found, each);
    let short = |action: Action| (action.output, action.bytes, action.files, action.max_rss);
    let outputs = store.find_outputs(&keys).unwrap().into_iter();
    let outputs: Vec<_> = outputs.map(|output| output.map(|o| (o.tree, o.bytes, o.files, o.max_rss))).collect();
    assert_eq!(outputs, found.into_iter().map(|action| action.map(short)).collect::<Vec<_>>());

    assert_eq!(store.has_trees(&trees), [true, false, false, false]);
    assert_eq!(trees.map(|tree| store.has_tree(&tree)), [true, false, false, false]);
    assert_eq!(store.has_trees(&[]), [false; 0]);
}
