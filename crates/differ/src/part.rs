//! A range of contents, and where two of them differ. Knows bytes; no format.

use std::io::{self, Read};

use crate::blob::Blob;

/// How much is read at once.
const CHUNK: usize = 64 << 10;

/// A range of contents.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Part<'a> {
    pub(crate) blob: &'a Blob,
    pub(crate) start: u64,
    pub(crate) size: u64,
}

impl<'a> Part<'a> {
    /// All of some contents.
    pub(crate) fn whole(blob: &'a Blob) -> Self {
        Part { blob, start: 0, size: blob.size() }
    }

    /// A range of this one; an error if it is not within.
    pub(crate) fn sub(self, start: u64, size: u64) -> io::Result<Part<'a>> {
        match start.checked_add(size) {
            Some(end) if end <= self.size => Ok(Part { blob: self.blob, start: self.start + start, size }),
            _ => Err(io::Error::new(io::ErrorKind::UnexpectedEof, "a range lies outside of the file")),
        }
    }

    /// What lies there; shorter at the end.
    pub(crate) fn bytes(self, start: u64, len: usize) -> io::Result<Vec<u8>> {
        let start = start.min(self.size);
        let mut bytes = Vec::new();
        self.sub(start, (self.size - start).min(len as u64))?.reader().read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    /// Reads it from its beginning.
    pub(crate) fn reader(self) -> PartReader<'a> {
        PartReader { rest: self }
    }

    /// How many line ends there are in the first `size` bytes.
    pub(crate) fn lines_before(self, size: u64) -> io::Result<usize> {
        let (mut reader, mut buf, mut lines) = (self.sub(0, size)?.reader(), vec![0; CHUNK], 0);
        loop {
            match reader.read(&mut buf)? {
                0 => return Ok(lines),
                n => lines += buf[..n].iter().filter(|b| **b == b'\n').count(),
            }
        }
    }
}

/// Reads a range.
pub(crate) struct PartReader<'a> {
    rest: Part<'a>,
}

impl Read for PartReader<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let most = buf.len().min(usize::try_from(self.rest.size).unwrap_or(usize::MAX));
        let n = self.rest.blob.read_at(self.rest.start, &mut buf[..most])?;
        self.rest.start += n as u64;
        self.rest.size -= n as u64;
        Ok(n)
    }
}

/// Where two ranges differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    /// The first offset at which they do; the length of the shorter if that is the beginning of the other.
    pub(crate) first: u64,
    /// At how many offsets that both have.
    pub(crate) differing: u64,
}

/// All differences of two ranges in place; none if they are equal.
pub(crate) fn span(old: Part<'_>, new: Part<'_>) -> io::Result<Option<Span>> {
    let mut found: Option<Span> = None;
    each_chunk(old, new, |at, old, new| {
        if old != new {
            let differing = old.iter().zip(new).filter(|(a, b)| a != b).count() as u64;
            let first = || at + common(old.iter(), new.iter());
            let span = found.get_or_insert_with(|| Span { first: first(), differing: 0 });
            span.differing += differing;
        }
        true
    })?;
    let cut = || Span { first: old.size.min(new.size), differing: 0 };
    Ok(found.or_else(|| (old.size != new.size).then(cut)))
}

/// The offset of the first difference; reads no further.
pub(crate) fn first(old: Part<'_>, new: Part<'_>) -> io::Result<Option<u64>> {
    let mut found = None;
    each_chunk(old, new, |at, old, new| {
        found = (old != new).then(|| at + common(old.iter(), new.iter()));
        found.is_none()
    })?;
    Ok(found.or_else(|| (old.size != new.size).then(|| old.size.min(new.size))))
}

/// How many bytes at the end are the same, of those behind the first `before`.
pub(crate) fn same_end(old: Part<'_>, new: Part<'_>, before: u64) -> io::Result<u64> {
    let most = old.size.min(new.size) - before;
    let mut same = 0;
    while same < most {
        let len = (most - same).min(CHUNK as u64);
        let old = old.bytes(old.size - same - len, CHUNK.min(len as usize))?;
        let new = new.bytes(new.size - same - len, CHUNK.min(len as usize))?;
        let here = common(old.iter().rev(), new.iter().rev());
        same += here;
        if here < len {
            break;
        }
    }
    Ok(same)
}

fn common<'b>(old: impl Iterator<Item = &'b u8>, new: impl Iterator<Item = &'b u8>) -> u64 {
    old.zip(new).take_while(|(a, b)| a == b).count() as u64
}

/// Hands out pieces of both that lie at the same offset and are equally long, while it is told to go on.
fn each_chunk(old: Part<'_>, new: Part<'_>, mut see: impl FnMut(u64, &[u8], &[u8]) -> bool) -> io::Result<()> {
    let mut at = 0;
    let end = old.size.min(new.size);
    while at < end {
        let (a, b) = (old.bytes(at, CHUNK)?, new.bytes(at, CHUNK)?);
        let len = a.len().min(b.len());
        if len == 0 {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the file was cut while it was read"));
        }
        if !see(at, &a[..len], &b[..len]) {
            return Ok(());
        }
        at += len as u64;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_across_chunks() {
        let mut old = vec![7; 3 * CHUNK + 5];
        let new = Blob::Memory(old.clone());
        (old[CHUNK - 1], old[CHUNK], old[2 * CHUNK + 9]) = (1, 2, 3);
        let old = Blob::Memory(old);
        let (old, new) = (Part::whole(&old), Part::whole(&new));
        assert_eq!(span(old, new).unwrap(), Some(Span { first: CHUNK as u64 - 1, differing: 3 }));
        assert_eq!(first(old, new).unwrap(), Some(CHUNK as u64 - 1));
        assert_eq!(same_end(old, new, 0).unwrap(), (CHUNK + 5 - 10) as u64);
        assert_eq!(span(new, new).unwrap(), None);
        let cut = new.sub(0, 10).unwrap();
        assert_eq!(span(cut, new).unwrap(), Some(Span { first: 10, differing: 0 }));
        assert_eq!(same_end(cut, new, 10).unwrap(), 0);
        assert_eq!(same_end(cut, new, 3).unwrap(), 7);
    }

    #[test]
    fn a_range_stays_inside() {
        let blob = Blob::Memory(vec![0; 9]);
        assert!(Part::whole(&blob).sub(5, u64::MAX).is_err());
        assert!(Part::whole(&blob).sub(5, 5).is_err());
        assert_eq!(Part::whole(&blob).sub(5, 4).unwrap().bytes(3, 100).unwrap().len(), 1);
    }
}
