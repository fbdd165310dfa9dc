//! Where members of an archive are put. Knows every name that was written, so that nothing is ever
//! written through a link, and that no link leads out. Knows no archive format.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use super::error::{ArchiveError, MemberFault};

/// The most that an archive may hold.
pub(super) const MOST_BYTES: u64 = 32 << 30;
/// The most members that it may have.
pub(super) const MOST_MEMBERS: u64 = 4_000_000;

/// A name in the archive, cut at slashes.
type Name = Vec<Vec<u8>>;

enum Kind {
    Folder,
    File,
    Link(Vec<u8>),
}

/// What becomes of the folder at the top of an archive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StripTop<'a> {
    /// It stays.
    No,
    /// If there is one folder and nothing beside it, its contents take its place.
    IfSingle,
    /// Everything lies below this folder (or it is an error), whose contents take its place.
    Named(&'a str),
}

/// What was unpacked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Unpacked {
    /// Number of files.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// The tree that is being written.
pub(super) struct Place<'a> {
    archive: &'a Path,
    dest: &'a Path,
    strip: StripTop<'a>,
    written: BTreeMap<Name, Kind>,
    members: u64,
    done: Unpacked,
    most_bytes: u64,
}

impl<'a> Place<'a> {
    pub(super) fn new(archive: &'a Path, dest: &'a Path, strip: StripTop<'a>) -> Result<Self, ArchiveError> {
        let written = BTreeMap::new();
        let done = Unpacked::default();
        let place = Self { archive, dest, strip, written, members: 0, done, most_bytes: MOST_BYTES };
        fs::create_dir_all(dest).map_err(place.writing(dest))?;
        match fs::read_dir(dest).map_err(place.writing(dest))?.next() {
            None => Ok(place),
            Some(_) => Err(place.writing(dest)(io::Error::other("the folder is not empty"))),
        }
    }

    /// An error of reading the archive.
    pub(super) fn reading(&self, source: io::Error) -> ArchiveError {
        ArchiveError::Read { archive: self.archive.to_owned(), source }
    }

    fn writing(&self, path: &Path) -> impl FnOnce(io::Error) -> ArchiveError + use<> {
        let (archive, path) = (self.archive.to_owned(), path.to_owned());
        move |source| ArchiveError::Write { archive, path, source }
    }

    /// An error about one member.
    pub(super) fn fault(&self, member: &[u8], why: MemberFault) -> ArchiveError {
        ArchiveError::Member { archive: self.archive.to_owned(), member: shown(member), why }
    }

    /// A folder; it may be there already.
    pub(super) fn folder(&mut self, member: &[u8]) -> Result<(), ArchiveError> {
        let Some(name) = self.name(member)? else { return Ok(()) };
        self.parents(member, &name)?;
        match self.written.get(&name) {
            Some(Kind::Folder) => Ok(()),
            Some(_) => Err(self.fault(member, MemberFault::Twice)),
            None => self.make_folder(name),
        }
    }

    /// A file with these contents.
    pub(super) fn file(&mut self, member: &[u8], executable: bool, from: &mut impl Read) -> Result<(), ArchiveError> {
        let Some(path) = self.fresh(member, Kind::File)? else { return Ok(()) };
        let mode = if executable { 0o755 } else { 0o644 };
        let opened = OpenOptions::new().write(true).create_new(true).mode(mode).open(&path);
        let mut file = opened.map_err(self.writing(&path))?;
        let count = self.copy(from, &mut file, &path)?;
        self.done.files += 1;
        self.done.bytes += count;
        Ok(())
    }

