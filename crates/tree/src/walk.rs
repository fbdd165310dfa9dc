//! A walk over every entry of a tree, by descriptors. Knows metadata; must not know what it is for.

use std::ffi::{CStr, OsStr};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::ffi::OsStrExt;

use rustix::fs::{AtFlags, FileType, Mode, Stat, fstat, openat, statat};
use rustix::io::Result;

use crate::{DIR_FLAGS, DirStack, TreeDir, list};

impl TreeDir {
    /// Calls `visit` with the metadata of the top, and then with each entry: the folder that it is in, its name there and
    /// its metadata. The name of the top is `.`. A folder is visited before its entries; links are not followed.
    pub(crate) fn walk(&self, mut visit: impl FnMut(BorrowedFd<'_>, &CStr, &Stat) -> Result<()>) -> Result<()> {
        let mut buffer = vec![MaybeUninit::uninit(); 32 * 1024];
        let top = openat(&self.chain.top, ".", DIR_FLAGS, Mode::empty())?;
        visit(top.as_fd(), c".", &fstat(&top)?)?;
        let mut names = vec![list(top.as_fd(), &mut buffer)?];
        let mut above = DirStack::new(top, self.top())?;
        while let Some(here) = names.last_mut() {
            let Some((name, _)) = here.pop() else {
                names.pop();
                above.pop()?;
                continue;
            };
            let stat = statat(above.fd(), &name, AtFlags::SYMLINK_NOFOLLOW)?;
            visit(above.fd(), &name, &stat)?;
            if FileType::from_raw_mode(stat.st_mode) == FileType::Directory {
                let folder = openat(above.fd(), &name, DIR_FLAGS, Mode::empty())?;
                names.push(list(folder.as_fd(), &mut buffer)?);
                above.push(folder, OsStr::from_bytes(name.to_bytes()))?;
            }
        }
        Ok(())
    }

    /// The bytes that the tree occupies on disk. A file that has another name by a hard link does not count, since
    /// removing the tree does not free it.
    pub fn occupied_bytes(&self) -> std::result::Result<u64, crate::TreeError> {
        let mut bytes = 0;
        let walked = self.walk(|_, _, stat| {
            let is_folder = FileType::from_raw_mode(stat.st_mode) == FileType::Directory;
            if is_folder || stat.st_nlink == 1 {
                bytes += u64::try_from(stat.st_blocks).unwrap_or(0) * 512;
            }
            Ok(())
        });
        walked.map_err(|e| self.chain.refused(std::path::Path::new(""), e, "measure"))?;
        Ok(bytes)
    }
}
