//! Hashing and writing whole trees. Knows how the walk and the hashing are put together.

use std::ffi::OsString;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel, sync_channel};
use std::thread;

use sha2::{Digest as _, Sha256};

use crate::pipe::{Chunk, DEPTH, Stream, recycle};
use crate::walk::{Found, HashOptions, TreeStats, Walk};
use crate::{Kind, Listing, NarError, TreeHash};

/// What [`hash_tree`] found.
#[derive(Clone, Debug)]
pub struct Hashed {
    /// The NAR hash.
    pub hash: TreeHash,
    /// How much there is.
    pub stats: TreeStats,
    /// The entries, if they were asked for.
    pub listing: Option<Listing>,
    /// Relative paths of what has other metadata than in the stored form, if that was asked for; the
    /// root is the empty path.
    pub odd: Vec<OsString>,
}

/// The NAR hash of a tree, as `nix hash path` prints it. The root may be a folder, a file or a
/// symbolic link, which is not followed.
pub fn hash_path(path: &Path) -> Result<TreeHash, NarError> {
    Ok(hash_tree(path, &HashOptions::default())?.hash)
}

/// Hashes a tree in one walk; see [`HashOptions`] for what else is done on it.
///
/// # Errors
/// A file, folder or link that cannot be read or changed, a special file, a file that shrinks
/// while it is read; each names the path.
pub fn hash_tree(path: &Path, options: &HashOptions) -> Result<Hashed, NarError> {
    hash_tree_telling(path, options, &mut |_| ())
}

/// The same; `hashed` is told of every some 100 kB how many bytes they were.
pub fn hash_tree_telling(path: &Path, options: &HashOptions, hashed: &mut dyn FnMut(u64)) -> Result<Hashed, NarError> {
    let mut nar = Sha256::new();
    let (found, digests) = stream(path, options, |bytes| {
        nar.update(bytes);
        hashed(bytes.len() as u64);
        Ok(())
    })?;
    let listing = options.listing.then(|| listing(found.entries, digests));
    let hash = TreeHash::from(<[u8; 32]>::from(nar.finalize()));
    Ok(Hashed { hash, stats: found.stats, listing, odd: found.odd })
}

/// Writes the NAR of a tree. Gives how much was in it.
pub fn dump(path: &Path, out: &mut impl Write) -> Result<TreeStats, NarError> {
    let (found, _) = stream(path, &HashOptions::default(), |bytes| out.write_all(bytes).map_err(NarError::Write))?;
    Ok(found.stats)
}

/// Walks on one thread and gives the bytes to `consume` on this one. With a listing, a third
/// thread hashes the files one by one.
fn stream(
    path: &Path,
    options: &HashOptions,
    mut consume: impl FnMut(&[u8]) -> Result<(), NarError>,
) -> Result<(Found, Vec<[u8; 32]>), NarError> {
    let (sender, chunks) = sync_channel::<Arc<Chunk>>(DEPTH);
    let (used, used_rx) = channel();
    let mut readers = vec![sender];
    thread::scope(|scope| {
        let files = options.listing.then(|| {
            let (sender, chunks) = sync_channel(DEPTH);
            readers.push(sender);
            let used = used.clone();
            scope.spawn(move || file_digests(chunks, &used))
        });
        let walk = Walk::new(path, options, Stream::new(readers, used_rx, options.listing));
        let walker = scope.spawn(move || walk.run());
        let mut consumed = Ok(());
        for chunk in chunks {
            consumed = consume(chunk.bytes());
            recycle(chunk, &used);
            if consumed.is_err() {
                break;
            }
        }
        // `chunks` is gone: a walk that still writes sees that nobody reads and ends.
        let found = join(walker)?;
        let digests = files.map(join).unwrap_or_default();
        consumed.map(|()| (found, digests))
    })
}

fn join<T>(handle: thread::ScopedJoinHandle<'_, T>) -> T {
    handle.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

/// The SHA-256 of each file in the stream, in order.
fn file_digests(chunks: Receiver<Arc<Chunk>>, used: &Sender<Chunk>) -> Vec<[u8; 32]> {
    let mut digests = Vec::new();
    let mut file = Sha256::new();
    for chunk in chunks {
        for part in &chunk.parts {
            file.update(&chunk.bytes()[part.start..part.end]);
            if part.last {
                digests.push(file.finalize_reset().into());
            }
        }
        recycle(chunk, used);
    }
    digests
}

fn listing(mut entries: Vec<crate::Entry>, digests: Vec<[u8; 32]>) -> Listing {
    let mut digests = digests.into_iter();
    for entry in &mut entries {
        if let Kind::File { digest, .. } = &mut entry.kind {
            *digest = digests.next().expect("as many digests as files");
        }
    }
    // The walk sorts `a.b` after what is in `a`; by bytes of the whole path it is the other way.
    entries.sort_unstable_by(|a, b| a.path.cmp(&b.path));
    Listing { entries }
}