    /// Copies, telling errors of reading from those of writing; counts against the limit as it goes.
    fn copy(&self, from: &mut impl Read, to: &mut File, path: &Path) -> Result<u64, ArchiveError> {
        let mut buffer = [0; 1 << 16];
        let mut count = 0;
        loop {
            let read = match from.read(&mut buffer) {
                Ok(0) => return Ok(count),
                Ok(read) => read,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
                Err(e) => return Err(self.reading(e)),
            };
            count += read as u64;
            if self.done.bytes + count > self.most_bytes {
                return Err(self.too_much(format!("{} bytes", self.most_bytes)));
            }
            io::Write::write_all(to, &buffer[..read]).map_err(self.writing(path))?;
        }
    }

    /// A symbolic link. Whether it stays inside is known when everything is there: [`Place::finish`].
    pub(super) fn link(&mut self, member: &[u8], target: &[u8]) -> Result<(), ArchiveError> {
        if target.starts_with(b"/") {
            return Err(self.fault(member, MemberFault::AbsoluteLink(shown(target))));
        }
        if target.is_empty() || target.contains(&0) {
            return Err(self.fault(member, MemberFault::Name));
        }
        let Some(path) = self.fresh(member, Kind::Link(target.to_owned()))? else { return Ok(()) };
        std::os::unix::fs::symlink(std::ffi::OsStr::from_bytes(target), &path).map_err(self.writing(&path))
    }

    /// A hard link to an earlier file, written as a copy, so that changing one never changes the other.
    pub(super) fn hard_link(&mut self, member: &[u8], target: &[u8]) -> Result<(), ArchiveError> {
        let found = self.name(target).ok().flatten();
        let found = found.filter(|n| matches!(self.written.get(n), Some(Kind::File)));
        let Some(from) = found.map(|n| self.path(&n)) else {
            return Err(self.fault(member, MemberFault::HardLink(shown(target))));
        };
        let Some(path) = self.fresh(member, Kind::File)? else { return Ok(()) };
        let bytes = fs::metadata(&from).map_err(self.writing(&from))?.len();
        if self.done.bytes + bytes > self.most_bytes {
            return Err(self.too_much(format!("{} bytes", self.most_bytes)));
        }
        fs::copy(&from, &path).map_err(self.writing(&path))?;
        self.done.files += 1;
        self.done.bytes += bytes;
        Ok(())
    }

    /// Checks the links, and strips the top folder if that was asked for.
    pub(super) fn finish(mut self) -> Result<Unpacked, ArchiveError> {
        if self.strip == StripTop::IfSingle {
            self.strip_single()?;
        }
        for (name, kind) in &self.written {
            if let Kind::Link(target) = kind
                && !self.stays_inside(name, target)
            {
                return Err(self.fault(&name.join(&b'/'), MemberFault::LinkOut(shown(target))));
            }
        }
        Ok(self.done)
    }

    fn too_much(&self, limit: String) -> ArchiveError {
        ArchiveError::TooMuch { archive: self.archive.to_owned(), limit }
    }

    /// The name of a member; `None` for the root itself.
    fn name(&self, member: &[u8]) -> Result<Option<Name>, ArchiveError> {
        if member.starts_with(b"/") {
            return Err(self.fault(member, MemberFault::Absolute));
        }
        if member.is_empty() || member.contains(&0) {
            return Err(self.fault(member, MemberFault::Name));
        }
        let mut parts: Name = Vec::new();
        for part in member.split(|b| *b == b'/') {
            match part {
                b"" | b"." => {}
                b".." => return Err(self.fault(member, MemberFault::Parent)),
                part => parts.push(part.to_owned()),
            }
        }
        if let StripTop::Named(top) = self.strip {
            match parts.first() {
                Some(first) if first != top.as_bytes() => {
                    return Err(self.fault(member, MemberFault::NotBelow(top.to_owned())));
                }
                Some(_) => drop(parts.remove(0)),
                None => {}
            }
        }
        Ok((!parts.is_empty()).then_some(parts))
    }

    fn path(&self, name: &[Vec<u8>]) -> PathBuf {
        self.dest.join(std::ffi::OsStr::from_bytes(&name.join(&b'/')))
    }

