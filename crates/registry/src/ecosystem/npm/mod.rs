//! `package-lock.json`, versions 2 to 4: which tarballs it names, and how the npm of a stage sees it. Knows the
//! `packages` map; knows nothing of what npm does with the files afterwards.

mod artifacts;
mod configuration;
mod entry;
mod local;
mod lock;
mod platform;
mod registry;
mod rewrite;
mod settings;
mod shipped;

pub(super) use configuration::CLIENT;
pub use local::{LocalNpmFiles, package_bins};
pub use lock::NpmLock;
pub use platform::Platform;
pub(super) use registry::PROTOCOL;
pub use rewrite::npm_manifest;
pub use settings::npm_settings;
pub use shipped::{ShippedNpmError, ShippedNpmPackage};

/// The names that npm looks for, the first that is there counts.
pub const NPM_LOCK_NAMES: [&str; 2] = ["npm-shrinkwrap.json", "package-lock.json"];
