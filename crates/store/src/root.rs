//! Roots: what the collector must keep. Knows links; not what they are for.

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use akbuild_nar::{Digest, TreeHash};

use crate::unique::unique;
use crate::{Store, StoreError, remove};

impl Store {
    /// Registers a symbolic link, such as `./result`, as a root: as long as it points at the tree,
    /// the tree is kept. The link itself is made by the caller, or by [`Store::link_result`].
    pub fn add_root(&self, link: &Path, tree: &TreeHash) -> Result<(), StoreError> {
        self.need_writable()?;
        if !self.has_tree(tree) {
            return Err(StoreError::NoTree { hash: *tree });
        }
        let link = std::path::absolute(link).map_err(|e| StoreError::io("find", link, e))?;
        replace_link(&link, &self.registration(&link))
    }

    /// Points a link at a tree, in place of the link that may be there, and registers it where the store can take it.
    ///
    /// # Errors
    /// Something that is no symbolic link is in the way.
    pub fn link_result(&self, link: &Path, tree: &TreeHash) -> Result<(), StoreError> {
        match link.symlink_metadata() {
            Ok(found) if !found.is_symlink() => {
                return Err(StoreError::io("replace", link, std::io::Error::from(ErrorKind::AlreadyExists)));
            }
            _ => {}
        }
        replace_link(&self.tree_path(tree), link)?;
        if self.is_writable() { self.add_root(link, tree) } else { Ok(()) }
    }

    /// The registered links that still point at a tree, with the hash of the tree, sorted.
    pub fn roots(&self) -> Result<Vec<(PathBuf, TreeHash)>, StoreError> {
        let pointed_at = |link: PathBuf| self.pointed_at(&link).map(|hash| (link, hash));
        Ok(self.registered()?.into_iter().filter_map(pointed_at).collect())
    }

    /// All registered links, sorted, wherever they lead.
    pub(crate) fn registered(&self) -> Result<Vec<PathBuf>, StoreError> {
        let folder = self.layout().roots();
        let io = |e| StoreError::io("list", &folder, e);
        let mut links = Vec::new();
        for entry in fs::read_dir(&folder).map_err(io)? {
            links.extend(fs::read_link(entry.map_err(io)?.path()));
        }
        links.sort();
        Ok(links)
    }

    /// Forgets a link; the link itself is left as it is.
    pub(crate) fn unregister(&self, link: &Path) -> Result<(), StoreError> {
        remove(&self.registration(link))
    }

    fn registration(&self, link: &Path) -> PathBuf {
        self.layout().roots().join(Digest::sha256(link.as_os_str().as_encoded_bytes()).hex())
    }

    /// The tree that a link points at or into.
    pub(crate) fn pointed_at(&self, link: &Path) -> Option<TreeHash> {
        let target = fs::read_link(link).ok()?;
        let target = link.parent().unwrap_or(link).join(target);
        let below = target.strip_prefix(self.home().join("trees-v1")).ok()?;
        below.components().next()?.as_os_str().to_str()?.parse().ok()
    }
}

/// Makes a symbolic link under another name and renames it: there is no moment without one.
fn replace_link(target: &Path, link: &Path) -> Result<(), StoreError> {
    let mut temporary = link.as_os_str().to_owned();
    temporary.push(format!(".tmp-{}-{}", std::process::id(), unique()));
    let made = symlink(target, &temporary).and_then(|()| fs::rename(&temporary, link));
    made.map_err(|e| {
        // Only tidiness.
        let _ = fs::remove_file(&temporary);
        StoreError::io("create the link", link, e)
    })
}
