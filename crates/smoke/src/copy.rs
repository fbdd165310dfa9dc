//! A copy of a folder of an image, for its user to write to. In it, everything belongs to the user of the sandbox, who is
//! alone: what the image's modes let its user do with a file becomes what its owner may do. Knows modes; mounts nothing.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, lchown, symlink};
use std::path::Path;

use akbuild_image::{Identity, Meta, Unpacked};
use akbuild_sandbox::build_owner;

use crate::SmokeError;
use crate::error::Doing;
use crate::root::within;

/// What is copied from, and for whom.
pub(crate) struct Copying<'a> {
    pub(crate) files: &'a Unpacked,
    /// Where the image is unpacked.
    pub(crate) folder: &'a Path,
    pub(crate) identity: &'a Identity,
}

impl Copying<'_> {
    /// Copies a folder of the image, with all that is in it, to where nothing is.
    pub(crate) fn copy(&self, path: &Path, to: &Path) -> Result<(), SmokeError> {
        let from = within(self.folder, path);
        fs::create_dir(to).doing("make", to)?;
        for entry in fs::read_dir(&from).doing("read", &from)? {
            let entry = entry.doing("read", &from)?;
            let (inner, source, target) = (path.join(entry.file_name()), entry.path(), to.join(entry.file_name()));
            let kind = entry.file_type().doing("stat", &source)?;
            if kind.is_dir() {
                self.copy(&inner, &target)?;
            } else if kind.is_symlink() {
                let link = fs::read_link(&source).doing("read", &source)?;
                symlink(link, &target).doing("link", &target)?;
                own(&target)?;
            } else {
                fs::copy(&source, &target).doing("copy", &source)?;
                own(&target)?;
                self.set_mode(&inner, &target)?;
            }
        }
        own(to)?;
        self.set_mode(path, to)
    }

    fn set_mode(&self, path: &Path, target: &Path) -> Result<(), SmokeError> {
        let Some(meta) = self.files.entries.get(path) else { return Ok(()) };
        let mode = Permissions::from_mode(owners(meta, self.identity));
        fs::set_permissions(target, mode).doing("change the mode of", target)
    }
}

/// The mode that lets an owner do what this user may.
fn owners(meta: &Meta, identity: &Identity) -> u32 {
    let (uid, gid) = (u64::from(identity.uid), u64::from(identity.gid));
    let mine = match () {
        () if uid == 0 => 0o6 | (meta.mode & 0o111 != 0 || meta.is_folder) as u32,
        () if meta.uid == uid => meta.mode >> 6,
        () if meta.gid == gid => meta.mode >> 3,
        () => meta.mode,
    };
    // Without set-uid and set-gid bits, as the image was unpacked.
    (meta.mode & 0o1077) | (mine & 0o7) << 6
}

fn own(path: &Path) -> Result<(), SmokeError> {
    let (uid, gid) = build_owner();
    lchown(path, Some(uid), Some(gid)).doing("change the owner of", path)
}
