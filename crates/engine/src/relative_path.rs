//! Paths that files of a tree write, relative to where the file is. None of them leads out of the tree.

use std::path::{Component, Path, PathBuf};

/// A path relative to a folder, both inside a tree, without `..`; `None` if it leads out of the tree.
pub(crate) fn inside(folder: &Path, path: &Path) -> Option<PathBuf> {
    let mut found = PathBuf::new();
    for part in folder.components().chain(path.components()) {
        match part {
            Component::Normal(name) => found.push(name),
            Component::CurDir => {}
            Component::ParentDir => found.pop().then_some(())?,
            Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replacements_stay_in_the_source() {
        let found = |folder: &str, path: &str| inside(Path::new(folder), Path::new(path));
        assert_eq!(found("srv", "../lib"), Some("lib".into()));
        assert_eq!(found("", "./lib/./x"), Some("lib/x".into()));
        assert_eq!(found("a/b", "../.."), Some("".into()));
        assert_eq!(found("srv", "../../lib"), None);
        assert_eq!(found("srv", "/lib"), None);
    }
}
