//! What is known of the files of an image that was unpacked: owners and modes as the layers have them, also where the
//! one who unpacks may not give files away. Knows how paths lead through links; touches no file.

use std::collections::BTreeMap;
use std::io;
use std::path::{Component, Path, PathBuf};

/// A folder that no layer says anything of.
static FOLDER: Meta = Meta::folder(0o755);

/// As many links as the kernel follows.
const LINKS: u32 = 40;

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

impl Unpacked {
    /// Where a path leads, links followed, and what is there.
    pub fn look_up(&self, path: &Path) -> Option<(PathBuf, &Meta)> {
        self.follow(path, LINKS)
    }

    fn follow(&self, path: &Path, links: u32) -> Option<(PathBuf, &Meta)> {
        let mut at = (PathBuf::from("/"), &FOLDER);
        let mut parts = path.components();
        while let Some(part) = parts.next() {
            let next = match part {
                _ if !at.1.is_folder => return None,
                Component::Normal(name) => at.0.join(name),
                Component::ParentDir => at.0.parent().unwrap_or(Path::new("/")).to_owned(),
                _ => continue,
            };
            let meta = if next == Path::new("/") { &FOLDER } else { self.entries.get(&next)? };
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

    /// Where a file would be made that is to be found at a path: there, or where links lead, whether something is there
    /// or not.
    pub fn place(&self, path: &Path) -> PathBuf {
        self.place_after(path, LINKS)
    }

    fn place_after(&self, path: &Path, links: u32) -> PathBuf {
        let mut at = PathBuf::from("/");
        let mut parts = path.components();
        while let Some(part) = parts.next() {
            match part {
                Component::Normal(name) => at.push(name),
                Component::ParentDir => drop(at.pop()),
                _ => continue,
            }
            let target = self.entries.get(&at).and_then(|meta| meta.target.as_ref());
            if let Some(target) = target.filter(|_| links > 0) {
                at.pop();
                return self.place_after(&at.join(target).join(parts.as_path()), links - 1);
            }
        }
        at
    }

    /// The folders that this user may make files in, without those below another of them.
    pub fn writable(&self, uid: u64, gid: u64) -> Vec<PathBuf> {
        let mut all: Vec<PathBuf> = Vec::new();
        for (path, _) in self.entries.iter().filter(|(_, meta)| meta.is_folder && meta.lets_write(uid, gid)) {
            if !all.last().is_some_and(|above| path.starts_with(above)) {
                all.push(path.clone());
            }
        }
        all
    }
}

impl Meta {
    /// A folder that belongs to root.
    pub const fn folder(mode: u32) -> Self {
        Self { mode, uid: 0, gid: 0, is_folder: true, target: None }
    }

    /// What a header says; of a link, not where it leads.
    pub(crate) fn of(header: &tar::Header) -> io::Result<Self> {
        let old = header.as_old();
        // A field that nothing was written to is a zero, as for other readers.
        let is_set = |field: &[u8; 8]| !field.iter().all(|byte| matches!(byte, 0 | b' '));
        let mode = if is_set(&old.mode) { header.mode()? } else { 0 };
        let uid = if is_set(&old.uid) { header.uid()? } else { 0 };
        let gid = if is_set(&old.gid) { header.gid()? } else { 0 };
        let is_folder = header.entry_type().is_dir();
        Ok(Self { mode: mode & 0o7777, uid, gid, is_folder, target: None })
    }

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
