//! An image's layers become a folder with a file system, as a container runtime makes it: "Applying" of the
//! specification's text on layers, whiteouts included. Knows owners and modes as the layers have them, also where the
//! one who unpacks may not give files away.
//!
//! Whose image it is does not matter: no name leads out of the folder, since the kernel looks every one up below it
//! (`openat2` with `RESOLVE_IN_ROOT`).

use std::collections::{BTreeMap, HashSet};
use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io::{self, Read};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};

use akbuild_nar::{Algo, Hasher};
use rustix::fs::{AtFlags, CWD, Mode, OFlags, ResolveFlags};
use rustix::io::Errno;
use tar::EntryType;

use crate::archive::decode;
use crate::error::Doing;
use crate::{Descriptor, ImageError, Layout};

/// What a layer says of a file, folder or link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Meta {
    /// Permission bits, the special ones included.
    pub mode: u32,
    /// Its owner.
    pub uid: u64,
    /// Its group.
    pub gid: u64,
    /// Whether it is a folder.
    pub is_folder: bool,
    /// Where it leads, if it is a symbolic link.
    pub target: Option<PathBuf>,
}

/// A file system that was unpacked.
#[derive(Clone, Debug, Default)]
pub struct Unpacked {
    /// By path, absolute in the image.
    pub entries: BTreeMap<PathBuf, Meta>,
}

/// Unpacks all layers of an image into the empty folder `root`. Files keep their modes, less set-uid bits, and belong
/// to whoever unpacks; devices are left out.
///
/// # Errors
/// [`ImageError::Digest`] and [`ImageError::Layer`] for a layer that is not what it should be.
pub fn unpack(layout: &Layout, root: &Path) -> Result<Unpacked, ImageError> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let fd = rustix::fs::openat(CWD, root, flags, Mode::empty()).map_err(io::Error::from).doing("open", root)?;
    let root = fs::canonicalize(root).doing("open", root)?;
    let mut tree = Tree { root, fd, entries: BTreeMap::new(), parent: None };
    for (layer, diff_id) in layout.layers.iter().zip(&layout.diff_ids) {
        tree.apply(layer, diff_id, &layout.blob(&layer.digest))?;
    }
    tree.set_modes()?;
    Ok(Unpacked { entries: tree.entries })
}

struct Tree {
    root: PathBuf,
    fd: OwnedFd,
    entries: BTreeMap<PathBuf, Meta>,
    /// The folder that was last written to: its name in the archive, itself, and where it really is.
    parent: Option<(PathBuf, std::rc::Rc<OwnedFd>, PathBuf)>,
}

impl Tree {
    fn apply(&mut self, layer: &Descriptor, diff_id: &akbuild_nar::Digest, blob: &Path) -> Result<(), ImageError> {
        let name = layer.name();
        let file = File::open(blob).doing("open", blob)?;
        let outer = std::rc::Rc::new(std::cell::RefCell::new(Hasher::new(Algo::Sha256)));
        let decoded = decode(Hashed { inner: file, hasher: outer.clone() }).doing("read", blob)?;
        let inner = std::rc::Rc::new(std::cell::RefCell::new(Hasher::new(Algo::Sha256)));
        let mut stream = Hashed { inner: io::BufReader::with_capacity(256 << 10, decoded), hasher: inner.clone() };
        let problem = |problem: String| ImageError::Layer { layer: name.clone(), problem };
        let mut own = HashSet::new();
        let mut archive = tar::Archive::new(&mut stream);
        for entry in archive.entries().map_err(|e| problem(e.to_string()))? {
            let mut entry = entry.map_err(|e| problem(e.to_string()))?;
            let path = entry.path().map_err(|e| problem(e.to_string()))?.into_owned();
            let Some(path) = plain(&path) else {
                return Err(problem(format!("`{}` leads out of it", path.display())));
            };
            self.put(&path, &mut entry, &mut own).map_err(|e| problem(format!("`{}`: {e}", path.display())))?;
        }
        drop(archive);
        io::copy(&mut stream, &mut io::sink()).map_err(|e| problem(e.to_string()))?;
        drop(stream);
        let found = [outer, inner].map(|hasher| hasher.borrow().clone().finish());
        if found != [layer.digest, *diff_id] { Err(ImageError::Digest { layer: name }) } else { Ok(()) }
    }

