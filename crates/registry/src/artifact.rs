//! One file that a lock names. Knows what it is called, nothing of where its bytes are.

use std::fmt;

use akbuild_names::{
    GoModulePath, GoModuleVersion, NpmPackageName, NpmPackageVersion, PackageFileAddress, PythonFileName,
    PythonPackageName, PythonPackageVersion,
};
use akbuild_nar::Digest;

/// One artifact that a lock names.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Artifact {
    /// What the file must hash to, as the lock says.
    pub digest: Digest,
    /// Its size in bytes, where the lock says it.
    pub size: Option<u64>,
    /// What it is.
    pub what: What,
}

/// What an artifact is. [`fmt::Display`] gives the form in which people write it: `left-pad@1.3.0`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum What {
    /// The tarball of an npm package.
    Npm {
        /// The package's own name, with its scope; not the alias it is installed under.
        name: NpmPackageName,
        /// Its version.
        version: NpmPackageVersion,
        /// `resolved`; absent in locks written with `omit-lockfile-registry-resolved`.
        url: Option<PackageFileAddress>,
    },
    /// A wheel or a source distribution.
    Python {
        /// The project's name.
        name: PythonPackageName,
        /// Its version.
        version: PythonPackageVersion,
        /// The file's name in the index.
        file: PythonFileName,
        /// The address in the lock, if it has one.
        url: Option<PackageFileAddress>,
        /// The simple index that the lock names, if any.
        index: Option<String>,
    },
    /// The `go.mod` of a Go module.
    GoMod {
        /// The module's path, not escaped.
        module: GoModulePath,
        /// Its version, with the `v`.
        version: GoModuleVersion,
    },
    /// The zip file of a Go module.
    GoZip {
        /// The module's path, not escaped.
        module: GoModulePath,
        /// Its version, with the `v`.
        version: GoModuleVersion,
    },
}

impl Artifact {
    /// A file of a Python index, as a lock of one's own pins it: without address or size.
    pub fn python(
        name: PythonPackageName,
        version: PythonPackageVersion,
        file: PythonFileName,
        digest: Digest,
    ) -> Self {
        Self { digest, size: None, what: What::Python { name, version, file, url: None, index: None } }
    }
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            What::Npm { name, version, .. } => write!(f, "{name}@{version}"),
            What::Python { name, version, file, .. } => write!(f, "{name}=={version} ({file})"),
            What::GoMod { module, version } => write!(f, "{module}@{version} (go.mod)"),
            What::GoZip { module, version } => write!(f, "{module}@{version}"),
        }
    }
}
