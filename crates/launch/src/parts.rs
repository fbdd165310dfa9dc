//! What an image that is not packed has at its paths: its own files, its tree where that lives, and its sysroot below
//! them. Knows where on this machine those are; mounts nothing.

use std::path::Path;

use akbuild_image::{Identity, identity};
use akbuild_recipe::plan::Image;
use akbuild_tree::{TreeDir, TreeError};
use rustix::io::Errno;

use crate::files::{open, read_users};
use crate::{LaunchError, MountedSysroot};

/// An image's file system, in its parts.
pub(crate) struct ImageParts<'a> {
    pub(crate) image: &'a Image,
    pub(crate) sysroot: &'a MountedSysroot,
    pub(crate) tree: &'a Path,
}

impl ImageParts<'_> {
    /// The tree, sysroot or mount of the sysroot that has a path, and the path in it.
    fn part<'p>(&'p self, path: &'p Path) -> (&'p Path, &'p Path) {
        if let Ok(below) = path.strip_prefix(&self.image.at) {
            return (self.tree, below);
        }
        // A mount that lies in another stands after it.
        let mounts = self.sysroot.mounts.iter().rev();
        let mounted = mounts.map(|mount| (&mount.from, path.strip_prefix(&mount.at)));
        let mounted = mounted.filter_map(|(from, below)| Some((from.as_path(), below.ok()?))).next();
        mounted.unwrap_or((&self.sysroot.tree, path))
    }

    /// The folder that a path of tree or sysroot leads to; `None` if there is none. Links lead where they do in a
    /// container, and never out of the part of the image that they are in.
    pub(crate) fn folder(&self, path: &Path) -> Result<Option<TreeDir>, LaunchError> {
        let (top, inside) = self.part(path);
        let opened = open(top).and_then(|root| root.open_dir(inside));
        match opened {
            Ok(folder) => Ok(Some(folder)),
            // A file, nothing, or a link that leads to nothing in the image.
            Err(TreeError::Io { source, .. })
                if matches!(Errno::from_io_error(&source), Some(Errno::NOENT | Errno::NOTDIR | Errno::LOOP)) =>
            {
                Ok(None)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Who its programs run as.
    pub(crate) fn identity(&self) -> Result<Identity, LaunchError> {
        let read = |path: &str| {
            let own = self.image.files.iter().find(|file| Path::new("/").join(&file.path) == Path::new(path));
            let (top, inside) = self.part(Path::new(path));
            own.map(|file| file.text.clone()).or_else(|| read_users(top, inside))
        };
        identity(&self.image.config.user, &read).map_err(|problem| LaunchError::User { problem })
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use akbuild_recipe::plan::{Compression, HostMount, ImageConfig, StageId, Subset, SysrootId, TreeRef};

    use super::*;

    #[test]
    fn each_path_is_of_the_part_that_a_container_has_it_from() {
        let mount = |at: &str, from: &str| HostMount { at: at.into(), from: from.into() };
        let mounts = vec![mount("/usr", "/"), mount("/usr/local", "/store/local"), mount("/opt/go", "/opt/go")];
        let sysroot = MountedSysroot { mounts, ..MountedSysroot::plain(PathBuf::from("/sysroot")) };
        let image = Image {
            tree: TreeRef::Stage(StageId::new("all")),
            at: "/opt/mini".into(),
            sysroot: (SysrootId::new("runtime"), Subset::default()),
            files: Vec::new(),
            folders: Vec::new(),
            compression: Compression::Gzip(1),
            layers: Vec::new(),
            config: ImageConfig::default(),
            push: None,
        };
        let parts = ImageParts { image: &image, sysroot: &sysroot, tree: Path::new("/tree") };
        for (path, top, inside) in [
            ("/usr/lib/x", "/", "lib/x"),
            ("/usr/local/bin", "/store/local", "bin"),
            ("/etc/passwd", "/sysroot", "/etc/passwd"),
            ("/opt", "/sysroot", "/opt"),
            ("/opt/go", "/opt/go", ""),
            ("/opt/mini", "/tree", ""),
            ("/opt/mini/etc", "/tree", "etc"),
        ] {
            assert_eq!(parts.part(Path::new(path)), (Path::new(top), Path::new(inside)), "{path}");
        }
    }
}
