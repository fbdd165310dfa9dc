//! Doing something about what [`Store::verify`] found. Knows what may be set right where it is, and what has to go
//! so that nothing can use it; not how anything is made again.
//!
//! Never by trusting: contents are hashed once more before anything is done with them, and what is not what its
//! name says goes. First its row, then its name, then its bytes: a process that is killed in between leaves
//! nothing that would be used without being hashed.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

use akbuild_nar::{Digest, HashOptions, Kind, Listing, Normalise, TreeHash, hash_tree};
use akbuild_tree::TreeDir;

use crate::bucket;
use crate::layout::exists;
use crate::lease_state::{Item, Used};
use crate::verify::{Change, Finding, Problem, Thing, differences};
use crate::{Key, Store, StoreError, remove};

/// What was done about a finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Repair {
    /// It was removed, since it could not be set right.
    Removed {
        /// Running processes that had relied on it.
        used_by: Vec<u32>,
    },
    /// It was set right where it is.
    Corrected,
    /// It was put into the index.
    Recorded,
    /// The index no longer names it.
    Dropped,
    /// There was no longer anything to be done.
    Nothing,
}

const REMOVED: Repair = Repair::Removed { used_by: Vec::new() };

impl Store {
    /// Does something about a finding. What is removed can be made again, by whoever knows how.
    ///
    /// # Errors
    /// A home that cannot be written to, or whose files belong to somebody else.
    pub fn repair(&self, finding: &Finding) -> Result<Repair, StoreError> {
        self.need_writable()?;
        match (&finding.thing, &finding.problem) {
            (Thing::Tree(hash), Problem::Missing) => self.drop_missing(&Item::Tree(*hash)),
            (Thing::Blob(digest), Problem::Missing) => self.drop_missing(&Item::Blob(*digest)),
            (Thing::Tree(_) | Thing::Blob(_), Problem::Unrecorded) => Ok(Repair::Recorded),
            (Thing::Tree(hash), _) => self.repair_tree(hash),
            (Thing::Blob(digest), _) => self.repair_blob(digest),
            (Thing::Listing(hash), _) => self.repair_listing(hash),
            (Thing::Artifacts(list), _) => remove(&self.layout().artifacts(list)).map(|()| REMOVED),
            (Thing::Action(key), Problem::Dangling(_)) => self.forget_artifacts(key),
            (Thing::Action(key), _) => self.repair_action(key),
            (Thing::Build(build), _) => self.repair_build(build),
            (Thing::Root(link), _) => self.unregister(link).map(|()| Repair::Dropped),
            (Thing::File(path), _) => remove(path).map(|()| REMOVED),
            (Thing::Index, _) => self.reindex().map(|()| Repair::Corrected),
        }
    }

    /// Empties the index and fills it again with what the folders say of actions and builds. Trees and blobs have
    /// no rows then: each is hashed when it is next asked for, or by [`Store::verify`] with `record`.
    ///
    /// # Errors
    /// A home that cannot be written to; an index that cannot be replaced.
    pub fn reindex(&self) -> Result<(), StoreError> {
        self.need_writable()?;
        self.inner.index.empty(&self.layout().lock("index"))?;
        self.import_actions()?;
        self.import_builds()?;
        self.inner.index.complete()
    }

    fn repair_tree(&self, hash: &TreeHash) -> Result<Repair, StoreError> {
        let path = self.tree_path(hash);
        let Some(id) = identity(&path) else { return Ok(Repair::Nothing) };
        if self.normalised(hash, &path)? || self.set_modes(hash, &path)? {
            return Ok(Repair::Corrected);
        }
        self.discard(&Item::Tree(*hash), id)
    }

    /// Brings a tree's metadata into the stored form, and records the tree if it has its hash.
    fn normalised(&self, hash: &TreeHash, path: &Path) -> Result<bool, StoreError> {
        let options = HashOptions { normalise: Some(Normalise::default()), ..HashOptions::default() };
        match hash_tree(path, &options) {
            Ok(hashed) if hashed.hash == *hash => self.record_tree(hash, &hashed.stats).map(|()| true),
            // A tree that cannot be read has not its hash either.
            _ => Ok(false),
        }
    }

