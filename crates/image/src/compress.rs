//! Compressing a stream on several threads so that the result does not depend on how many there are.
//!
//! zstd cuts its input into jobs of a size that depends on the level alone (`zstdmt_compress.c`). gzip has no such
//! thing: as `pigz --independent` does, blocks of a fixed size are deflated apart from each other, each ended by an
//! empty stored block, and make one member (RFC 1952).

use std::collections::VecDeque;
use std::io::{self, Write};
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use akbuild_recipe::plan::Compression;
use flate2::{Compress, Crc, FlushCompress, Status};

/// Bytes of input that a thread of zstd takes at a time.
const JOB: u32 = 2 << 20;
/// Bytes of input that are deflated at a time.
const BLOCK: usize = 1 << 20;
/// Bytes that a deflated block has at most, by `deflateBound` of zlib, and some to spare for the flush.
const BOUND: usize = BLOCK + BLOCK / 8 + BLOCK / 64 + 64;

/// A compressor that writes to `W`.
pub(crate) enum Encoder<W: Write> {
    Zstd(zstd::stream::write::Encoder<'static, W>),
    Gzip(Box<Gzip<W>>),
}

impl<W: Write> Encoder<W> {
    /// With this many threads, at least one.
    pub(crate) fn new(out: W, compression: Compression, threads: usize) -> io::Result<Self> {
        let threads = threads.max(1);
        Ok(match compression {
            Compression::Zstd(level) => {
                let mut encoder = zstd::stream::write::Encoder::new(out, level)?;
                // Never without a worker: then zstd does not cut its input, and the bytes are others.
                encoder.multithread(u32::try_from(threads).unwrap_or(1))?;
                // A quarter of what zstd takes at its usual level, and of the memory that it holds for each thread.
                encoder.set_parameter(zstd::zstd_safe::CParameter::JobSize(JOB))?;
                encoder.include_checksum(true)?;
                Encoder::Zstd(encoder)
            }
            Compression::Gzip(level) => Encoder::Gzip(Box::new(Gzip::new(out, level, threads)?)),
        })
    }

    /// Writes what is left, and gives the writer back.
    pub(crate) fn finish(self) -> io::Result<W> {
        match self {
            Encoder::Zstd(encoder) => encoder.finish(),
            Encoder::Gzip(gzip) => gzip.finish(),
        }
    }
}

impl<W: Write> Write for Encoder<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Encoder::Zstd(encoder) => encoder.write(bytes),
            Encoder::Gzip(gzip) => gzip.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        // A flush in the middle would make the bytes depend on how they came.
        Ok(())
    }
}

/// A block, and the same deflated. Both are used again: freed by another thread than it was taken by, memory stays with
/// the allocator for long.
#[derive(Default)]
struct Buffers {
    block: Vec<u8>,
    deflated: Vec<u8>,
}

/// A block to be deflated, whether it is the last one, and where the result goes.
type Job = (Buffers, bool, SyncSender<io::Result<Buffers>>);

/// gzip on several threads.
pub(crate) struct Gzip<W> {
    out: W,
    /// Being filled.
    next: Buffers,
    crc: Crc,
    jobs: Option<mpsc::Sender<Job>>,
    /// What was handed out, in order.
    open: VecDeque<Receiver<io::Result<Buffers>>>,
    limit: usize,
    workers: Vec<JoinHandle<()>>,
    spare: Vec<Buffers>,
}

impl<W: Write> Gzip<W> {
    fn new(mut out: W, level: u32, threads: usize) -> io::Result<Self> {
        // Deflate, no name, no time, an unknown system.
        out.write_all(&[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff])?;
        let (jobs, shared) = mpsc::channel::<Job>();
        let shared = Arc::new(Mutex::new(shared));
        let worker = |_| {
            let shared = shared.clone();
            std::thread::spawn(move || work(&shared, level))
        };
        Ok(Self {
            out,
            next: Buffers::default(),
            crc: Crc::new(),
            jobs: Some(jobs),
            open: VecDeque::new(),
            limit: threads + 1,
            workers: (0..threads).map(worker).collect(),
            spare: Vec::new(),
        })
    }

    fn hand_out(&mut self, last: bool) -> io::Result<()> {
        let full = std::mem::replace(&mut self.next, self.spare.pop().unwrap_or_default());
        let (result, receiver) = mpsc::sync_channel(1);
        let jobs = self.jobs.as_ref().ok_or(io::ErrorKind::BrokenPipe)?;
        jobs.send((full, last, result)).map_err(|_| io::ErrorKind::BrokenPipe)?;
        self.open.push_back(receiver);
        if self.open.len() > self.limit { self.write_next() } else { Ok(()) }
    }

    fn write_next(&mut self) -> io::Result<()> {
        let Some(next) = self.open.pop_front() else { return Ok(()) };
        let mut done = next.recv().map_err(|_| io::Error::from(io::ErrorKind::BrokenPipe))??;
        self.out.write_all(&done.deflated)?;
        done.block.clear();
        self.spare.push(done);
        Ok(())
    }

