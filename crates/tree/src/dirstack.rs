//! The way down into a tree, as descriptors of its folders. Nothing is ever opened by absolute
//! path, and a tree may be deeper than a process may have files open or a path may be long.
//!
//! Knows folders; not what is done with the things in them.

use std::ffi::{CString, OsStr, OsString};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{FileType, Mode, OFlags, RawDir, fstat, openat};
use rustix::io::{Errno, Result};

/// So many of the deepest folders are kept open; the others are opened again on the way up.
const OPEN: usize = 96;

/// How a folder is opened: never through a symbolic link.
pub const DIR_FLAGS: OFlags =
    OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC).union(OFlags::NONBLOCK);

/// A name in a folder, with its type if the file system says it ([`FileType::Unknown`] otherwise).
pub type Name = (CString, FileType);

/// A stack of folders, each inside the one below it.
#[derive(Debug)]
pub struct DirStack {
    levels: Vec<Level>,
}

#[derive(Debug)]
struct Level {
    name: OsString,
    fd: Option<OwnedFd>,
    /// Device and inode: known again after the way down.
    id: (u64, u64),
}

impl DirStack {
    /// A stack with the root folder on it, which is called `path` in messages.
    pub fn new(root: OwnedFd, path: &Path) -> Result<Self> {
        let mut stack = Self { levels: Vec::new() };
        stack.push(root, path.as_os_str())?;
        Ok(stack)
    }

    /// Goes down into a folder, opened from [`DirStack::fd`].
    pub fn push(&mut self, fd: OwnedFd, name: &OsStr) -> Result<()> {
        let id = identity(fd.as_fd())?;
        self.levels.push(Level { name: name.to_owned(), fd: Some(fd), id });
        if let Some(above) = self.levels.len().checked_sub(OPEN + 1) {
            self.levels[above].fd = None;
        }
        Ok(())
    }

    /// Goes up; gives the name of the folder that was left, or `None` if it was the root.
    /// `ESTALE` if a folder was moved meanwhile.
    pub fn pop(&mut self) -> Result<Option<OsString>> {
        let Some(left) = self.levels.pop() else { return Ok(None) };
        let Some(up) = self.levels.last_mut() else { return Ok(None) };
        if up.fd.is_none() {
            let child = left.fd.ok_or(Errno::BADF)?;
            let fd = openat(&child, "..", DIR_FLAGS, Mode::empty())?;
            if identity(fd.as_fd())? != up.id {
                return Err(Errno::STALE);
            }
            up.fd = Some(fd);
        }
        Ok(Some(left.name))
    }

    /// How many folders are on the stack.
    pub fn depth(&self) -> usize {
        self.levels.len()
    }

    /// The deepest folder.
    ///
    /// # Panics
    /// After the root was popped.
    pub fn fd(&self) -> BorrowedFd<'_> {
        self.levels.last().and_then(|l| l.fd.as_ref()).expect("the deepest folder is open").as_fd()
    }

    /// The path of a thing in the deepest folder, the root's included: for messages.
    pub fn path(&self, name: &OsStr) -> PathBuf {
        let mut path: PathBuf = self.levels.iter().map(|l| &l.name).collect();
        if !name.is_empty() {
            path.push(name);
        }
        path
    }

    /// The path of a thing in the deepest folder, relative to the root.
    pub fn relative(&self, name: &OsStr) -> PathBuf {
        self.levels.iter().skip(1).map(|l| l.name.as_os_str()).chain((!name.is_empty()).then_some(name)).collect()
    }
}

fn identity(fd: BorrowedFd<'_>) -> Result<(u64, u64)> {
    let stat = fstat(fd)?;
    Ok((stat.st_dev, stat.st_ino))
}

/// The names in a folder, sorted by bytes, last first, so that `pop` gives them in order. `buffer`
/// is what the kernel fills: some 64 kB.
pub fn list(fd: BorrowedFd<'_>, buffer: &mut [MaybeUninit<u8>]) -> rustix::io::Result<Vec<Name>> {
    let mut names = Vec::new();
    let mut dir = RawDir::new(fd, buffer);
    while let Some(entry) = dir.next() {
        let entry = entry?;
        let name = entry.file_name();
        if name != c"." && name != c".." {
            names.push((name.to_owned(), entry.file_type()));
        }
    }
    names.sort_unstable_by(|a, b| b.0.cmp(&a.0));
    Ok(names)
}