    /// If by its listing only permissions to execute differ: gives them back, and looks again.
    fn set_modes(&self, hash: &TreeHash, path: &Path) -> Result<bool, StoreError> {
        let text = fs::read_to_string(self.layout().listing(hash)).unwrap_or_default();
        let found = hash_tree(path, &HashOptions { listing: true, ..HashOptions::default() });
        let (Ok(old), Ok(Some(new))) = (Listing::from_text(&text), found.map(|hashed| hashed.listing)) else {
            return Ok(false);
        };
        let changes = differences(&old, &new);
        if changes.iter().any(|d| d.change != Change::Mode) {
            return Ok(false);
        }
        let tree = TreeDir::open(path, "the stored tree")?;
        for change in changes {
            let Some(Kind::File { exec, .. }) = old.get(&change.path).map(|entry| &entry.kind) else { continue };
            tree.set_mode(&change.path, if *exec { 0o555 } else { 0o444 })?;
        }
        self.normalised(hash, path)
    }

    fn repair_blob(&self, digest: &Digest) -> Result<Repair, StoreError> {
        let path = self.blob_path(digest);
        let Some(id) = identity(&path) else { return Ok(Repair::Nothing) };
        if !path.symlink_metadata().is_ok_and(|metadata| metadata.is_file()) {
            return self.discard(&Item::Blob(*digest), id);
        }
        let set = fs::set_permissions(&path, Permissions::from_mode(0o444));
        set.map_err(|e| StoreError::io("change the mode of", &path, e))?;
        let found = bucket::open(&path).and_then(|file| Digest::of_file(digest.algo(), &file));
        if found.is_ok_and(|found| found == *digest) {
            return Ok(Repair::Corrected);
        }
        self.discard(&Item::Blob(*digest), id)
    }

    /// Moves something away and removes it. `id` is what was found damaged: who put something else there in the
    /// meantime has put the right thing there.
    fn discard(&self, item: &Item, id: (u64, u64)) -> Result<Repair, StoreError> {
        let (path, scratch) = (self.path_of(item), self.scratch("damaged")?);
        let used_by = {
            let gate = self.shut_gate()?;
            if identity(&path) != Some(id) {
                return Ok(Repair::Nothing);
            }
            let used = Used::Item(item.clone());
            let leases = self.leases(&gate)?.into_iter().filter(|(_, all)| all.contains(&used));
            self.move_away(item, &scratch)?;
            let mut used_by: Vec<u32> = leases.map(|(pid, _)| pid).filter(|pid| *pid != std::process::id()).collect();
            used_by.sort_unstable();
            used_by.dedup();
            used_by
        };
        scratch.close()?;
        // What was derived from wrong bytes may be wrong too.
        self.forget_memo()?;
        Ok(Repair::Removed { used_by })
    }

    fn repair_listing(&self, hash: &TreeHash) -> Result<Repair, StoreError> {
        remove(&self.layout().listing(hash))?;
        self.forget_memo()?;
        if !exists(&self.tree_path(hash)) {
            return Ok(REMOVED);
        }
        // Hashes the tree once more, and writes what it finds.
        self.listing(hash).map(|_| Repair::Corrected)
    }

    /// An action is on record twice: what one has damaged, the other may have whole.
    fn repair_action(&self, key: &Key) -> Result<Repair, StoreError> {
        if let Ok((action, text)) = self.action_file(key) {
            return self.insert_action(&action, &text).map(|()| Repair::Recorded);
        }
        if let Some(text) = self.action_row(key)? {
            return self.replace(&self.layout().action(key), text.as_bytes()).map(|()| Repair::Corrected);
        }
        self.drop_action(key)?;
        remove(&self.layout().action(key)).map(|()| REMOVED)
    }

    fn forget_artifacts(&self, key: &Key) -> Result<Repair, StoreError> {
        let Some(action) = self.action(key)? else { return Ok(Repair::Nothing) };
        self.record_action(&crate::Action { artifacts: None, ..action }).map(|()| Repair::Dropped)
    }

    fn repair_build(&self, build: &crate::BuildId) -> Result<Repair, StoreError> {
        if let Ok(record) = self.build_file(build) {
            return self.insert_build(&record).map(|()| Repair::Recorded);
        }
        match self.build(build)? {
            Some(record) if exists(&self.build_dir(build)) => self.write_record(&record).map(|()| Repair::Corrected),
            Some(_) => self.drop_build(build).map(|()| Repair::Dropped),
            None => remove(&self.build_dir(build)).map(|()| REMOVED),
        }
    }

    /// Drops the row of what is not there.
    fn drop_missing(&self, item: &Item) -> Result<Repair, StoreError> {
        let _gate = self.shut_gate()?;
        if exists(&self.path_of(item)) {
            return Ok(Repair::Nothing);
        }
        self.drop_row(item)?;
        self.drop_listing(item).map(|()| Repair::Dropped)
    }
}

/// What the path leads to: device and inode.
fn identity(path: &Path) -> Option<(u64, u64)> {
    let metadata = path.symlink_metadata().ok()?;
    Some((metadata.dev(), metadata.ino()))
}
