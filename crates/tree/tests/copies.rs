//! Copies of trees, folders of roots and files to go on with: what a link in them leads to is neither read nor written.
#![allow(clippy::disallowed_methods, reason = "tests make the trees that they look at")]

use std::fs;
use std::io::Write;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use akbuild_tree::{RootDir, TreeDir, TreeError, TreeFile};

struct Folders {
    top: tempfile::TempDir,
}

impl Folders {
    fn new() -> Self {
        let top = tempfile::tempdir().unwrap();
        fs::create_dir_all(top.path().join("tree/real/deep")).unwrap();
        fs::create_dir(top.path().join("host")).unwrap();
        fs::create_dir(top.path().join("copy")).unwrap();
        fs::write(top.path().join("host/secret"), "secret").unwrap();
        fs::write(top.path().join("tree/real/file"), "inside").unwrap();
        fs::set_permissions(top.path().join("tree/real/file"), fs::Permissions::from_mode(0o750)).unwrap();
        Self { top }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.top.path().join(name)
    }

    fn open(&self, name: &str) -> TreeDir {
        TreeDir::open(&self.path(name), format!("the folder `{name}`")).unwrap()
    }

    fn host_is_unchanged(&self) {
        let names: Vec<_> = fs::read_dir(self.path("host")).unwrap().map(|e| e.unwrap().file_name()).collect();
        assert_eq!(names, ["secret"]);
        assert_eq!(fs::read_to_string(self.path("host/secret")).unwrap(), "secret");
    }
}

#[test]
fn links_are_copied_as_links() {
    let folders = Folders::new();
    symlink(folders.path("host"), folders.path("tree/out")).unwrap();
    symlink(folders.path("host/secret"), folders.path("tree/real/secret")).unwrap();
    folders.open("tree").copy_all(&folders.open("copy"), &|path| path == Path::new("real/deep")).unwrap();
    assert_eq!(fs::read_link(folders.path("copy/out")).unwrap(), folders.path("host"));
    assert_eq!(fs::read_link(folders.path("copy/real/secret")).unwrap(), folders.path("host/secret"));
    assert_eq!(fs::read_to_string(folders.path("copy/real/file")).unwrap(), "inside");
    let mode = fs::metadata(folders.path("copy/real/file")).unwrap().permissions().mode() & 0o7777;
    assert_eq!(mode, 0o750);
    assert!(!folders.path("copy/real/deep").exists());
    folders.host_is_unchanged();
}

#[test]
fn a_copy_does_not_go_through_links_of_its_target() {
    let folders = Folders::new();
    symlink(folders.path("host"), folders.path("copy/real")).unwrap();
    let error = folders.open("tree").copy_all(&folders.open("copy"), &|_| false).unwrap_err();
    assert!(matches!(&error, TreeError::Link { link, .. } if link == Path::new("real")), "{error}");
    folders.host_is_unchanged();
}

#[test]
fn a_pipe_is_not_copied() {
    let folders = Folders::new();
    let pipe = folders.path("tree/pipe");
    rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, 0o644.into(), 0).unwrap();
    let error = folders.open("tree").copy_all(&folders.open("copy"), &|_| false).unwrap_err();
    insta::assert_snapshot!(error, @"`pipe` of the folder `tree` is a device, pipe or socket, expected a file, folder or symbolic link");
}

#[test]
fn folders_of_a_root_are_found_inside_it() {
    let folders = Folders::new();
    symlink("/real/deep", folders.path("tree/absolute")).unwrap();
    symlink("../../../host", folders.path("tree/out")).unwrap();
    let root = RootDir::open(&folders.path("tree"), "the image").unwrap();
    assert_eq!(root.folder("absolute/..").unwrap().1, Path::new("/real"));
    assert_eq!(root.folder("").unwrap().1, Path::new("/"));
    assert!(root.folder("out").unwrap_err().is_not_found());
    let real = root.open_dir("/absolute/..").unwrap();
    assert_eq!(real.read("file").unwrap(), b"inside");
    symlink(folders.path("host"), folders.path("tree/real/host")).unwrap();
    assert!(matches!(real.read("host/secret"), Err(TreeError::Link { .. })));
}

#[test]
fn a_file_that_is_gone_on_with_is_neither_a_link_nor_another_file() {
    let folders = Folders::new();
    let tree = folders.open("tree");
    let append = |name: &str, text: &str| tree.append_file(name).unwrap().write_all(text.as_bytes()).unwrap();
    symlink(folders.path("host/secret"), folders.path("tree/soft")).unwrap();
    symlink(folders.path("host/new"), folders.path("tree/dangling")).unwrap();
    fs::hard_link(folders.path("host/secret"), folders.path("tree/hard")).unwrap();
    for name in ["soft", "dangling", "hard", "new"] {
        append(name, "on");
        append(name, "e");
        assert_eq!(fs::read_to_string(folders.path("tree").join(name)).unwrap(), "one", "{name}");
        assert!(fs::symlink_metadata(folders.path("tree").join(name)).unwrap().is_file());
    }
    folders.host_is_unchanged();
    tree.remove_dir("real/deep").unwrap();
    symlink(folders.path("host"), folders.path("tree/out")).unwrap();
    assert!(matches!(tree.remove_dir("out/x"), Err(TreeError::Link { .. })));
    assert!(matches!(tree.append_file("out/x"), Err(TreeError::Link { .. })));
    folders.host_is_unchanged();
}

#[test]
fn a_file_of_a_tree_is_opened_later() {
    let folders = Folders::new();
    let file = TreeFile::new(&Arc::new(folders.open("tree")), "real/file");
    assert!(file.open().is_ok());
    fs::remove_file(folders.path("tree/real/file")).unwrap();
    symlink(folders.path("host/secret"), folders.path("tree/real/file")).unwrap();
    assert!(matches!(file.open(), Err(TreeError::Link { .. })));
    assert_eq!(file.to_string(), "`real/file` of the folder `tree`");
    assert_eq!(file.shown_path(), folders.path("tree/real/file"));
}
