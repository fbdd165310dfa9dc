//! The one form in which a stored tree has its metadata: mtime 1, modes 444 and 555, and, where it
//! is asked for, one owner. Knows single files; the walk calls it for each as it passes.

use rustix::fd::BorrowedFd;
use rustix::fs::{AtFlags, Gid, Mode, Stat, Timespec, Timestamps, UTIME_OMIT, Uid};
use rustix::io::Result;

/// Brings a tree's metadata into the form in which trees are stored, while it is walked: mtime 1
/// second after the epoch (symbolic links too), mode 555 for folders and executable files, 444 for
/// the others. What already is so is not touched.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Normalise {
    /// The user and group id that everything gets, if any.
    pub owner: Option<(u32, u32)>,
}

/// Permission bits, set-id and sticky ones included.
const PERMISSIONS: u32 = 0o7777;
/// The permission to execute that decides: the owner's.
const OWNER_EXEC: u32 = 0o100;

pub(crate) fn is_exec(stat: &Stat) -> bool {
    stat.st_mode & OWNER_EXEC != 0
}

/// Whether a file or folder has the metadata that it would have in the store, but for its owner.
pub(crate) fn is_stored(stat: &Stat, exec: bool) -> bool {
    stat.st_mode & PERMISSIONS == mode(exec) && is_time(stat)
}

/// The same of a symbolic link, whose mode means nothing.
pub(crate) fn is_stored_link(stat: &Stat) -> bool {
    is_time(stat)
}

fn mode(exec: bool) -> u32 {
    if exec { 0o555 } else { 0o444 }
}

impl Normalise {
    /// An open file or folder.
    pub(crate) fn open(self, fd: BorrowedFd<'_>, stat: &Stat, exec: bool) -> Result<()> {
        if let Some((uid, gid)) = self.foreign(stat) {
            rustix::fs::fchown(fd, Some(uid), Some(gid))?;
        }
        // After the owner: a change of owner clears the set-id bits only in some cases.
        let mode = mode(exec);
        if stat.st_mode & PERMISSIONS != mode {
            rustix::fs::fchmod(fd, Mode::from_raw_mode(mode))?;
        }
        if !is_time(stat) {
            rustix::fs::futimens(fd, &TIMES)?;
        }
        Ok(())
    }

    /// A symbolic link, by name.
    pub(crate) fn link(self, dir: BorrowedFd<'_>, name: &std::ffi::CStr, stat: &Stat) -> Result<()> {
        if let Some((uid, gid)) = self.foreign(stat) {
            rustix::fs::chownat(dir, name, Some(uid), Some(gid), AtFlags::SYMLINK_NOFOLLOW)?;
        }
        if !is_time(stat) {
            rustix::fs::utimensat(dir, name, &TIMES, AtFlags::SYMLINK_NOFOLLOW)?;
        }
        Ok(())
    }

    fn foreign(self, stat: &Stat) -> Option<(Uid, Gid)> {
        let (uid, gid) = self.owner.filter(|owner| *owner != (stat.st_uid, stat.st_gid))?;
        Some((Uid::from_raw(uid), Gid::from_raw(gid)))
    }
}

const TIMES: Timestamps = Timestamps {
    last_access: Timespec { tv_sec: 0, tv_nsec: UTIME_OMIT },
    last_modification: Timespec { tv_sec: 1, tv_nsec: 0 },
};

fn is_time(stat: &Stat) -> bool {
    stat.st_mtime == 1 && stat.st_mtime_nsec == 0
}
