//! The NAR as a stream of chunks from the thread that reads to those that hash, so that reading
//! and hashing overlap, in bounded memory. Knows bytes and which of them are a file's contents;
//! nothing of folders.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, SyncSender};

use rustix::fd::BorrowedFd;

/// Bytes in a chunk. With [`DEPTH`] that is 4 MiB in flight for each reader of the stream.
pub(crate) const CHUNK: usize = 128 * 1024;
/// Chunks that may wait to be hashed.
pub(crate) const DEPTH: usize = 32;

/// A piece of the stream.
pub(crate) struct Chunk {
    /// Always [`CHUNK`] bytes long: written over and over, never cleared.
    buffer: Vec<u8>,
    len: usize,
    /// Which of the bytes are contents of files; only kept if somebody wants them.
    pub(crate) parts: Vec<Part>,
}

impl Chunk {
    fn new() -> Self {
        Self { buffer: vec![0; CHUNK], len: 0, parts: Vec::new() }
    }

    /// The bytes that are in it.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.buffer[..self.len]
    }

    fn room(&self) -> usize {
        CHUNK - self.len
    }

    fn append(&mut self, bytes: &[u8]) {
        self.buffer[self.len..self.len + bytes.len()].copy_from_slice(bytes);
        self.len += bytes.len();
    }

    /// One `read` into what room there is, of `most` bytes at most.
    fn read(&mut self, fd: BorrowedFd<'_>, most: u64) -> rustix::io::Result<usize> {
        let room = usize::try_from(most).map_or(self.room(), |m| m.min(self.room()));
        let into = &mut self.buffer[self.len..self.len + room];
        let n = rustix::io::retry_on_intr(|| rustix::io::read(fd, &mut *into))?;
        self.len += n;
        Ok(n)
    }
}

/// Bytes of a chunk that are contents of a file.
pub(crate) struct Part {
    pub(crate) start: usize,
    pub(crate) end: usize,
    /// Whether the file ends here.
    pub(crate) last: bool,
}

/// The writing end. After the readers have gone, everything that is written vanishes and
/// [`Stream::open`] says so.
pub(crate) struct Stream {
    chunk: Chunk,
    readers: Vec<SyncSender<Arc<Chunk>>>,
    used: Receiver<Chunk>,
    parts: bool,
    open: bool,
}

/// Gives a chunk back, to be filled again, if nobody else reads it any more.
pub(crate) fn recycle(chunk: Arc<Chunk>, used: &Sender<Chunk>) {
    if let Some(chunk) = Arc::into_inner(chunk) {
        // The writer may have ended: then the memory is freed here.
        let _ = used.send(chunk);
    }
}

impl Stream {
    pub(crate) fn new(readers: Vec<SyncSender<Arc<Chunk>>>, used: Receiver<Chunk>, parts: bool) -> Self {
        Self { chunk: Chunk::new(), readers, used, parts, open: true }
    }

    /// Whether somebody still reads.
    pub(crate) fn open(&self) -> bool {
        self.open
    }

    /// Writes bytes that are not a file's contents.
    pub(crate) fn put(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let n = bytes.len().min(self.chunk.room());
            self.chunk.append(&bytes[..n]);
            bytes = &bytes[n..];
            self.flush_full();
        }
    }

    /// A NAR string: length, bytes, zeros up to a multiple of eight.
    pub(crate) fn string(&mut self, text: &[u8]) {
        self.put(&(text.len() as u64).to_le_bytes());
        self.put(text);
        self.pad(text.len() as u64);
    }

    /// Zeros up to a multiple of eight, after `len` bytes.
    pub(crate) fn pad(&mut self, len: u64) {
        let zeros = (8 - len % 8) % 8;
        self.put(&[0; 8][..zeros as usize]);
    }

    /// Writes the next `len` bytes of an open file. `Ok(n)` with `n < len` if it ends before.
    pub(crate) fn contents(&mut self, fd: BorrowedFd<'_>, len: u64) -> rustix::io::Result<u64> {
        let mut left = len;
        while left > 0 && self.open {
            let start = self.chunk.len;
            let n = self.chunk.read(fd, left)?;
            if n == 0 {
                return Ok(len - left);
            }
            left -= n as u64;
            self.part(start, left == 0);
            self.flush_full();
        }
        if len == 0 {
            self.part(self.chunk.len, true);
        }
        Ok(len)
    }

    /// Sends what is left.
    pub(crate) fn finish(mut self) {
        self.flush();
    }

    fn part(&mut self, start: usize, last: bool) {
        if self.parts {
            self.chunk.parts.push(Part { start, end: self.chunk.len, last });
        }
    }

    fn flush_full(&mut self) {
        if self.chunk.room() == 0 {
            self.flush();
        }
    }

    fn flush(&mut self) {
        let mut next = self.used.try_recv().unwrap_or_else(|_| Chunk::new());
        next.len = 0;
        next.parts.clear();
        let full = Arc::new(std::mem::replace(&mut self.chunk, next));
        for reader in &self.readers {
            self.open &= reader.send(Arc::clone(&full)).is_ok();
        }
    }
}