    fn put(&mut self, path: &Path, entry: &mut tar::Entry<'_, impl Read>, own: &mut HashSet<PathBuf>) -> io::Result<()> {
        let Some(name) = path.file_name() else { return Ok(()) };
        let (parent, real) = self.parent_of(path)?;
        if let Some(gone) = name.as_bytes().strip_prefix(b".wh.") {
            return match gone {
                b".wh..opq" => self.clear(&parent, &real, own),
                gone => self.remove(&parent, &real, OsStr::from_bytes(gone)),
            };
        }
        let at = real.join(name);
        let kind = entry.header().entry_type();
        if kind == EntryType::Directory {
            if !self.entries.get(&at).is_some_and(|meta| meta.is_folder) {
                self.remove(&parent, &real, name)?;
                rustix::fs::mkdirat(&*parent, name, Mode::from_raw_mode(0o755))?;
            }
        } else {
            self.remove(&parent, &real, name)?;
            match kind {
                EntryType::Symlink => {
                    let target = entry.link_name()?.ok_or(io::ErrorKind::InvalidData)?;
                    rustix::fs::symlinkat(&*target, &*parent, name)?;
                }
                EntryType::Link => {
                    let target = entry.link_name()?.ok_or(io::ErrorKind::InvalidData)?.into_owned();
                    let target = plain(&target).ok_or(io::ErrorKind::InvalidData)?;
                    let (folder, _) = self.look_up(target.parent().unwrap_or(Path::new("")))?;
                    let from = target.file_name().ok_or(io::ErrorKind::InvalidData)?;
                    rustix::fs::linkat(&folder, from, &*parent, name, AtFlags::empty())?;
                }
                EntryType::Regular | EntryType::Continuous | EntryType::GNUSparse => {
                    let flags = OFlags::CREATE | OFlags::EXCL | OFlags::WRONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
                    let mut file = File::from(rustix::fs::openat(&*parent, name, flags, Mode::from_raw_mode(0o600))?);
                    io::copy(entry, &mut file)?;
                    rustix::fs::fchmod(&file, Mode::from_raw_mode(entry.header().mode()? & 0o777))?;
                }
                // Devices and the like: a container runtime makes its own.
                _ => return Ok(()),
            }
        }
        let header = entry.header();
        let meta = Meta {
            mode: header.mode()? & 0o7777,
            uid: header.uid()?,
            gid: header.gid()?,
            is_folder: kind == EntryType::Directory,
            target: match kind {
                EntryType::Symlink => entry.link_name()?.map(|target| target.into_owned()),
                _ => None,
            },
        };
        own.insert(at.clone());
        self.entries.insert(at, meta);
        Ok(())
    }

    /// The folder that a path is in, made if it is not there, and where it really is.
    fn parent_of(&mut self, path: &Path) -> io::Result<(std::rc::Rc<OwnedFd>, PathBuf)> {
        let parent = path.parent().unwrap_or(Path::new("")).to_owned();
        if let Some((known, fd, real)) = &self.parent
            && *known == parent
        {
            return Ok((fd.clone(), real.clone()));
        }
        let mut so_far = PathBuf::new();
        let (mut folder, mut real) = self.look_up(&so_far)?;
        for part in parent.components() {
            so_far.push(part);
            (folder, real) = match self.look_up(&so_far) {
                Err(e) if e.kind() == io::ErrorKind::NotFound => {
                    rustix::fs::mkdirat(&folder, part.as_os_str(), Mode::from_raw_mode(0o755))?;
                    let meta = Meta { mode: 0o755, uid: 0, gid: 0, is_folder: true, target: None };
                    self.entries.insert(real.join(part), meta);
                    self.look_up(&so_far)?
                }
                other => other?,
            };
        }
        let folder = std::rc::Rc::new(folder);
        self.parent = Some((parent, folder.clone(), real.clone()));
        Ok((folder, real))
    }

    /// A folder of the image, links followed within it, and where it really is.
    fn look_up(&self, path: &Path) -> io::Result<(OwnedFd, PathBuf)> {
        let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let resolve = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS;
        let folder = rustix::fs::openat2(&self.fd, path, flags, Mode::empty(), resolve)?;
        let real = fs::read_link(format!("/proc/self/fd/{}", folder.as_raw_fd()))?;
        let inside = real.strip_prefix(&self.root).map_err(|_| io::ErrorKind::InvalidData)?;
        Ok((folder, Path::new("/").join(inside)))
    }

