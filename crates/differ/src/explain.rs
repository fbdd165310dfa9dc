//! How the contents of two files differ: finds out what they are. Knows which formats there are; not how they look.

use std::fmt;
use std::fs::File;
use std::io;

use serde::Serialize;

use crate::archive::{self, ArchiveDiff};
use crate::blob::Blob;
use crate::bytes::BytesDiff;
use crate::elf::ElfDiff;
use crate::gzip::GzipDiff;
use crate::part::{self, Part};
use crate::pyc::{self, PycDiff};
use crate::room::Room;
use crate::text::{self, TextDiff};

/// How the contents of two files differ. Displayed as a headline and indented lines of detail.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Explanation {
    /// They are equal.
    Same,
    /// Both are texts.
    Text(TextDiff),
    /// Both are zip files, or both are tar archives.
    Archive(Box<ArchiveDiff>),
    /// Both are gzip files.
    Gzip(GzipDiff),
    /// Both are ELF files: programs, libraries, objects.
    Elf(Box<ElfDiff>),
    /// Both are compiled Python modules.
    Pyc(PycDiff),
    /// Anything else, what is broken, and files of two different formats.
    Bytes(BytesDiff),
}

/// How the contents of two files differ, for a person, with at most `limit` lines of detail.
///
/// The files are read from the descriptors that are given: how a path leads to a file is up to the caller.
///
/// An error is one of reading the files, or says that one of them is not a regular file.
pub fn explain(old: File, new: File, limit: usize) -> io::Result<Explanation> {
    explain_blobs(&Blob::of(old)?, &Blob::of(new)?, &mut Room::new(limit))
}

/// The same, of what may have been unpacked.
pub(crate) fn explain_blobs(old: &Blob, new: &Blob, room: &mut Room) -> io::Result<Explanation> {
    let (old, new) = (Part::whole(old), Part::whole(new));
    if part::first(old, new)?.is_none() {
        return Ok(Explanation::Same);
    }
    let form = Form::of(old)?;
    if form == Form::of(new)? {
        let lines = room.lines;
        match form.explain(old, new, room) {
            Some(Ok(found)) => return Ok(found),
            // It only looked like it; if the file itself cannot be read, the next lines say so.
            Some(Err(_)) | None => room.lines = lines,
        }
    }
    BytesDiff::of(old, new, room).map(Explanation::Bytes)
}

/// What a file seems to be.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Zip,
    Tar,
    Gzip,
    Elf,
    Pyc,
    Text,
    Other,
}

impl Form {
    fn of(part: Part<'_>) -> io::Result<Self> {
        let head = part.bytes(0, 512)?;
        Ok(match head.as_slice() {
            [b'P', b'K', 3, 4, ..] | [b'P', b'K', 5, 6, ..] => Form::Zip,
            [0x1f, 0x8b, 8, ..] => Form::Gzip,
            [0x7f, b'E', b'L', b'F', ..] => Form::Elf,
            head if archive::is_tar(head)? => Form::Tar,
            head if pyc::is_pyc(head) => Form::Pyc,
            _ if text::is_text(part)? => Form::Text,
            _ => Form::Other,
        })
    }

    fn explain(self, old: Part<'_>, new: Part<'_>, room: &mut Room) -> Option<io::Result<Explanation>> {
        Some(match self {
            Form::Zip => room.deeper(|room| archive::zips(old, new, room)),
            Form::Tar => room.deeper(|room| archive::tar_files(old, new, room)),
            Form::Gzip => GzipDiff::of(old, new, room).map(Explanation::Gzip),
            Form::Elf => ElfDiff::of(old, new, room).map(|e| Explanation::Elf(Box::new(e))),
            Form::Pyc => PycDiff::of(old, new, room).map(Explanation::Pyc),
            Form::Text => TextDiff::of(old, new, room).map(Explanation::Text),
            Form::Other => return None,
        })
    }
}

impl Explanation {
    /// The first line, complete by itself: `text: 3 lines added, 2 removed, from line 812 on`.
    pub fn headline(&self) -> String {
        match self {
            Explanation::Same => "equal".to_owned(),
            Explanation::Text(diff) => diff.headline(),
            Explanation::Archive(diff) => diff.headline(),
            Explanation::Gzip(diff) => diff.headline(),
            Explanation::Elf(diff) => diff.headline(),
            Explanation::Pyc(diff) => diff.headline(),
            Explanation::Bytes(diff) => diff.headline(),
        }
    }

    /// The lines of detail, not indented.
    pub fn lines(&self) -> Vec<String> {
        let mut out = Vec::new();
        self.details(&mut out);
        out
    }

    pub(crate) fn details(&self, out: &mut Vec<String>) {
        match self {
            Explanation::Same => {}
            Explanation::Text(diff) => diff.details(out),
            Explanation::Archive(diff) => diff.details(out),
            Explanation::Gzip(diff) => diff.details(out),
            Explanation::Elf(diff) => diff.details(out),
            Explanation::Pyc(diff) => diff.details(out),
            Explanation::Bytes(diff) => diff.details(out),
        }
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.headline())?;
        self.lines().iter().try_for_each(|line| write!(f, "\n  {line}"))
    }
}
