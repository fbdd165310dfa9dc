//! Moving a tree to or from its final name, which never replaces anything. Knows paths; not what the tree is.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use rustix::fs::{CWD, RenameFlags, renameat_with};
use rustix::io::Errno;

use crate::StoreError;

/// Renames without replacing; `false` if something stands there already.
pub(crate) fn move_tree(from: &Path, to: &Path) -> Result<bool, StoreError> {
    let rename = || renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE);
    let renamed = match rename() {
        // Without privileges a folder must be writable to be moved: its `..` changes.
        Err(Errno::ACCESS) => with_mode(from, 0o755).and_then(|()| rename()).and_then(|()| with_mode(to, 0o555)),
        // Some file systems cannot do without replacing. A folder that is not empty is not replaced
        // by any rename, and everything else under this name has the same contents.
        Err(Errno::INVAL | Errno::NOSYS) => rustix::fs::rename(from, to),
        other => other,
    };
    match renamed {
        Ok(()) => Ok(true),
        Err(Errno::EXIST | Errno::NOTEMPTY) => Ok(false),
        Err(e) => Err(StoreError::io("move into the store", from, e)),
    }
}

fn with_mode(path: &Path, mode: u32) -> rustix::io::Result<()> {
    let set = fs::set_permissions(path, fs::Permissions::from_mode(mode));
    set.map_err(|e| Errno::from_io_error(&e).unwrap_or(Errno::IO))
}
