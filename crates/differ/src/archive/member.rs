//! What an archive says of a member, and where its contents come from. Knows no format.

use std::collections::HashMap;
use std::io;

use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::blob::Blob;

/// More members than that are not listed.
pub(super) const MOST_MEMBERS: usize = 300_000;
/// More bytes of names and other texts than that are not kept.
pub(super) const MOST_TEXT: usize = 64 << 20;
/// The most bytes of contents that are unpacked at a time.
pub(super) const MOST_LOADED: u64 = 48 << 20;

/// Something that an archive says of a member, besides its name and contents.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Aspect {
    /// When it was changed last.
    Time,
    /// Who may do what with it.
    Mode,
    /// Whose it is: numbers and names.
    Owner,
    /// Whether it is a file, a folder, a link.
    Type,
    /// Where a link points.
    Target,
    /// How it is compressed, and how well.
    Compression,
    /// What does not fit in the plain header.
    Extra,
    /// A comment.
    Comment,
    /// Which program, format or version wrote it, with which flags.
    Writer,
}

impl Aspect {
    /// Of several members: `times`.
    pub(super) fn plural(self) -> &'static str {
        match self {
            Aspect::Time => "times",
            Aspect::Mode => "modes",
            Aspect::Owner => "owners",
            Aspect::Type => "types",
            Aspect::Target => "link targets",
            Aspect::Compression => "compression",
            Aspect::Extra => "extra fields",
            Aspect::Comment => "comments",
            Aspect::Writer => "versions and flags",
        }
    }
}

/// A member of an archive.
#[derive(Debug)]
pub(super) struct Member {
    pub(super) name: Box<[u8]>,
    /// Unpacked bytes.
    pub(super) size: u64,
    /// Bytes as they are stored.
    pub(super) packed: u64,
    /// SHA-256 of these.
    pub(super) stored: [u8; 32],
    /// What is said of it, sorted by aspect; not all aspects are there.
    pub(super) said: Vec<(Aspect, Box<str>)>,
}

impl Member {
    /// What is said of one aspect.
    pub(super) fn says(&self, aspect: Aspect) -> Option<&str> {
        self.said.iter().find(|(a, _)| *a == aspect).map(|(_, text)| &**text)
    }
}

/// An archive.
pub(super) trait Container {
    /// All members, in the order of the archive.
    fn members(&self) -> &[Member];

    /// SHA-256 of the unpacked contents of a member.
    fn unpacked(&self, index: usize) -> io::Result<[u8; 32]>;

    /// The contents of those members, as far as they are not too large and can be unpacked.
    fn load(&self, wanted: &[usize]) -> HashMap<usize, Blob>;
}

/// SHA-256 of all that a reader gives.
pub(super) fn digest(reader: &mut dyn io::Read) -> io::Result<[u8; 32]> {
    let mut hasher = Sha256::new();
    let mut buf = vec![0; 64 << 10];
    loop {
        match reader.read(&mut buf)? {
            0 => return Ok(hasher.finalize().into()),
            n => hasher.update(&buf[..n]),
        }
    }
}

/// Keeps within bounds what is kept of an archive.
#[derive(Default)]
pub(super) struct Kept {
    members: usize,
    text: usize,
}

impl Kept {
    /// One more member, with so many bytes of text.
    pub(super) fn add(&mut self, text: usize) -> io::Result<()> {
        self.members += 1;
        self.text += text;
        match self.members <= MOST_MEMBERS && self.text <= MOST_TEXT {
            true => Ok(()),
            false => Err(io::Error::other("too many members")),
        }
    }
}
