//! Hashing all trees and blobs, on several threads. Knows how the work is shared out and what a wrong hash is
//! reported as.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::io::{self, ErrorKind};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Mutex;
use std::thread;

use akbuild_nar::{Digest, HashOptions, Hashed, Listing, NarError, TreeHash, hash_tree_telling};

use super::difference::{Change, Difference, differences};
use super::finding::{Finding, Problem, Thing, Verified, Verify};
use super::meter::Meter;
use crate::bucket;
use crate::find::names;
use crate::layout::exists;
use crate::lease_state::Item;
use crate::{Store, StoreError};

/// The mode of a blob.
const BLOB_MODE: u32 = 0o444;

/// Something to be hashed.
struct Work {
    item: Item,
    /// Its size, if the index has it.
    recorded: Option<u64>,
}

impl Store {
    /// Hashes all trees and blobs, and compares them with the index.
    pub(super) fn check_contents(&self, options: &Verify<'_>, verified: &mut Verified) -> Result<(), StoreError> {
        let mut work = self.all_contents(&mut verified.findings)?;
        // The largest last, since the threads take from the end; what has no size may be large.
        work.sort_by_key(|work| work.recorded.unwrap_or(u64::MAX));
        let trees = work.iter().filter(|work| matches!(work.item, Item::Tree(_))).count() as u64;
        let bytes = work.iter().filter_map(|work| work.recorded).sum();
        let meter = Meter::new(work.len() as u64, bytes, options.progress);
        (verified.checked.trees, verified.checked.blobs) = (trees, work.len() as u64 - trees);
        let work = Mutex::new(work);
        let run = || -> Result<Vec<Finding>, StoreError> {
            let mut findings = Vec::new();
            loop {
                let next = work.lock().unwrap_or_else(|e| e.into_inner()).pop();
                let Some(next) = next else { return Ok(findings) };
                findings.extend(self.check(&next, options.record, &meter)?);
                meter.done();
            }
        };
        thread::scope(|scope| {
            let threads: Vec<_> = (0..options.threads.max(1)).map(|_| scope.spawn(run)).collect();
            for thread in threads {
                verified.findings.extend(thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?);
            }
            Ok::<(), StoreError>(())
        })?;
        verified.checked.bytes = meter.read.into_inner();
        Ok(())
    }

    /// What is there; what only the index has is a finding.
    fn all_contents(&self, findings: &mut Vec<Finding>) -> Result<Vec<Work>, StoreError> {
        // A collector would take away what was listed before its row is looked for.
        let _hold = self.hold()?;
        let mut rows = self.rows()?;
        let trees = names(&self.layout().trees())?.into_iter().filter_map(|name| {
            let hash: TreeHash = name.parse().ok()?;
            (hash.hex() == name).then_some(Item::Tree(hash))
        });
        let blobs = self.blob_files()?.into_iter().map(Item::Blob);
        let work = trees.chain(blobs).map(|item| Work { recorded: rows.remove(&item), item }).collect();
        // Published between the two looks, rows come after their files.
        let missing: HashSet<Item> = rows.into_keys().filter(|item| !exists(&self.path_of(item))).collect();
        findings.extend(missing.into_iter().map(|item| Finding::new(thing(&item), Problem::Missing)));
        Ok(work)
    }

    /// The trees and blobs that the index has, with their sizes.
    fn rows(&self) -> Result<HashMap<Item, u64>, StoreError> {
        let size = |row: &rusqlite::Row<'_>| row.get::<_, i64>(1).map(i64::cast_unsigned);
        let (trees, blobs) = self.inner.index.with(|conn| {
            let read = |row: &rusqlite::Row<'_>| Ok((row.get::<_, Vec<u8>>(0)?, size(row)?));
            let trees: Vec<_> =
                conn.prepare("SELECT hash, bytes FROM trees")?.query_map([], read)?.collect::<Result<_, _>>()?;
            let read = |row: &rusqlite::Row<'_>| Ok((row.get::<_, String>(0)?, size(row)?));
            let blobs: Vec<_> =
                conn.prepare("SELECT digest, bytes FROM blobs")?.query_map([], read)?.collect::<Result<_, _>>()?;
            Ok((trees, blobs))
        })?;
        let tree =
            |(hash, bytes): (Vec<u8>, u64)| Some((Item::Tree(TreeHash::from(<[u8; 32]>::try_from(hash).ok()?)), bytes));
        let blob = |(digest, bytes): (String, u64)| Some((Item::Blob(digest.parse().ok()?), bytes));
        Ok(trees.into_iter().filter_map(tree).chain(blobs.into_iter().filter_map(blob)).collect())
    }

