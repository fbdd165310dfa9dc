//! Trees that a hostile stage could leave: no operation reads or changes anything outside, and refusals name the link.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use akbuild_tree::{EntryKind, RootDir, TreeDir, TreeError};

struct World {
    top: tempfile::TempDir,
}

impl World {
    fn new() -> Self {
        let top = tempfile::tempdir().unwrap();
        fs::create_dir_all(top.path().join("tree/real/deep")).unwrap();
        fs::create_dir(top.path().join("host")).unwrap();
        fs::write(top.path().join("host/secret"), "secret").unwrap();
        fs::write(top.path().join("tree/real/file"), "inside").unwrap();
        Self { top }
    }

    fn link(&self, target: impl AsRef<Path>, at: &str) {
        symlink(target, self.top.path().join("tree").join(at)).unwrap();
    }

    fn tree(&self) -> TreeDir {
        TreeDir::open(&self.top.path().join("tree"), "the output of stage `gen`").unwrap()
    }

    fn host(&self) -> std::path::PathBuf {
        self.top.path().join("host")
    }

    fn message<T: std::fmt::Debug>(&self, result: Result<T, TreeError>) -> String {
        result.unwrap_err().to_string().replace(&self.top.path().display().to_string(), "TOP")
    }

    fn host_is_unchanged(&self) {
        let names: Vec<_> = fs::read_dir(self.host()).unwrap().map(|e| e.unwrap().file_name()).collect();
        assert_eq!(names, ["secret"]);
        assert_eq!(fs::read_to_string(self.host().join("secret")).unwrap(), "secret");
    }
}

