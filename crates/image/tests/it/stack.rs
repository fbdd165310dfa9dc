//! Layers on top of each other, by their listings: what may hide what, and what is not in any of them.

use std::collections::BTreeMap;
use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use akbuild_image::{ImageError, Stack, overlay};
use akbuild_nar::{Entry, Kind, Listing};
use proptest::prelude::*;
use proptest::sample::{Index, select};
use tempfile::TempDir;

/// A listing from lines in any order: `d PATH`, `f PATH` and `x PATH` for files of one byte, `l TARGET PATH`.
fn listing(text: &str) -> Listing {
    let entry = |line: &str| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let file = |exec| Kind::File { exec, size: 1, digest: [0; 32] };
        let (kind, path) = match words[..] {
            ["d", path] => (Kind::Dir, path),
            ["f", path] => (file(false), path),
            ["x", path] => (file(true), path),
            ["l", target, path] => (Kind::Symlink { target: target.into() }, path),
            _ => panic!("{line}"),
        };
        Entry { path: path.into(), kind }
    };
    let mut entries: Vec<Entry> = text.lines().map(entry).collect();
    entries.sort_by(|a, b| a.path.cmp(&b.path));
    Listing { entries }
}

fn stack(layers: &[(&str, &str)]) -> Result<Stack, String> {
    let layers: Vec<_> = layers.iter().map(|(name, text)| ((*name).to_owned(), listing(text))).collect();
    overlay(&layers).map_err(|e| e.to_string())
}

const BASE: (&str, &str) = ("sysroot", "d etc\nf etc/hosts\nx etc/run\nl usr/bin bin");

