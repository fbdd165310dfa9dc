//! The walk that writes a tree as a NAR, in the order that the format wants: names sorted by bytes
//! in each folder. On the way it collects entries and brings metadata into the stored form.
//!
//! Knows the file system and the stream; nothing of hashes.

use std::ffi::{CStr, CString, OsStr, OsString};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, Stat, fstat, openat, readlinkat, statat};
use rustix::io::Errno;

use crate::normalise::{Normalise, is_exec, is_stored, is_stored_link};
use crate::pipe::Stream;
use crate::{Entry, Kind, NarError};
use akbuild_tree::{DIR_FLAGS, DirStack, MAX_DEPTH, Name, list};

const FILE_FLAGS: OFlags = OFlags::RDONLY.union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC).union(OFlags::NONBLOCK);

/// How much there is in a tree.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TreeStats {
    /// Regular files.
    pub files: u64,
    /// Folders, the root included.
    pub dirs: u64,
    /// Symbolic links.
    pub symlinks: u64,
    /// Bytes in regular files.
    pub bytes: u64,
}

/// What [`hash_tree`](crate::hash_tree) does beside hashing.
#[derive(Clone, Copy, Debug, Default)]
pub struct HashOptions {
    /// Bring the metadata into the stored form on the way.
    pub normalise: Option<Normalise>,
    /// Make a [`Listing`](crate::Listing), for which each file is hashed by itself too.
    pub listing: bool,
    /// Note what has other metadata than it would have in the stored form, its owner aside.
    pub inspect: bool,
}

/// What the walk found beside the bytes.
#[derive(Default)]
pub(crate) struct Found {
    pub(crate) stats: TreeStats,
    /// In the order of the walk; the digests of files are still zero.
    pub(crate) entries: Vec<Entry>,
    /// Relative paths of what has not the metadata of a stored tree.
    pub(crate) odd: Vec<OsString>,
}

pub(crate) struct Walk<'a> {
    root: &'a Path,
    normalise: Option<Normalise>,
    keep: bool,
    inspect: bool,
    out: Stream,
    found: Found,
    /// The folders above, and in each the names that are still to come, last first.
    above: Option<DirStack>,
    names: Vec<Vec<Name>>,
    buffer: Vec<MaybeUninit<u8>>,
}

impl<'a> Walk<'a> {
    pub(crate) fn new(root: &'a Path, options: &HashOptions, out: Stream) -> Self {
        let buffer = vec![MaybeUninit::uninit(); 64 * 1024];
        let (found, names) = (Found::default(), Vec::new());
        let HashOptions { normalise, listing: keep, inspect } = *options;
        Self { root, normalise, keep, inspect, out, found, above: None, names, buffer }
    }

    /// Walks all of it. Stops early, with `Ok`, when nobody reads the stream any more.
    pub(crate) fn run(mut self) -> Result<Found, NarError> {
        let bytes = self.root.as_os_str().as_bytes();
        let path = CString::new(bytes).map_err(|_| self.io("open", OsStr::new(""), Errno::INVAL))?;
        self.out.string(b"nix-archive-1");
        self.node(&(path, FileType::Unknown))?;
        while let Some(names) = self.names.last_mut() {
            if !self.out.open() {
                return Ok(self.found);
            }
            match names.pop() {
                Some(name) => {
                    self.out.put(tokens::ENTRY);
                    self.out.string(name.0.as_bytes());
                    self.out.put(tokens::NODE);
                    self.node(&name)?;
                }
                None => self.leave()?,
            }
        }
        self.out.finish();
        Ok(self.found)
    }

    /// Writes a file, a symbolic link, or the beginning of a folder.
    fn node(&mut self, name: &Name) -> Result<(), NarError> {
        let kind = match name.1 {
            FileType::Unknown => FileType::from_raw_mode(self.lstat(&name.0)?.st_mode),
            kind => kind,
        };
        match kind {
            FileType::RegularFile => self.file(&name.0)?,
            FileType::Symlink => self.symlink(&name.0)?,
            FileType::Directory => return self.enter(&name.0),
            other => return Err(self.special(&name.0, other)),
        }
        self.close()
    }

