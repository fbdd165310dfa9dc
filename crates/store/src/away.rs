//! Taking something out of the store, in an order that a kill at any instant does no harm to. Knows rows and
//! names; not why something has to go.

use std::path::PathBuf;

use crate::lease_state::Item;
use crate::move_tree::move_tree;
use crate::{Scratch, Store, StoreError, remove};

impl Store {
    /// Takes a tree or blob out of the store and into a scratch folder. First its row: a row must never name what
    /// is not there. A kill after that leaves something that is hashed before it is used.
    pub(crate) fn move_away(&self, item: &Item, scratch: &Scratch) -> Result<(), StoreError> {
        self.drop_row(item)?;
        move_tree(&self.path_of(item), &scratch.path().join("gone"))?;
        // Nothing could be compared with it any more.
        self.drop_listing(item)
    }

    pub(crate) fn path_of(&self, item: &Item) -> PathBuf {
        match item {
            Item::Tree(hash) => self.layout().tree(hash),
            Item::Blob(digest) => self.layout().blob(digest),
        }
    }

    pub(crate) fn has_row(&self, item: &Item) -> Result<bool, StoreError> {
        self.inner.index.with(|conn| match item {
            Item::Tree(hash) => conn.prepare_cached("SELECT 1 FROM trees WHERE hash = ?1")?.exists([hash.as_bytes()]),
            Item::Blob(digest) => {
                conn.prepare_cached("SELECT 1 FROM blobs WHERE digest = ?1")?.exists([digest.to_string()])
            }
        })
    }

    pub(crate) fn drop_row(&self, item: &Item) -> Result<(), StoreError> {
        let dropped = self.inner.index.durably(|conn| match item {
            Item::Tree(hash) => conn.execute("DELETE FROM trees WHERE hash = ?1", [hash.as_bytes()]),
            Item::Blob(digest) => conn.execute("DELETE FROM blobs WHERE digest = ?1", [digest.to_string()]),
        });
        dropped.map(drop)
    }

    pub(crate) fn drop_listing(&self, item: &Item) -> Result<(), StoreError> {
        match item {
            Item::Tree(hash) => remove(&self.layout().listing(hash)),
            Item::Blob(_) => Ok(()),
        }
    }
}