#[test]
fn every_way_out_is_refused_and_named() {
    let world = World::new();
    world.link(world.host(), "absolute");
    world.link("../host", "relative");
    world.link("real/../../host", "around");
    world.link("/proc/self/root", "magic");
    let tree = world.tree();
    for link in ["absolute", "relative", "around", "magic"] {
        for path in [format!("{link}/secret"), format!("{link}/new/folder"), format!("{link}/.")] {
            let is_link = |result: Result<(), TreeError>| {
                assert!(
                    matches!(&result, Err(TreeError::Link { link: named, .. }) if named == Path::new(link)),
                    "{path}: {result:?}"
                );
            };
            is_link(tree.read(&path).map(drop));
            is_link(tree.file(&path).map(drop));
            is_link(tree.entry(&path).map(drop));
            is_link(tree.entries(&path).map(drop));
            is_link(tree.open_dir(&path).map(drop));
            is_link(tree.create_dir_all(&path));
            is_link(tree.create_mount_point(&path));
            // `Path` drops a trailing `.`: there, the link itself is what is replaced.
            if !path.ends_with('.') {
                is_link(tree.write(&path, b"changed", 0o644));
                is_link(tree.create_file(&path, 0o644).map(drop));
                is_link(tree.create_link(&path, Path::new("x")));
                is_link(tree.remove_file(&path));
                is_link(tree.rename("real/file", &path));
            }
            is_link(tree.set_mode(&path, 0o777));
        }
        assert!(matches!(tree.entry(link).unwrap(), Some(EntryKind::Link(_))));
        assert!(matches!(tree.real_entry(link), Err(TreeError::Link { .. })));
    }
    world.host_is_unchanged();
    insta::assert_snapshot!(world.message(tree.read("absolute/secret")), @"
    `absolute/secret` of the output of stage `gen` leads through the symbolic link `absolute` to `TOP/host`
      help: name a path without symbolic links, or have a real file or folder made there
    ");
    insta::assert_snapshot!(world.message(tree.real_entry("relative")), @"
    `relative` of the output of stage `gen` is a symbolic link to `../host`
      help: name a path without symbolic links, or have a real file or folder made there
    ");
}

#[test]
fn a_link_that_stays_inside_is_refused_too() {
    let world = World::new();
    world.link("real", "current");
    insta::assert_snapshot!(world.message(world.tree().read("current/file")), @"
    `current/file` of the output of stage `gen` leads through the symbolic link `current` to `real`
      help: name a path without symbolic links, or have a real file or folder made there
    ");
}

#[test]
fn paths_that_are_not_inside_are_refused() {
    let world = World::new();
    for path in ["../host/secret", "/etc/passwd", "real/../../host/secret"] {
        assert!(matches!(world.tree().read(path), Err(TreeError::Outside { .. })), "{path}");
        assert!(matches!(world.tree().write(path, b"x", 0o644), Err(TreeError::Outside { .. })), "{path}");
    }
    insta::assert_snapshot!(world.message(world.tree().read("../host/secret")), @"
    `../host/secret` is not a path inside the output of stage `gen`
      help: write a relative path without `..`
    ");
    world.host_is_unchanged();
}

#[test]
fn a_top_that_is_a_link_is_refused() {
    let world = World::new();
    world.link(world.host(), "top");
    insta::assert_snapshot!(world.message(TreeDir::open(&world.top.path().join("tree/top"), "the bucket").map(drop)), @"
    `TOP/tree/top` of the bucket is a symbolic link to `TOP/host`
      help: name a path without symbolic links, or have a real file or folder made there
    ");
}

#[test]
fn a_file_that_is_replaced_keeps_its_other_names() {
    let world = World::new();
    let inside = world.top.path().join("tree/real");
    fs::hard_link(world.host().join("secret"), inside.join("hard")).unwrap();
    world.link(world.host().join("secret"), "real/soft");
    for name in ["hard", "soft", "file"] {
        world.tree().write(format!("real/{name}"), b"new", 0o755).unwrap();
        assert_eq!(world.tree().read(format!("real/{name}")).unwrap(), b"new");
        assert_eq!(
            world.tree().entry(format!("real/{name}")).unwrap(),
            Some(EntryKind::File { executable: true, size: 3 })
        );
    }
    world.host_is_unchanged();
}

#[test]
fn pipes_and_devices_are_neither_opened_nor_waited_for() {
    let world = World::new();
    let pipe = world.top.path().join("tree/pipe");
    rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, 0o644.into(), 0).unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(world.top.path().join("tree/socket")).unwrap();
    insta::assert_snapshot!(world.message(world.tree().read("pipe")), @"`pipe` of the output of stage `gen` is a device, pipe or socket, expected a file");
    assert!(world.tree().file("socket").is_err());
    assert_eq!(world.tree().entry("pipe").unwrap(), Some(EntryKind::Special));
    insta::assert_snapshot!(world.message(world.tree().create_mount_point("pipe")), @"`pipe` of the output of stage `gen` is a device, pipe or socket, expected a file");
}

#[test]
fn a_file_is_read_up_to_a_limit() {
    let world = World::new();
    assert_eq!(world.tree().read_at_most("real/file", 6).unwrap(), b"inside");
    insta::assert_snapshot!(world.message(world.tree().read_at_most("real/file", 5)), @"`real/file` of the output of stage `gen` has 6 bytes, at most 5 are read");
}

#[test]
fn links_in_a_root_lead_where_a_container_sees_them() {
    let world = World::new();
    world.link("/real/file", "absolute");
    world.link("../../../../real/file", "climbing");
    world.link(world.host(), "host");
    let root = RootDir::open(&world.top.path().join("tree"), "sysroot `build`").unwrap();
    for path in ["/absolute", "climbing", "/../../real/file"] {
        assert_eq!(root.read_at_most(path, 100).unwrap(), b"inside", "{path}");
    }
    assert!(root.read_at_most("host/secret", 100).unwrap_err().is_not_found());
    assert!(!root.is_file(world.host().join("secret")));
    assert_eq!(root.entries("/real").unwrap().len(), 2);
}

#[test]
fn giving_a_tree_away_leaves_targets_of_links_alone() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    use std::os::unix::fs::MetadataExt;
    let world = World::new();
    world.link(world.host(), "real/out");
    world.link(world.host().join("secret"), "real/deep/file");
    world.tree().give_to((12345, 12346)).unwrap();
    let owner = |path: &str| {
        let meta = fs::symlink_metadata(world.top.path().join(path)).unwrap();
        (meta.uid(), meta.gid())
    };
    for path in ["tree", "tree/real/deep", "tree/real/file", "tree/real/out", "tree/real/deep/file"] {
        assert_eq!(owner(path), (12345, 12346), "{path}");
    }
    assert_eq!((owner("host"), owner("host/secret")), ((0, 0), (0, 0)));
}

/// Random trees full of links, and random paths into them: what is read is never the secret, and nothing outside
/// changes.
mod random {
    use proptest::prelude::*;

    use super::*;

    fn name() -> impl Strategy<Value = &'static str> {
        prop::sample::select(vec!["a", "b", "c", "secret"])
    }

    fn path() -> impl Strategy<Value = String> {
        prop::collection::vec(
            prop_oneof![4 => name().prop_map(str::to_owned), 1 => Just("..".to_owned()), 1 => Just(".".to_owned())],
            1..5,
        )
        .prop_map(|parts| parts.join("/"))
    }

    fn target() -> impl Strategy<Value = String> {
        prop_oneof![
            path(),
            path().prop_map(|p| format!("HOST/{p}")),
            Just("HOST".to_owned()),
            Just("HOST/secret".to_owned()),
            Just("../host".to_owned()),
            Just("../../host/secret".to_owned()),
            Just("/proc/self/cwd".to_owned()),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]
        #[test]
        fn nothing_leads_out(
            entries in prop::collection::vec((path(), prop::option::weighted(0.6, target())), 0..12),
            paths in prop::collection::vec(path(), 1..12),
        ) {
            let world = World::new();
            let tree = world.tree();
            let host = world.host().display().to_string();
            for (path, target) in &entries {
                let _ = match target {
                    Some(target) => tree.create_link(path, Path::new(&target.replace("HOST", &host))),
                    None => tree.create_dir_all(path),
                };
            }
            let root = RootDir::open(tree.top(), "root").unwrap();
            for path in &paths {
                let seen = [tree.read(path).ok(), root.read_at_most(path, 1000).ok()];
                prop_assert!(seen.iter().flatten().all(|bytes| bytes != b"secret"), "{} was read", path);
                let _ = tree.set_mode(path, 0o700);
                let _ = tree.create_mount_point(path);
                let _ = tree.write(path, b"changed", 0o644);
                let _ = tree.create_dir_all(path);
                let _ = tree.rename("real/file", path);
                let _ = tree.remove_file(path);
            }
            world.host_is_unchanged();
        }
    }
}
