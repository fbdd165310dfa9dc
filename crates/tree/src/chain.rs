//! Descriptors of entries below a top, as the kernel resolves them. Knows `openat2`; must not know what is done with an
//! entry.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Component, Path, PathBuf};

use rustix::fs::{FileType, Mode, OFlags, ResolveFlags, Stat, fstat, openat, openat2, readlinkat};
use rustix::io::Errno;

use crate::dirstack::{DIR_FLAGS, Name, list};
use crate::{EntryKind, TreeError};

/// How symbolic links on the way are treated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LinkPolicy {
    /// Every link is an error.
    Refuse,
    /// Links are followed, and the top is `/` for them.
    InRoot,
}

/// The top of a tree, and how paths below it are resolved.
#[derive(Debug)]
pub(crate) struct Chain {
    pub(crate) top: OwnedFd,
    pub(crate) name: String,
    pub(crate) links: LinkPolicy,
}

impl Chain {
    /// Opens the folder at `path`, whose last component is not followed.
    pub(crate) fn open(path: &Path, name: String, links: LinkPolicy) -> Result<Self, TreeError> {
        match openat(rustix::fs::CWD, path, DIR_FLAGS, Mode::empty()) {
            Ok(top) => Ok(Self { top, name, links }),
            Err(Errno::LOOP | Errno::NOTDIR) if is_link(path) => {
                let target = readlinkat(rustix::fs::CWD, path, Vec::new()).map(|t| to_path(t.into_bytes()));
                let (path, target) = (path.to_owned(), target.unwrap_or_default());
                Err(TreeError::Link { tree: name, link: path.clone(), path, target })
            }
            Err(e) => Err(TreeError::Io { action: "open", tree: name, path: path.to_owned(), source: e.into() }),
        }
    }

    fn resolve(&self) -> ResolveFlags {
        match self.links {
            LinkPolicy::InRoot => ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS,
            LinkPolicy::Refuse => ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS,
        }
    }

