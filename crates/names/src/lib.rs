//! Names and versions that upstream writes: in lock files, in indexes, in pins. Each type follows the grammar of its
//! ecosystem, and parsing is the only way to make one, so a name that reaches an address or a path has been checked.
//!
//! Also the ecosystems themselves, the files that their locks name, and the names that each has for a processor
//! architecture.
//!
//! Knows grammars, addresses and digests. Must not depend on a file format, a network or a store.

mod address;
mod architecture;
mod artifact;
mod ecosystem;
mod error;
mod package;
mod pep440;
mod specifier;
mod text;

pub use address::{GitCommit, GitRepositoryAddress, PackageFileAddress, index_page, join_below, percent_decode};
pub use architecture::{Architecture, BUILD_ARCHITECTURE};
pub use artifact::Artifact;
// Each ecosystem has its own types; the table lists them.
pub use ecosystem::*;
pub use error::NameError;
pub use package::{PackageName, PackageVersion, encode_url_part, package_url};
pub use pep440::Version;
pub use specifier::Specifiers;