    fn file(&mut self, name: &CStr) -> Result<(), NarError> {
        let fd = self.open(name, FILE_FLAGS)?;
        let stat = fstat(&fd).map_err(|e| self.io("stat", os(name), e))?;
        let kind = FileType::from_raw_mode(stat.st_mode);
        if kind != FileType::RegularFile {
            return Err(self.special(name, kind));
        }
        let (size, exec) = (u64::try_from(stat.st_size).unwrap_or(0), is_exec(&stat));
        self.out.put(if exec { tokens::EXECUTABLE } else { tokens::REGULAR });
        self.out.put(&size.to_le_bytes());
        let read = self.out.contents(fd.as_fd(), size).map_err(|e| self.io("read", os(name), e))?;
        if read != size {
            return Err(NarError::Changed { path: self.path(os(name)), expected: size, found: read });
        }
        self.out.pad(size);
        self.inspect(name, || is_stored(&stat, exec));
        if let Some(normalise) = self.normalise {
            normalise.open(fd.as_fd(), &stat, exec).map_err(|e| self.io("normalise", os(name), e))?;
        }
        self.found.stats.files += 1;
        self.found.stats.bytes += size;
        self.entry(name, || Kind::File { exec, size, digest: [0; 32] });
        Ok(())
    }

    fn symlink(&mut self, name: &CStr) -> Result<(), NarError> {
        let target = readlinkat(self.dir(), name, Vec::new()).map_err(|e| self.io("read the link", os(name), e))?;
        self.out.put(tokens::SYMLINK);
        self.out.string(target.as_bytes());
        if self.inspect || self.normalise.is_some() {
            let stat = self.lstat(name)?;
            self.inspect(name, || is_stored_link(&stat));
            if let Some(normalise) = self.normalise {
                normalise.link(self.dir(), name, &stat).map_err(|e| self.io("normalise", os(name), e))?;
            }
        }
        self.found.stats.symlinks += 1;
        self.entry(name, || Kind::Symlink { target: OsString::from_vec(target.into_bytes()) });
        Ok(())
    }

    fn enter(&mut self, name: &CStr) -> Result<(), NarError> {
        if self.names.len() == MAX_DEPTH {
            return Err(NarError::Depth { root: self.root.to_owned(), limit: MAX_DEPTH });
        }
        let fd = self.open(name, DIR_FLAGS)?;
        if self.inspect || self.normalise.is_some() {
            let stat = fstat(&fd).map_err(|e| self.io("stat", os(name), e))?;
            self.inspect(name, || is_stored(&stat, true));
            if let Some(normalise) = self.normalise {
                normalise.open(fd.as_fd(), &stat, true).map_err(|e| self.io("normalise", os(name), e))?;
            }
        }
        let names = list(fd.as_fd(), &mut self.buffer).map_err(|e| self.io("list", os(name), e))?;
        self.found.stats.dirs += 1;
        self.entry(name, || Kind::Dir);
        self.out.put(tokens::DIRECTORY);
        self.names.push(names);
        let pushed = match &mut self.above {
            Some(above) => above.push(fd, os(name)),
            none => DirStack::new(fd, self.root).map(|stack| *none = Some(stack)),
        };
        pushed.map_err(|e| self.io("stat", OsStr::new(""), e))
    }

    fn leave(&mut self) -> Result<(), NarError> {
        self.names.pop();
        let popped = self.above.as_mut().map(DirStack::pop);
        if let Some(Err(e)) = popped {
            return Err(NarError::Io { action: "go up from", path: self.root.to_owned(), source: e.into() });
        }
        self.close()
    }

    /// Ends a node and, but for the root, the entry that it stands in.
    fn close(&mut self) -> Result<(), NarError> {
        self.out.put(tokens::CLOSE);
        if !self.names.is_empty() {
            self.out.put(tokens::CLOSE);
        }
        Ok(())
    }

    /// Opens a file or folder. Where metadata is normalised anyway, a mode that forbids it is no
    /// obstacle to the owner.
    fn open(&self, name: &CStr, flags: OFlags) -> Result<OwnedFd, NarError> {
        let open = || openat(self.dir(), name, flags, Mode::empty());
        let opened = match open() {
            Err(Errno::ACCESS) if self.normalise.is_some() => self.unlock(name).and_then(|()| open()),
            other => other,
        };
        opened.map_err(|e| self.io("open", os(name), e))
    }