    /// The path as it is handed to the kernel: `.` for the top.
    pub(crate) fn inside<'p>(&self, path: &'p Path) -> Result<&'p Path, TreeError> {
        let path = if self.links == LinkPolicy::InRoot { path.strip_prefix("/").unwrap_or(path) } else { path };
        if path.as_os_str().is_empty() {
            return Ok(Path::new("."));
        }
        let plain = path.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
        if !plain && self.links == LinkPolicy::Refuse {
            return Err(TreeError::Outside { tree: self.name.clone(), path: path.to_owned() });
        }
        Ok(path)
    }

    /// Opens the entry at `path`; a refusal names the link that is on the way.
    pub(crate) fn open_at(&self, path: &Path, flags: OFlags, action: &'static str) -> Result<OwnedFd, TreeError> {
        let inside = self.inside(path)?;
        let flags = flags | OFlags::CLOEXEC;
        loop {
            return match openat2(&self.top, inside, flags, Mode::empty(), self.resolve()) {
                Ok(fd) => Ok(fd),
                // A rename elsewhere in the file system during the look-up of `..`: the kernel asks to try again.
                Err(Errno::AGAIN) if self.links == LinkPolicy::InRoot => continue,
                Err(e) => Err(self.refused(path, e, action)),
            };
        }
    }

    /// The error for a refusal of the kernel.
    pub(crate) fn refused(&self, path: &Path, errno: Errno, action: &'static str) -> TreeError {
        if self.links == LinkPolicy::Refuse
            && matches!(errno, Errno::LOOP | Errno::XDEV | Errno::NOTDIR)
            && let Some((link, target)) = self.first_link(path)
        {
            return TreeError::Link { tree: self.name.clone(), path: path.to_owned(), link, target };
        }
        if errno == Errno::NAMETOOLONG {
            return TreeError::LongPath { tree: self.name.clone() };
        }
        TreeError::Io { action, tree: self.name.clone(), path: path.to_owned(), source: errno.into() }
    }

    /// The first symbolic link on the way to `path`, and its target.
    fn first_link(&self, path: &Path) -> Option<(PathBuf, PathBuf)> {
        let mut folder = self.top.try_clone().ok()?;
        let mut walked = PathBuf::new();
        for part in path.components() {
            let Component::Normal(name) = part else { continue };
            walked.push(name);
            let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            let next = openat(&folder, name, flags, Mode::empty()).ok()?;
            if FileType::from_raw_mode(fstat(&next).ok()?.st_mode) == FileType::Symlink {
                return Some((walked, link_target(&next).ok()?));
            }
            folder = next;
        }
        None
    }

    /// The entry at `path`, not followed if it is itself a link; `None` if nothing is there.
    fn look_at(&self, path: &Path) -> Result<Option<(OwnedFd, Stat)>, TreeError> {
        let fd = match self.open_at(path, OFlags::PATH | OFlags::NOFOLLOW, "look at") {
            Ok(fd) => fd,
            Err(error) if matches!(error.errno(), Some(Errno::NOENT | Errno::NOTDIR)) => return Ok(None),
            Err(error) => return Err(error),
        };
        let stat = fstat(&fd).map_err(|e| self.refused(path, e, "look at"))?;
        Ok(Some((fd, stat)))
    }

    /// The metadata of the entry at `path`, not followed if it is itself a link; `None` if nothing is there.
    pub(crate) fn stat(&self, path: &Path) -> Result<Option<Stat>, TreeError> {
        Ok(self.look_at(path)?.map(|(_, stat)| stat))
    }

    /// The kind of the entry at `path`, not followed if it is itself a link; `None` if nothing is there.
    pub(crate) fn kind(&self, path: &Path) -> Result<Option<EntryKind>, TreeError> {
        let Some((fd, stat)) = self.look_at(path)? else { return Ok(None) };
        Ok(Some(match EntryKind::from_stat(&stat) {
            EntryKind::Link(_) => EntryKind::Link(link_target(&fd).map_err(|e| self.refused(path, e, "read"))?),
            other => other,
        }))
    }

    /// Opens the regular file at `path` for reading.
    pub(crate) fn file(&self, path: &Path) -> Result<(File, u64), TreeError> {
        // Without O_NONBLOCK, opening a pipe waits for somebody who writes.
        let fd = self.open_at(path, OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY, "open")?;
        let stat = fstat(&fd).map_err(|e| self.refused(path, e, "look at"))?;
        match EntryKind::from_stat(&stat) {
            EntryKind::File { size, .. } => Ok((File::from(fd), size)),
            other => Err(TreeError::Kind {
                tree: self.name.clone(),
                path: path.to_owned(),
                expected: "a file",
                found: other.as_words(),
            }),
        }
    }

    /// Opens the folder at `path`.
    pub(crate) fn folder(&self, path: &Path) -> Result<OwnedFd, TreeError> {
        self.open_at(path, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NONBLOCK, "open the folder")
    }

    /// The names in an open folder and the types that the file system tells, sorted by bytes.
    fn names_of(&self, path: &Path, folder: &OwnedFd) -> Result<Vec<Name>, TreeError> {
        let mut buffer = vec![MaybeUninit::uninit(); 32 * 1024];
        let mut names = list(folder.as_fd(), &mut buffer).map_err(|e| self.refused(path, e, "list"))?;
        names.reverse();
        Ok(names)
    }

    /// The names in the folder at `path`, sorted by bytes.
    pub(crate) fn names(&self, path: &Path) -> Result<Vec<Name>, TreeError> {
        self.names_of(path, &self.folder(path)?)
    }

    /// The names of the folders in the folder at `path`, sorted by bytes.
    pub(crate) fn folders(&self, path: &Path) -> Result<Vec<OsString>, TreeError> {
        let folder = self.folder(path)?;
        let mut folders = Vec::new();
        for (name, kind) in self.names_of(path, &folder)? {
            let name = OsString::from_vec(name.into_bytes());
            let is_folder = match kind {
                FileType::Unknown => entry_of(folder.as_fd(), &name)
                    .map_err(|e| self.refused(&path.join(&name), e, "look at"))?
                    .is_folder(),
                kind => kind == FileType::Directory,
            };
            folders.extend(is_folder.then_some(name));
        }
        Ok(folders)
    }

    /// The names and kinds in the folder at `path`, sorted by bytes.
    pub(crate) fn entries(&self, path: &Path) -> Result<Vec<(OsString, EntryKind)>, TreeError> {
        let folder = self.folder(path)?;
        let names = self.names_of(path, &folder)?;
        let kind = |(name, _): (std::ffi::CString, FileType)| {
            let name = OsString::from_vec(name.into_bytes());
            let kind = entry_of(folder.as_fd(), &name).map_err(|e| self.refused(&path.join(&name), e, "look at"))?;
            Ok((name, kind))
        };
        names.into_iter().map(kind).collect()
    }
}

/// The entry `name` of an open folder.
pub(crate) fn entry_of(folder: BorrowedFd<'_>, name: &OsStr) -> rustix::io::Result<EntryKind> {
    let stat = rustix::fs::statat(folder, name, rustix::fs::AtFlags::SYMLINK_NOFOLLOW)?;
    Ok(match EntryKind::from_stat(&stat) {
        EntryKind::Link(_) => EntryKind::Link(to_path(readlinkat(folder, name, Vec::new())?.into_bytes())),
        other => other,
    })
}

/// The target of a link that was opened with `O_PATH | O_NOFOLLOW`.
fn link_target(link: &OwnedFd) -> rustix::io::Result<PathBuf> {
    Ok(to_path(readlinkat(link, "", Vec::new())?.into_bytes()))
}

fn to_path(bytes: Vec<u8>) -> PathBuf {
    PathBuf::from(OsString::from_vec(bytes))
}

fn is_link(path: &Path) -> bool {
    let stat = rustix::fs::statat(rustix::fs::CWD, path, rustix::fs::AtFlags::SYMLINK_NOFOLLOW);
    stat.is_ok_and(|stat| FileType::from_raw_mode(stat.st_mode) == FileType::Symlink)
}

/// The bytes of a path's last component.
pub(crate) fn file_name(path: &Path) -> Option<&OsStr> {
    path.file_name().filter(|name| !name.as_bytes().is_empty())
}