#[test]
fn what_would_hide_something_is_refused() {
    let refused = |upper: &str| stack(&[BASE, ("glue", upper)]).unwrap_err();
    insta::assert_snapshot!(refused("d bin\nf bin/tool"), @"
    glue has a folder at `/bin`, where sysroot has a symbolic link
      help: write the path as it is below, without symbolic links, or leave one of the two out with `exclude`
    ");
    let first = |text: String| text.lines().next().unwrap().to_owned();
    let all = [
        first(refused("f etc")),
        first(refused("l /usr/etc etc")),
        first(refused("d etc\nd etc/hosts\nf etc/hosts/x")),
        // Only the highest may change a file, and it has to be the highest.
        first(stack(&[BASE, ("python", "d etc\nx etc/hosts"), ("glue", "d tmp")]).unwrap_err()),
        first(stack(&[BASE, ("python", "d etc\nl there etc/hosts"), ("glue", "d tmp")]).unwrap_err()),
        first(stack(&[BASE, ("python", "l usr/sbin bin"), ("glue", "d tmp")]).unwrap_err()),
        // What is named is who had it last.
        first(stack(&[BASE, ("python", "d opt\nf opt/a"), ("web", "d opt\nd opt/a"), ("glue", "")]).unwrap_err()),
    ];
    insta::assert_snapshot!(all.join("\n"), @"
    glue has a file at `/etc`, where sysroot has a folder
    glue has a symbolic link at `/etc`, where sysroot has a folder
    glue has a folder at `/etc/hosts`, where sysroot has a file
    python has a file at `/etc/hosts`, where sysroot has a file
    python has a symbolic link at `/etc/hosts`, where sysroot has a file
    python has a symbolic link at `/bin`, where sysroot has a symbolic link
    web has a folder at `/opt/a`, where python has a file
    ");
}

#[test]
fn what_hides_nothing_is_not() {
    let equal = "d etc\nf etc/hosts\nl usr/bin bin";
    assert_eq!(stack(&[BASE, ("python", equal), ("web", "d etc\nf etc/new"), ("glue", equal)]).unwrap().len(), 5);
    assert!(stack(&[BASE, ("glue", "d etc\nx etc/hosts\nf etc/run\nl usr/sbin bin")]).is_ok());
    assert!(stack(&[BASE, ("glue", "f bin\nd etc\nl hosts etc/run")]).is_ok());
    assert!(stack(&[]).unwrap().is_empty());
}

#[test]
fn what_the_image_lacks_of_a_tree() {
    let stack = stack(&[BASE, ("glue", "d etc\nx etc/hosts\nd opt\nl ../etc opt/etc\nd opt/d\nf opt/d/f")]).unwrap();
    let tree = tempfile::tempdir().unwrap();
    let lacks = |at: &str| stack.lacks(tree.path(), at).unwrap();
    assert_eq!(lacks("/nowhere"), None, "an empty tree lacks nothing");
    fs::write(tree.path().join("hosts"), "1").unwrap();
    assert_eq!(lacks("/etc"), Some("etc/hosts".into()), "it cannot be executed");
    fs::set_permissions(tree.path().join("hosts"), Permissions::from_mode(0o755)).unwrap();
    assert_eq!(lacks("/etc"), None);
    assert_eq!(lacks("etc/"), None);
    assert_eq!(lacks("/"), Some("hosts".into()));
    fs::write(tree.path().join("hosts"), "12").unwrap();
    assert_eq!(lacks("/etc"), Some("etc/hosts".into()), "it is longer");
    fs::remove_file(tree.path().join("hosts")).unwrap();
    symlink("../etc", tree.path().join("etc")).unwrap();
    fs::create_dir(tree.path().join("d")).unwrap();
    assert_eq!(lacks("/opt"), None);
    fs::write(tree.path().join("d/f"), "1").unwrap();
    assert_eq!(lacks("/opt"), None);
    fs::write(tree.path().join("d/g"), "1").unwrap();
    assert_eq!(lacks("/opt"), Some("opt/d/g".into()));
    fs::remove_file(tree.path().join("d/g")).unwrap();
    fs::remove_file(tree.path().join("etc")).unwrap();
    symlink("../other", tree.path().join("etc")).unwrap();
    assert_eq!(lacks("/opt"), Some("opt/etc".into()), "the link leads elsewhere");
    let error = stack.lacks(&tree.path().join("none"), "/").unwrap_err().to_string();
    insta::assert_snapshot!(error.replace(&tree.path().display().to_string(), "[DIR]"), @"cannot read `[DIR]/none`: No such file or directory (os error 2)");
}

/// A tree on the disk.
fn realise(files: &BTreeMap<String, Kind>) -> TempDir {
    let tree = tempfile::tempdir().unwrap();
    for (path, kind) in files {
        let place = tree.path().join(path);
        match kind {
            Kind::Dir => fs::create_dir(&place).unwrap(),
            Kind::Symlink { target } => symlink(target, &place).unwrap(),
            Kind::File { exec, size, .. } => {
                fs::write(&place, vec![0; usize::try_from(*size).unwrap()]).unwrap();
                fs::set_permissions(&place, Permissions::from_mode(if *exec { 0o755 } else { 0o644 })).unwrap();
            }
        }
    }
    tree
}

/// Makes another of what is there.
fn change(place: &Path, kind: &Kind) {
    match kind {
        Kind::Dir => fs::write(place.join("new"), "").unwrap(),
        Kind::Symlink { target } => {
            fs::remove_file(place).unwrap();
            symlink(format!("{}x", target.display()), place).unwrap();
        }
        Kind::File { exec, size, .. } if size % 2 == 0 => {
            fs::set_permissions(place, Permissions::from_mode(if *exec { 0o644 } else { 0o755 })).unwrap();
        }
        Kind::File { size, .. } => fs::write(place, vec![0; usize::try_from(*size).unwrap() + 1]).unwrap(),
    }
}

fn kind() -> impl Strategy<Value = Kind> {
    prop_oneof![
        Just(Kind::Dir),
        (any::<bool>(), 0..3u64).prop_map(|(exec, size)| Kind::File { exec, size, digest: [0; 32] }),
        select(vec!["a", "../b"]).prop_map(|target| Kind::Symlink { target: target.into() }),
    ]
}

type Layer = BTreeMap<String, Kind>;

/// Entries whose parents are folders.
fn layer() -> impl Strategy<Value = Layer> {
    let entry = (prop::collection::vec(select(vec!["a", "b", "a-b"]), 1..4), kind());
    prop::collection::vec(entry, 0..6).prop_map(|entries| {
        let mut layer = Layer::new();
        for (names, kind) in entries {
            let parents: Vec<String> = (1..names.len()).map(|length| names[..length].join("/")).collect();
            let folders = parents.iter().all(|parent| layer.get(parent).is_none_or(|kind| *kind == Kind::Dir));
            if folders && !layer.contains_key(&names.join("/")) {
                layer.extend(parents.into_iter().map(|parent| (parent, Kind::Dir)));
                layer.insert(names.join("/"), kind);
            }
        }
        layer
    })
}

/// What layers come to, and the first path where one hides what it may not.
fn model(layers: &[Layer]) -> Result<Layer, String> {
    let mut all = Layer::new();
    for (i, layer) in layers.iter().enumerate() {
        for (path, new) in layer {
            let highest = i + 1 == layers.len();
            match all.insert(path.clone(), new.clone()) {
                Some(old) if old == *new => {}
                Some(Kind::Dir) => return Err(path.clone()),
                Some(_) if *new == Kind::Dir || !highest => return Err(path.clone()),
                _ => {}
            }
        }
    }
    Ok(all)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn layers_come_to_what_the_model_says(layers in prop::collection::vec(layer(), 1..4), at: bool, changed: Index) {
        let listing = |layer: &Layer| Listing {
            entries: layer.iter().map(|(path, kind)| Entry { path: path.into(), kind: kind.clone() }).collect(),
        };
        let named: Vec<_> = layers.iter().enumerate().map(|(i, layer)| (i.to_string(), listing(layer))).collect();
        match (overlay(&named), model(&layers)) {
            (Ok(stack), Ok(all)) => {
                prop_assert_eq!(stack.len(), all.len());
                // All of it, or what is in one of its folders.
                let (tree, at) = (realise(&all), if at { "a" } else { "" });
                let (top, place) = if all.get(at) == Some(&Kind::Dir) { (tree.path().join(at), at) } else { (tree.path().to_owned(), "") };
                prop_assert_eq!(stack.lacks(&top, place).unwrap(), None);
                let below: Vec<_> = all.iter().filter(|(path, _)| path.starts_with(&format!("{place}/")) || place.is_empty()).collect();
                if !below.is_empty() {
                    let (path, kind) = *changed.get(&below);
                    change(&tree.path().join(path), kind);
                    let lacks = if *kind == Kind::Dir { format!("{path}/new") } else { path.clone() };
                    prop_assert_eq!(stack.lacks(&top, place).unwrap(), Some(lacks));
                }
            }
            (Err(ImageError::Hidden { path, .. }), Err(expected)) => prop_assert_eq!(path, expected),
            (found, expected) => prop_assert!(false, "{found:?} {expected:?}"),
        }
    }
}
