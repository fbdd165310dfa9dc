//! Debian package closures, unpacked as the root of a stage.
//!
//! [`lock`] resolves names into pinned packages against signed suites; [`unpack`] turns the pinned
//! `.deb` files into a root file system and writes what their maintainer scripts would have written.
//! No maintainer script is ever run. Knows Debian's formats and policies. Knows no network (a
//! [`Metadata`] hands in bytes), no store and no recipe.
#![cfg_attr(test, allow(clippy::disallowed_methods, reason = "tests make the trees that they look at"))]

mod alternatives;
mod bare;
mod certs;
mod claims;
mod control;
mod date;
mod deb;
mod elf;
mod error;
mod extract;
mod index;
mod key_policy;
mod ldcache;
mod lock;
mod member;
mod names;
mod owners;
mod relation;
mod release;
mod request;
mod resolve;
mod root;
mod script;
mod signature;
mod skeleton;
mod status;
mod symlinks;
mod unpack;
mod version;

pub use akbuild_recipe::plan::DebPin;
pub use bare::{Point, bare};
pub use error::{MemberProblem, SysrootError};
pub use key_policy::SignatureFault;
pub use lock::{Locked, lock};
pub use owners::{owners_in_index, owners_of_paths, package_names_of};
pub use release::LockedSuite;
pub use request::{LockRequest, Metadata, Suite, Wanted};
pub use unpack::{DebFile, UnpackEvent, UnpackOptions, Unpacked, unpack};
pub use version::compare_versions;

/// What [`unpack`] makes of the same pins: raised when the files that it writes change. Part of a
/// sysroot's key.
pub const VERSION: u32 = 1;
