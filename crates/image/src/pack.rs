//! A layer's entries become one compressed tar archive. Knows the archive's form and both of its digests.
//!
//! The archive has every entry once, sorted by path, all owned by 0:0 without names, times as in the store, folders with
//! `/` at their ends, long names as GNU tar writes them. Nothing else decides its bytes.

use std::fs::File;
use std::io::{self, BufWriter, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use akbuild_nar::{Algo, Digest, Hasher};
use akbuild_recipe::plan::Compression;
use tar::{Builder, EntryType, Header};

use crate::ImageError;
use crate::compress::Encoder;
use crate::entry::{Contents, Entry, FOLDER};
use crate::error::Doing;
use crate::layer::Packed;
use crate::member::{Exactly, header};

/// Bytes of a name, or of a link's target, that a header has room for.
const FIELD: usize = 100;

/// Writes a layer to the new file `out`, which is gone again if that fails.
///
/// # Errors
/// [`ImageError::Changed`] if a file has not as many bytes as its entry says; [`ImageError::Tree`] if a link has taken
/// the place of a file or of a folder that it is in.
pub fn pack(contents: &Contents, compression: Compression, threads: usize, out: &Path) -> Result<Packed, ImageError> {
    let file = create(out)?;
    write(contents, compression, threads, file, out).inspect_err(|_| remove(out))
}

#[allow(clippy::disallowed_methods, reason = "the archive is in a scratch folder that akbuild alone writes")]
fn create(out: &Path) -> Result<File, ImageError> {
    File::create_new(out).doing("make", out)
}

/// Only tidiness: nothing uses an archive that is not complete.
#[allow(clippy::disallowed_methods, reason = "the archive is in a scratch folder that akbuild alone writes")]
fn remove(out: &Path) {
    let _ = std::fs::remove_file(out);
}

fn write(
    contents: &Contents,
    compression: Compression,
    threads: usize,
    file: File,
    out: &Path,
) -> Result<Packed, ImageError> {
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
    Ok(Packed { compression: compression.into(), digest, size, diff_id, diff_size })
}

fn append(builder: &mut Builder<impl Write>, path: &[u8], entry: &Entry, out: &Path) -> Result<(), ImageError> {
    match entry {
        Entry::Folder(mode) => {
            let name = [path, b"/"].concat();
            member(builder, header(EntryType::Directory, *mode, 0), &name, b"", io::empty()).doing("write", out)
        }
        Entry::Link(target) => {
            let header = header(EntryType::Symlink, 0o777, 0);
            member(builder, header, path, target.as_bytes(), io::empty()).doing("write", out)
        }
        Entry::Text { bytes, exec } => {
            let header = header(EntryType::Regular, mode(*exec), bytes.len() as u64);
            member(builder, header, path, b"", &bytes[..]).doing("write", out)
        }
        Entry::File { from, size, exec, .. } => {
            let header = header(EntryType::Regular, mode(*exec), *size);
            let mut file = Exactly::new(from.open()?, *size);
            let written = member(builder, header, path, b"", &mut file);
            file.check(written, &from.shown_path(), out, |file| file.metadata().map_or(0, |meta| meta.len()))
        }
    }
}

fn mode(exec: bool) -> u32 {
    if exec { FOLDER } else { 0o644 }
}

/// Writes an entry. Its name and target are written as they are, whatever their bytes and lengths: the `tar` crate
/// would write some of them in another way (`a//b`), and others not at all.
fn member(
    builder: &mut Builder<impl Write>,
    mut header: Header,
    name: &[u8],
    target: &[u8],
    data: impl Read,
) -> io::Result<()> {
    for (kind, text) in [(b'L', name), (b'K', target)].into_iter().filter(|(_, text)| text.len() > FIELD) {
        let mut long = self::header(EntryType::new(kind), 0o644, text.len() as u64 + 1);
        long.set_mtime(0);
        fill(&mut long.as_old_mut().name, b"././@LongLink");
        long.set_cksum();
        builder.append(&long, text.chain(&b"\0"[..]))?;
    }
    fill(&mut header.as_old_mut().name, name);
    fill(&mut header.as_old_mut().linkname, target);
    header.set_cksum();
    builder.append(&header, data)
}

/// As much of a text as there is room for.
fn fill(field: &mut [u8; FIELD], text: &[u8]) {
    let length = text.len().min(FIELD);
    field[..length].copy_from_slice(&text[..length]);
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
