//! An image as one file: the layout in a tar archive, or what `docker load` takes. Knows both forms; writes to a
//! stream, in one pass.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;

use akbuild_nar::{Algo, Digest, Hasher};
use serde_json::json;
use tar::{Builder, EntryType};

use crate::ImageError;
use crate::document::bytes;
use crate::error::Doing;
use crate::layout::{Layout, VERSION};
use crate::member::{Exactly, header};

/// A form of archive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// The image layout, in a tar archive.
    Oci,
    /// What `docker save` writes, with layers that are not compressed: any version of Docker takes it.
    Docker,
}

/// Writes an image as an archive; `names` are the references that it gets where it is loaded, `NAME:TAG`.
pub fn write_archive(layout: &Layout, form: Form, names: &[String], out: impl Write) -> Result<(), ImageError> {
    let mut builder = Builder::new(out);
    match form {
        Form::Oci => oci(layout, names, &mut builder)?,
        Form::Docker => docker(layout, names, &mut builder)?,
    }
    builder.into_inner().and_then(|mut out| out.flush()).doing("write", "the archive")
}

fn oci(layout: &Layout, names: &[String], builder: &mut Builder<impl Write>) -> Result<(), ImageError> {
    folder(builder, "blobs")?;
    folder(builder, "blobs/sha256")?;
    let mut blobs: Vec<_> = layout.layers.iter().chain([&layout.config, &layout.manifest]).collect();
    blobs.sort_by_key(|blob| blob.digest);
    blobs.dedup_by_key(|blob| blob.digest);
    for blob in blobs {
        let path = layout.blob(&blob.digest);
        let file = layout.open_blob(&blob.digest)?;
        let length = |file: &File| file.metadata().map_or(0, |meta| meta.len());
        let found = stream(builder, &format!("blobs/sha256/{}", blob.digest.hex()), blob.size, file, &path, length)?;
        if found != blob.digest {
            return Err(ImageError::Digest { blob: blob.name() });
        }
    }
    text(builder, "index.json", &layout.index(names))?;
    text(builder, "oci-layout", VERSION.as_bytes())
}

fn docker(layout: &Layout, names: &[String], builder: &mut Builder<impl Write>) -> Result<(), ImageError> {
    let mut layers: Vec<String> = Vec::new();
    for (blob, diff_id) in layout.layers.iter().zip(&layout.diff_ids) {
        let name = format!("{}.tar", diff_id.hex());
        if !layers.contains(&name) {
            let path = layout.blob(&blob.digest);
            // Its length stands before it: the first pass only counts.
            let decoded = || decode(layout.open_blob(&blob.digest)?).doing("read", &path);
            let size = io::copy(&mut decoded()?, &mut io::sink()).doing("read", &path)?;
            if stream(builder, &name, size, decoded()?, &path, |_| 0)? != *diff_id {
                return Err(ImageError::DiffId { layer: blob.name() });
            }
        }
        layers.push(name);
    }
    let config = format!("{}.json", layout.config.digest.hex());
    text(builder, &config, &layout.document(&layout.config.digest)?)?;
    text(builder, "manifest.json", &bytes(&json!([{"Config": config, "RepoTags": names, "Layers": layers}])))
}

/// A layer's archive, whatever it is compressed with: its first bytes tell.
pub(crate) fn decode(mut raw: impl Read + 'static) -> io::Result<Box<dyn Read>> {
    let mut first = Vec::with_capacity(4);
    raw.by_ref().take(4).read_to_end(&mut first)?;
    let whole = io::Cursor::new(first.clone()).chain(raw);
    Ok(match first[..] {
        [0x1f, 0x8b, ..] => Box::new(flate2::read::MultiGzDecoder::new(whole)),
        [0x28, 0xb5, 0x2f, 0xfd] => Box::new(zstd::stream::read::Decoder::new(whole)?),
        _ => Box::new(whole),
    })
}

fn folder(builder: &mut Builder<impl Write>, name: &str) -> Result<(), ImageError> {
    let mut header = header(EntryType::Directory, 0o755, 0);
    builder.append_data(&mut header, format!("{name}/"), io::empty()).doing("write", "the archive")
}

fn text(builder: &mut Builder<impl Write>, name: &str, bytes: &[u8]) -> Result<(), ImageError> {
    builder
        .append_data(&mut header(EntryType::Regular, 0o644, bytes.len() as u64), name, bytes)
        .doing("write", "the archive")
}

/// Writes a file that must have so many bytes; gives their SHA-256.
fn stream<R: Read>(
    builder: &mut Builder<impl Write>,
    name: &str,
    size: u64,
    inner: R,
    from: &Path,
    length: impl FnOnce(&R) -> u64,
) -> Result<Digest, ImageError> {
    let mut file = Exactly::new(Hashed { inner, hasher: Hasher::new(Algo::Sha256) }, size);
    let written = builder.append_data(&mut header(EntryType::Regular, 0o644, size), name, &mut file);
    file.check(written, from, "the archive".as_ref(), |hashed| length(&hashed.inner))?;
    Ok(file.inner.hasher.finish())
}

struct Hashed<R> {
    inner: R,
    hasher: Hasher,
}

impl<R: Read> Read for Hashed<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buffer)?;
        self.hasher.update(&buffer[..n]);
        Ok(n)
    }
}
