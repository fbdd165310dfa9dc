//! The content-addressed store: trees, blobs, action cache, records.
//!
//! Knows files, hashes and who may change what at the same time. Knows nothing of stages, recipes
//! or networks: names and manifests are text to it.

mod action;
mod blob;
mod build;
mod error;
mod index;
mod key;
mod layout;
mod link;
mod lock;
mod memo;
mod remove;
mod root;
mod scratch;
mod store;
mod tree;
mod write;

pub use action::Action;
pub use blob::{Blob, BlobWriter};
pub use build::{BuildId, StageRecord};
pub use error::StoreError;
pub use key::Key;
pub use lock::{Holder, KeyLock};
pub use remove::remove;
pub use scratch::Scratch;
pub use store::Store;
pub use tree::{Publish, Published};
