//! Tools of a plan, and pinned files of the registries of languages. Knows names and digests, no address.

use akbuild_names::{NpmPackageName, NpmPackageVersion, PythonFileName, PythonPackageName, PythonPackageVersion};
use akbuild_nar::Digest;
use serde::{Deserialize, Serialize};

use super::ToolId;

/// A program that comes as a package of a language's registry, unpacked as it is.
#[derive(Clone, Debug)]
pub struct Tool {
    /// Its name.
    pub id: ToolId,
    /// What to fetch and unpack.
    pub package: ToolPackage,
}

/// The pinned package of a tool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ToolPackage {
    /// A wheel, unpacked as the zip archive that it is.
    Python(PythonPin),
    /// An npm tarball; its `package/` folder is stripped.
    Npm(NpmPin),
}

/// One pinned file of a Python index.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct PythonPin {
    /// Project name.
    pub name: PythonPackageName,
    /// Version.
    pub version: PythonPackageVersion,
    /// File name in the index.
    pub file: PythonFileName,
    /// SHA-256 of the file.
    pub digest: Digest,
}

/// One pinned npm tarball.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct NpmPin {
    /// Package name, with its scope.
    pub name: NpmPackageName,
    /// Version.
    pub version: NpmPackageVersion,
    /// SHA-512 of the tarball.
    pub digest: Digest,
}
