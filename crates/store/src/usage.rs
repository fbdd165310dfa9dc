//! How much room a home takes on its disk, as `du` counts it: blocks, folders included, and what has several names
//! once. Knows names and inodes; opens no file.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs::{self, Metadata};
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use akbuild_nar::TreeHash;

use crate::{Store, StoreError};

/// How much room a home takes.
#[derive(Clone, Debug, Default)]
pub struct Usage {
    /// Bytes and files of each folder of the home, by its name, and of the other files by theirs. What has names in
    /// several is counted in the first.
    pub buckets: BTreeMap<String, Room>,
    /// Bytes of all of it, the home folder included.
    pub bytes: u64,
    trees: HashMap<TreeHash, Tree>,
}

/// How much room something takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Room {
    /// Bytes, in whole blocks.
    pub bytes: u64,
    /// Files, symbolic links included.
    pub files: u64,
}

/// How much room some trees take together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Share {
    /// Bytes, in whole blocks; files that they share with each other are counted once.
    pub bytes: u64,
    /// Bytes that come free when they are removed: the rest has names elsewhere too.
    pub frees: u64,
}

/// Device and number.
pub(crate) type Inode = (u64, u64);

#[derive(Clone, Debug, Default)]
struct Tree {
    /// Bytes of what has one name.
    alone: u64,
    linked: HashMap<Inode, Linked>,
}

/// A file with several names.
#[derive(Clone, Copy, Debug)]
struct Linked {
    bytes: u64,
    /// How many names it has, and how many of them were seen.
    names: u64,
    seen: u64,
}

impl Store {
    /// Measures the home. What vanishes meanwhile is passed over.
    pub fn usage(&self) -> Result<Usage, StoreError> {
        let mut usage = Usage::default();
        let mut known = HashSet::new();
        let home = self.home();
        usage.bytes = room(&fs::metadata(home).map_err(|e| StoreError::io("stat", home, e))?);
        let mut buckets: Vec<_> = children(home)?;
        buckets.sort_by(|a, b| a.0.cmp(&b.0));
        for (name, path, meta) in buckets {
            let mut bucket = Room::default();
            let count = &mut |meta: &Metadata| bucket.count(meta, &mut known);
            if name == "trees-v1" {
                count(&meta);
                for (name, path, meta) in children(&path)? {
                    let mut tree = Tree::default();
                    walk(&path, &meta, &mut |meta| {
                        count(meta);
                        tree.add(meta);
                    })?;
                    // What is there under another name is no tree, and only counts in its folder.
                    name.parse().ok().map(|hash: TreeHash| usage.trees.insert(hash, tree));
                }
            } else {
                walk(&path, &meta, count)?;
            }
            usage.bytes += bucket.bytes;
            usage.buckets.insert(name, bucket);
        }
        Ok(usage)
    }
}

impl Usage {
    /// How much room these trees take together; those that are not in the store take none.
    pub fn share<'a>(&self, trees: impl IntoIterator<Item = &'a TreeHash>) -> Share {
        let mut all = Tree::default();
        for tree in trees.into_iter().filter_map(|hash| self.trees.get(hash)) {
            all.alone += tree.alone;
            for (inode, linked) in &tree.linked {
                all.linked.entry(*inode).and_modify(|known| known.seen += linked.seen).or_insert(*linked);
            }
        }
        let linked = all.linked.values().map(|linked| linked.bytes).sum::<u64>();
        let gone = all.linked.values().filter(|linked| linked.seen >= linked.names).map(|linked| linked.bytes);
        Share { bytes: all.alone + linked, frees: all.alone + gone.sum::<u64>() }
    }
}

impl Room {
    fn count(&mut self, meta: &Metadata, known: &mut HashSet<Inode>) {
        if !is_linked(meta) || known.insert(inode(meta)) {
            self.bytes += room(meta);
            self.files += u64::from(!meta.is_dir());
        }
    }
}

impl Tree {
    fn add(&mut self, meta: &Metadata) {
        if !is_linked(meta) {
            self.alone += room(meta);
            return;
        }
        let new = Linked { bytes: room(meta), names: meta.nlink(), seen: 0 };
        self.linked.entry(inode(meta)).or_insert(new).seen += 1;
    }
}

pub(crate) fn room(meta: &Metadata) -> u64 {
    // The kernel counts in units of 512 bytes, whatever the file system's blocks are.
    meta.blocks() * 512
}

pub(crate) fn inode(meta: &Metadata) -> Inode {
    (meta.dev(), meta.ino())
}

pub(crate) fn is_linked(meta: &Metadata) -> bool {
    !meta.is_dir() && meta.nlink() > 1
}

/// Gives the metadata of something and, of a folder, of all that is in it.
pub(crate) fn walk(path: &Path, meta: &Metadata, see: &mut dyn FnMut(&Metadata)) -> Result<(), StoreError> {
    let mut open = vec![(path.to_owned(), meta.is_dir())];
    see(meta);
    while let Some((path, is_dir)) = open.pop() {
        if is_dir {
            for (_, path, meta) in children(&path)? {
                see(&meta);
                open.push((path, meta.is_dir()));
            }
        }
    }
    Ok(())
}

/// Name, path and metadata of what is in a folder.
fn children(folder: &Path) -> Result<Vec<(String, std::path::PathBuf, Metadata)>, StoreError> {
    let entries = match fs::read_dir(folder) {
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(|e| StoreError::io("list", folder, e))?,
    };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry.map_err(|e| StoreError::io("list", folder, e))?;
        let path = entry.path();
        match path.symlink_metadata() {
            Ok(meta) => found.push((entry.file_name().to_string_lossy().into_owned(), path, meta)),
            Err(e) if e.kind() == ErrorKind::NotFound => {}
            Err(e) => return Err(StoreError::io("stat", &path, e)),
        }
    }
    Ok(found)
}
