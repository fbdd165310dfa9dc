//! The content-addressed store: trees, blobs, action cache, records.
//!
//! Knows files, hashes and who may change what at the same time. Knows nothing of stages, recipes
//! or networks: names and manifests are text to it.

mod action;
mod artifacts;
mod away;
mod backend;
mod blob;
mod bucket;
mod build;
mod build_id;
mod collect;
mod entry;
mod error;
mod find;
mod index;
mod key;
mod layers;
mod layout;
mod lease;
mod lease_state;
mod link;
mod lock;
mod log;
mod memo;
mod move_tree;
mod open;
mod remove;
mod repair;
mod root;
mod scratch;
mod seal;
mod size;
mod store;
mod tree;
mod unique;
mod usage;
mod verify;
mod write;

pub use action::{Action, ActionOutput, Maker, Phase};
pub use artifacts::Artifact;
pub use backend::{OutputBackend, TreeLocation};
pub use blob::{Blob, BlobWriter};
pub use build::{Build, StageRecord};
pub use build_id::BuildId;
pub use collect::{Collecting, Collection, Entry, Verdict, Why};
pub use entry::{BlobEntry, TreeEntry};
pub use error::{StoreError, available};
pub use find::Found;
pub use key::Key;
pub use layers::{BackendReport, OutputLayers};
pub use lease::Hold;
pub use lock::{Holder, KeyLock};
pub use remove::remove;
pub use repair::Repair;
pub use scratch::Scratch;
pub use size::{scaled, size};
pub use store::Store;
pub use tree::{Publish, Published};
pub use usage::{Room, Share, Usage};
pub use verify::{Change, Checked, Difference, Finding, Problem, Progress, Thing, Verified, Verify};
