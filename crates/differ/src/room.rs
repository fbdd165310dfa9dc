//! What one explanation may still use: lines to show, levels to descend, bytes to unpack. Knows no format.

use std::cell::Cell;
use std::io::{self, Read};
use std::rc::Rc;

/// Containers within containers that are opened; a tar archive and the gzip file around it count as one.
const DEPTH: u8 = 4;
/// Bytes of members and sections that are read or unpacked for one explanation, all levels together.
const WORK: u64 = 4 << 30;

/// What is left.
#[derive(Debug)]
pub(crate) struct Room {
    /// Lines of detail.
    pub(crate) lines: usize,
    depth: u8,
    meter: Meter,
}

/// Counts bytes that are read or unpacked, wherever that happens.
#[derive(Clone, Debug)]
pub(crate) struct Meter(Rc<Cell<u64>>);

impl Room {
    pub(crate) fn new(lines: usize) -> Self {
        Self { lines, depth: DEPTH, meter: Meter(Rc::new(Cell::new(WORK))) }
    }

    /// Takes that many lines, or what is left.
    pub(crate) fn take(&mut self, lines: usize) -> usize {
        let taken = lines.min(self.lines);
        self.lines -= taken;
        taken
    }

    /// Does something with half of what lines are left.
    pub(crate) fn share<T>(&mut self, what: impl FnOnce(&mut Self) -> T) -> T {
        let kept = self.lines / 2;
        self.lines -= kept;
        let done = what(self);
        self.lines += kept;
        done
    }

    /// Does something one level deeper; an error at the deepest one.
    pub(crate) fn deeper<T>(&mut self, what: impl FnOnce(&mut Self) -> io::Result<T>) -> io::Result<T> {
        self.depth = self.depth.checked_sub(1).ok_or_else(|| io::Error::other("too many levels"))?;
        let done = what(self);
        self.depth += 1;
        done
    }

    pub(crate) fn meter(&self) -> Meter {
        self.meter.clone()
    }
}

impl Meter {
    /// Counts bytes that are to be read. When too many were, all that follow are too many.
    pub(crate) fn spend(&self, bytes: u64) -> io::Result<()> {
        let left = self.0.get().saturating_sub(bytes);
        self.0.set(left);
        if left == 0 { Err(io::Error::other("too much to read")) } else { Ok(()) }
    }

    /// The same bytes, counted.
    pub(crate) fn read<R: Read>(&self, inner: R) -> Metered<R> {
        Metered { inner, meter: self.clone() }
    }
}

/// A reader that ends with an error when too much was read.
pub(crate) struct Metered<R> {
    inner: R,
    meter: Meter,
}

impl<R: Read> Read for Metered<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buf)?;
        self.meter.spend(n as u64)?;
        Ok(n)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_unpacked_is_bounded() {
        let room = Room::new(0);
        let copied = io::copy(&mut room.meter().read(io::repeat(0).take(WORK)), &mut io::sink());
        assert_eq!(copied.unwrap_err().to_string(), "too much to read");
    }

    #[test]
    fn levels_are_bounded() {
        fn down(room: &mut Room) -> io::Result<u32> {
            room.deeper(|room| Ok(1 + down(room).unwrap_or(0)))
        }
        let mut room = Room::new(0);
        assert_eq!(down(&mut room).unwrap(), u32::from(DEPTH));
        assert_eq!(down(&mut room).unwrap(), u32::from(DEPTH));
    }
}
