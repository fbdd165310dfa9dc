//! A file system that comes of the members of archives, below one folder of this machine. Knows what each kind of
//! member does to it, whiteouts included; nothing of layers but where one ends.
//!
//! No name leads out of the folder: [`RootDir`] finds the folder of each name, links followed inside the root, and what
//! is made in that folder is made by its name alone, through a descriptor.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read};
use std::ops::Bound;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};
use std::rc::Rc;

use akbuild_tree::{RootDir, TreeDir, TreeError};
use rustix::fs::{AtFlags, Mode, OFlags};
use tar::EntryType;

use crate::ImageError;
use crate::unpacked::{Meta, Unpacked};

/// The name in messages.
const IMAGE: &str = "the unpacked image";

/// How long a path may be, for the kernel and so for whoever unpacks an image.
const LONGEST: usize = 4095;

/// What was unpacked so far.
pub(crate) struct Tree {
    path: PathBuf,
    root: RootDir,
    /// By path, absolute in the image; no part of a path is a link.
    entries: BTreeMap<PathBuf, Meta>,
    /// The paths that the layer at work has, left out or replaced since or not.
    own: BTreeSet<PathBuf>,
    /// The folder that was last written to, and its name in the archive. What a member removes is never above it.
    last: Option<(PathBuf, Folder)>,
}

/// A folder of the image, and where it really is.
#[derive(Clone)]
struct Folder {
    fd: Rc<OwnedFd>,
    real: PathBuf,
}

impl Tree {
    /// An empty one, in an empty folder.
    pub(crate) fn new(root: &Path) -> Result<Self, ImageError> {
        let (path, root) = (root.to_owned(), RootDir::open(root, IMAGE)?);
        Ok(Self { path, root, entries: BTreeMap::new(), own: BTreeSet::new(), last: None })
    }

    /// What comes now is of another layer: whiteouts are for what is there.
    pub(crate) fn next_layer(&mut self) {
        self.own.clear();
    }

    /// Where a path of the image is on this machine, for messages.
    pub(crate) fn host(&self, path: &Path) -> PathBuf {
        self.path.join(path.strip_prefix("/").unwrap_or(path))
    }

    /// Does what a member says; `path` has no `..`.
    pub(crate) fn put(&mut self, path: &Path, entry: &mut tar::Entry<'_, impl Read>) -> io::Result<()> {
        if path.as_os_str().len() > LONGEST {
            return Err(bad(format!("its path is longer than {LONGEST} B")));
        }
        let Some(name) = path.file_name() else { return Ok(()) };
        let folder = self.folder_of(path)?;
        if let Some(gone) = name.as_bytes().strip_prefix(b".wh.") {
            return self.white_out(&folder, gone);
        }
        let at = folder.real.join(name);
        if let Some(meta) = self.make(&folder, name, &at, entry)? {
            self.entries.insert(at.clone(), meta);
        }
        self.own.insert(at);
        Ok(())
    }

    fn make(
        &mut self,
        folder: &Folder,
        name: &OsStr,
        at: &Path,
        entry: &mut tar::Entry<'_, impl Read>,
    ) -> io::Result<Option<Meta>> {
        let mut meta = Meta::of(entry.header())?;
        match entry.header().entry_type() {
            EntryType::Directory if self.entries.get(at).is_some_and(|there| there.is_folder) => {}
            EntryType::Directory => {
                self.remove(folder, name)?;
                rustix::fs::mkdirat(&*folder.fd, name, Mode::from_raw_mode(0o755))?;
            }
            EntryType::Symlink => {
                let target = entry.link_name()?.ok_or_else(|| bad("a link that leads nowhere"))?.into_owned();
                self.remove(folder, name)?;
                rustix::fs::symlinkat(&target, &*folder.fd, name)?;
                meta.target = Some(target);
            }
            EntryType::Link => {
                let target = entry.link_name()?.ok_or_else(|| bad("a link that leads nowhere"))?.into_owned();
                meta = self.hard_link(folder, name, at, &target)?;
            }
            EntryType::Regular | EntryType::Continuous if !is_sparse(entry)? => {
                self.remove(folder, name)?;
                write(folder, name, &meta, entry)?;
            }
            EntryType::Regular | EntryType::Continuous | EntryType::GNUSparse => {
                return Err(bad("a sparse file, which no container runtime writes into a layer"));
            }
            // Devices and the like: a container runtime makes its own.
            _ => {
                self.remove(folder, name)?;
                return Ok(None);
            }
        }
        Ok(Some(meta))
    }

    /// Gives a file, or a link, another name; it stays what it is, whatever the header says.
    fn hard_link(&mut self, folder: &Folder, name: &OsStr, at: &Path, target: &Path) -> io::Result<Meta> {
        let lost = || bad(format!("a hard link to `{}`, which is no file of the image", target.display()));
        let plain = plain(target).ok_or_else(lost)?;
        let from = plain.file_name().ok_or_else(lost)?;
        let there = self.look_up(plain.parent().unwrap_or(Path::new(""))).map_err(|_| lost())?;
        let real = there.real.join(from);
        let meta = self.entries.get(&real).filter(|meta| !meta.is_folder).cloned().ok_or_else(lost)?;
        if real != at {
            self.remove(folder, name)?;
            rustix::fs::linkat(&*there.fd, from, &*folder.fd, name, AtFlags::empty())?;
        }
        Ok(meta)
    }

