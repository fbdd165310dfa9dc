//! Hashes, SRI strings and the NAR serialisation of file trees.
//!
//! Knows bytes, files and folders. Knows nothing of stores, stages or registries: what a hash is
//! used for is decided elsewhere.

mod digest;
mod error;
mod golang;
mod hasher;
mod listing;
mod nix32;
mod tree_hash;

pub use digest::{Algo, Digest};
pub use error::{DigestError, ListingError};
pub use hasher::Hasher;
pub use listing::{Entry, Kind, Listing};
pub use tree_hash::TreeHash;
