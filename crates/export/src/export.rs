//! Writing an export of a store. Knows what stands behind each item; not how it was chosen.

use std::io::{self, Write};

use akbuild_fetch::git_pack;
use akbuild_nar::{Algo, Digest, Hasher, NarError, TreeHash, dump};
use akbuild_store::{Action, Store, StoreError};

use crate::item::Item;
use crate::write::Writer;
use crate::{Contents, ExportError, REPOSITORIES, blob};

/// An export that was written.
#[derive(Clone, Copy, Debug)]
pub struct Written {
    /// The SHA-256 of its bytes.
    pub digest: Digest,
    /// How many they are.
    pub bytes: u64,
}

/// Writes what was chosen. `progress` is told how many bytes more have been written, before they were compressed,
/// and says whether to go on. What is read is hashed on the way: nothing damaged is written as if it were whole.
///
/// # Errors
/// Something is missing or damaged; `out` takes no more; stopped by `progress`. What was written is then of no use.
pub fn export(
    store: &Store,
    contents: &Contents,
    out: impl Write,
    progress: &mut dyn FnMut(u64) -> bool,
) -> Result<Written, ExportError> {
    contents.check(store)?;
    let mut writer = Writer::new(out, progress).map_err(ExportError::Write)?;
    for (item, words) in &contents.items {
        let written = entry(store, item, words, &mut writer);
        if writer.stopped {
            return Err(ExportError::Stopped);
        }
        written?;
    }
    let (digest, bytes, _) = writer.finish().map_err(ExportError::Write)?;
    Ok(Written { digest, bytes })
}

fn entry<W: Write>(store: &Store, item: &Item, words: &str, out: &mut Writer<'_, W>) -> Result<(), ExportError> {
    let damaged = || ExportError::Damaged { what: words.to_owned() };
    out.begin(item).map_err(ExportError::Write)?;
    match item {
        Item::Tree(hash) => tree(store, hash, out, damaged)?,
        Item::Download(digest) => download(store, digest, out, damaged)?,
        Item::List(list) => {
            let text = store.artifacts_text(list)?.ok_or_else(damaged)?;
            out.write_all(&text).map_err(ExportError::Write)?;
        }
        Item::Repository { name, commit } => git_pack(&store.home().join(REPOSITORIES).join(name), commit, out)?,
        Item::Action(key) => {
            let action = store.action(key)?.ok_or_else(damaged)?;
            // Logs and records of builds stay here.
            let action = Action { log: None, build: None, ..action };
            serde_json::to_writer(&mut *out, &action).map_err(|e| ExportError::Write(e.into()))?;
        }
    }
    out.end().map_err(ExportError::Write)
}

fn tree<W: Write>(
    store: &Store,
    hash: &TreeHash,
    out: &mut Writer<'_, W>,
    damaged: impl Fn() -> ExportError,
) -> Result<(), ExportError> {
    let mut hashed = Hashed { out, hasher: Hasher::new(Algo::Sha256) };
    match dump(&store.tree_path(hash), &mut hashed) {
        Err(NarError::Write(error)) => return Err(ExportError::Write(error)),
        dumped => dumped.map_err(StoreError::from)?,
    };
    if hashed.hasher.finish().as_bytes() == hash.as_bytes() { Ok(()) } else { Err(damaged()) }
}

fn download<W: Write>(
    store: &Store,
    digest: &Digest,
    out: &mut Writer<'_, W>,
    damaged: impl Fn() -> ExportError,
) -> Result<(), ExportError> {
    let mut file = blob::open(store, digest).map_err(|_| damaged())?;
    // Not on the way: the digests of Go modules need the whole file.
    if Digest::of_file(digest.algo(), &file).ok() != Some(*digest) {
        return Err(damaged());
    }
    let copied = io::Seek::rewind(&mut file).and_then(|()| io::copy(&mut file, out));
    copied.map(drop).map_err(ExportError::Write)
}

/// Hashes what passes.
struct Hashed<'a, W> {
    out: &'a mut W,
    hasher: Hasher,
}

impl<W: Write> Write for Hashed<'_, W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let n = self.out.write(bytes)?;
        self.hasher.update(&bytes[..n]);
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
