//! A folder to unpack into, inside of one that must not change. Knows what lies there; nothing of formats.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

const WITNESS: &[u8] = b"nobody may change this";

/// `witness`, `bait/kept`, `input` and `in/`, in which `tree` may be made.
pub(crate) struct Fence {
    outer: TempDir,
}

impl Fence {
    /// Makes the folders; `input` has these bytes.
    pub(crate) fn new(input: &[u8]) -> Self {
        let outer = tempfile::tempdir().expect("a temporary folder");
        fs::write(outer.path().join("witness"), WITNESS).expect("the witness is written");
        fs::write(outer.path().join("input"), input).expect("the input is written");
        for folder in ["in", "bait"] {
            fs::create_dir(outer.path().join(folder)).expect("a folder");
        }
        fs::write(outer.path().join("bait/kept"), WITNESS).expect("the bait is written");
        Self { outer }
    }

    /// The outer folder: where a bad archive would like to write.
    pub(crate) fn outer(&self) -> &Path {
        self.outer.path()
    }

    /// The file with the input.
    pub(crate) fn input(&self) -> PathBuf {
        self.outer.path().join("input")
    }

    /// Writes the input anew.
    pub(crate) fn set_input(&self, input: &[u8]) {
        fs::write(self.input(), input).expect("the input is written");
    }

    /// Where something may be unpacked; not there yet.
    pub(crate) fn tree(&self) -> PathBuf {
        self.outer.path().join("in/tree")
    }

    /// Panics if anything but the tree is new or changed.
    pub(crate) fn check(&self, input: &[u8]) {
        let names = |folder: &Path| {
            let entries = fs::read_dir(folder).expect("the folder is still there");
            let mut names: Vec<_> = entries.map(|entry| entry.expect("an entry").file_name()).collect();
            names.sort();
            names
        };
        assert_eq!(names(self.outer.path()), ["bait", "in", "input", "witness"], "something was written outside");
        assert_eq!(names(&self.outer.path().join("bait")), ["kept"], "a folder outside was changed");
        let inside = names(&self.outer.path().join("in"));
        assert!(inside.iter().all(|name| name == "tree"), "something was written beside the tree: {inside:?}");
        let witness = self.outer.path().join("witness");
        assert_eq!(fs::read(&witness).expect("the witness is there"), WITNESS, "a file outside was changed");
        assert_eq!(fs::metadata(&witness).expect("the witness is there").nlink(), 1, "a file outside was linked");
        assert!(fs::read(self.input()).expect("the input is there") == input, "the input was changed");
    }

    /// Panics if a symbolic link of the tree leads to something outside of it.
    pub(crate) fn check_links(&self) {
        let root = self.tree().canonicalize().expect("the tree is there");
        let mut folders = vec![self.tree()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(&folder).expect("a folder of the tree") {
                let path = entry.expect("an entry").path();
                let kind = path.symlink_metadata().expect("an entry").file_type();
                if kind.is_dir() {
                    folders.push(path);
                } else if kind.is_symlink() {
                    let real = path.canonicalize().unwrap_or(root.clone());
                    assert!(real.starts_with(&root), "{} leads out, to {}", path.display(), real.display());
                }
            }
        }
    }
}
