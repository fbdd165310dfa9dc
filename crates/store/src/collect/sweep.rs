//! The removal itself: names go first, all at once, and bytes later. Decides nothing.
//!
//! A kill at any instant must leave what the store would be in anyway. So rows go before what they name (a
//! tree without a row is hashed when it is next asked for; a row without a tree would be a loss), all in one
//! transaction that is on the disk before anything is moved; and what names others goes before what it
//! names: actions before lists, trees, blobs. What was moved into the scratch folder and not removed is
//! removed when the store is opened next.

use std::path::{Path, PathBuf};

use rusqlite::Connection;
use rustix::fs::{FlockOperation, flock};

use super::Entry;
use super::measure::{Removal, Shares};
use crate::bucket;
use crate::layout::exists;
use crate::move_tree::move_tree;
use crate::{Scratch, Store, StoreError, memo, remove};

impl Store {
    /// Takes entries out of the store, into a scratch folder, and gives those that were there with the place
    /// where they are now. The caller has shut the gate.
    pub(super) fn take_out(&self, going: &[Entry]) -> Result<(Scratch, Vec<(Entry, PathBuf)>), StoreError> {
        let scratch = self.scratch("collect")?;
        let moved = self.sweep(going, scratch.path())?;
        Ok((scratch, moved))
    }

    /// On a full disk not even a row can be removed. Removes the entry that frees most and is not `gone`, at
    /// once; a kill before its row can follow leaves a row that names nothing, which no lookup believes. The
    /// caller has shut the gate.
    pub(super) fn make_room(
        &self,
        going: &[Entry],
        gone: &[Entry],
        shares: &Shares,
    ) -> Result<Option<Entry>, StoreError> {
        let plain = going.iter().filter(|e| matches!(e, Entry::Tree(_) | Entry::Blob(_) | Entry::Repository(_)));
        let plain = plain.filter(|entry| !gone.contains(entry));
        let Some(largest) = plain.max_by_key(|entry| Removal::new(shares).would_free(entry)) else { return Ok(None) };
        let path = self.place(largest);
        // Half of it must not stand under its name; a name beside it takes no room.
        let aside = path.with_extension("gone");
        if exists(&path) {
            move_tree(&path, &aside)?;
        }
        remove(&aside)?;
        Ok(Some(largest.clone()))
    }

    fn sweep(&self, going: &[Entry], scratch: &Path) -> Result<Vec<(Entry, PathBuf)>, StoreError> {
        let mut going: Vec<&Entry> = going.iter().collect();
        going.sort_by_key(|entry| (order(entry), *entry));
        self.inner.index.durably(|conn| going.iter().try_for_each(|entry| forget(conn, entry)))?;
        let mut moved = Vec::new();
        for (i, entry) in going.into_iter().enumerate() {
            let (from, to) = (self.place(entry), scratch.join(i.to_string()));
            // A writer that has just taken up a partial download, or a person in a folder that was kept.
            let lock = match entry {
                Entry::Partial(_) | Entry::Kept(_) => match bucket::open(&from) {
                    Ok(file) if flock(&file, FlockOperation::NonBlockingLockExclusive).is_ok() => Some(file),
                    _ => continue,
                },
                _ => None,
            };
            // Another collector may have been first.
            if exists(&from) && move_tree(&from, &to)? {
                moved.push((entry.clone(), to));
            }
            drop(lock);
        }
        Ok(moved)
    }
}

fn order(entry: &Entry) -> u8 {
    match entry {
        Entry::Action(_) | Entry::Build(_) => 0,
        _ => 1,
    }
}

fn forget(conn: &Connection, entry: &Entry) -> rusqlite::Result<()> {
    let delete = |sql: &str, id: &dyn rusqlite::ToSql| conn.prepare_cached(sql)?.execute([id]).map(drop);
    match entry {
        Entry::Tree(hash) => delete("DELETE FROM trees WHERE hash = ?1", &&hash.as_bytes()[..]),
        Entry::Blob(digest) => delete("DELETE FROM blobs WHERE digest = ?1", &digest.to_string()),
        Entry::Action(key) => delete("DELETE FROM actions WHERE key = ?1", &&key.as_bytes()[..]),
        Entry::Build(build) => {
            delete("DELETE FROM stages WHERE build = ?1", &build.as_str())?;
            delete("DELETE FROM builds WHERE id = ?1", &build.as_str())
        }
        Entry::Repository(_) | Entry::Kept(_) | Entry::Partial(_) | Entry::List(_) => Ok(()),
        Entry::Listing(hash) => memo::forget_tree(conn, hash),
    }
}
