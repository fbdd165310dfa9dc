//! A file of a tree by its path, for those who open it later. Knows nothing of its contents.

use std::fmt;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::{TreeDir, TreeError};

/// A regular file of a tree: the open tree, and the path of the file below its top.
#[derive(Clone, Debug)]
pub struct TreeFile {
    tree: Arc<TreeDir>,
    path: PathBuf,
}

impl TreeFile {
    /// The file at `path`, which is looked at only when it is opened.
    pub fn new(tree: &Arc<TreeDir>, path: impl Into<PathBuf>) -> Self {
        Self { tree: Arc::clone(tree), path: path.into() }
    }

    /// Opens the file for reading.
    pub fn open(&self) -> Result<File, TreeError> {
        self.tree.file(&self.path)
    }

    /// Where the file is on this machine, for messages only.
    pub fn shown_path(&self) -> PathBuf {
        self.tree.top().join(&self.path)
    }

    /// The path below the top.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// Two that are the same path of the same open tree.
impl PartialEq for TreeFile {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.tree, &other.tree) && self.path == other.path
    }
}

impl Eq for TreeFile {}

impl fmt::Display for TreeFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` of {}", self.path.display(), self.tree.name())
    }
}