    fn check(&self, work: &Work, record: bool, meter: &Meter<'_>) -> Result<Vec<Finding>, StoreError> {
        let mut found = match &work.item {
            Item::Tree(hash) => self.check_tree_contents(hash, work, record, meter)?,
            Item::Blob(digest) => self.check_blob_contents(digest, work, record, meter)?,
        };
        // Collected or repaired meanwhile by somebody else.
        if !exists(&self.path_of(&work.item)) {
            found.clear();
        }
        Ok(found)
    }

    fn check_tree_contents(
        &self,
        hash: &TreeHash,
        work: &Work,
        record: bool,
        meter: &Meter<'_>,
    ) -> Result<Vec<Finding>, StoreError> {
        let tree = |problem| vec![Finding::new(Thing::Tree(*hash), problem)];
        let path = self.tree_path(hash);
        let listing = fs::read(self.layout().listing(hash)).ok();
        let listing = listing.map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        let counted = work.recorded.is_some();
        let options = HashOptions { normalise: None, listing: listing.is_some(), inspect: true };
        let hashed = match hash_tree_telling(&path, &options, &mut |bytes| meter.hashed(bytes, counted)) {
            Err(NarError::Io { path: at, source, .. }) if source.kind() == ErrorKind::PermissionDenied => {
                return Ok(tree(Problem::Mode(vec![at.strip_prefix(&path).unwrap_or(&at).into()])));
            }
            Err(error) => return Ok(tree(Problem::corrupt(error))),
            Ok(hashed) => hashed,
        };
        meter.read(hashed.stats.bytes);
        if hashed.hash != *hash {
            let files = changed(listing.as_deref(), &hashed);
            return Ok(tree(Problem::Corrupt { files, why: format!("its hash is {}", hashed.hash) }));
        }
        let mut found = Vec::new();
        if !hashed.odd.is_empty() {
            found.extend(tree(Problem::Mode(hashed.odd)));
        }
        if let (Some(text), Some(true)) = (&listing, hashed.listing.map(|l| Some(l.to_text()) != listing)) {
            let why = Listing::from_text(text).err().map(|e| e.to_string());
            let why = why.unwrap_or_else(|| "it does not say what is in its tree".to_owned());
            found.push(Finding::new(Thing::Listing(*hash), Problem::corrupt(why)));
        }
        if work.recorded.is_none() && !self.has_row(&work.item)? {
            found.extend(tree(Problem::Unrecorded));
            if record {
                self.record_tree(hash, &hashed.stats)?;
            }
        }
        Ok(found)
    }

    fn check_blob_contents(
        &self,
        digest: &Digest,
        work: &Work,
        record: bool,
        meter: &Meter<'_>,
    ) -> Result<Vec<Finding>, StoreError> {
        let blob = |problem| vec![Finding::new(Thing::Blob(*digest), problem)];
        let path = self.blob_path(digest);
        let (found, bytes, mode) = match hash_blob(digest, &path) {
            Err(e) if e.kind() == ErrorKind::PermissionDenied => return Ok(blob(Problem::Mode(Vec::new()))),
            Err(e) => return Ok(blob(Problem::corrupt(e))),
            Ok(found) => found,
        };
        meter.hashed(bytes, work.recorded == Some(bytes));
        meter.read(bytes);
        if found != *digest {
            return Ok(blob(Problem::corrupt(format!("its digest is {found}"))));
        }
        let mut findings = Vec::new();
        if mode != BLOB_MODE {
            findings.extend(blob(Problem::Mode(Vec::new())));
        }
        if work.recorded.is_none() && !self.has_row(&work.item)? {
            findings.extend(blob(Problem::Unrecorded));
            if record {
                self.record_blob(digest, bytes)?;
            }
        }
        Ok(findings)
    }
}

/// A blob's digest, size and mode.
fn hash_blob(digest: &Digest, path: &Path) -> io::Result<(Digest, u64, u32)> {
    let file = bucket::open(path)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(io::Error::other("it is not a regular file"));
    }
    let found = Digest::of_file(digest.algo(), &file)?;
    Ok((found, metadata.len(), metadata.permissions().mode() & 0o7777))
}

/// What differs in a tree: by its listing, or, where there is none, by the traces that a change leaves.
fn changed(listing: Option<&str>, hashed: &Hashed) -> Vec<Difference> {
    let old = listing.and_then(|text| Listing::from_text(text).ok());
    match (old, &hashed.listing) {
        (Some(old), Some(new)) => differences(&old, new),
        _ => hashed.odd.iter().map(|path| Difference { path: path.clone(), change: Change::Touched }).collect(),
    }
}

pub(super) fn thing(item: &Item) -> Thing {
    match item {
        Item::Tree(hash) => Thing::Tree(*hash),
        Item::Blob(digest) => Thing::Blob(*digest),
    }
}
