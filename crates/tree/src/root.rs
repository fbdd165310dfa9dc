//! A tree as the root of a file system: links are followed inside it. For reading only.

use std::ffi::OsString;
use std::fs::File;
use std::path::Path;

use crate::chain::{Chain, LinkPolicy};
use crate::tree::read_file;
use crate::{EntryKind, TreeError};

/// An open folder that is `/` for the paths and links below it, as a container sees it.
///
/// Neither `..` nor an absolute link leads out of it. Paths may begin with `/`.
#[derive(Debug)]
pub struct RootDir(Chain);

impl RootDir {
    /// Opens the root file system whose top is the folder at `path`. `name` says in messages which one it is.
    ///
    /// # Errors
    /// [`TreeError::Link`] if `path` itself is a symbolic link, [`TreeError::Io`] if it is not a folder.
    pub fn open(path: &Path, name: impl Into<String>) -> Result<Self, TreeError> {
        Chain::open(path, name.into(), LinkPolicy::InRoot).map(Self)
    }

    /// The entry at `path`, with links on the way followed; a link at `path` itself is returned. `None` if nothing is
    /// there.
    pub fn entry(&self, path: impl AsRef<Path>) -> Result<Option<EntryKind>, TreeError> {
        self.0.kind(path.as_ref())
    }

    /// Opens the regular file that `path` leads to.
    pub fn file(&self, path: impl AsRef<Path>) -> Result<File, TreeError> {
        self.0.file(path.as_ref()).map(|(file, _)| file)
    }

    /// Reads the regular file that `path` leads to, of at most `limit` bytes.
    pub fn read_at_most(&self, path: impl AsRef<Path>, limit: u64) -> Result<Vec<u8>, TreeError> {
        let path = path.as_ref();
        let (file, size) = self.0.file(path)?;
        read_file(&self.0.name, path, file, size, limit)
    }

    /// Whether `path` leads to a regular file.
    pub fn is_file(&self, path: impl AsRef<Path>) -> bool {
        self.0.file(path.as_ref()).is_ok()
    }

    /// The names and kinds in the folder that `path` leads to, sorted by bytes.
    pub fn entries(&self, path: impl AsRef<Path>) -> Result<Vec<(OsString, EntryKind)>, TreeError> {
        self.0.entries(path.as_ref())
    }
}
