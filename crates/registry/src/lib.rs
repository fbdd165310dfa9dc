//! Upstream lock files, and the loopback registry that serves what they name.
//!
//! Knows the formats of `package-lock.json`, `uv.lock`, `go.mod` and `go.sum`, and what npm, uv and
//! go ask a registry for: a folder for each ecosystem in `ecosystem/`. Downloads nothing, and knows of the store only
//! that a digest has a local file.

mod catalogue;
mod ecosystem;
mod error;
mod percent;
mod protocol;
mod requested_path;
mod server;
mod upstream;

pub use akbuild_names::{Artifact, PackageFile};
pub use catalogue::Catalogue;
// Each ecosystem has its own types; the table lists them.
pub use ecosystem::*;
pub use error::{LockError, Refused};
pub use server::{Miss, Server};
pub use upstream::Upstream;
