//! A layer's entries become one compressed tar archive. Knows the archive's form and both of its digests.
//!
//! The archive has every entry once, sorted by path, all owned by 0:0 without names, times at [`MTIME`], folders with
//! `/` at their ends, long names as GNU tar writes them. Nothing else decides its bytes.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, BufWriter, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use akbuild_nar::{Algo, Digest, Hasher};
use akbuild_recipe::plan::Compression;
use tar::{Builder, EntryType, Header};

use crate::compress::Encoder;
use crate::entry::{Contents, Entry, FOLDER};
use crate::error::Doing;
use crate::layer::Packed;
use crate::ImageError;

/// Seconds since 1970 that everything in a layer was last changed at: that of the store.
const MTIME: u64 = 1;

/// Writes a layer to the new file `out`.
///
/// # Errors
/// [`ImageError::Changed`] if a file has not as many bytes as its entry says.
pub fn pack(
    contents: &Contents,
    compression: Compression,
    threads: usize,
    out: &Path,
) -> Result<Packed, ImageError> {
    let file = File::create_new(out).doing("make", out)?;
    let encoder = Encoder::new(Tally::new(file), compression, threads).doing("write", out)?;
    let mut builder = Builder::new(BufWriter::with_capacity(256 << 10, Tally::new(encoder)));
    for (path, entry) in &contents.entries {
        append(&mut builder, path, entry, out)?;
    }
    let buffer = builder.into_inner().doing("write", out)?;
    let raw = buffer.into_inner().map_err(io::IntoInnerError::into_error).doing("write", out)?;
    let (encoder, diff_id, diff_size) = raw.finish();
    let (file, digest, size) = encoder.finish().doing("write", out)?.finish();
    drop(file);
    Ok(Packed { compression: compression.into(), digest, size, diff_id, diff_size, modes: contents.modes() })
}

fn append(builder: &mut Builder<impl Write>, path: &[u8], entry: &Entry, out: &Path) -> Result<(), ImageError> {
    let mut header = Header::new_gnu();
    header.set_mtime(MTIME);
    header.set_uid(0);
    header.set_gid(0);
    header.set_size(0);
    let name = Path::new(OsStr::from_bytes(path));
    match entry {
        Entry::Folder(mode) => {
            header.set_entry_type(EntryType::Directory);
            header.set_mode(*mode);
            let mut name = path.to_vec();
            name.push(b'/');
            builder.append_data(&mut header, Path::new(OsStr::from_bytes(&name)), io::empty()).doing("write", out)
        }
        Entry::Link(target) => {
            header.set_entry_type(EntryType::Symlink);
            header.set_mode(0o777);
            builder.append_link(&mut header, name, Path::new(target)).doing("write", out)
        }
        Entry::Text { bytes, exec } => {
            header.set_mode(mode(*exec));
            header.set_size(bytes.len() as u64);
            builder.append_data(&mut header, name, &bytes[..]).doing("write", out)
        }
        Entry::File { from, size, exec, .. } => {
            header.set_mode(mode(*exec));
            header.set_size(*size);
            let mut file = Exactly { file: File::open(from).doing("open", from)?, found: 0, expected: *size };
            let written = builder.append_data(&mut header, name, &mut file);
            if file.found != *size {
                return Err(ImageError::Changed { path: from.clone(), expected: *size, found: file.found });
            }
            written.doing("write", out)
        }
    }
}

fn mode(exec: bool) -> u32 {
    if exec { FOLDER } else { 0o644 }
}

/// A file that must have so many bytes: more than one too many is not read.
struct Exactly {
    file: File,
    found: u64,
    expected: u64,
}

impl Read for Exactly {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.found > self.expected {
            return Ok(0);
        }
        let n = self.file.read(buffer)?;
        self.found += n as u64;
        Ok(n)
    }
}

/// Counts and hashes what goes through.
struct Tally<W> {
    inner: W,
    hasher: Hasher,
    bytes: u64,
}

impl<W> Tally<W> {
    fn new(inner: W) -> Self {
        Self { inner, hasher: Hasher::new(Algo::Sha256), bytes: 0 }
    }

    fn finish(self) -> (W, Digest, u64) {
        (self.inner, self.hasher.finish(), self.bytes)
    }
}

impl<W: Write> Write for Tally<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let n = self.inner.write(bytes)?;
        self.hasher.update(&bytes[..n]);
        self.bytes += n as u64;
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}
