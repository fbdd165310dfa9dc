//! A root file system being made: names in it are resolved as they will be inside of it, never out of
//! it. Knows nothing of packages.

use std::fs;
use std::io;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt, symlink};
use std::path::{Component, Path, PathBuf};

use crate::SysrootError;

/// More links than this on the way to a file are a loop.
const MAX_LINKS: usize = 40;

/// The folder that becomes `/`.
pub(crate) struct Root {
    dir: PathBuf,
}

impl Root {
    pub(crate) fn new(dir: &Path) -> Self {
        Root { dir: dir.to_owned() }
    }

    /// A path of the root as one of this machine, without following its links.
    pub(crate) fn at(&self, path: impl AsRef<Path>) -> PathBuf {
        let path = path.as_ref();
        self.dir.join(path.strip_prefix("/").unwrap_or(path))
    }

    /// Follows all links inside the root. `None` if a link leads above the root or into a loop. What does
    /// not exist is kept as it is.
    pub(crate) fn resolve(&self, path: impl AsRef<Path>) -> Option<PathBuf> {
        let mut todo: Vec<std::ffi::OsString> = names(path.as_ref());
        let (mut done, mut links) = (PathBuf::new(), 0);
        while let Some(name) = todo.pop() {
            if name == ".." {
                if !done.pop() {
                    return None;
                }
                continue;
            }
            match fs::read_link(self.dir.join(&done).join(&name)) {
                Ok(target) => {
                    links += 1;
                    if links > MAX_LINKS {
                        return None;
                    }
                    if target.is_absolute() {
                        done = PathBuf::new();
                    }
                    todo.extend(names(&target));
                }
                Err(_) => done.push(name),
            }
        }
        Some(done)
    }

    /// Whether a path leads to something inside the root.
    pub(crate) fn exists(&self, path: impl AsRef<Path>) -> bool {
        self.resolve(path).is_some_and(|p| self.dir.join(p).exists())
    }

    /// Whether there is anything of that name, even a link to nothing.
    pub(crate) fn occupied(&self, path: impl AsRef<Path>) -> bool {
        self.real(path).is_ok_and(|p| p.symlink_metadata().is_ok())
    }

    /// Makes a folder and those above it.
    pub(crate) fn make_dir(&self, path: impl AsRef<Path>) -> Result<(), SysrootError> {
        let at = self.inside(path.as_ref())?;
        make_folders(&at)
    }

    /// Writes a file, in the place of whatever had its name.
    pub(crate) fn write(&self, path: impl AsRef<Path>, bytes: &[u8]) -> Result<(), SysrootError> {
        let at = self.cleared(path)?;
        let file = fs::OpenOptions::new().write(true).create_new(true).mode(0o644).open(&at);
        let written = file.and_then(|mut f| {
            f.set_permissions(fs::Permissions::from_mode(0o644))?;
            io::Write::write_all(&mut f, bytes)
        });
        written.map_err(SysrootError::io("write", at))
    }

    /// Makes a symbolic link, in the place of whatever file had its name.
    pub(crate) fn link(&self, path: impl AsRef<Path>, target: impl AsRef<Path>) -> Result<(), SysrootError> {
        let at = self.cleared(path)?;
        symlink(target, &at).map_err(SysrootError::io("make the link", at))
    }

    /// The files of a folder, sorted; none if it is not there.
    pub(crate) fn list(&self, path: impl AsRef<Path>) -> Result<Vec<PathBuf>, SysrootError> {
        let path = path.as_ref();
        let at = self.inside(path)?;
        let entries = match fs::read_dir(&at) {
            Ok(entries) => entries,
            Err(e) if matches!(e.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                return Ok(Vec::new());
            }
            Err(e) => return Err(SysrootError::io("list", at)(e)),
        };
        let names = entries.map(|e| e.map(|e| path.join(e.file_name()))).collect::<io::Result<Vec<_>>>();
        let mut names = names.map_err(SysrootError::io("list", at))?;
        names.sort();
        Ok(names)
    }

    /// The bytes of a file, its links followed.
    pub(crate) fn read(&self, path: impl AsRef<Path>) -> Result<Vec<u8>, SysrootError> {
        let at = self.inside(path.as_ref())?;
        fs::read(&at).map_err(SysrootError::io("read", at))
    }

    /// Where a name really is: links followed, but for one that is the name itself.
    pub(crate) fn real(&self, path: impl AsRef<Path>) -> Result<PathBuf, SysrootError> {
        let path = path.as_ref();
        let parent = self.inside(path.parent().unwrap_or(Path::new("")))?;
        Ok(path.file_name().map_or(parent.clone(), |name| parent.join(name)))
    }

    fn cleared(&self, path: impl AsRef<Path>) -> Result<PathBuf, SysrootError> {
        let at = self.real(path)?;
        if let Some(parent) = at.parent() {
            make_folders(parent)?;
        }
        match fs::remove_file(&at) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => Err(SysrootError::io("replace", at)(e)),
            _ => Ok(at),
        }
    }

    fn inside(&self, path: &Path) -> Result<PathBuf, SysrootError> {
        let found = self.resolve(path).map(|p| self.dir.join(p));
        let out = || io::Error::other("a symbolic link on its way leads out of the root or into a loop");
        found.ok_or_else(|| SysrootError::io("reach", self.at(path))(out()))
    }
}

/// Makes a folder and those above it that are not there, each with mode 755 whatever the mask of the process is.
pub(crate) fn make_folders(at: &Path) -> Result<(), SysrootError> {
    if at.is_dir() {
        return Ok(());
    }
    if let Some(parent) = at.parent() {
        make_folders(parent)?;
    }
    let made = match fs::create_dir(at) {
        Ok(()) => fs::set_permissions(at, fs::Permissions::from_mode(0o755)),
        Err(_) if at.is_dir() => Ok(()),
        Err(error) => Err(error),
    };
    made.map_err(SysrootError::io("make the folder", at))
}

/// The names of a path, the last first.
fn names(path: &Path) -> Vec<std::ffi::OsString> {
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
        let root = Root::new(dir.path());
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
