//! Parts of a store in one file, to be carried to another machine: what goes into it, how it is written, and how
//! it is read by somebody who does not trust it.
//!
//! Knows stores, git repositories and what the stages of a plan need. Knows nothing of terminals or of where the
//! file lies: it is a stream in both directions, and is never in memory.
//!
//! ```text
//! akbuild-export-1 LF                    17 bytes
//! one zstd frame of entries, each of them:
//!   length of the header                 2 bytes, little endian
//!   header                               text, see below
//!   chunks, each of them:
//!     length of the piece                4 bytes, little endian; at most 1048576
//!     a piece of the contents
//!   0                                    4 bytes: the end of the contents
//!   SHA-256                              32 bytes: of everything in the frame that stands before
//! ```
//!
//! | header | contents |
//! |---|---|
//! | `tree HEX` | a tree as a NAR, by its hash in base 16 |
//! | `download SRI` | a downloaded file, by its digest |
//! | `list SRI` | a list of downloads, JSON lines, by its SHA-256 |
//! | `repository NAME COMMIT` | a commit of a git repository with its history, a pack |
//! | `action KEY` | what came of a key, JSON |
//! | `end` | nothing; the last entry, and nothing follows it |
//!
//! Entries stand in this order, and among those of a kind in that of their hashes; none stands twice. The same
//! contents give the same bytes with the same version of zstd. An entry holds only if the digest behind it does,
//! which is one of all entries so far: one that is left out, moved or cut off is seen.
//!
//! What is read is checked before it is published: the NAR hash of a tree, the digest of a download and of a list,
//! the objects of a commit, and that an action's key is the hash of its manifest. What nobody can check is that an
//! action's output is what its manifest would have given: that is the word of who made the file.

#![cfg_attr(test, allow(clippy::disallowed_methods, reason = "tests make the trees that they look at"))]

mod blob;
mod contents;
mod error;
mod export;
mod import;
mod item;
mod read;
#[cfg(test)]
mod tests;
mod write;

pub use contents::Contents;
pub use error::ExportError;
pub use export::{Written, export};
pub use import::{Imported, import};
pub use item::{Item, Kind};

/// The folder of a home with the bare repositories.
const REPOSITORIES: &str = "git-v1";
