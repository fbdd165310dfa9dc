//! Writing entries: the framing, the compression and the digests. Knows nothing of what is in them.

use std::io::{self, Write};

use akbuild_nar::{Algo, Digest, Hasher};
use zstd::stream::write::Encoder;

use crate::item::{END, Item};

/// How every export begins.
pub(crate) const MAGIC: &[u8] = b"akbuild-export-1\n";
/// Bytes in each piece but the last.
const PIECE: usize = 256 << 10;
/// What zstd calls its default: the levels above take much longer for little.
const LEVEL: i32 = 3;

/// Writes entries, one after the other: [`Writer::begin`], its contents, [`Writer::end`].
pub(crate) struct Writer<'a, W: Write> {
    out: Encoder<'static, Summed<W>>,
    /// Of all that was written into the frame.
    hasher: Hasher,
    piece: Vec<u8>,
    progress: &'a mut dyn FnMut(u64) -> bool,
    pub(crate) stopped: bool,
}

/// Counts and hashes what passes.
struct Summed<W> {
    out: W,
    hasher: Hasher,
    bytes: u64,
}

impl<'a, W: Write> Writer<'a, W> {
    /// Begins an export. `progress` is told of every piece how many bytes it has, and says whether to go on.
    pub(crate) fn new(out: W, progress: &'a mut dyn FnMut(u64) -> bool) -> io::Result<Self> {
        let hasher = Hasher::new(Algo::Sha256);
        let mut summed = Summed { out, hasher: hasher.clone(), bytes: 0 };
        summed.write_all(MAGIC)?;
        let out = Encoder::new(summed, LEVEL)?;
        Ok(Self { out, hasher, piece: Vec::with_capacity(PIECE), progress, stopped: false })
    }

    pub(crate) fn begin(&mut self, item: &Item) -> io::Result<()> {
        self.header(&item.to_string())
    }

    fn header(&mut self, text: &str) -> io::Result<()> {
        self.put(&u16::try_from(text.len()).map_err(io::Error::other)?.to_le_bytes())?;
        self.put(text.as_bytes())
    }

    pub(crate) fn end(&mut self) -> io::Result<()> {
        self.flush_piece()?;
        self.put(&0u32.to_le_bytes())?;
        let digest = self.hasher.clone().finish();
        self.put(digest.as_bytes())
    }

    /// Ends the export; gives its digest, its length, and what it was written to.
    pub(crate) fn finish(mut self) -> io::Result<(Digest, u64, W)> {
        self.header(END)?;
        self.end()?;
        let mut summed = self.out.finish()?;
        summed.flush()?;
        Ok((summed.hasher.finish(), summed.bytes, summed.out))
    }

    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.hasher.update(bytes);
        self.out.write_all(bytes)
    }

    fn flush_piece(&mut self) -> io::Result<()> {
        if self.piece.is_empty() {
            return Ok(());
        }
        let piece = std::mem::take(&mut self.piece);
        self.put(&(piece.len() as u32).to_le_bytes())?;
        self.put(&piece)?;
        self.stopped = !(self.progress)(piece.len() as u64);
        self.piece = piece;
        self.piece.clear();
        if self.stopped { Err(io::Error::other("stopped")) } else { Ok(()) }
    }
}

/// The contents of the entry that was begun.
impl<W: Write> Write for Writer<'_, W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let some = &bytes[..bytes.len().min(PIECE - self.piece.len())];
        self.piece.extend_from_slice(some);
        if self.piece.len() == PIECE {
            self.flush_piece()?;
        }
        Ok(some.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<W: Write> Write for Summed<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let n = self.out.write(bytes)?;
        self.hasher.update(&bytes[..n]);
        self.bytes += n as u64;
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
