//! What an image that is not packed has at its paths: its own files, its tree where that lives, and its sysroot below
//! them. Knows where on this machine those are; mounts nothing.

use std::fs;
use std::path::{Path, PathBuf};

use akbuild_image::{Identity, identity};
use akbuild_recipe::plan::Image;

use crate::error::EngineError;
use crate::root::Root;

/// An image's file system, in its parts.
pub(crate) struct View<'a> {
    pub(crate) image: &'a Image,
    pub(crate) sysroot: &'a Root,
    pub(crate) tree: &'a Path,
}

impl View<'_> {
    /// Where on this machine a path of tree or sysroot is; its links are not followed.
    pub(crate) fn outside(&self, path: &Path) -> PathBuf {
        match path.strip_prefix(&self.image.at) {
            // `join` with nothing would make a file's name a folder's.
            Ok(below) if below.as_os_str().is_empty() => self.tree.to_owned(),
            Ok(below) => self.tree.join(below),
            Err(_) => self.sysroot.outside(path),
        }
    }

    /// Who its programs run as.
    pub(crate) fn identity(&self) -> Result<Identity, EngineError> {
        let read = |path: &str| {
            let own = self.image.files.iter().find(|file| Path::new("/").join(&file.path) == Path::new(path));
            own.map(|file| file.text.clone()).or_else(|| fs::read_to_string(self.outside(Path::new(path))).ok())
        };
        identity(&self.image.config.user, &read).map_err(|problem| EngineError::User { problem })
    }
}
