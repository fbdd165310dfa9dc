//! One package's `data.tar`, written into the root. Folders and files are written at once; links wait
//! until all packages are unpacked ([`crate::symlinks`]), so that no name ever leads through a link
//! while files are written. Set-id bits and owners are not kept.

use std::ffi::OsStr;
use std::io::{self, Read};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::fs::{AtFlags, Mode, OFlags, chmodat, fchmod, mkdirat, openat, unlinkat};
use tar::EntryType;

use crate::claims::{Claim, Claims, PackageId};
use crate::deb::{Deb, MAX_BYTES, MAX_MEMBERS};
use crate::{MemberProblem, SysrootError, member};

/// A link that waits.
pub(crate) struct Link {
    pub(crate) path: Vec<u8>,
    /// What a symbolic link says, or the path of the file that a hard link shares.
    pub(crate) target: Vec<u8>,
    pub(crate) owner: PackageId,
    /// The member's name and the package's label, for messages.
    pub(crate) member: String,
}

/// What a package held.
#[derive(Default)]
pub(crate) struct Extracted {
    pub(crate) hard_links: Vec<Link>,
    pub(crate) symlinks: Vec<Link>,
    pub(crate) files: u64,
    pub(crate) bytes: u64,
}

/// Where and how to extract.
pub(crate) struct Target<'a> {
    pub(crate) dest: &'a Path,
    pub(crate) dir: &'a OwnedFd,
    pub(crate) claims: &'a Claims,
    pub(crate) slim: bool,
    /// Set when another package failed: there is no use in going on.
    pub(crate) stop: &'a AtomicBool,
}

struct Extractor<'a> {
    target: &'a Target<'a>,
    deb: &'a Deb,
    owner: PackageId,
    /// The folder that was used last, which the next member mostly needs too.
    folder: Option<(Vec<u8>, OwnedFd)>,
    buffer: Vec<u8>,
    found: Extracted,
}

/// Extracts a package.
pub(crate) fn extract(deb: &Deb, owner: PackageId, target: &Target<'_>) -> Result<Extracted, SysrootError> {
    let buffer = vec![0; 1 << 18];
    let mut extractor = Extractor { target, deb, owner, folder: None, buffer, found: Extracted::default() };
    let mut archive = tar::Archive::new(deb.data()?);
    let damaged = |e: io::Error| deb.bad(format!("data.tar: {e}"));
    for (number, entry) in archive.entries().map_err(damaged)?.enumerate() {
        if target.stop.load(Ordering::Relaxed) {
            break;
        }
        let mut entry = entry.map_err(damaged)?;
        let name = entry.path_bytes().into_owned();
        extractor.found.bytes = extractor.found.bytes.saturating_add(entry.size());
        if number > MAX_MEMBERS || extractor.found.bytes > MAX_BYTES {
            return Err(extractor.refuse(&name, MemberProblem::TooLarge));
        }
        extractor.member(&name, &mut entry)?;
    }
    Ok(extractor.found)
}

