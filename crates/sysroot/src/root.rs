//! A root file system being made: names in it are resolved as they will be inside of it, never out of
//! it. Knows nothing of packages.

use std::ffi::OsString;
use std::path::{Component, Path, PathBuf};

use akbuild_tree::{EntryKind, TreeDir};
use rustix::io::Errno;

use crate::SysrootError;

/// More links than this on the way to a file are a loop.
const MAX_LINKS: usize = 40;

/// The folder that becomes `/`. A path of it is resolved to one without links first, which is then used through the
/// tree: a link that is met there all the same is an error.
pub(crate) struct Root {
    tree: TreeDir,
}

impl Root {
    /// Opens the folder at `dir`.
    pub(crate) fn open(dir: &Path) -> Result<Self, SysrootError> {
        Ok(Root { tree: TreeDir::open(dir, "the sysroot")? })
    }

    /// The tree, for paths that have no links.
    pub(crate) fn tree(&self) -> &TreeDir {
        &self.tree
    }

    /// Follows all links inside the root. `None` if a link leads above the root or into a loop. Names of things that do
    /// not exist are kept as they are.
    pub(crate) fn resolve(&self, path: impl AsRef<Path>) -> Option<PathBuf> {
        let mut todo: Vec<OsString> = names(path.as_ref());
        let (mut done, mut links) = (PathBuf::new(), 0);
        while let Some(name) = todo.pop() {
            if name == ".." {
                if !done.pop() {
                    return None;
                }
                continue;
            }
            match self.tree.entry(done.join(&name)) {
                Ok(Some(EntryKind::Link(target))) => {
                    links += 1;
                    if links > MAX_LINKS {
                        return None;
                    }
                    if target.is_absolute() {
                        done = PathBuf::new();
                    }
                    todo.extend(names(&target));
                }
                _ => done.push(name),
            }
        }
        Some(done)
    }

    /// Whether a path leads to something inside the root.
    pub(crate) fn exists(&self, path: impl AsRef<Path>) -> bool {
        self.resolve(path).is_some_and(|path| matches!(self.tree.entry(path), Ok(Some(_))))
    }

    /// Whether there is anything of that name, even a link to nothing.
    pub(crate) fn occupied(&self, path: impl AsRef<Path>) -> bool {
        self.real(path).is_ok_and(|path| matches!(self.tree.entry(path), Ok(Some(_))))
    }

    /// Makes a folder and those above it.
    pub(crate) fn make_dir(&self, path: impl AsRef<Path>) -> Result<(), SysrootError> {
        Ok(self.tree.create_dir_all(self.inside(path.as_ref())?)?)
    }

    /// Writes a file, in the place of the file or link that has its name.
    pub(crate) fn write(&self, path: impl AsRef<Path>, bytes: &[u8]) -> Result<(), SysrootError> {
        Ok(self.tree.write(self.real(path)?, bytes, 0o644)?)
    }

    /// Makes a symbolic link, in the place of the file or link that has its name.
    pub(crate) fn link(&self, path: impl AsRef<Path>, target: impl AsRef<Path>) -> Result<(), SysrootError> {
        let path = self.real(path)?;
        self.tree.create_parents(&path)?;
        match self.tree.remove_file(&path) {
            Err(error) if !error.is_not_found() => return Err(error.into()),
            _ => {}
        }
        Ok(self.tree.create_link(path, target.as_ref())?)
    }

    /// The files of a folder, sorted; none if it is not there.
    pub(crate) fn list(&self, path: impl AsRef<Path>) -> Result<Vec<PathBuf>, SysrootError> {
        let path = path.as_ref();
        match self.tree.entries(self.inside(path)?) {
            Ok(entries) => Ok(entries.into_iter().map(|(name, _)| path.join(name)).collect()),
            Err(error) if matches!(error.errno(), Some(Errno::NOENT | Errno::NOTDIR)) => Ok(Vec::new()),
            Err(error) => Err(error.into()),
        }
    }

    /// The bytes of a file, its links followed.
    pub(crate) fn read(&self, path: impl AsRef<Path>) -> Result<Vec<u8>, SysrootError> {
        Ok(self.tree.read(self.inside(path.as_ref())?)?)
    }

    /// The path below the top that a name really has: links are followed, except one that is the name itself.
    pub(crate) fn real(&self, path: impl AsRef<Path>) -> Result<PathBuf, SysrootError> {
        let path = path.as_ref();
        let parent = self.inside(path.parent().unwrap_or(Path::new("")))?;
        Ok(path.file_name().map_or(parent.clone(), |name| parent.join(name)))
    }

    fn inside(&self, path: &Path) -> Result<PathBuf, SysrootError> {
        self.resolve(path).ok_or_else(|| {
            let out = std::io::Error::other("a symbolic link on its way leads out of the root or into a loop");
            SysrootError::io("reach", self.tree.top().join(path.strip_prefix("/").unwrap_or(path)))(out)
        })
    }
}

/// The names of a path, the last first.
fn names(path: &Path) -> Vec<OsString> {
    let name = |c: Component<'_>| match c {
        Component::Normal(name) => Some(name.to_owned()),
        Component::ParentDir => Some("..".into()),
        _ => None,
    };
    path.components().rev().filter_map(name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_stay_inside() {
        let dir = tempfile::tempdir().unwrap();
        let root = Root::open(dir.path()).unwrap();
        root.write("usr/bin/real", b"x").unwrap();
        root.link("bin", "usr/bin").unwrap();
        root.link("etc/abs", "/bin/real").unwrap();
        root.link("out", "../../etc").unwrap();
        root.link("loop", "loop").unwrap();
        assert_eq!(root.resolve("/etc/abs").unwrap(), Path::new("usr/bin/real"));
        assert!(root.exists("bin/real") && !root.exists("bin/none"));
        assert_eq!(root.resolve("out/passwd"), None);
        assert_eq!(root.resolve("loop"), None);
        assert!(root.write("out/passwd", b"x").is_err());
        assert!(root.occupied("out") && !root.occupied("bin/none"));
    }
}
