//! Archives from a description, so that names and links are tried out rather than checksums. A member is a line:
//! a letter, its name, and after a tab the contents or the target. `%` at the beginning of a name or target
//! stands for a folder that must not be reached, `|` in contents for the end of a line.

use std::io::{Cursor, Write};
use std::path::Path;

use tar::{EntryType, Header};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

/// The longest name in the header of a tar archive.
const NAME: usize = 100;

/// One line.
pub(crate) struct Member {
    /// `f` file, `x` executable, `d` folder, `l` link, `h` hard link; others are for the format to read.
    pub(crate) kind: u8,
    pub(crate) name: Vec<u8>,
    /// Contents or target.
    pub(crate) rest: Vec<u8>,
}

/// The members of a description; empty lines are none.
pub(crate) fn members(text: &[u8], outer: &Path) -> Vec<Member> {
    let outer = outer.as_os_str().as_encoded_bytes();
    let path = |raw: &[u8]| raw.strip_prefix(b"%").map_or(raw.to_vec(), |below| [outer, below].concat());
    let one = |line: &[u8]| {
        let (kind, line) = line.split_first()?;
        let mut parts = line.splitn(2, |b| *b == b'\t');
        let (name, rest) = (path(parts.next()?), parts.next().unwrap_or_default());
        let rest = match kind {
            b'l' | b'h' => path(rest),
            _ => rest.iter().map(|b| if *b == b'|' { b'\n' } else { *b }).collect(),
        };
        Some(Member { kind: *kind, name, rest })
    };
    text.split(|b| *b == b'\n').filter_map(one).collect()
}

impl Member {
    /// The kind as tar has it; letters without a meaning are kinds that an archive should not have.
    pub(crate) fn tar_kind(&self) -> EntryType {
        match self.kind {
            b'f' | b'x' => EntryType::Regular,
            b'd' => EntryType::Directory,
            b'l' => EntryType::Symlink,
            b'h' => EntryType::Link,
            b'L' => EntryType::GNULongName,
            b'K' => EntryType::GNULongLink,
            b'X' => EntryType::XHeader,
            other => EntryType::new(other),
        }
    }

    pub(crate) fn mode(&self) -> u32 {
        if self.kind == b'x' { 0o755 } else { 0o644 }
    }
}

/// A tar archive with these members.
pub(crate) fn tar(members: &[Member]) -> Vec<u8> {
    let mut out = Vec::new();
    for member in members {
        let mut header = Header::new_gnu();
        let link = matches!(member.kind, b'l' | b'h');
        let (name, target) = (&member.name, if link { &member.rest[..] } else { b"" });
        let old = header.as_old_mut();
        let cut = |text: &[u8]| text.len().min(NAME);
        old.name[..cut(name)].copy_from_slice(&name[..cut(name)]);
        old.linkname[..cut(target)].copy_from_slice(&target[..cut(target)]);
        let contents = if link { b"" } else { &member.rest[..] };
        header.set_entry_type(member.tar_kind());
        header.set_mode(member.mode());
        header.set_size(contents.len() as u64);
        header.set_cksum();
        out.extend_from_slice(header.as_bytes());
        out.extend_from_slice(contents);
        out.resize(out.len().next_multiple_of(512), 0);
    }
    out.resize(out.len() + 1024, 0);
    out
}

/// A zip archive with these members; those that cannot be written are left out.
pub(crate) fn zip(members: &[Member]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for member in members {
        let name = String::from_utf8_lossy(&member.name);
        let options = SimpleFileOptions::default().unix_permissions(member.mode());
        let _ = match member.kind {
            b'd' => zip.add_directory(name, options),
            b'l' => zip.add_symlink(name, String::from_utf8_lossy(&member.rest), options),
            _ => zip.start_file(name, options).and_then(|()| Ok(zip.write_all(&member.rest)?)),
        };
    }
    zip.finish().map(Cursor::into_inner).unwrap_or_default()
}

/// Bytes of a tar archive with the sums of its headers made right, and sparse files kept small.
pub(crate) fn mended(bytes: &[u8]) -> Vec<u8> {
    let mut out = bytes.to_vec();
    let mut at = 0;
    while let Some(block) = out.get_mut(at..at + 512) {
        let mut header = Header::new_old();
        header.as_mut_bytes().copy_from_slice(block);
        if header.entry_type().is_gnu_sparse() {
            header.as_mut_bytes()[483..495].copy_from_slice(b"00000010000\0");
        }
        if block.iter().any(|b| *b != 0) {
            header.set_cksum();
        }
        block.copy_from_slice(header.as_bytes());
        let size = header.entry_size().ok().and_then(|size| usize::try_from(size).ok());
        let size = size.filter(|size| *size <= bytes.len()).unwrap_or(0);
        at += 512 + size.next_multiple_of(512);
    }
    out
}