impl Extractor<'_> {
    fn member(&mut self, name: &[u8], entry: &mut tar::Entry<'_, impl Read>) -> Result<(), SysrootError> {
        let path = member::path(name).map_err(|p| self.refuse(name, p))?;
        let kind = entry.header().entry_type();
        let is_symlink = kind == EntryType::Symlink;
        if (self.target.slim && member::is_unread(&path, is_symlink)) || (is_symlink && member::is_merge_link(name)) {
            return Ok(());
        }
        match kind {
            EntryType::Directory => self.folder(&path, name).map(drop),
            _ if path.is_empty() => Err(self.refuse(name, MemberProblem::Name)),
            EntryType::Regular | EntryType::Continuous | EntryType::GNUSparse => self.file(path, name, entry),
            EntryType::Symlink | EntryType::Link => {
                let link = entry.link_name_bytes().map(|t| t.into_owned()).unwrap_or_default();
                self.link(path, name, link, is_symlink)
            }
            _ => Err(self.refuse(name, MemberProblem::Kind)),
        }
    }

    fn file(&mut self, path: Vec<u8>, name: &[u8], entry: &mut tar::Entry<'_, impl Read>) -> Result<(), SysrootError> {
        let executable = entry.header().mode().map_err(|e| self.deb.bad(format!("data.tar: {e}")))? & 0o111 != 0;
        let mode = Mode::from_raw_mode(if executable { 0o755 } else { 0o644 });
        let (folder, leaf) = split(&path);
        self.folder(folder, name)?;
        let (target, owner) = (self.target, self.owner);
        let file = target.claims.claim(&path, owner, |claim| match claim {
            Claim::Lost => Ok(None),
            Claim::Free => self.create(leaf, mode, name).map(Some),
            Claim::Taken => {
                self.remove(leaf, name)?;
                self.create(leaf, mode, name).map(Some)
            }
        })?;
        let Some(file) = file else { return Ok(()) };
        self.found.files += 1;
        loop {
            match entry.read(&mut self.buffer) {
                Ok(0) => return Ok(()),
                Ok(n) => self.write(&file, n, &path)?,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(self.deb.bad(format!("data.tar: {e}"))),
            }
        }
    }

    fn write(&self, file: &OwnedFd, length: usize, path: &[u8]) -> Result<(), SysrootError> {
        let mut rest = &self.buffer[..length];
        while !rest.is_empty() {
            match rustix::io::write(file, rest) {
                Ok(n) => rest = &rest[n..],
                Err(rustix::io::Errno::INTR) => {}
                Err(e) => return Err(self.io("write", path, e)),
            }
        }
        Ok(())
    }

    /// Notes a link and claims its name.
    fn link(&mut self, path: Vec<u8>, name: &[u8], target: Vec<u8>, symbolic: bool) -> Result<(), SysrootError> {
        let target = match symbolic {
            true if target.is_empty() || target.contains(&0) => return Err(self.refuse(name, MemberProblem::Name)),
            true => target,
            false => member::path(&target).map_err(|p| self.refuse(name, p))?,
        };
        let (folder, leaf) = split(&path);
        self.folder(folder, name)?;
        let claims = self.target.claims;
        let claim = claims.claim(&path, self.owner, |claim| {
            if claim == Claim::Taken {
                self.remove(leaf, name)?;
            }
            Ok(claim)
        })?;
        if claim != Claim::Lost {
            let member = format!("{}\n{}", self.deb.label, String::from_utf8_lossy(name));
            let link = Link { path, target, owner: self.owner, member };
            if symbolic { &mut self.found.symlinks } else { &mut self.found.hard_links }.push(link);
        }
        Ok(())
    }

    /// Opens a folder and keeps it open; makes it, and those above it, if they are not there.
    fn folder(&mut self, path: &[u8], name: &[u8]) -> Result<(), SysrootError> {
        if self.folder.as_ref().is_some_and(|(open, _)| open == path) {
            return Ok(());
        }
        let whole = if path.is_empty() { b"." } else { path };
        let opened = match open_dir(self.target.dir, whole) {
            Err(rustix::io::Errno::NOENT) => self.make_folders(path).and_then(|()| open_dir(self.target.dir, whole)),
            other => other,
        };
        match opened {
            Ok(dir) => self.folder = Some((path.to_owned(), dir)),
            Err(rustix::io::Errno::NOTDIR | rustix::io::Errno::LOOP) => {
                return Err(self.refuse(name, MemberProblem::Clash));
            }
            Err(e) => return Err(self.io("make the folder", path, e)),
        }
        Ok(())
    }

    fn make_folders(&self, path: &[u8]) -> rustix::io::Result<()> {
        let ends = path.iter().enumerate().filter(|(_, c)| **c == b'/').map(|(i, _)| i).chain([path.len()]);
        for end in ends {
            match mkdirat(self.target.dir, &path[..end], Mode::from_raw_mode(0o755)) {
                // The mask of the process has no say in what a sysroot is.
                Ok(()) => chmodat(self.target.dir, &path[..end], Mode::from_raw_mode(0o755), AtFlags::empty())?,
                Err(rustix::io::Errno::EXIST) => {}
                Err(e) => return Err(e),
            }
        }
        Ok(())
    }

    fn create(&self, leaf: &[u8], mode: Mode, name: &[u8]) -> Result<OwnedFd, SysrootError> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let opened = openat(self.open_folder(), leaf, flags, mode);
        opened.and_then(|file| fchmod(&file, mode).map(|()| file)).map_err(|e| match e {
            rustix::io::Errno::EXIST | rustix::io::Errno::ISDIR => self.refuse(name, MemberProblem::Clash),
            e => self.io("create", member::path(name).as_deref().unwrap_or(name), e),
        })
    }

    fn remove(&self, leaf: &[u8], name: &[u8]) -> Result<(), SysrootError> {
        match unlinkat(self.open_folder(), leaf, AtFlags::empty()) {
            // A link that waits is not there yet.
            Ok(()) | Err(rustix::io::Errno::NOENT) => Ok(()),
            Err(rustix::io::Errno::ISDIR) => Err(self.refuse(name, MemberProblem::Clash)),
            Err(e) => Err(self.io("replace", name, e)),
        }
    }

    fn open_folder(&self) -> std::os::fd::BorrowedFd<'_> {
        self.folder.as_ref().map_or(self.target.dir.as_fd(), |(_, dir)| dir.as_fd())
    }

    fn refuse(&self, name: &[u8], problem: MemberProblem) -> SysrootError {
        let member = String::from_utf8_lossy(name).into_owned();
        SysrootError::Member { package: self.deb.label.clone(), member, problem }
    }

    fn io(&self, what: &'static str, path: &[u8], error: rustix::io::Errno) -> SysrootError {
        SysrootError::io(what, self.target.dest.join(OsStr::from_bytes(path)))(error.into())
    }
}

fn open_dir(dir: &OwnedFd, path: &[u8]) -> rustix::io::Result<OwnedFd> {
    openat(dir, path, OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC, Mode::empty())
}

/// A path's folder and its last name.
fn split(path: &[u8]) -> (&[u8], &[u8]) {
    match path.iter().rposition(|c| *c == b'/') {
        Some(at) => (&path[..at], &path[at + 1..]),
        None => (b"", path),
    }
}
