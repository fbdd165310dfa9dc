//! Giving a stored tree, or a part of it, to something that is put together of several: by hard
//! links. Knows files and folders; not why they are wanted.

use std::ffi::{CStr, OsStr};
use std::fs::File;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use akbuild_tree::{DIR_FLAGS, DirStack, Name, TreeDir, list};
use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, linkat, mkdirat, openat, readlinkat, statat, symlinkat};
use rustix::io::{Errno, Result};

use crate::{Store, StoreError};

impl Store {
    /// Puts a file or folder of a stored tree at `to`: files as hard links (as copies where the file
    /// system refuses those), symbolic links as they are, folders new and writable. A folder that is
    /// at `to` already gets what is in `from` beside what it has; a file in the way is an error.
    ///
    /// The files share their bytes with the store: to change one, put another in its place, never
    /// write into it.
    pub fn link(&self, from: &Path, to: &Path) -> std::result::Result<(), StoreError> {
        self.need_writable()?;
        let name = |path: &Path| std::ffi::CString::new(path.as_os_str().as_bytes()).map_err(|_| Errno::INVAL);
        let names = name(from).and_then(|from| Ok((from, name(to)?)));
        let (source, target) = names.map_err(|e| StoreError::io("link", from, e))?;
        let mut pair = Pair { above: None, names: Vec::new(), buffer: vec![MaybeUninit::uninit(); 64 * 1024] };
        pair.run(from, to, &source, &target).map_err(|e| match pair.place() {
            Some(path) => StoreError::io("link", &path, e),
            None => StoreError::io("link to", to, e),
        })
    }
}

impl Store {
    /// Puts a file or symbolic link of a tree at a place in another tree, in a folder that exists: a file as a hard link
    /// (as a copy where the file system refuses those), a symbolic link as it is. No link on the way is followed.
    ///
    /// A file shares its bytes with the store: to change it, put another in its place, never write into it.
    pub fn link_entry(
        &self,
        from: &TreeDir,
        source: &Path,
        to: &TreeDir,
        target: &Path,
    ) -> std::result::Result<(), StoreError> {
        self.need_writable()?;
        let (source_folder, source_name) = from.parent_of(source)?;
        let (target_folder, target_name) = to.parent_of(target)?;
        let name = |name: &OsStr| std::ffi::CString::new(name.as_bytes()).map_err(|_| Errno::INVAL);
        let linked = name(source_name).and_then(|source| Ok((source, name(target_name)?))).and_then(|(old, new)| {
            let kind = kind_of(source_folder.as_fd(), &(old.clone(), FileType::Unknown))?;
            put(source_folder.as_fd(), &old, target_folder.as_fd(), &new, kind)
        });
        linked.map_err(|e| StoreError::io("link", &from.top().join(source), e))
    }
}

/// The way down, in the source and in the target.
struct Pair {
    above: Option<(DirStack, DirStack)>,
    /// The names that are still to come in each folder; the last one is the one at work.
    names: Vec<Vec<Name>>,
    buffer: Vec<MaybeUninit<u8>>,
}

impl Pair {
    fn run(&mut self, from: &Path, to: &Path, source: &CStr, target: &CStr) -> Result<()> {
        let kind = kind_of(CWD, &(source.to_owned(), FileType::Unknown))?;
        if kind != FileType::Directory {
            return put(CWD, source, CWD, target, kind);
        }
        let (source, target) = self.enter(CWD, source, CWD, target)?;
        self.above = Some((DirStack::new(source, from)?, DirStack::new(target, to)?));
        while let (Some(names), Some((from, to))) = (self.names.last_mut(), &mut self.above) {
            let Some(name) = names.last().cloned() else {
                self.names.pop();
                from.pop()?;
                to.pop()?;
                // The folder that was just left.
                self.names.last_mut().map(Vec::pop);
                continue;
            };
            let kind = kind_of(from.fd(), &name)?;
            if kind == FileType::Directory {
                let fds = enter(from.fd(), &name.0, to.fd(), &name.0)?;
                self.names.push(list(std::os::fd::AsFd::as_fd(&fds.0), &mut self.buffer)?);
                from.push(fds.0, os(&name.0))?;
                to.push(fds.1, os(&name.0))?;
            } else {
                put(from.fd(), &name.0, to.fd(), &name.0, kind)?;
                names.pop();
            }
        }
        Ok(())
    }

    fn enter(
        &mut self,
        from: BorrowedFd<'_>,
        source: &CStr,
        to: BorrowedFd<'_>,
        target: &CStr,
    ) -> Result<(OwnedFd, OwnedFd)> {
        let fds = enter(from, source, to, target)?;
        self.names.push(list(std::os::fd::AsFd::as_fd(&fds.0), &mut self.buffer)?);
        Ok(fds)
    }

    /// The target at work, for messages.
    fn place(&self) -> Option<std::path::PathBuf> {
        let (_, to) = self.above.as_ref()?;
        let name = self.names.last()?.last()?;
        Some(to.path(os(&name.0)))
    }
}

/// Opens a folder of the source, and makes and opens its like.
fn enter(from: BorrowedFd<'_>, source: &CStr, to: BorrowedFd<'_>, target: &CStr) -> Result<(OwnedFd, OwnedFd)> {
    let source = openat(from, source, DIR_FLAGS, Mode::empty())?;
    match mkdirat(to, target, Mode::from_raw_mode(0o755)) {
        Err(Errno::EXIST) => {}
        other => other?,
    }
    Ok((source, openat(to, target, DIR_FLAGS, Mode::empty())?))
}

fn put(from: BorrowedFd<'_>, source: &CStr, to: BorrowedFd<'_>, target: &CStr, kind: FileType) -> Result<()> {
    if kind == FileType::Symlink {
        return symlinkat(readlinkat(from, source, Vec::new())?, to, target);
    }
    match linkat(from, source, to, target, AtFlags::empty()) {
        // Too many links, another file system, links to others' files forbidden, no links at all.
        Err(Errno::MLINK | Errno::XDEV | Errno::PERM | Errno::NOTSUP) => copy(from, source, to, target),
        other => other,
    }
}

fn copy(from: BorrowedFd<'_>, source: &CStr, to: BorrowedFd<'_>, target: &CStr) -> Result<()> {
    let source = openat(from, source, OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC, Mode::empty())?;
    let mode = Mode::from_raw_mode(rustix::fs::fstat(&source)?.st_mode & 0o777);
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
    let mut target = File::from(openat(to, target, flags, mode)?);
    let copied = std::io::copy(&mut File::from(source), &mut target);
    copied.map(drop).map_err(|e| Errno::from_io_error(&e).unwrap_or(Errno::IO))
}

fn kind_of(dir: BorrowedFd<'_>, name: &Name) -> Result<FileType> {
    match name.1 {
        FileType::Unknown => Ok(FileType::from_raw_mode(statat(dir, &name.0, AtFlags::SYMLINK_NOFOLLOW)?.st_mode)),
        kind => Ok(kind),
    }
}

fn os(name: &CStr) -> &OsStr {
    OsStr::from_bytes(name.to_bytes())
}
