//! An image's layers become a folder with a file system, as a container runtime makes it: "Applying" of the
//! specification's text on layers, whiteouts included. Knows how a layer is read and what its digests are; not how
//! a file system changes.
//!
//! Whose image it is does not matter: what is read is as bad as can be, until its digests say otherwise.

use std::cell::{Cell, RefCell};
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;
use std::rc::Rc;

use akbuild_nar::{Algo, Digest, Hasher};
use rustix::io::Errno;

use crate::archive::decode;
use crate::tree::{Tree, plain};
use crate::unpacked::Unpacked;
use crate::{Descriptor, ImageError, Layout};

/// Bytes that may stand between the contents of two files: headers, long names, whatever extends them. All of that
/// is kept in memory.
const HEADERS: u64 = 1_000_000;

/// Unpacks all layers of an image into the empty folder `root`. Files keep their modes, less set-uid bits, and belong
/// to whoever unpacks; devices are left out.
///
/// # Errors
/// [`ImageError::Layer`] for a layer that cannot be unpacked, [`ImageError::Digest`] and [`ImageError::DiffId`] for
/// one that is another than the image says; [`ImageError::Io`] if this machine is at fault.
pub fn unpack(layout: &Layout, root: &Path) -> Result<Unpacked, ImageError> {
    let mut tree = Tree::new(root)?;
    for (layer, diff_id) in layout.layers.iter().zip(&layout.diff_ids) {
        tree.next_layer();
        apply(&mut tree, layer, diff_id, layout.open_blob(&layer.digest)?)?;
    }
    tree.finish()
}

fn apply(tree: &mut Tree, layer: &Descriptor, diff_id: &Digest, blob: File) -> Result<(), ImageError> {
    let name = layer.name();
    let problem = |problem: String| ImageError::Layer { layer: name.clone(), problem: readable(&problem) };
    let (outer, inner) = (Meter::new(), Meter::new());
    let decoded = decode(outer.reader(blob)).map_err(|e| problem(e.to_string()))?;
    let mut stream = inner.reader(BufReader::with_capacity(256 << 10, decoded));
    members(tree, &mut stream, &inner, &problem)?;
    // What follows the archive's end counts too.
    io::copy(&mut stream, &mut io::sink()).map_err(|e| problem(e.to_string()))?;
    if outer.digest() != layer.digest {
        return Err(ImageError::Digest { blob: name });
    }
    if inner.digest() != *diff_id { Err(ImageError::DiffId { layer: name }) } else { Ok(()) }
}

fn members(
    tree: &mut Tree,
    stream: &mut impl Read,
    meter: &Meter,
    problem: &impl Fn(String) -> ImageError,
) -> Result<(), ImageError> {
    let mut archive = tar::Archive::new(stream);
    let mut entries = archive.entries().map_err(|e| problem(e.to_string()))?;
    loop {
        meter.allow(HEADERS);
        let Some(entry) = entries.next() else { break };
        meter.allow(u64::MAX);
        let mut entry = entry.map_err(|e| problem(e.to_string()))?;
        // It says something of all that follows, and nothing that counts here.
        if !entry.header().entry_type().is_pax_global_extensions() {
            let path = entry.path().map_err(|e| problem(e.to_string()))?.into_owned();
            let plain = plain(&path).ok_or_else(|| problem(format!("`{}` leads out of it", shortened(&path))))?;
            let put = tree.put(&plain, &mut entry);
            put.map_err(|e| failed(e, tree, &plain, problem))?;
        }
        // The rest of it is no header of the next one.
        io::copy(&mut entry, &mut io::sink()).map_err(|e| problem(e.to_string()))?;
    }
    meter.allow(u64::MAX);
    Ok(())
}

/// The error of a member: the layer's fault, or this machine's.
fn failed(error: io::Error, tree: &Tree, path: &Path, problem: impl Fn(String) -> ImageError) -> ImageError {
    const MACHINE: [Errno; 11] = [
        Errno::NOSPC,
        Errno::DQUOT,
        Errno::FBIG,
        Errno::ROFS,
        Errno::ACCESS,
        Errno::PERM,
        Errno::NOMEM,
        Errno::MFILE,
        Errno::NFILE,
        Errno::IO,
        Errno::NOSYS,
    ];
    match Errno::from_io_error(&error) {
        Some(errno) if MACHINE.contains(&errno) => {
            ImageError::Io { doing: "unpack", path: tree.host(path), source: error }
        }
        _ => problem(format!("`{}`: {error}", shortened(path))),
    }
}

/// A path as a message shows it: one can be very long.
fn shortened(path: &Path) -> String {
    let text = path.display().to_string();
    match text.char_indices().nth(100) {
        Some((at, _)) => format!("{}...", &text[..at]),
        None => text,
    }
}

/// What a terminal may show: names are whatever somebody has written.
fn readable(problem: &str) -> String {
    let escaped = |c: char| if c.is_control() { c.escape_default().to_string() } else { c.to_string() };
    problem.chars().take(500).map(escaped).collect()
}

/// Hashes what is read by its readers, and limits how much that may be.
struct Meter(Rc<(RefCell<Hasher>, Cell<u64>)>);

impl Meter {
    fn new() -> Self {
        Self(Rc::new((RefCell::new(Hasher::new(Algo::Sha256)), Cell::new(u64::MAX))))
    }

    /// From now on, so much.
    fn allow(&self, bytes: u64) {
        self.0.1.set(bytes);
    }

    fn reader<R: Read>(&self, inner: R) -> Metered<R> {
        Metered { inner, meter: Self(self.0.clone()) }
    }

    fn digest(&self) -> Digest {
        self.0.0.borrow().clone().finish()
    }
}

struct Metered<R> {
    inner: R,
    meter: Meter,
}

impl<R: Read> Read for Metered<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let (hasher, allowed) = &*self.meter.0;
        let most = usize::try_from(allowed.get()).unwrap_or(usize::MAX).min(buffer.len());
        if most == 0 && !buffer.is_empty() {
            return Err(io::Error::other("the headers of one file have more than 1 MB"));
        }
        let n = self.inner.read(&mut buffer[..most])?;
        hasher.borrow_mut().update(&buffer[..n]);
        if allowed.get() != u64::MAX {
            allowed.set(allowed.get() - n as u64);
        }
        Ok(n)
    }
}
