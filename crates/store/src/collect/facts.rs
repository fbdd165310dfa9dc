//! What a collector knows before it decides: records, names, times, and who uses what. Decides nothing.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use akbuild_nar::{Algo, Digest, TreeHash};
use rustix::fs::FlockOperation;
use serde::Deserialize;

use super::Entry;
use crate::bucket;
use crate::find::names;
use crate::lease::Gate;
use crate::lease_state::Used;
use crate::{Artifact, Build, BuildId, Key, Store, StoreError};

#[derive(Default)]
pub(super) struct Facts {
    /// Seconds since 1970.
    pub(super) now: f64,
    pub(super) roots: Vec<(PathBuf, TreeHash)>,
    /// What running processes rely on, with their ids.
    pub(super) users: HashMap<Used, u32>,
    /// Newest first, with their stages.
    pub(super) builds: Vec<Build>,
    /// Newest first.
    pub(super) actions: Vec<Made>,
    pub(super) lists: HashMap<Digest, Vec<Artifact>>,
    pub(super) there: BTreeMap<Entry, Found>,
}

/// An entry as it was found.
#[derive(Clone, Copy, Debug)]
pub(super) struct Found {
    /// When it came, in seconds since 1970.
    pub(super) since: f64,
    /// Whether a process holds its lock.
    pub(super) locked: bool,
}

/// What matters of a [`crate::Action`] here; a manifest can be long.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Made {
    pub(super) key: Key,
    pub(super) project: String,
    pub(super) stage: String,
    pub(super) output: TreeHash,
    pub(super) created: u64,
    #[serde(default)]
    pub(super) inputs: BTreeMap<String, TreeHash>,
    #[serde(default)]
    pub(super) artifacts: Option<Digest>,
    pub(super) log: Option<PathBuf>,
}

impl Store {
    /// What running processes rely on.
    pub(super) fn users(&self, gate: &Gate) -> Result<HashMap<Used, u32>, StoreError> {
        let leases = self.leases(gate)?;
        Ok(leases.into_iter().flat_map(|(pid, items)| items.into_iter().map(move |item| (item, pid))).collect())
    }

    /// Reads everything. Takes no lock that a lookup would wait for.
    pub(super) fn facts(&self, users: HashMap<Used, u32>) -> Result<Facts, StoreError> {
        let builds = self.all_builds()?;
        let builds = builds.iter().filter_map(|id| self.build(id).transpose()).collect::<Result<Vec<_>, _>>()?;
        let mut facts = Facts { now: crate::store::now(), roots: self.roots()?, users, builds, ..Facts::default() };
        self.find_trees_and_blobs(&mut facts)?;
        self.find_records(&mut facts)?;
        self.find_others(&mut facts)?;
        Ok(facts)
    }

    fn find_trees_and_blobs(&self, facts: &mut Facts) -> Result<(), StoreError> {
        let trees: HashMap<Vec<u8>, i64> = self.times("SELECT hash, created FROM trees")?;
        for path in list(&self.layout().trees())? {
            let Some(hash) = name(&path).parse::<TreeHash>().ok() else { continue };
            let since = trees.get(&hash.as_bytes()[..]).map_or_else(|| changed(&path), |at| *at as f64);
            facts.add(Entry::Tree(hash), since, false);
        }
        let blobs: HashMap<String, i64> = self.times("SELECT digest, created FROM blobs")?;
        for digest in self.blob_files()? {
            let since =
                blobs.get(&digest.to_string()).map_or_else(|| changed(&self.blob_path(&digest)), |at| *at as f64);
            facts.add(Entry::Blob(digest), since, false);
        }
        Ok(())
    }

    fn find_records(&self, facts: &mut Facts) -> Result<(), StoreError> {
        let sql = "SELECT json FROM actions ORDER BY created DESC, rowid DESC";
        let rows: Vec<String> = self.inner.index.with(|conn| {
            let mut statement = conn.prepare_cached(sql)?;
            statement.query_map([], |row| row.get(0))?.collect()
        })?;
        facts.actions = rows.iter().filter_map(|json| serde_json::from_str(json).ok()).collect();
        let recorded: HashSet<Key> = facts.actions.iter().map(|action| action.key).collect();
        for path in list(&self.layout().actions())? {
            let key = name(&path).strip_suffix(".json").and_then(|key| key.parse().ok());
            // Written by a process that was killed before it could tell the index.
            let lost = key.filter(|key| !recorded.contains(key)).and_then(|key| self.action_file(&key).ok());
            facts.actions.extend(lost.and_then(|(_, text)| serde_json::from_str(&text).ok()));
        }
        facts.actions.sort_by_key(|action| std::cmp::Reverse(action.created));
        for i in 0..facts.actions.len() {
            facts.add(Entry::Action(facts.actions[i].key), facts.actions[i].created as f64, false);
        }
        for path in list(&self.layout().artifact_lists())? {
            let Ok(digest) = Digest::from_hex(Algo::Sha256, &name(&path)) else { continue };
            facts.add(Entry::List(digest), modified(&path), false);
            facts.lists.insert(digest, self.artifacts(&digest)?.unwrap_or_default());
        }
        for path in list(&self.layout().listings())? {
            let Ok(hash) = name(&path).parse() else { continue };
            facts.add(Entry::Listing(hash), modified(&path), false);
        }
        let folders = list(&self.layout().builds())?.into_iter().map(|path| BuildId::from_name(name(&path)));
        let builds: Vec<BuildId> = folders.chain(facts.builds.iter().map(|build| build.id.clone())).collect();
        builds.into_iter().for_each(|id| facts.add(Entry::Build(id.clone()), id.started(), false));
        Ok(())
    }

    fn find_others(&self, facts: &mut Facts) -> Result<(), StoreError> {
        for path in list(&self.layout().repositories())? {
            facts.add(Entry::Repository(name(&path)), modified(&path), false);
        }
        for path in list(&self.layout().kept())? {
            facts.add(Entry::Kept(name(&path)), modified(&path), is_locked(&path));
        }
        for path in list(&self.layout().partials())? {
            facts.add(Entry::Partial(name(&path)), modified(&path), is_locked(&path));
        }
        Ok(())
    }

    fn times<T: rusqlite::types::FromSql + Eq + std::hash::Hash>(
        &self,
        sql: &str,
    ) -> Result<HashMap<T, i64>, StoreError> {
        self.inner.index.with(|conn| {
            let mut statement = conn.prepare_cached(sql)?;
            statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
        })
    }
}

impl Facts {
    pub(super) fn add(&mut self, entry: Entry, since: f64, locked: bool) {
        self.there.insert(entry, Found { since, locked });
    }
}

fn list(folder: &Path) -> Result<Vec<PathBuf>, StoreError> {
    Ok(names(folder)?.into_iter().map(|name| folder.join(name)).collect())
}

fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// When the entry itself was renamed or changed: trees and blobs have no times of their own.
fn changed(path: &Path) -> f64 {
    path.symlink_metadata().map_or(0.0, |meta| meta.ctime() as f64)
}

fn modified(path: &Path) -> f64 {
    path.symlink_metadata().map_or(0.0, |meta| meta.mtime() as f64)
}

fn is_locked(path: &Path) -> bool {
    bucket::open(path).is_ok_and(|file| rustix::fs::flock(file, FlockOperation::NonBlockingLockShared).is_err())
}
