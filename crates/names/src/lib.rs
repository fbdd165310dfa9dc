//! Names and versions that upstream writes: in lock files, in indexes, in pins. Each type follows the grammar of its
//! ecosystem, and parsing is the only way to make one, so a name that reaches an address or a path has been checked.
//!
//! Also the ecosystems themselves, and the names that each has for a processor architecture.
//!
//! Knows grammars and addresses. Knows no file format, no network and no store.

mod address;
mod architecture;
mod debian;
mod ecosystem;
mod error;
mod golang;
mod npm;
mod pep440;
mod python;
mod specifier;
mod text;

pub use address::{GitCommit, GitRepositoryAddress, PackageFileAddress, index_page, join_below, percent_decode};
pub use architecture::{Architecture, BUILD_ARCHITECTURE};
pub use debian::{DebianArchitecture, DebianPackageName, DebianPackageVersion, MirrorFilePath};
pub use ecosystem::Ecosystem;
pub use error::NameError;
pub use golang::{GoModulePath, GoModuleVersion, unescape_module};
pub use npm::{NpmPackageName, NpmPackageVersion};
pub use pep440::Version;
pub use python::{PythonFileName, PythonPackageName, PythonPackageVersion, normalise};
pub use specifier::Specifiers;
