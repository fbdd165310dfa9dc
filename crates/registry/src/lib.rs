//! Upstream lock files, and the loopback registry that serves what they name.
//!
//! Knows the formats of `package-lock.json`, `uv.lock`, `go.mod` and `go.sum`, and what npm, uv and
//! go ask a registry for: a folder for each ecosystem in `ecosystem/`. Downloads nothing, and knows of the store only
//! that a digest has a local file.

mod catalogue;
mod client;
mod ecosystem;
mod error;
mod percent;
mod protocol;
mod requested_path;
mod server;
mod upstream;

pub use akbuild_names::{Artifact, PackageFile};
pub use catalogue::Catalogue;
pub use client::configuration::{ClientConfiguration, ConfiguredAddress, ConfiguredRegistries, RegistryClient};
pub use client::error::ConfigurationError;
pub use client::machine::{Machine, read_optional};
pub use client::secret::{AuthRule, Secret};
// Each ecosystem has its own types; the table lists them.
pub use ecosystem::*;
pub use error::{LockError, Refused};
pub use server::{Miss, Server};
pub use upstream::Upstream;
