//! Changes to a tree in which no link is followed. An entry that is replaced is removed first and made anew, so that
//! neither a link nor a file with several names is written through.

use std::ffi::OsStr;
use std::fs::File;
use std::io::Write;
use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::fs::{AtFlags, Mode, OFlags, fchmod, fstat, linkat, mkdirat, openat, renameat, symlinkat, unlinkat};
use rustix::io::Errno;

use crate::chain::file_name;
use crate::{DIR_FLAGS, EntryKind, TreeDir, TreeError};

const NEW_FILE: OFlags = OFlags::WRONLY.union(OFlags::CREATE).union(OFlags::EXCL).union(OFlags::CLOEXEC);

impl TreeDir {
    /// Makes the folder at `path` and those above it. A folder that exists is left alone.
    pub fn create_dir_all(&self, path: impl AsRef<Path>) -> Result<(), TreeError> {
        let path = path.as_ref();
        match self.chain.open_at(path, OFlags::PATH | OFlags::DIRECTORY, "make the folder") {
            Ok(_) => return Ok(()),
            Err(error) if error.is_not_found() => {}
            Err(error) => return Err(error),
        }
        self.create_parents(path)?;
        let (parent, name) = self.parent(path, "make the folder")?;
        let mode = Mode::from_raw_mode(0o755);
        // Again after the folder is made: the mask of the process has taken its bits away.
        let made = mkdirat(&parent, name, mode).and_then(|()| openat(&parent, name, DIR_FLAGS, Mode::empty()));
        match made.and_then(|folder| fchmod(&folder, mode)) {
            Ok(()) => Ok(()),
            Err(Errno::EXIST) => self.chain.folder(path).map(drop),
            Err(e) => Err(self.chain.refused(path, e, "make the folder")),
        }
    }

    /// Makes the folders above `path`. Folders that exist are left alone.
    pub fn create_parents(&self, path: impl AsRef<Path>) -> Result<(), TreeError> {
        let path = path.as_ref();
        let parent = path.parent().unwrap_or(Path::new(""));
        self.create_dir_all(parent).map_err(|error| error.on_the_way_to(path))
    }

    /// Makes the file at `path`, in a folder that exists. Its mode is `mode`, whatever the umask.
    ///
    /// # Errors
    /// [`TreeError::Io`] with `EEXIST` if anything is there, a dangling link included.
    pub fn create_file(&self, path: impl AsRef<Path>, mode: u32) -> Result<File, TreeError> {
        let path = path.as_ref();
        let (parent, name) = self.parent(path, "make")?;
        let mode = Mode::from_raw_mode(mode);
        let made = openat(&parent, name, NEW_FILE, mode).and_then(|fd| fchmod(&fd, mode).map(|()| fd));
        made.map(File::from).map_err(|e| self.chain.refused(path, e, "make"))
    }

    /// Makes the file at `path` and the folders above it. A file or link that is there is removed first, never opened.
    pub fn replace_file(&self, path: impl AsRef<Path>, mode: u32) -> Result<File, TreeError> {
        let path = path.as_ref();
        self.create_parents(path)?;
        match self.create_file(path, mode) {
            Err(error) if error.errno() == Some(Errno::EXIST) => {
                self.remove_file(path)?;
                self.create_file(path, mode)
            }
            other => other,
        }
    }

    /// Writes the file at `path` and makes the folders above it. A file or link that is there is replaced, not written
    /// into.
    pub fn write(&self, path: impl AsRef<Path>, bytes: &[u8], mode: u32) -> Result<(), TreeError> {
        let path = path.as_ref();
        let mut file = self.replace_file(path, mode)?;
        file.write_all(bytes).map_err(|source| TreeError::Io {
            action: "write",
            tree: self.name().to_owned(),
            path: path.to_owned(),
            source,
        })
    }

    /// Makes an empty file at `path` unless a regular file is there, and the folders above it.
    pub fn create_mount_point(&self, path: impl AsRef<Path>) -> Result<(), TreeError> {
        let path = path.as_ref();
        match self.real_entry(path)? {
            Some(kind) if kind.is_file() => Ok(()),
            Some(kind) => Err(TreeError::Kind {
                tree: self.name().to_owned(),
                path: path.to_owned(),
                expected: "a file",
                found: kind.as_words(),
            }),
            None => self.write(path, b"", 0o644),
        }
    }

    /// Makes a symbolic link at `path`, in a folder that exists. The target is not looked at.
    pub fn create_link(&self, path: impl AsRef<Path>, target: &Path) -> Result<(), TreeError> {
        let path = path.as_ref();
        let (parent, name) = self.parent(path, "make the link")?;
        symlinkat(target, &parent, name).map_err(|e| self.chain.refused(path, e, "make the link"))
    }

