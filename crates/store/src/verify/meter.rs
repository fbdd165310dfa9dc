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
    pub(super) total: Progress,
    items: AtomicU64,
    bytes: AtomicU64,
    tell: &'a (dyn Fn(Progress) + Sync),
}

impl<'a> Meter<'a> {
    pub(super) fn new(total_items: u64, total_bytes: u64, tell: &'a (dyn Fn(Progress) + Sync)) -> Self {
        let total = Progress { total_items, total_bytes, ..Progress::default() };
        Self { total, items: AtomicU64::new(0), bytes: AtomicU64::new(0), tell }
    }

    pub(super) fn add(&self, items: u64, bytes: u64) {
        let items = self.items.fetch_add(items, Ordering::Relaxed) + items;
        let bytes = self.bytes.fetch_add(bytes, Ordering::Relaxed) + bytes;
        // What frames a tree's files is hashed too, and is not in the total.
        (self.tell)(Progress { items, bytes: bytes.min(self.total.total_bytes), ..self.total });
    }
}
