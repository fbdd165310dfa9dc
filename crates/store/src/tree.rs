//! Publishing trees and finding them again. Knows when a tree may be trusted.
//!
//! A tree is trusted if the index has it and either it was synced or the machine has not been
//! started anew since it was written. Any other tree under a final name (its process was killed
//! between renaming and recording, the power failed, the index was lost) is hashed again when it is
//! asked for, then recorded or removed.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use akbuild_nar::{HashOptions, Hashed, Listing, Normalise, TreeHash, TreeStats, hash_tree};
use rusqlite::OptionalExtension;

use crate::layout::exists;
use crate::lease_state::Item;
use crate::move_tree::move_tree;
use crate::store::now;
use crate::{Store, StoreError};

/// How a tree is published.
#[derive(Clone, Copy, Debug, Default)]
pub struct Publish {
    /// The hash that it must have.
    pub expect: Option<TreeHash>,
    /// Whether its listing is stored too, at the cost of hashing each file once more on another core.
    pub listing: bool,
    /// The user and group id that everything in it gets.
    pub owner: Option<(u32, u32)>,
}

/// Whether the index trusts a tree.
const TRUSTED_TREE: &str = "SELECT 1 FROM trees WHERE hash = ?1 AND (synced = 1 OR boot = ?2)";

/// A tree that is in the store now.
#[derive(Clone, Copy, Debug)]
pub struct Published {
    /// Its hash.
    pub hash: TreeHash,
    /// How much is in it.
    pub stats: TreeStats,
    /// Whether the store had it already; the new copy is still where it was.
    pub existed: bool,
}

impl Store {
    /// Where the tree of that hash is, or would be.
    pub fn tree_path(&self, hash: &TreeHash) -> PathBuf {
        self.layout().tree(hash)
    }

    /// Whether the tree is in the store and whole.
    pub fn has_tree(&self, hash: &TreeHash) -> bool {
        self.look_for_tree(hash).unwrap_or_else(|error| {
            tracing::warn!(%hash, %error, "a tree cannot be read; it counts as missing");
            false
        })
    }

    /// Whether each of these trees is in the store and whole: one look into the index for all of them.
    pub fn has_trees(&self, hashes: &[TreeHash]) -> Vec<bool> {
        if let [] | [_] = hashes {
            return hashes.iter().map(|hash| self.has_tree(hash)).collect();
        }
        let trusted = self.hold().and_then(|hold| Ok((self.trusted_trees(hashes)?, hold)));
        let trusted = trusted.map(|(trusted, _hold)| {
            let used = hashes.iter().zip(&trusted).filter(|(_, trusted)| **trusted);
            used.for_each(|(hash, _)| self.rely(Item::Tree(*hash)));
            trusted
        });
        // One at a time, a tree that is not trusted is hashed, and an error concerns one tree.
        let trusted = trusted.unwrap_or_else(|_| vec![false; hashes.len()]);
        trusted.into_iter().zip(hashes).map(|(trusted, hash)| trusted || self.has_tree(hash)).collect()
    }

    /// Which of these trees are there, and synced or of this boot as the index says. The caller holds the gate.
    fn trusted_trees(&self, hashes: &[TreeHash]) -> Result<Vec<bool>, StoreError> {
        let trusted = self.inner.index.read(|conn| {
            let mut statement = conn.prepare_cached(TRUSTED_TREE)?;
            let mut is_trusted = |hash: &TreeHash| statement.exists((&hash.as_bytes()[..], &self.inner.boot));
            hashes.iter().map(&mut is_trusted).collect::<rusqlite::Result<Vec<bool>>>()
        })?;
        Ok(trusted.into_iter().zip(hashes).map(|(known, hash)| known && exists(&self.tree_path(hash))).collect())
    }

    /// Moves a tree out of a scratch folder into the store: brings its metadata into the stored form
    /// and hashes it, in one walk, then renames it to its final name, then records it.
    ///
    /// # Errors
    /// [`StoreError::TreeMismatch`] if it has not the hash that is expected: it stays where it is.
    pub fn publish(&self, tree: &Path, options: &Publish) -> Result<Published, StoreError> {
        self.need_writable()?;
        let normalise = Some(Normalise { owner: options.owner });
        let hashed = hash_tree(tree, &HashOptions { normalise, listing: options.listing, inspect: false })?;
        let Hashed { hash, stats, .. } = hashed;
        if let Some(expected) = options.expect.filter(|expected| *expected != hash) {
            return Err(StoreError::TreeMismatch { path: tree.to_owned(), expected, found: hash });
        }
        let _hold = self.hold()?;
        self.rely(Item::Tree(hash));
        let place = self.tree_path(&hash);
        let mut existed = !move_tree(tree, &place)?;
        // What stands there already may be a leftover that is not whole: then it is removed, and we try again.
        if existed && !self.find_tree(&hash)? {
            existed = !move_tree(tree, &place)?;
        }
        if let Some(listing) = &hashed.listing {
            self.put_listing(&hash, listing)?;
        }
        if !existed {
            // Only now: a row must never name a tree that is not there. A kill before this costs a hash.
            self.record_tree(&hash, &stats)?;
        }
        Ok(Published { hash, stats, existed })
    }

