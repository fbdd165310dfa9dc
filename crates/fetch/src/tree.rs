//! Copies of local trees. Knows files, folders and symbolic links; not what a copy is for.

use std::fs;
use std::path::Path;

use akbuild_tree::{TreeDir, TreeError};

use crate::FetchError;

/// Copies the tree at `from` to `to` (made if need be), file modes and symbolic links as they are. `from` itself may be
/// reached through links; no link inside is followed, also if it takes the place of a folder meanwhile.
/// `skip` is asked with each path relative to `from`; what it says yes to is left out, with all below it.
/// Anything but files, folders and symbolic links is an error that names it.
pub fn copy_tree(from: &Path, to: &Path, skip: &dyn Fn(&Path) -> bool) -> Result<(), FetchError> {
    let whole = fs::canonicalize(from).map_err(FetchError::io("read", from))?;
    fs::create_dir_all(to).map_err(FetchError::io("make", to))?;
    let target = fs::canonicalize(to).map_err(FetchError::io("read", to))?;
    if target.starts_with(&whole) {
        let why = format!("lies inside {}, which is to be copied there; choose a folder outside of it", from.display());
        return Err(FetchError::Tree { path: to.to_owned(), why });
    }
    let source = TreeDir::open(&whole, format!("the folder `{}`", from.display()))?;
    let copy = TreeDir::open(&target, format!("the copy of `{}`", from.display()))?;
    source.copy_all(&copy, skip).map_err(|error| match error {
        TreeError::Kind { path, .. } => {
            let why =
                "is a socket, pipe or device and cannot be part of a source; remove it or leave it out".to_owned();
            FetchError::Tree { path: whole.join(path), why }
        }
        error => error.into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt, symlink};

    #[test]
    fn copies_modes_and_links_and_leaves_out() {
        let dir = tempfile::tempdir().unwrap();
        let (from, to) = (dir.path().join("a"), dir.path().join("b"));
        fs::create_dir_all(from.join("d/.git")).unwrap();
        fs::create_dir_all(from.join("empty")).unwrap();
        fs::write(from.join("d/run"), "x").unwrap();
        fs::set_permissions(from.join("d/run"), fs::Permissions::from_mode(0o755)).unwrap();
        symlink("nowhere", from.join("link")).unwrap();
        copy_tree(&from, &to, &|p| p.file_name().is_some_and(|n| n == ".git")).unwrap();
        assert_eq!(fs::metadata(to.join("d/run")).unwrap().permissions().mode() & 0o777, 0o755);
        assert_eq!(fs::read_link(to.join("link")).unwrap(), Path::new("nowhere"));
        assert!(to.join("empty").is_dir());
        assert!(!to.join("d/.git").exists());
    }

    #[test]
    fn refuses_sockets_and_copies_into_itself() {
        let dir = tempfile::tempdir().unwrap();
        let from = dir.path().join("a");
        fs::create_dir(&from).unwrap();
        let inside = copy_tree(&from, &from.join("b"), &|_| false).unwrap_err().to_string();
        insta::assert_snapshot!(inside.replace(&dir.path().display().to_string(), "DIR"), @"DIR/a/b: lies inside DIR/a, which is to be copied there; choose a folder outside of it");
        fs::remove_dir(from.join("b")).unwrap();
        let _socket = std::os::unix::net::UnixListener::bind(from.join("s")).unwrap();
        let socket = copy_tree(&from, &dir.path().join("c"), &|_| false).unwrap_err().to_string();
        insta::assert_snapshot!(socket.replace(&dir.path().display().to_string(), "DIR"), @"DIR/a/s: is a socket, pipe or device and cannot be part of a source; remove it or leave it out");
    }

    /// What a source from a folder has of a link is the link, and nothing is copied through one that leads to the host.
    #[test]
    fn a_copy_has_links_and_not_what_they_lead_to() {
        let dir = tempfile::tempdir().unwrap();
        let (from, to, host) = (dir.path().join("a"), dir.path().join("b"), dir.path().join("host"));
        fs::create_dir(&from).unwrap();
        fs::create_dir(&host).unwrap();
        fs::write(host.join("secret"), "canary").unwrap();
        for (name, target) in
            [("absolute", host.as_path()), ("up", Path::new("../host/secret")), ("none", Path::new("/none"))]
        {
            symlink(target, from.join(name)).unwrap();
        }
        copy_tree(&from, &to, &|_| false).unwrap();
        assert_eq!(fs::read_link(to.join("absolute")).unwrap(), host);
        assert_eq!(fs::read_link(to.join("up")).unwrap(), Path::new("../host/secret"));
        assert_eq!(fs::read_link(to.join("none")).unwrap(), Path::new("/none"));
        // A link that takes the place of a folder between its being listed and its being entered.
        fs::create_dir(from.join("d")).unwrap();
        fs::write(from.join("d/secret"), "own").unwrap();
        let exchange = |path: &Path| {
            if path == Path::new("d") {
                fs::remove_dir_all(from.join("d")).unwrap();
                symlink(&host, from.join("d")).unwrap();
            }
            false
        };
        let error = copy_tree(&from, &dir.path().join("c"), &exchange).unwrap_err().to_string();
        insta::assert_snapshot!(error.replace(&dir.path().display().to_string(), "DIR"), @"
        `d` of the folder `DIR/a` is a symbolic link to `DIR/host`
          help: name a path without symbolic links, or have a real file or folder made there
        ");
        assert!(!dir.path().join("c/d/secret").exists());
        assert_eq!(fs::read_to_string(host.join("secret")).unwrap(), "canary");
    }
}
