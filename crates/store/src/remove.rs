//! Removing trees, read-only folders and deep ones included, with plain system calls.

use std::ffi::{CStr, OsStr};
use std::mem::MaybeUninit;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use akbuild_tree::{DIR_FLAGS, DirStack, Name, list};
use rustix::fs::{AtFlags, CWD, FileType, Mode, chmodat, fchmod, fstat, openat, statat, unlinkat};
use rustix::io::{Errno, Result};

use crate::StoreError;

/// Removes whatever is at the path; nothing being there is no error. Symbolic links are not followed.
pub fn remove(path: &Path) -> std::result::Result<(), StoreError> {
    remove_all(path).map_err(|e| StoreError::io("remove", path, e))
}

fn remove_all(path: &Path) -> Result<()> {
    match statat(CWD, path, AtFlags::SYMLINK_NOFOLLOW) {
        Err(Errno::NOENT) => return Ok(()),
        Ok(stat) if FileType::from_raw_mode(stat.st_mode) == FileType::Directory => {}
        other => return other.and_then(|_| rustix::fs::unlink(path)),
    }
    let mut buffer = vec![MaybeUninit::uninit(); 64 * 1024];
    let root = open(CWD, path.as_os_str())?;
    let mut names = vec![list(unlocked(&root)?, &mut buffer)?];
    let mut above = DirStack::new(root, path)?;
    while let Some(here) = names.last_mut() {
        match here.pop() {
            Some(name) if is_dir(above.fd(), &name)? => {
                let fd = open(above.fd(), os(&name.0))?;
                names.push(list(unlocked(&fd)?, &mut buffer)?);
                above.push(fd, os(&name.0))?;
            }
            Some(name) => unlinkat(above.fd(), &name.0, AtFlags::empty())?,
            None => {
                names.pop();
                if let Some(left) = above.pop()? {
                    unlinkat(above.fd(), left, AtFlags::REMOVEDIR)?;
                }
            }
        }
    }
    rustix::fs::rmdir(path)
}

fn open(dir: BorrowedFd<'_>, name: &OsStr) -> Result<OwnedFd> {
    match openat(dir, name, DIR_FLAGS, Mode::empty()) {
        Err(Errno::ACCESS) => {
            chmodat(dir, name, Mode::RWXU, AtFlags::empty())?;
            openat(dir, name, DIR_FLAGS, Mode::empty())
        }
        other => other,
    }
}

/// Lets the owner change the folder: entries of a read-only one cannot be removed.
fn unlocked(fd: &OwnedFd) -> Result<BorrowedFd<'_>> {
    if fstat(fd)?.st_mode & 0o700 != 0o700 {
        fchmod(fd, Mode::RWXU)?;
    }
    Ok(std::os::fd::AsFd::as_fd(fd))
}

fn is_dir(dir: BorrowedFd<'_>, name: &Name) -> Result<bool> {
    let kind = match name.1 {
        FileType::Unknown => FileType::from_raw_mode(statat(dir, &name.0, AtFlags::SYMLINK_NOFOLLOW)?.st_mode),
        kind => kind,
    };
    Ok(kind == FileType::Directory)
}

fn os(name: &CStr) -> &OsStr {
    OsStr::from_bytes(name.to_bytes())
}