    /// How much is in a tree, from the index; `None` if the store does not have it.
    pub fn tree_stats(&self, hash: &TreeHash) -> Result<Option<TreeStats>, StoreError> {
        if !self.look_for_tree(hash)? {
            return Ok(None);
        }
        let sql = "SELECT files, dirs, symlinks, bytes FROM trees WHERE hash = ?1";
        self.inner.index.with(|conn| {
            let mut statement = conn.prepare_cached(sql)?;
            let get = |row: &rusqlite::Row<'_>| {
                let n = |i| row.get::<_, i64>(i).map(i64::cast_unsigned);
                Ok(TreeStats { files: n(0)?, dirs: n(1)?, symlinks: n(2)?, bytes: n(3)? })
            };
            statement.query_row([&hash.as_bytes()[..]], get).optional()
        })
    }

    fn look_for_tree(&self, hash: &TreeHash) -> Result<bool, StoreError> {
        let _hold = self.hold()?;
        let found = self.find_tree(hash)?;
        if found {
            self.rely(Item::Tree(*hash));
        }
        Ok(found)
    }

    fn find_tree(&self, hash: &TreeHash) -> Result<bool, StoreError> {
        let path = self.tree_path(hash);
        if !exists(&path) {
            return Ok(false);
        }
        if self.is_trusted("trees", "hash", &hash.as_bytes()[..])? {
            return Ok(true);
        }
        self.check_tree(hash, &path).map(|listing| listing.is_some())
    }

    /// Hashes a stored tree. Records it and gives its listing, or, if it is not what its name says,
    /// removes it and gives `None`.
    pub(crate) fn check_tree(&self, hash: &TreeHash, path: &Path) -> Result<Option<Listing>, StoreError> {
        let writable = self.inner.index.writable();
        let normalise = writable.then_some(Normalise::default());
        let hashed = hash_tree(path, &HashOptions { normalise, listing: true, inspect: false })?;
        if hashed.hash == *hash {
            if writable {
                self.record_tree(hash, &hashed.stats)?;
            }
            return Ok(hashed.listing);
        }
        tracing::warn!(expected = %hash, found = %hashed.hash, "a stored tree is damaged");
        if writable {
            let scratch = self.scratch("damaged")?;
            // Renamed first: half of it must not stand under the final name if we are killed.
            self.move_away(&Item::Tree(*hash), &scratch)?;
            scratch.close()?;
        }
        Ok(None)
    }

    /// Whether the index has a row that is synced or of this boot.
    pub(crate) fn is_trusted(&self, table: &str, column: &str, id: impl rusqlite::ToSql) -> Result<bool, StoreError> {
        let sql = format!("SELECT 1 FROM {table} WHERE {column} = ?1 AND (synced = 1 OR boot = ?2)");
        self.inner.index.with(|conn| conn.prepare_cached(&sql)?.exists((id, &self.inner.boot)))
    }

    pub(crate) fn record_tree(&self, hash: &TreeHash, stats: &TreeStats) -> Result<(), StoreError> {
        let sql = "INSERT OR REPLACE INTO trees (hash, files, dirs, symlinks, bytes, created, boot, synced)
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 0)";
        let [files, dirs, symlinks, bytes] =
            [stats.files, stats.dirs, stats.symlinks, stats.bytes].map(u64::cast_signed);
        // When it was published, also where the index knows it anew: its folder was not changed since.
        let created = self.tree_path(hash).symlink_metadata().map_or_else(|_| now() as i64, |m| m.ctime());
        self.inner.index.write(|conn| {
            let row = (&hash.as_bytes()[..], files, dirs, symlinks, bytes, created, &self.inner.boot);
            conn.prepare_cached(sql)?.execute(row).map(drop)
        })
    }

    fn put_listing(&self, hash: &TreeHash, listing: &Listing) -> Result<(), StoreError> {
        let path = self.layout().listing(hash);
        if exists(&path) { Ok(()) } else { self.replace(&path, listing.to_text().as_bytes()) }
    }

    /// The entries of a stored tree. Made by reading the tree if they were not stored with it.
    ///
    /// # Errors
    /// [`StoreError::NoTree`] if the store has no such tree, or has it damaged.
    pub fn listing(&self, hash: &TreeHash) -> Result<Listing, StoreError> {
        let path = self.layout().listing(hash);
        if let Ok(text) = fs::read_to_string(&path) {
            match Listing::from_text(&text) {
                Ok(listing) if !listing.entries.is_empty() => return Ok(listing),
                other => tracing::warn!(path = %path.display(), ?other, "a listing is damaged and made again"),
            }
            if self.inner.index.writable() {
                fs::remove_file(&path).map_err(|e| StoreError::io("remove", &path, e))?;
            }
        }
        let tree = self.tree_path(hash);
        let _hold = self.hold()?;
        let found = if exists(&tree) { self.check_tree(hash, &tree)? } else { None };
        let listing = found.ok_or(StoreError::NoTree { hash: *hash })?;
        if self.inner.index.writable() {
            self.put_listing(hash, &listing)?;
        }
        Ok(listing)
    }
}