    /// The folder that a path is in, made if it is not there.
    fn folder_of(&mut self, path: &Path) -> io::Result<Folder> {
        let parent = path.parent().unwrap_or(Path::new("")).to_owned();
        if let Some((known, folder)) = &self.last
            && *known == parent
        {
            return Ok(folder.clone());
        }
        // From the end: what is there already is found at once, however deep it is.
        let (mut there, mut missing) = (parent.as_path(), Vec::new());
        let mut folder = loop {
            match (self.look_up(there), there.parent()) {
                (Err(e), Some(above)) if e.kind() == io::ErrorKind::NotFound => {
                    missing.extend(there.file_name().map(|name| (there, name)));
                    there = above;
                }
                (found, _) => break found?,
            }
        };
        for (path, name) in missing.into_iter().rev() {
            rustix::fs::mkdirat(&*folder.fd, name, Mode::from_raw_mode(0o755))?;
            self.entries.insert(folder.real.join(name), Meta::folder(0o755));
            folder = self.look_up(path)?;
        }
        self.last = Some((parent, folder.clone()));
        Ok(folder)
    }

    /// A folder of the image, links followed within it.
    fn look_up(&self, path: &Path) -> io::Result<Folder> {
        let found = self.root.folder(path).map_err(|error| match error {
            // The member's path is named beside it.
            TreeError::Io { source, .. } => source,
            error => io::Error::other(error),
        });
        let (fd, real) = found?;
        Ok(Folder { fd: Rc::new(fd), real })
    }

    /// Hides what lower layers have: a name in a folder, or all that is in it. What this layer has put there itself
    /// stays, in whatever order the two come.
    fn white_out(&mut self, folder: &Folder, gone: &[u8]) -> io::Result<()> {
        let at = match gone {
            b".wh..opq" => folder.real.clone(),
            b"" | b"." | b".." => return Err(bad("a whiteout of no name")),
            _ => folder.real.join(OsStr::from_bytes(gone)),
        };
        let all = at == folder.real;
        let mut hidden: Vec<PathBuf> = Vec::new();
        for path in below(&self.entries, &at).filter(|path| !(all && **path == at)) {
            let hides = |top: &PathBuf| path.starts_with(top);
            let own = self.own.range::<Path, _>((Bound::Included(path.as_path()), Bound::Unbounded)).next();
            if !hidden.last().is_some_and(hides) && !own.is_some_and(|own| own.starts_with(path)) {
                hidden.push(path.clone());
            }
        }
        for path in hidden {
            let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else { continue };
            let folder = self.look_up(parent)?;
            self.remove(&folder, name)?;
        }
        Ok(())
    }

    /// Removes what has that name, and all that is in it, the deepest first.
    fn remove(&mut self, folder: &Folder, name: &OsStr) -> io::Result<()> {
        let gone: Vec<PathBuf> = below(&self.entries, &folder.real.join(name)).cloned().collect();
        let mut at = folder.clone();
        for path in gone.iter().rev() {
            let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else { continue };
            if at.real != parent {
                at = self.look_up(parent)?;
            }
            let is_folder = self.entries.get(path).is_some_and(|meta| meta.is_folder);
            let flags = if is_folder { AtFlags::REMOVEDIR } else { AtFlags::empty() };
            rustix::fs::unlinkat(&*at.fd, name, flags)?;
            self.entries.remove(path);
        }
        Ok(())
    }

    /// Gives folders their modes: only now, since one that cannot be written to cannot be filled.
    pub(crate) fn finish(self) -> Result<Unpacked, ImageError> {
        let tree = TreeDir::open(&self.path, IMAGE)?;
        for (path, meta) in self.entries.iter().rev().filter(|(_, meta)| meta.is_folder) {
            tree.set_mode(path.strip_prefix("/").unwrap_or(path), meta.mode & 0o1777)?;
        }
        Ok(Unpacked { entries: self.entries })
    }
}

/// A path without `.` and the first `/`; `None` if it climbs.
pub(crate) fn plain(path: &Path) -> Option<PathBuf> {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            Component::Normal(name) => out.push(name),
            Component::RootDir | Component::CurDir => {}
            Component::ParentDir | Component::Prefix(_) => return None,
        }
    }
    Some(out)
}

/// A path and those below it.
fn below<'a>(entries: &'a BTreeMap<PathBuf, Meta>, at: &'a Path) -> impl Iterator<Item = &'a PathBuf> {
    let from = entries.range::<Path, _>((Bound::Included(at), Bound::Unbounded));
    from.map(|(path, _)| path).take_while(move |path| path.starts_with(at))
}

fn write(folder: &Folder, name: &OsStr, meta: &Meta, entry: &mut tar::Entry<'_, impl Read>) -> io::Result<()> {
    let flags = OFlags::CREATE | OFlags::EXCL | OFlags::WRONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let fd = rustix::fs::openat(&*folder.fd, name, flags, Mode::from_raw_mode(0o600))?;
    let mut file = File::from(fd);
    let (expected, found) = (entry.size(), io::copy(entry, &mut file)?);
    if found != expected {
        return Err(bad(format!("it ends after {found} of {expected} B")));
    }
    Ok(rustix::fs::fchmod(&file, Mode::from_raw_mode(meta.mode & 0o777))?)
}

/// Whether a file has its holes left out, in the way of newer archives: a reader that does not know it would take
/// the list of its parts for what is in it.
fn is_sparse(entry: &mut tar::Entry<'_, impl Read>) -> io::Result<bool> {
    let Some(mut extensions) = entry.pax_extensions()? else { return Ok(false) };
    Ok(extensions.any(|extension| extension.is_ok_and(|e| e.key_bytes().starts_with(b"GNU.sparse."))))
}

/// What a layer may not have.
fn bad(problem: impl Into<String>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, problem.into())
}
