//! How many bytes entries take, and how many their removal would free: a file that several of them share
//! by hard links is freed with the last. Knows files; not what they are for.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::Entry;
use super::facts::Facts;
use crate::Store;

/// A file by its device and inode.
type Id = (u64, u64);

/// The sizes of entries, and what they share.
#[derive(Default)]
pub(super) struct Shares {
    entries: HashMap<Entry, Own>,
    /// Files with several names.
    files: HashMap<Id, File>,
}

#[derive(Default)]
struct Own {
    /// Bytes of what has no other name.
    alone: u64,
    /// Names of files that have several, counted.
    names: BTreeMap<Id, u64>,
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
        let mut open = Vec::new();
        let mut take = |path: &Path, meta: &fs::Metadata, open: &mut Vec<_>| {
            // A block has 512 bytes here, whatever the file system's are.
            let bytes = meta.blocks() * 512;
            if meta.is_dir() {
                own.alone += bytes;
                open.push(path.to_owned());
            } else if meta.nlink() == 1 {
                own.alone += bytes;
            } else {
                let id = (meta.dev(), meta.ino());
                *own.names.entry(id).or_default() += 1;
                self.files.insert(id, File { bytes, names: meta.nlink() });
            }
        };
        if let Ok(meta) = path.symlink_metadata() {
            take(path, &meta, &mut open);
        }
        while let Some(folder) = open.pop() {
            for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
                if let Ok(meta) = entry.metadata() {
                    take(&entry.path(), &meta, &mut open);
                }
            }
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
    gone: HashMap<Id, u64>,
}

impl<'a> Removal<'a> {
    pub(super) fn new(shares: &'a Shares) -> Self {
        Self { shares, gone: HashMap::new() }
    }

    /// Bytes that the removal of the next entry would free.
    pub(super) fn would_free(&self, entry: &Entry) -> u64 {
        let Some(own) = self.shares.entries.get(entry) else { return 0 };
        let last = |(id, names): (&Id, &u64)| {
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
