//! How many bytes entries take, and how many their removal would free: a file that several of them share
//! by hard links is freed with the last. Knows files; not what they are for.

use std::collections::{BTreeMap, HashMap};
use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::Entry;
use super::facts::Facts;
use crate::Store;
use crate::usage::{Inode, inode, is_linked, room, walk};

/// The sizes of entries, and what they share.
#[derive(Default)]
pub(super) struct Shares {
    entries: HashMap<Entry, Own>,
    /// Files with several names.
    files: HashMap<Inode, File>,
}

#[derive(Default)]
struct Own {
    /// Bytes of what has no other name.
    alone: u64,
    /// Names of files that have several, counted.
    names: BTreeMap<Inode, u64>,
}

#[derive(Clone, Copy)]
struct File {
    bytes: u64,
    /// Its names, anywhere.
    names: u64,
}

impl Shares {
    /// Measures what is there. What vanishes meanwhile or cannot be read takes no bytes.
    pub(super) fn measure(store: &Store, facts: &Facts) -> Self {
        let mut shares = Self::default();
        for entry in facts.there.keys() {
            shares.add(entry.clone(), &store.place(entry));
        }
        shares
    }

    fn add(&mut self, entry: Entry, path: &Path) {
        let mut own = Own::default();
        let mut take = |meta: &Metadata| {
            if is_linked(meta) {
                *own.names.entry(inode(meta)).or_default() += 1;
                self.files.insert(inode(meta), File { bytes: room(meta), names: meta.nlink() });
            } else {
                own.alone += room(meta);
            }
        };
        if let Ok(meta) = path.symlink_metadata()
            && let Err(error) = walk(path, &meta, &mut take)
        {
            tracing::debug!(path = %path.display(), %error, "something cannot be measured");
        }
        self.entries.insert(entry, own);
    }

    /// Bytes of everything, each file counted once.
    pub(super) fn total(&self) -> u64 {
        let alone: u64 = self.entries.values().map(|own| own.alone).sum();
        alone + self.files.values().map(|file| file.bytes).sum::<u64>()
    }

    /// Bytes of an entry, what it shares with others included.
    pub(super) fn size(&self, entry: &Entry) -> u64 {
        let Some(own) = self.entries.get(entry) else { return 0 };
        own.alone + own.names.keys().map(|id| self.files[id].bytes).sum::<u64>()
    }

    /// Bytes that are freed when these entries go.
    pub(super) fn freed<'a>(&self, going: impl Iterator<Item = &'a Entry>) -> u64 {
        let mut removal = Removal::new(self);
        going.map(|entry| removal.remove(entry)).sum()
    }
}

/// Entries going one after the other.
pub(super) struct Removal<'a> {
    shares: &'a Shares,
    /// Names that are gone.
    gone: HashMap<Inode, u64>,
}

impl<'a> Removal<'a> {
    pub(super) fn new(shares: &'a Shares) -> Self {
        Self { shares, gone: HashMap::new() }
    }

    /// Bytes that the removal of the next entry would free.
    pub(super) fn would_free(&self, entry: &Entry) -> u64 {
        let Some(own) = self.shares.entries.get(entry) else { return 0 };
        let last = |(id, names): (&Inode, &u64)| {
            let file = self.shares.files[id];
            let gone = self.gone.get(id).copied().unwrap_or(0) + names;
            if gone >= file.names { file.bytes } else { 0 }
        };
        own.alone + own.names.iter().map(last).sum::<u64>()
    }

    /// Lets an entry go; gives the bytes that this frees.
    pub(super) fn remove(&mut self, entry: &Entry) -> u64 {
        let freed = self.would_free(entry);
        for (id, names) in self.shares.entries.get(entry).iter().flat_map(|own| &own.names) {
            *self.gone.entry(*id).or_default() += names;
        }
        freed
    }
}

#[cfg(test)]
impl Shares {
    /// For tests: entries with bytes of their own.
    pub(super) fn of(sizes: &[(Entry, u64)]) -> Self {
        let own = |(entry, alone): &(Entry, u64)| (entry.clone(), Own { alone: *alone, names: BTreeMap::new() });
        Self { entries: sizes.iter().map(own).collect(), files: HashMap::new() }
    }

    /// For tests: a file that these entries share.
    pub(super) fn share(&mut self, id: u64, bytes: u64, entries: &[&Entry]) {
        self.files.insert((0, id), File { bytes, names: entries.len() as u64 });
        for entry in entries {
            self.entries.get_mut(entry).unwrap().names.insert((0, id), 1);
        }
    }
}
