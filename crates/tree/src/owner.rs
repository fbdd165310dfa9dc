//! Giving a whole tree to another owner. Knows ids; must not know whose they are.

use std::ffi::OsStr;
use std::mem::MaybeUninit;
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use rustix::fs::{AtFlags, FileType, Gid, Mode, Uid, chownat, fchown, openat, statat};
use rustix::io::Result;

use crate::{DIR_FLAGS, DirStack, TreeDir, TreeError, list};

impl TreeDir {
    /// Gives the top and everything in it to a user and a group. Links themselves change their owner, not their targets.
    pub fn give_to(&self, (uid, gid): (u32, u32)) -> std::result::Result<(), TreeError> {
        self.give((Uid::from_raw(uid), Gid::from_raw(gid)))
            .map_err(|e| self.chain.refused(Path::new(""), e, "change the owner of"))
    }

    fn give(&self, (uid, gid): (Uid, Gid)) -> Result<()> {
        let mut buffer = vec![MaybeUninit::uninit(); 32 * 1024];
        let top = openat(&self.chain.top, ".", DIR_FLAGS, Mode::empty())?;
        fchown(&top, Some(uid), Some(gid))?;
        let mut names = vec![list(top.as_fd(), &mut buffer)?];
        let mut above = DirStack::new(top, self.top())?;
        while let Some(here) = names.last_mut() {
            let Some((name, kind)) = here.pop() else {
                names.pop();
                above.pop()?;
                continue;
            };
            let kind = match kind {
                FileType::Unknown => {
                    FileType::from_raw_mode(statat(above.fd(), &name, AtFlags::SYMLINK_NOFOLLOW)?.st_mode)
                }
                kind => kind,
            };
            chownat(above.fd(), &name, Some(uid), Some(gid), AtFlags::SYMLINK_NOFOLLOW)?;
            if kind == FileType::Directory {
                let folder = openat(above.fd(), &name, DIR_FLAGS, Mode::empty())?;
                names.push(list(folder.as_fd(), &mut buffer)?);
                above.push(folder, OsStr::from_bytes(name.to_bytes()))?;
            }
        }
        Ok(())
    }
}
