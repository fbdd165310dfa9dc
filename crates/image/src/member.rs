//! What every tar archive from here has in common: headers that say nothing of who wrote them and when, and files
//! that are as long as was said before.

use std::io::{self, Read};
use std::path::Path;

use tar::{EntryType, Header};

use crate::ImageError;

/// Seconds since 1970 that everything was last changed at: as in the store.
const MTIME: u64 = 1;

/// The header of a member that belongs to 0:0.
pub(crate) fn header(kind: EntryType, mode: u32, size: u64) -> Header {
    let mut header = Header::new_gnu();
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_size(size);
    header.set_mtime(MTIME);
    header.set_uid(0);
    header.set_gid(0);
    header
}

/// Reads what must have so many bytes; more than one too many is not read.
pub(crate) struct Exactly<R> {
    pub(crate) inner: R,
    found: u64,
    expected: u64,
    failed: bool,
}

impl<R> Exactly<R> {
    pub(crate) fn new(inner: R, expected: u64) -> Self {
        Self { inner, found: 0, expected, failed: false }
    }

    /// What is to be said when all of it was read of `from` and written to `out`, or not; `length` is how long it is now.
    ///
    /// # Errors
    /// [`ImageError::Changed`] if there were not so many bytes; [`ImageError::Io`]
    pub(crate) fn check(
        &self,
        written: io::Result<()>,
        from: &Path,
        out: &Path,
        length: impl FnOnce(&R) -> u64,
    ) -> Result<(), ImageError> {
        if let Err(source) = written {
            let (doing, path) = if self.failed { ("read", from) } else { ("write", out) };
            return Err(ImageError::Io { doing, path: path.to_owned(), source });
        }
        if self.found != self.expected {
            // Of what is too long, only the beginning was read.
            let found = length(&self.inner).max(self.found);
            return Err(ImageError::Changed { path: from.to_owned(), expected: self.expected, found });
        }
        Ok(())
    }
}

impl<R: Read> Read for Exactly<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.found > self.expected {
            return Ok(0);
        }
        let n = self.inner.read(buffer).inspect_err(|_| self.failed = true)?;
        self.found += n as u64;
        Ok(n)
    }
}