    fn remove(&mut self, parent: &OwnedFd, real: &Path, name: &OsStr) -> io::Result<()> {
        match rustix::fs::unlinkat(parent, name, AtFlags::empty()) {
            Ok(()) => drop(self.entries.remove(&real.join(name))),
            Err(Errno::NOENT) => {}
            Err(Errno::ISDIR) => {
                self.parent = None;
                let host = Path::new("/proc/self/fd").join(parent.as_raw_fd().to_string()).join(name);
                fs::remove_dir_all(host)?;
                let gone = real.join(name);
                self.entries.retain(|path, _| !path.starts_with(&gone));
            }
            Err(e) => return Err(e.into()),
        }
        Ok(())
    }

    /// Removes what lower layers have in a folder.
    fn clear(&mut self, folder: &OwnedFd, real: &Path, own: &HashSet<PathBuf>) -> io::Result<()> {
        let host = Path::new("/proc/self/fd").join(folder.as_raw_fd().to_string());
        let names: Vec<OsString> = fs::read_dir(host)?.map(|e| Ok(e?.file_name())).collect::<io::Result<_>>()?;
        for name in names.iter().filter(|name| !own.contains(&real.join(name))) {
            self.remove(folder, real, name)?;
        }
        Ok(())
    }

    /// Gives folders their modes: only now, since one that cannot be written to cannot be filled.
    fn set_modes(&self) -> Result<(), ImageError> {
        use std::os::unix::fs::PermissionsExt;
        for (path, meta) in self.entries.iter().rev().filter(|(_, meta)| meta.is_folder && meta.mode != 0o755) {
            let host = self.root.join(path.strip_prefix("/").unwrap_or(path));
            fs::set_permissions(&host, fs::Permissions::from_mode(meta.mode & 0o1777)).doing("change the mode of", &host)?;
        }
        Ok(())
    }
}

impl Unpacked {
    /// Where a path leads, links followed, and what is there.
    pub fn look_up(&self, path: &Path) -> Option<(PathBuf, &Meta)> {
        self.follow(path, 40)
    }

    fn follow(&self, path: &Path, links: u32) -> Option<(PathBuf, &Meta)> {
        const ROOT: &Meta = &Meta { mode: 0o755, uid: 0, gid: 0, is_folder: true, target: None };
        let mut at = (PathBuf::from("/"), ROOT);
        let mut parts = path.components();
        while let Some(part) = parts.next() {
            let next = match part {
                Component::Normal(name) => at.0.join(name),
                Component::ParentDir => at.0.parent().unwrap_or(Path::new("/")).to_owned(),
                _ => continue,
            };
            let meta = if next == Path::new("/") { ROOT } else { self.entries.get(&next)? };
            match &meta.target {
                Some(target) => {
                    let whole = at.0.join(target).join(parts.as_path());
                    return self.follow(&whole, links.checked_sub(1)?);
                }
                None => at = (next, meta),
            }
        }
        Some(at)
    }

    /// The folders that this user may make files in, without those below another of them.
    pub fn writable(&self, uid: u64, gid: u64) -> Vec<PathBuf> {
        let mut all: Vec<PathBuf> = Vec::new();
        for (path, _) in self.entries.iter().filter(|(_, meta)| meta.is_folder && meta.lets_write(uid, gid)) {
            if !all.iter().any(|above| path.starts_with(above)) {
                all.push(path.clone());
            }
        }
        all
    }
}

impl Meta {
    /// Whether this user may write to it, by its mode.
    pub fn lets_write(&self, uid: u64, gid: u64) -> bool {
        let needed = if self.is_folder { 0o3 } else { 0o2 };
        let shift = match () {
            () if uid == 0 => return true,
            () if self.uid == uid => 6,
            () if self.gid == gid => 3,
            () => 0,
        };
        (self.mode >> shift) & needed == needed
    }
}

/// A path without `.` and the first `/`; `None` if it climbs.
fn plain(path: &Path) -> Option<PathBuf> {
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

/// Hashes what is read.
struct Hashed<R> {
    inner: R,
    hasher: std::rc::Rc<std::cell::RefCell<Hasher>>,
}

impl<R: Read> Read for Hashed<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buffer)?;
        self.hasher.borrow_mut().update(&buffer[..n]);
        Ok(n)
    }
}
