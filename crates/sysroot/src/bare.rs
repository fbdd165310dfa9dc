//! A root file system without packages: what every root has, and places where something of the machine will be
//! mounted. Mounts nothing.

use std::path::Path;

use crate::root::Root;
use crate::{SysrootError, skeleton};

/// A place where something will be mounted, or a link to one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Point<'a> {
    /// A folder.
    Folder(&'a str),
    /// A file.
    File(&'a str),
    /// A symbolic link, and where it leads.
    Link(&'a str, &'a str),
}

/// Writes the small files and folders of every root to `dest`, an existing empty folder, with these places, and
/// `text` as `/etc/akbuild-host`, so that another text is another tree.
pub fn bare(dest: &Path, points: &[Point<'_>], text: &str) -> Result<(), SysrootError> {
    let root = Root::open(dest)?;
    for point in points {
        if let Point::Link(at, to) = point {
            root.link(at, to)?;
        }
    }
    skeleton::write(&root)?;
    for point in points {
        match point {
            Point::Folder(at) => root.make_dir(at)?,
            Point::File(at) => root.write(at, b"")?,
            Point::Link(..) => {}
        }
    }
    root.write("etc/akbuild-host", text.as_bytes())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_root_has_its_files_and_the_places_asked_for() {
        let dir = tempfile::tempdir().unwrap();
        let points = [Point::Folder("/nix/store"), Point::File("/etc/ld.so.cache"), Point::Link("bin", "usr/bin")];
        bare(dir.path(), &points, "gcc 12\n").unwrap();
        let at = |name: &str| dir.path().join(name);
        assert!(fs::read_to_string(at("etc/passwd")).unwrap().contains("build:x:1000"));
        assert!(at("nix/store").is_dir() && at("opt/akbuild/tools").is_dir());
        assert_eq!(fs::read(at("etc/ld.so.cache")).unwrap(), b"");
        assert_eq!(fs::read_link(at("bin")).unwrap(), Path::new("usr/bin"));
        assert_eq!(fs::read_to_string(at("etc/akbuild-host")).unwrap(), "gcc 12\n");
    }
}
