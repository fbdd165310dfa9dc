//! A copy of a folder of an image, for its user to write to. In it, everything belongs to the user of the sandbox, who is
//! alone: what the image's modes let its user do with a file becomes what its owner may do. Knows modes; mounts nothing.

use std::path::Path;

use akbuild_image::{Identity, Meta, Unpacked};
use akbuild_sandbox::build_owner;
use akbuild_tree::TreeDir;

use crate::LaunchError;
use crate::files::make_folder;

/// What is copied from, and for whom.
pub(super) struct Copying<'a> {
    pub(super) files: &'a Unpacked,
    /// The image, unpacked. Its links are copied, never followed.
    pub(super) image: &'a TreeDir,
    pub(super) identity: &'a Identity,
}

impl Copying<'_> {
    /// Copies a folder of the image, with all that is in it, to where nothing is.
    pub(super) fn copy(&self, path: &Path, to: &Path) -> Result<(), LaunchError> {
        let from = self.image.open_dir(path.strip_prefix("/").unwrap_or(path))?;
        make_folder(to)?;
        let copy = TreeDir::open(to, format!("the copy of `{}`", path.display()))?;
        from.copy_all(&copy, &|_| false)?;
        copy.give_to(build_owner())?;
        // The deepest first: one that is closed lets nobody in any more.
        for (inner, meta) in self
            .files
            .entries
            .range(path.to_owned()..)
            .take_while(|(inner, _)| inner.starts_with(path))
            .collect::<Vec<_>>()
            .into_iter()
            .rev()
        {
            if meta.target.is_none() {
                copy.set_mode(inner.strip_prefix(path).unwrap_or(inner), owners(meta, self.identity))?;
            }
        }
        Ok(())
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
