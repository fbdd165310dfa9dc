//! Copies of local trees. Knows files, folders and symbolic links; not what a copy is for.

use std::fs;
use std::path::Path;

use crate::FetchError;

/// Copies the tree at `from` to `to` (made if need be), file modes and symbolic links as they are.
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
    copy_folder(&whole, &target, Path::new(""), skip)
}

fn copy_folder(from: &Path, to: &Path, below: &Path, skip: &dyn Fn(&Path) -> bool) -> Result<(), FetchError> {
    let folder = from.join(below);
    for entry in fs::read_dir(&folder).map_err(FetchError::io("read", &folder))? {
        let entry = entry.map_err(FetchError::io("read", &folder))?;
        let relative = below.join(entry.file_name());
        if skip(&relative) {
            continue;
        }
        let (source, target) = (entry.path(), to.join(&relative));
        let kind = entry.file_type().map_err(FetchError::io("read", &source))?;
        if kind.is_dir() {
            fs::create_dir(&target).map_err(FetchError::io("make", &target))?;
            copy_folder(from, to, &relative, skip)?;
        } else if kind.is_symlink() {
            let link = fs::read_link(&source).map_err(FetchError::io("read", &source))?;
            std::os::unix::fs::symlink(link, &target).map_err(FetchError::io("make", &target))?;
        } else if kind.is_file() {
            fs::copy(&source, &target).map_err(FetchError::io("copy", &source))?;
        } else {
            let why =
                "is a socket, pipe or device and cannot be part of a source; remove it or leave it out".to_owned();
            return Err(FetchError::Tree { path: source, why });
        }
    }
    Ok(())
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
}
