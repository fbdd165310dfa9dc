//! Contents, in a file or in memory. Knows how to read them; not what they are.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt;

/// Contents that can be read at any place.
#[derive(Debug)]
pub(crate) enum Blob {
    /// A file, and how long it was when it was opened.
    File(File, u64),
    /// What was unpacked.
    Memory(Vec<u8>),
}

impl Blob {
    /// Takes a regular file.
    pub(crate) fn of(file: File) -> io::Result<Self> {
        let found = file.metadata()?;
        if !found.is_file() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file"));
        }
        Ok(Blob::File(file, found.len()))
    }

    /// All that a reader gives; nothing if that is more than `most` bytes.
    pub(crate) fn load(reader: impl Read, most: u64) -> io::Result<Option<Self>> {
        let mut bytes = Vec::new();
        reader.take(most + 1).read_to_end(&mut bytes)?;
        Ok((bytes.len() as u64 <= most).then_some(Blob::Memory(bytes)))
    }

    /// How many bytes it has.
    pub(crate) fn size(&self) -> u64 {
        match self {
            Blob::File(_, size) => *size,
            Blob::Memory(bytes) => bytes.len() as u64,
        }
    }

    /// Reads what is at `offset`; nothing at the end and behind it.
    pub(crate) fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        match self {
            Blob::File(file, _) => file.read_at(buf, offset),
            Blob::Memory(bytes) => {
                let mut rest = usize::try_from(offset).ok().and_then(|o| bytes.get(o..)).unwrap_or_default();
                rest.read(buf)
            }
        }
    }
}
