//! How far hashing is. Knows numbers only.

use std::sync::atomic::{AtomicU64, Ordering};

/// How far it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Trees and blobs that are done,
    pub items: u64,
    /// of so many.
    pub total_items: u64,
    /// Bytes that are hashed,
    pub bytes: u64,
    /// of so many.
    pub total_bytes: u64,
}

/// Adds up what many threads do.
pub(super) struct Meter<'a> {
    total_items: u64,
    total_bytes: AtomicU64,
    items: AtomicU64,
    bytes: AtomicU64,
    pub(super) read: AtomicU64,
    tell: &'a (dyn Fn(Progress) + Sync),
}

impl<'a> Meter<'a> {
    pub(super) fn new(total_items: u64, total_bytes: u64, tell: &'a (dyn Fn(Progress) + Sync)) -> Self {
        let total_bytes = AtomicU64::new(total_bytes);
        let (items, bytes, read) = Default::default();
        Self { total_items, total_bytes, items, bytes, read, tell }
    }

    /// Bytes were hashed, `counted` in the total or not.
    pub(super) fn hashed(&self, bytes: u64, counted: bool) {
        if !counted {
            self.total_bytes.fetch_add(bytes, Ordering::Relaxed);
        }
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
        self.tell();
    }

    /// A tree or blob could be read, and has so many bytes.
    pub(super) fn read(&self, bytes: u64) {
        self.read.fetch_add(bytes, Ordering::Relaxed);
    }

    /// A tree or blob is done.
    pub(super) fn done(&self) {
        self.items.fetch_add(1, Ordering::Relaxed);
        self.tell();
    }

    fn tell(&self) {
        let [items, bytes, total_bytes] =
            [&self.items, &self.bytes, &self.total_bytes].map(|number| number.load(Ordering::Relaxed));
        // What frames a tree's files is hashed too, and is not in the total.
        let bytes = bytes.min(total_bytes);
        (self.tell)(Progress { items, total_items: self.total_items, bytes, total_bytes });
    }
}
