//! Copies between trees. Knows descriptors on both sides; must not know what a copy is for.

use std::io;
use std::path::Path;

use rustix::fs::fstat;

use crate::{EntryKind, TreeDir, TreeError};

impl TreeDir {
    /// Copies the regular file at `path` to `new` in another tree, where nothing is yet and whose folder exists. The
    /// permission bits stay. Gives the number of bytes.
    pub fn copy_file(&self, path: impl AsRef<Path>, to: &TreeDir, new: impl AsRef<Path>) -> Result<u64, TreeError> {
        let (path, new) = (path.as_ref(), new.as_ref());
        let (mut from, _) = self.chain.file(path)?;
        let mode = fstat(&from).map_err(|e| self.chain.refused(path, e, "look at"))?.st_mode & 0o777;
        let mut made = to.create_file(new, mode)?;
        // Which of the two failed is not known: the new one, as on a full disk, is the likelier one.
        io::copy(&mut from, &mut made).map_err(|source| TreeError::Io {
            action: "write",
            tree: to.name().to_owned(),
            path: new.to_owned(),
            source,
        })
    }

    /// Copies everything in this tree into the folder `to`, which is empty: links as they are, files with their
    /// permission bits. `skip` is asked with each path; what it says yes to is left out, with all below it.
    ///
    /// # Errors
    /// [`TreeError::Kind`] for a device, a pipe or a socket.
    pub fn copy_all(&self, to: &TreeDir, skip: &dyn Fn(&Path) -> bool) -> Result<(), TreeError> {
        self.copy_below(Path::new(""), to, skip)
    }

    fn copy_below(&self, folder: &Path, to: &TreeDir, skip: &dyn Fn(&Path) -> bool) -> Result<(), TreeError> {
        for (name, kind) in self.entries(folder)? {
            let path = folder.join(name);
            if skip(&path) {
                continue;
            }
            match kind {
                EntryKind::Folder => {
                    to.create_dir_all(&path)?;
                    self.copy_below(&path, to, skip)?;
                }
                EntryKind::File { .. } => drop(self.copy_file(&path, to, &path)?),
                EntryKind::Link(target) => to.create_link(&path, &target)?,
                special => {
                    let (tree, found) = (self.name().to_owned(), special.as_words());
                    return Err(TreeError::Kind { tree, path, expected: "a file, folder or symbolic link", found });
                }
            }
        }
        Ok(())
    }
}
