//! Reading an export into a store. Trusts nothing in it but what cannot be checked: that an action gave its output.

use std::io::{self, Read};

use akbuild_engine::Manifest;
use akbuild_fetch::{FetchError, git_unpack};
use akbuild_nar::{Digest, NarError, TreeHash, restore};
use akbuild_store::{Action, Artifact, Blob, Key, Publish, Store, StoreError};
use akbuild_tree::TreeDir;

use crate::item::{Item, Kind};
use crate::read::Reader;
use crate::{ExportError, REPOSITORIES};

/// The longest record or list: those of the largest known recipes have less than a hundredth of this.
pub(crate) const LONGEST: u64 = 64 << 20;

/// What an import brought.
#[derive(Clone, Debug, Default)]
pub struct Imported {
    /// How many entries of each kind are new here, and how many were there already.
    pub counts: Vec<(Kind, usize, usize)>,
    /// Keys that gave another output here, which was kept.
    pub kept: Vec<Key>,
    /// The SHA-256 of the file.
    pub digest: Option<Digest>,
}

/// Reads an export, and publishes each entry when all of it is there and has been checked. What the store has already
/// is passed over. `progress` is told how many bytes more have been read, and says whether to go on.
///
/// # Errors
/// The file is no export, or not whole; the store takes no more; stopped by `progress`. Entries before that stay.
pub fn import(store: &Store, input: impl Read, progress: &mut dyn FnMut(u64) -> bool) -> Result<Imported, ExportError> {
    let mut imported = Imported { counts: Kind::ALL.map(|kind| (kind, 0, 0)).to_vec(), kept: Vec::new(), digest: None };
    let mut reader = Reader::new(input, progress)?;
    while let Some(item) = reader.next()? {
        let added = entry(store, &item, &mut reader, &mut imported.kept);
        // What went wrong with the file comes before what that led to.
        if let Some(fault) = reader.fault() {
            return Err(fault);
        }
        let count = imported.counts.iter_mut().find(|(kind, ..)| *kind == item.kind()).expect("all kinds are counted");
        if added? { count.1 += 1 } else { count.2 += 1 }
    }
    imported.digest = Some(reader.digest());
    Ok(imported)
}

/// Whether it is new here.
fn entry<R: Read>(
    store: &Store,
    item: &Item,
    reader: &mut Reader<'_, R>,
    kept: &mut Vec<Key>,
) -> Result<bool, ExportError> {
    match item {
        Item::Tree(hash) if store.has_tree(hash) => skip(reader),
        Item::Tree(hash) => tree(store, hash, reader),
        Item::Download(digest) => download(store, digest, reader),
        Item::List(list) => {
            let text = text(reader)?;
            let there = store.artifacts(list)?.is_some();
            let lines = text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
            let artifacts: Result<Vec<Artifact>, _> = lines.map(serde_json::from_slice).collect();
            match artifacts.ok().filter(|_| Digest::sha256(&text) == *list) {
                Some(artifacts) if store.put_artifacts(&artifacts)? == *list => Ok(!there),
                _ => Err(reader.broken("it is not the list that it is called".into())),
            }
        }
        Item::Repository { name, commit } => {
            let folder = store.home().join(REPOSITORIES).join(name);
            store.use_repository(&folder)?;
            let unpacked = git_unpack(&folder, commit, reader);
            match unpacked {
                Err(error @ FetchError::Repository { .. }) => Err(reader.broken(error.to_string())),
                unpacked => Ok(unpacked.map(|()| true)?),
            }
        }
        Item::Action(key) => action(store, key, reader, kept),
    }
}

fn tree<R: Read>(store: &Store, hash: &TreeHash, reader: &mut Reader<'_, R>) -> Result<bool, ExportError> {
    let scratch = store.scratch("import")?;
    let tree = scratch.path().join("tree");
    match restore(reader, &tree) {
        Err(error @ (NarError::Malformed { .. } | NarError::Read(_))) => return Err(reader.broken(error.to_string())),
        restored => restored.map_err(StoreError::from)?,
    };
    if TreeDir::open(&tree, "the tree").is_err() {
        return Err(reader.broken("it is no folder".into()));
    }
    match store.publish(&tree, &Publish { expect: Some(*hash), listing: true, ..Publish::default() }) {
        Err(StoreError::TreeMismatch { found, .. }) => Err(reader.broken(format!("its NAR hash is {}", found.hex()))),
        published => Ok(!published?.existed),
    }
}

fn download<R: Read>(store: &Store, digest: &Digest, reader: &mut Reader<'_, R>) -> Result<bool, ExportError> {
    let Blob::Missing(mut writer) = store.blob_writer(digest)? else { return skip(reader) };
    // What a download left there is not known to be the beginning of this.
    writer.restart()?;
    let path = writer.path().to_owned();
    if let Err(error) = io::copy(reader, &mut writer) {
        writer.discard()?;
        let fault = reader.fault();
        return Err(
            fault.unwrap_or_else(|| StoreError::from(NarError::Io { action: "write", path, source: error }).into())
        );
    }
    match writer.commit() {
        Err(StoreError::BlobMismatch { found, .. }) => Err(reader.broken(format!("its digest is {found}"))),
        Err(StoreError::Damaged { problem, .. }) => Err(reader.broken(problem)),
        committed => Ok(committed.map(|()| true)?),
    }
}

fn action<R: Read>(
    store: &Store,
    key: &Key,
    reader: &mut Reader<'_, R>,
    kept: &mut Vec<Key>,
) -> Result<bool, ExportError> {
    let text = text(reader)?;
    let action: Action =
        serde_json::from_slice(&text).map_err(|e| reader.broken(format!("its record cannot be read: {e}")))?;
    let manifest = Manifest::from_json(&action.manifest);
    if action.key != *key || !manifest.is_ok_and(|manifest| manifest.key() == *key) {
        return Err(reader.broken("its key is not the hash of its manifest".into()));
    }
    if !store.has_tree(&action.output) {
        return Err(reader.broken(format!("its output {} is neither in the file nor here", action.output)));
    }
    if let Some(list) = &action.artifacts
        && store.artifacts(list)?.is_none()
    {
        return Err(reader.broken(format!("its list of downloads {list} is neither in the file nor here")));
    }
    if let Some(known) = store.action(key)?
        && store.has_tree(&known.output)
    {
        if known.output != action.output {
            kept.push(*key);
        }
        return Ok(false);
    }
    // Paths and builds are those of another home.
    store.record_action(&Action { log: None, build: None, ..action })?;
    Ok(true)
}

/// Reads a short entry as a whole.
fn text<R: Read>(reader: &mut Reader<'_, R>) -> Result<Vec<u8>, ExportError> {
    let mut text = Vec::new();
    let read = reader.by_ref().take(LONGEST + 1).read_to_end(&mut text);
    match read {
        Ok(n) if n as u64 <= LONGEST => Ok(text),
        Ok(_) => Err(reader.broken(format!("it has more than {LONGEST} bytes"))),
        Err(error) => Err(reader.fault().unwrap_or_else(|| reader.broken(error.to_string()))),
    }
}

fn skip<R: Read>(reader: &mut Reader<'_, R>) -> Result<bool, ExportError> {
    match io::copy(reader, &mut io::sink()) {
        Ok(_) => Ok(false),
        Err(error) => Err(reader.fault().unwrap_or_else(|| reader.broken(error.to_string()))),
    }
}