    fn unlock(&self, name: &CStr) -> rustix::io::Result<()> {
        let mode = statat(self.dir(), name, AtFlags::SYMLINK_NOFOLLOW)?.st_mode & 0o700 | 0o400;
        rustix::fs::chmodat(self.dir(), name, Mode::from_raw_mode(mode), AtFlags::empty())
    }

    fn lstat(&self, name: &CStr) -> Result<Stat, NarError> {
        statat(self.dir(), name, AtFlags::SYMLINK_NOFOLLOW).map_err(|e| self.io("stat", os(name), e))
    }

    fn entry(&mut self, name: &CStr, kind: impl FnOnce() -> Kind) {
        if self.keep {
            let path = self.above.as_ref().map_or_else(PathBuf::new, |above| above.relative(os(name)));
            self.found.entries.push(Entry { path: path.into_os_string(), kind: kind() });
        }
    }

    /// Notes what has other metadata than it would have in the store.
    fn inspect(&mut self, name: &CStr, stored: impl FnOnce() -> bool) {
        if self.inspect && !stored() {
            let path = self.above.as_ref().map_or_else(PathBuf::new, |above| above.relative(os(name)));
            self.found.odd.push(path.into_os_string());
        }
    }

    fn dir(&self) -> BorrowedFd<'_> {
        self.above.as_ref().map_or(CWD, DirStack::fd)
    }

    fn path(&self, name: &OsStr) -> PathBuf {
        self.above.as_ref().map_or_else(|| self.root.to_owned(), |above| above.path(name))
    }

    fn io(&self, action: &'static str, name: &OsStr, e: Errno) -> NarError {
        NarError::Io { action, path: self.path(name), source: e.into() }
    }

    fn special(&self, name: &CStr, kind: FileType) -> NarError {
        let what = match kind {
            FileType::Fifo => "a named pipe",
            FileType::Socket => "a socket",
            FileType::CharacterDevice => "a character device",
            FileType::BlockDevice => "a block device",
            _ => "no file, folder or symbolic link",
        };
        NarError::Special { path: self.path(os(name)), what }
    }
}

fn os(name: &CStr) -> &OsStr {
    OsStr::from_bytes(name.to_bytes())
}

/// The fixed parts of a NAR, as bytes: each a string with its length in front and padded.
mod tokens {
    pub(super) const ENTRY: &[u8] =
        b"\x05\0\0\0\0\0\0\0entry\0\0\0\x01\0\0\0\0\0\0\0(\0\0\0\0\0\0\0\x04\0\0\0\0\0\0\0name\0\0\0\0";
    pub(super) const NODE: &[u8] = b"\x04\0\0\0\0\0\0\0node\0\0\0\0";
    pub(super) const CLOSE: &[u8] = b"\x01\0\0\0\0\0\0\0)\0\0\0\0\0\0\0";
    pub(super) const REGULAR: &[u8] = b"\x01\0\0\0\0\0\0\0(\0\0\0\0\0\0\0\x04\0\0\0\0\0\0\0type\0\0\0\0\x07\0\0\0\0\0\0\0regular\0\x08\0\0\0\0\0\0\0contents";
    pub(super) const EXECUTABLE: &[u8] = b"\x01\0\0\0\0\0\0\0(\0\0\0\0\0\0\0\x04\0\0\0\0\0\0\0type\0\0\0\0\x07\0\0\0\0\0\0\0regular\0\x0a\0\0\0\0\0\0\0executable\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x08\0\0\0\0\0\0\0contents";
    pub(super) const SYMLINK: &[u8] = b"\x01\0\0\0\0\0\0\0(\0\0\0\0\0\0\0\x04\0\0\0\0\0\0\0type\0\0\0\0\x07\0\0\0\0\0\0\0symlink\0\x06\0\0\0\0\0\0\0target\0\0";
    pub(super) const DIRECTORY: &[u8] =
        b"\x01\0\0\0\0\0\0\0(\0\0\0\0\0\0\0\x04\0\0\0\0\0\0\0type\0\0\0\0\x09\0\0\0\0\0\0\0directory\0\0\0\0\0\0\0";
}