    fn finish(mut self) -> io::Result<W> {
        self.hand_out(true)?;
        while !self.open.is_empty() {
            self.write_next()?;
        }
        self.jobs = None;
        for worker in self.workers.drain(..) {
            worker.join().map_err(|_| io::Error::from(io::ErrorKind::BrokenPipe))?;
        }
        self.out.write_all(&self.crc.sum().to_le_bytes())?;
        self.out.write_all(&self.crc.amount().to_le_bytes())?;
        Ok(self.out)
    }
}

impl<W: Write> Write for Gzip<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.next.block.len() == BLOCK {
            self.hand_out(false)?;
        }
        self.next.block.reserve_exact(BLOCK - self.next.block.len());
        let n = bytes.len().min(BLOCK - self.next.block.len());
        self.next.block.extend_from_slice(&bytes[..n]);
        self.crc.update(&bytes[..n]);
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Deflates blocks until there are no more.
fn work(jobs: &Mutex<Receiver<Job>>, level: u32) {
    let mut compress = Compress::new(flate2::Compression::new(level), false);
    let next = || jobs.lock().unwrap_or_else(|e| e.into_inner()).recv();
    while let Ok((mut buffers, last, result)) = next() {
        let done = deflate(&mut compress, &buffers.block, &mut buffers.deflated, last);
        // Nobody waits for it if another block has failed.
        let _ = result.send(done.map(|()| buffers));
    }
}

/// A part of a deflate stream that refers to nothing before it; `last` closes the stream.
fn deflate(compress: &mut Compress, block: &[u8], out: &mut Vec<u8>, last: bool) -> io::Result<()> {
    compress.reset();
    out.clear();
    // Always the same room, and enough: deflate ends its blocks elsewhere if it runs out of room on the way.
    out.reserve_exact(BOUND);
    let flush = if last { FlushCompress::Finish } else { FlushCompress::Sync };
    let status = compress.compress_vec(block, out, flush).map_err(io::Error::other)?;
    let ended = if last { Status::StreamEnd } else { Status::Ok };
    if status != ended || compress.total_in() != block.len() as u64 || out.len() >= BOUND {
        return Err(io::Error::other("deflate did not take a block whole"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    /// What cannot be compressed.
    fn noise(length: usize) -> Vec<u8> {
        let mut state = 1u64;
        let mut byte = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 56) as u8
        };
        (0..length).map(|_| byte()).collect()
    }

    /// Text that repeats itself now and then, and some noise.
    fn data(length: usize) -> Vec<u8> {
        let mix = |(i, noise)| if i % 97 < 60 { b'a' + (i % 23) as u8 } else { noise >> 4 };
        noise(length).into_iter().enumerate().map(mix).collect()
    }

    fn encode(data: &[u8], compression: Compression, threads: usize, chunk: usize) -> Vec<u8> {
        let mut encoder = Encoder::new(Vec::new(), compression, threads).unwrap();
        for piece in data.chunks(chunk) {
            encoder.write_all(piece).unwrap();
            encoder.flush().unwrap();
        }
        encoder.finish().unwrap()
    }

    #[test]
    fn the_same_bytes_with_any_threads_and_pieces() {
        let data = data(20 << 20);
        for compression in [Compression::Zstd(3), Compression::Gzip(6)] {
            let one = encode(&data, compression, 1, 1 << 20);
            for (threads, chunk) in [(0, 1 << 16), (2, 77_777), (3, 20 << 20), (7, 4096)] {
                assert!(one == encode(&data, compression, threads, chunk), "{compression:?} {threads} {chunk}");
            }
        }
    }

    /// Digests of layers depend on these bytes: a build of any machine, and of a later version, must make them again.
    #[test]
    fn the_compressed_bytes_are_those_of_every_build() {
        let data = data(5 << 20);
        let digest = |compression| akbuild_nar::Digest::sha256(&encode(&data, compression, 3, 1 << 16)).hex();
        let golden = [
            (Compression::Gzip(1), "6291c50b841ab6b0be85028267da7be0e2c198e32331a0e324aaa011e50b4553"),
            (Compression::Gzip(6), "78e1e6fe067b7fbac9f5cd939c3b779d7d66a707a408e410d74e1d5bf76e0107"),
            (Compression::Gzip(9), "e59fcdb5a348f4e8baf473b23bbb8af58667d80b782eda8f8a079106650a4c93"),
            (Compression::Zstd(3), "863903d18c826d56482893cbc8474a8e69696404fe5a46108fd8ede77fcace0e"),
        ];
        for (compression, expected) in golden {
            assert_eq!(digest(compression), expected, "{compression:?}");
        }
    }

    #[test]
    fn what_was_compressed_comes_back() {
        let lengths = [0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK + 5];
        for data in lengths.map(data).into_iter().chain([noise(2 * BLOCK + 5)]) {
            let (length, mut back) = (data.len(), Vec::new());
            let gzip = encode(&data, Compression::Gzip(9), 2, 10_000);
            flate2::read::GzDecoder::new(&gzip[..]).read_to_end(&mut back).unwrap();
            assert!(back == data, "gzip {length}");
            let zstd = encode(&data, Compression::Zstd(1), 2, 10_000);
            assert!(zstd::stream::decode_all(&zstd[..]).unwrap() == data, "zstd {length}");
        }
    }
}
