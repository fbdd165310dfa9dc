//! Layers on top of each other, by their listings: what may hide what, and what is not in any of them.

use std::collections::BTreeMap;

use akbuild_image::{ImageError, overlay};
use akbuild_nar::{Entry, Kind, Listing};
use proptest::prelude::*;
use proptest::sample::{Index, select};

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

fn layers(layers: &[(&str, &str)]) -> Vec<(String, Listing)> {
    layers.iter().map(|(name, text)| ((*name).to_owned(), listing(text))).collect()
}

/// How many paths layers come to.
fn stack(all: &[(&str, &str)]) -> Result<usize, String> {
    overlay(&layers(all)).map(|stack| stack.len()).map_err(|e| e.to_string())
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
    assert_eq!(stack(&[BASE, ("python", equal), ("web", "d etc\nf etc/new"), ("glue", equal)]), Ok(5));
    assert!(stack(&[BASE, ("glue", "d etc\nx etc/hosts\nf etc/run\nl usr/sbin bin")]).is_ok());
    assert!(stack(&[BASE, ("glue", "f bin\nd etc\nl hosts etc/run")]).is_ok());
    assert!(overlay(&[]).unwrap().is_empty());
}

#[test]
fn what_the_image_lacks_of_a_tree() {
    let layers = layers(&[BASE, ("glue", "d etc\nx etc/hosts\nd opt\nl ../etc opt/etc\nd opt/d\nf opt/d/f")]);
    let stack = overlay(&layers).unwrap();
    let lacks = |tree: &str, at: &str| stack.lacks(&listing(tree), at).unwrap_or_default();
    assert_eq!(lacks("", "/nowhere"), "", "an empty tree lacks nothing");
    assert_eq!(lacks("f run", "/etc"), "etc/run", "it cannot be executed");
    assert_eq!(lacks("x run", "/etc"), "");
    assert_eq!(lacks("f hosts", "/etc"), "", "the highest layer has changed it");
    assert_eq!(lacks("x run", "etc/"), "");
    assert_eq!(lacks("x hosts", "/"), "hosts");
    assert_eq!(lacks("d d\nl ../etc etc", "/opt"), "");
    assert_eq!(lacks("d d\nf d/f", "/opt"), "");
    assert_eq!(lacks("d d\nf d/f\nf d/g\nl ../other etc", "/opt"), "opt/d/g");
    assert_eq!(lacks("d d\nf d/f\nl ../other etc", "/opt"), "opt/etc", "the link leads elsewhere");
    // Trees as they are stored have an entry for the whole.
    let whole = |kind| Listing { entries: vec![Entry { path: "".into(), kind }] };
    assert_eq!(stack.lacks(&whole(Kind::Dir), "/nowhere"), None);
    let file = |size, byte| whole(Kind::File { exec: true, size, digest: [byte; 32] });
    assert_eq!(stack.lacks(&file(1, 0), "/etc/run"), None);
    for other in [file(2, 0), file(1, 1)] {
        assert_eq!(stack.lacks(&other, "/etc/run"), Some("etc/run".into()), "it has other bytes");
    }
}

/// Another one.
fn other(kind: &Kind) -> Kind {
    match kind {
        Kind::Dir => Kind::Symlink { target: "a".into() },
        Kind::Symlink { target } => Kind::Symlink { target: format!("{}x", target.display()).into() },
        Kind::File { exec, size, digest } if size % 2 == 0 => Kind::File { exec: !exec, size: *size, digest: *digest },
        Kind::File { exec, size, .. } => Kind::File { exec: *exec, size: *size, digest: [1; 32] },
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
    #![proptest_config(ProptestConfig::with_cases(1000))]

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
                let at = if at && all.get("a") == Some(&Kind::Dir) { "a" } else { "" };
                let below = |path: &str| if at.is_empty() { Some(path.to_owned()) } else { path.strip_prefix("a/").map(str::to_owned) };
                let mut tree: Layer = all.iter().filter_map(|(path, kind)| Some((below(path)?, kind.clone()))).collect();
                prop_assert_eq!(stack.lacks(&listing(&tree), at), None);
                let whole = |path: &str| if at.is_empty() { path.to_owned() } else { format!("a/{path}") };
                // What the highest layer has changed is another one already.
                let is_changed = |path: &str| {
                    let mut kinds = layers.iter().filter_map(|layer| layer.get(path));
                    let first = kinds.next();
                    kinds.any(|kind| Some(kind) != first)
                };
                let (changed_there, paths): (Vec<String>, Vec<String>) = tree.keys().cloned().partition(|path| is_changed(&whole(path)));
                for path in changed_there {
                    tree.insert(path.clone(), other(&tree[&path]));
                }
                prop_assert_eq!(stack.lacks(&listing(&tree), at), None);
                if !paths.is_empty() {
                    let path = changed.get(&paths);
                    tree.insert(path.clone(), other(&tree[path]));
                    prop_assert_eq!(stack.lacks(&listing(&tree), at), Some(whole(path)));
                }
            }
            (Err(ImageError::Hidden { path, .. }), Err(expected)) => prop_assert_eq!(path, expected),
            (found, expected) => prop_assert!(false, "{found:?} {expected:?}"),
        }
    }
}
