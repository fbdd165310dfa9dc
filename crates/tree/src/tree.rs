//! A tree in which no link is followed: reading. Writing is in `write.rs`.

use std::ffi::OsString;
use std::fs::File;
use std::io::Read;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::{Path, PathBuf};

use crate::chain::{Chain, LinkPolicy};
use crate::{EntryKind, TreeError};

/// An open folder, below which every symbolic link on the way to an entry is an error.
///
/// Paths are relative to it and must not contain `..`; the empty path is the folder itself.
#[derive(Debug)]
pub struct TreeDir {
    pub(crate) chain: Chain,
    path: PathBuf,
}

impl TreeDir {
    /// Opens the tree whose top is the folder at `path`. `name` says in messages which tree it is, as in
    /// "the output of stage `web`".
    ///
    /// # Errors
    /// [`TreeError::Link`] if `path` itself is a symbolic link, [`TreeError::Io`] if it is not a folder.
    pub fn open(path: &Path, name: impl Into<String>) -> Result<Self, TreeError> {
        Ok(Self { chain: Chain::open(path, name.into(), LinkPolicy::Refuse)?, path: path.to_owned() })
    }

    /// Opens a folder inside this tree as a tree of its own.
    pub fn open_dir(&self, path: impl AsRef<Path>) -> Result<Self, TreeError> {
        let path = path.as_ref();
        let top = self.chain.folder(path)?;
        let chain = Chain { top, name: self.chain.name.clone(), links: LinkPolicy::Refuse };
        Ok(Self { chain, path: self.path.join(path) })
    }

    /// The name of the tree in messages.
    pub fn name(&self) -> &str {
        &self.chain.name
    }

    /// The path of the top, as it was opened: for messages and for mounts of the whole tree.
    pub fn top(&self) -> &Path {
        &self.path
    }

    /// The entry at `path`; `None` if nothing is there. A link at `path` itself is returned, not followed.
    pub fn entry(&self, path: impl AsRef<Path>) -> Result<Option<EntryKind>, TreeError> {
        self.chain.kind(path.as_ref())
    }

    /// The metadata of the entry at `path`, not followed if it is itself a link; `None` if nothing is there.
    pub fn stat(&self, path: impl AsRef<Path>) -> Result<Option<rustix::fs::Stat>, TreeError> {
        self.chain.stat(path.as_ref())
    }

    /// The entry at `path`, which must not be a link; `None` if nothing is there.
    ///
    /// # Errors
    /// [`TreeError::Link`] if `path` is a link, like for a link on the way.
    pub fn real_entry(&self, path: impl AsRef<Path>) -> Result<Option<EntryKind>, TreeError> {
        let path = path.as_ref();
        match self.entry(path)? {
            Some(EntryKind::Link(target)) => {
                let (tree, path) = (self.chain.name.clone(), path.to_owned());
                Err(TreeError::Link { tree, link: path.clone(), path, target })
            }
            other => Ok(other),
        }
    }

    /// Opens a regular file for reading.
    pub fn file(&self, path: impl AsRef<Path>) -> Result<File, TreeError> {
        self.chain.file(path.as_ref()).map(|(file, _)| file)
    }

    /// Reads a regular file.
    pub fn read(&self, path: impl AsRef<Path>) -> Result<Vec<u8>, TreeError> {
        self.read_at_most(path, u64::MAX)
    }

    /// Reads a regular file of at most `limit` bytes.
    pub fn read_at_most(&self, path: impl AsRef<Path>, limit: u64) -> Result<Vec<u8>, TreeError> {
        let path = path.as_ref();
        let (file, size) = self.chain.file(path)?;
        read_file(&self.chain.name, path, file, size, limit)
    }

    /// Reads a regular file as UTF-8.
    pub fn read_to_string(&self, path: impl AsRef<Path>) -> Result<String, TreeError> {
        let path = path.as_ref();
        String::from_utf8(self.read(path)?).map_err(|_| TreeError::Io {
            action: "read",
            tree: self.chain.name.clone(),
            path: path.to_owned(),
            source: std::io::Error::new(std::io::ErrorKind::InvalidData, "the file is not valid UTF-8"),
        })
    }

    /// The names of the folders in a folder, sorted by bytes; cheaper than [`TreeDir::entries`].
    pub fn folders(&self, path: impl AsRef<Path>) -> Result<Vec<OsString>, TreeError> {
        self.chain.folders(path.as_ref())
    }

    /// Whether nothing is in a folder.
    pub fn is_empty(&self, path: impl AsRef<Path>) -> Result<bool, TreeError> {
        self.chain.names(path.as_ref()).map(|names| names.is_empty())
    }

    /// The names and kinds in a folder, sorted by bytes.
    pub fn entries(&self, path: impl AsRef<Path>) -> Result<Vec<(OsString, EntryKind)>, TreeError> {
        self.chain.entries(path.as_ref())
    }
}

impl AsFd for TreeDir {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.chain.top.as_fd()
    }
}

/// Reads an open file whose size is known, and no more than `limit` bytes whatever happens to it meanwhile.
pub(crate) fn read_file(name: &str, path: &Path, file: File, size: u64, limit: u64) -> Result<Vec<u8>, TreeError> {
    let too_long = |size| TreeError::TooLong { tree: name.to_owned(), path: path.to_owned(), size, limit };
    if size > limit {
        return Err(too_long(size));
    }
    let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or(0));
    let read = file.take(limit.saturating_add(1)).read_to_end(&mut bytes);
    read.map_err(|source| TreeError::Io { action: "read", tree: name.to_owned(), path: path.to_owned(), source })?;
    if bytes.len() as u64 > limit {
        return Err(too_long(bytes.len() as u64));
    }
    Ok(bytes)
}

impl TreeDir {
    /// A tree whose top is open already; `path` is where it is, for messages.
    pub(crate) fn of(chain: Chain, path: PathBuf) -> Self {
        Self { chain, path }
    }
}
