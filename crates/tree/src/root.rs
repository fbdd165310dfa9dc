//! A tree as the root of a file system: links are followed inside it. For reading only.

use std::ffi::OsString;
use std::fs::File;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, OFlags, readlinkat};
use rustix::io::Errno;

use crate::chain::{Chain, LinkPolicy};
use crate::tree::read_file;
use crate::{EntryKind, TreeDir, TreeError};

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

    /// Opens the folder that `path` leads to, for system calls that take a descriptor (`O_PATH`), and tells where it
    /// really is: an absolute path inside the root in which no part is a link.
    pub fn folder(&self, path: impl AsRef<Path>) -> Result<(OwnedFd, PathBuf), TreeError> {
        let path = path.as_ref();
        let folder = self.0.open_at(path, OFlags::PATH | OFlags::DIRECTORY, "open the folder")?;
        let real = self.real(path, folder.as_fd())?;
        Ok((folder, real))
    }

    /// Opens the folder that `path` leads to as a tree in which no link is followed.
    pub fn open_dir(&self, path: impl AsRef<Path>) -> Result<TreeDir, TreeError> {
        let path = path.as_ref();
        let top = self.0.folder(path)?;
        let real = self.real(path, top.as_fd())?;
        let chain = Chain { top, name: self.0.name.clone(), links: LinkPolicy::Refuse };
        Ok(TreeDir::of(chain, real))
    }

    fn real(&self, path: &Path, folder: BorrowedFd<'_>) -> Result<PathBuf, TreeError> {
        let of = |fd: BorrowedFd<'_>| {
            let link = format!("/proc/self/fd/{}", fd.as_raw_fd());
            let target = readlinkat(CWD, link, Vec::new()).map_err(|e| self.0.refused(path, e, "look at"))?;
            Ok(PathBuf::from(OsString::from_vec(target.into_bytes())))
        };
        let (top, real) = (of(self.0.top.as_fd())?, of(folder)?);
        let inside = real.strip_prefix(&top).map_err(|_| self.0.refused(path, Errno::XDEV, "look at"))?;
        Ok(Path::new("/").join(inside))
    }
}