    /// Copies a regular file of another tree to `path` and makes the folders above it. A file or link that is there is
    /// replaced, not written into.
    pub fn copy_from(
        &self,
        path: impl AsRef<Path>,
        from: &TreeDir,
        source: impl AsRef<Path>,
        mode: u32,
    ) -> Result<(), TreeError> {
        let path = path.as_ref();
        let mut file = from.file(source)?;
        let mut copy = self.replace_file(path, mode)?;
        std::io::copy(&mut file, &mut copy).map(drop).map_err(|source| TreeError::Io {
            action: "write",
            tree: self.name().to_owned(),
            path: path.to_owned(),
            source,
        })
    }

    /// Gives the file at `from` another name, in a folder that exists.
    pub fn create_hard_link(&self, from: impl AsRef<Path>, to: impl AsRef<Path>) -> Result<(), TreeError> {
        let (from, to) = (from.as_ref(), to.as_ref());
        let (old, old_name) = self.parent(from, "link")?;
        let (new, new_name) = self.parent(to, "make the hard link")?;
        let linked = linkat(&old, old_name, &new, new_name, AtFlags::empty());
        linked.map_err(|e| self.chain.refused(to, e, "make the hard link"))
    }

    /// Removes the file or link at `path`.
    pub fn remove_file(&self, path: impl AsRef<Path>) -> Result<(), TreeError> {
        let path = path.as_ref();
        let (parent, name) = self.parent(path, "remove")?;
        unlinkat(&parent, name, AtFlags::empty()).map_err(|e| self.chain.refused(path, e, "remove"))
    }

    /// Renames an entry within the tree.
    pub fn rename(&self, from: impl AsRef<Path>, to: impl AsRef<Path>) -> Result<(), TreeError> {
        let (from, to) = (from.as_ref(), to.as_ref());
        let (old, old_name) = self.parent(from, "rename")?;
        let (new, new_name) = self.parent(to, "rename")?;
        renameat(&old, old_name, &new, new_name).map_err(|e| self.chain.refused(from, e, "rename"))
    }

    /// Sets the mode of a file or folder.
    pub fn set_mode(&self, path: impl AsRef<Path>, mode: u32) -> Result<(), TreeError> {
        let path = path.as_ref();
        let flags = match self.real_entry(path)? {
            Some(EntryKind::Folder) => OFlags::RDONLY | OFlags::DIRECTORY,
            _ => OFlags::RDONLY | OFlags::NONBLOCK,
        };
        let fd = self.chain.open_at(path, flags, "change the mode of")?;
        fchmod(&fd, Mode::from_raw_mode(mode)).map_err(|e| self.chain.refused(path, e, "change the mode of"))
    }

    /// The open folder that contains `path`, and the name in it: for system calls that take both.
    pub fn parent_of<'p>(&self, path: &'p Path) -> Result<(OwnedFd, &'p OsStr), TreeError> {
        self.parent(path, "open the folder of")
    }

    fn parent<'p>(&self, path: &'p Path, action: &'static str) -> Result<(OwnedFd, &'p OsStr), TreeError> {
        self.chain.inside(path)?;
        let Some(name) = file_name(path) else {
            return Err(self.chain.refused(path, Errno::ISDIR, action));
        };
        let parent = path.parent().unwrap_or(Path::new(""));
        Ok((self.chain.open_at(parent, OFlags::PATH | OFlags::DIRECTORY, action)?, name))
    }
}

impl TreeDir {
    /// Removes the empty folder at `path`.
    pub fn remove_dir(&self, path: impl AsRef<Path>) -> Result<(), TreeError> {
        let path = path.as_ref();
        let (parent, name) = self.parent(path, "remove the folder")?;
        unlinkat(&parent, name, AtFlags::REMOVEDIR).map_err(|e| self.chain.refused(path, e, "remove the folder"))
    }

    /// Opens the file at `path` for reading and for writing at its end, and makes it if it does not exist. A link, and a
    /// file that has other names besides, is replaced by an empty file.
    pub fn append_file(&self, path: impl AsRef<Path>) -> Result<File, TreeError> {
        let path = path.as_ref();
        let (parent, name) = self.parent(path, "open")?;
        let flags = OFlags::RDWR | OFlags::APPEND | OFlags::CLOEXEC | OFlags::NOFOLLOW | OFlags::NONBLOCK;
        let refused = |e| self.chain.refused(path, e, "open");
        match openat(&parent, name, flags, Mode::empty()) {
            Ok(fd) => {
                let stat = fstat(&fd).map_err(refused)?;
                if EntryKind::from_stat(&stat).is_file() && stat.st_nlink == 1 {
                    return Ok(fd.into());
                }
                unlinkat(&parent, name, AtFlags::empty()).map_err(refused)?;
            }
            Err(Errno::NOENT) => {}
            Err(Errno::LOOP) => unlinkat(&parent, name, AtFlags::empty()).map_err(refused)?,
            Err(e) => return Err(refused(e)),
        }
        let mode = Mode::from_raw_mode(0o644);
        openat(&parent, name, flags | OFlags::CREATE | OFlags::EXCL, mode).map(File::from).map_err(refused)
    }
}