    /// The path for something new, recorded. `None` for the root itself, which is there.
    fn fresh(&mut self, member: &[u8], kind: Kind) -> Result<Option<PathBuf>, ArchiveError> {
        let Some(name) = self.name(member)? else { return Err(self.fault(member, MemberFault::Name)) };
        self.parents(member, &name)?;
        if self.written.contains_key(&name) {
            return Err(self.fault(member, MemberFault::Twice));
        }
        self.count()?;
        let path = self.path(&name);
        self.written.insert(name, kind);
        Ok(Some(path))
    }

    fn count(&mut self) -> Result<(), ArchiveError> {
        self.members += 1;
        match self.members > MOST_MEMBERS {
            true => Err(self.too_much(format!("{MOST_MEMBERS} members"))),
            false => Ok(()),
        }
    }

    /// Makes the folders above a name; each must be a folder that was made here, never a link.
    fn parents(&mut self, member: &[u8], name: &Name) -> Result<(), ArchiveError> {
        for depth in 1..name.len() {
            match self.written.get(&name[..depth]) {
                Some(Kind::Folder) => {}
                Some(_) => return Err(self.fault(member, MemberFault::Below(shown(&name[..depth].join(&b'/'))))),
                None => self.make_folder(name[..depth].to_vec())?,
            }
        }
        Ok(())
    }

    fn make_folder(&mut self, name: Name) -> Result<(), ArchiveError> {
        self.count()?;
        let path = self.path(&name);
        fs::create_dir(&path).map_err(self.writing(&path))?;
        self.written.insert(name, Kind::Folder);
        Ok(())
    }

    fn strip_single(&mut self) -> Result<(), ArchiveError> {
        let mut tops = self.written.iter().filter(|(name, _)| name.len() == 1);
        let (Some((top, Kind::Folder)), None) = (tops.next(), tops.next()) else { return Ok(()) };
        let top = top[0].clone();
        // The folder first takes a name that nothing in it has, so that its contents can take its place.
        let taken = |n: &str| self.written.contains_key(&vec![top.clone(), n.as_bytes().to_vec()]);
        let aside = (0u64..).map(|i| format!(".top-{i}")).find(|n| !taken(n)).map(|n| self.dest.join(n));
        let aside = aside.unwrap_or_else(|| self.dest.join(".top"));
        fs::rename(self.path(std::slice::from_ref(&top)), &aside).map_err(self.writing(&aside))?;
        let written = std::mem::take(&mut self.written);
        for (name, kind) in written.into_iter().filter(|(name, _)| name.len() > 1) {
            if name.len() == 2 {
                let path = self.path(&name[1..]);
                let from = aside.join(std::ffi::OsStr::from_bytes(&name[1]));
                fs::rename(from, &path).map_err(self.writing(&path))?;
            }
            self.written.insert(name[1..].to_vec(), kind);
        }
        fs::remove_dir(&aside).map_err(self.writing(&aside))
    }

    /// Follows a link through what was written, as the kernel would. A link that leads to nothing, or
    /// round in a circle, leads nowhere outside.
    fn stays_inside(&self, name: &Name, target: &[u8]) -> bool {
        let mut at: Name = name[..name.len() - 1].to_vec();
        let cut = |t: &[u8]| t.split(|b| *b == b'/').rev().map(<[u8]>::to_vec).collect::<Vec<_>>();
        let mut left = cut(target);
        let mut followed = 0;
        while let Some(part) = left.pop() {
            match part.as_slice() {
                b"" | b"." => continue,
                b".." => {
                    if at.pop().is_none() {
                        return false;
                    }
                    continue;
                }
                _ => at.push(part),
            }
            if let Some(Kind::Link(next)) = self.written.get(&at) {
                followed += 1;
                if followed > 40 {
                    return true;
                }
                at.pop();
                left.extend(cut(next));
            }
        }
        true
    }
}

/// A name as a message can show it.
fn shown(name: &[u8]) -> String {
    name.escape_ascii().to_string()
}
