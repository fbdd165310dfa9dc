//! Hashes, SRI strings and the NAR serialisation of file trees.
//!
//! Knows bytes, files and folders. Knows nothing of stores, stages or registries: what a hash is
//! used for is decided elsewhere.

mod algo;
mod digest;
mod error;
mod file_digest;
mod golang;
mod hasher;
mod listing;
mod nix32;
mod normalise;
mod pipe;
mod restore;
mod tree;
mod tree_hash;
mod walk;
mod zip_names;

pub use algo::Algo;
pub use digest::Digest;
pub use error::{DigestError, ListingError, NarError};
pub use hasher::Hasher;
pub use listing::{Entry, Kind, Listing};
pub use normalise::Normalise;
pub use restore::restore;
pub use tree::{Hashed, dump, hash_path, hash_tree, hash_tree_telling};
pub use tree_hash::TreeHash;
pub use walk::{HashOptions, TreeStats};
pub use zip_names::repeated_zip_name;
