//! One file that a lock names, with its digest. Must not depend on where its bytes are.

use std::fmt;

use akbuild_nar::Digest;

use crate::{EcosystemFile, PackageFile, PythonDistribution, PythonFileName, PythonPackageName, PythonPackageVersion};

/// One artifact that a lock names.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Artifact {
    /// What the file must hash to, as the lock says.
    pub digest: Digest,
    /// Its size in bytes, where the lock says it.
    pub size: Option<u64>,
    /// What it is.
    pub what: PackageFile,
}

impl Artifact {
    /// A file of a Python index, as a lock of one's own pins it: without address or size.
    pub fn python(
        name: PythonPackageName,
        version: PythonPackageVersion,
        file: PythonFileName,
        digest: Digest,
    ) -> Self {
        let what = PythonDistribution { name, version, file, url: None, index: None };
        Self { digest, size: None, what: PackageFile::Python(what) }
    }
}

/// The form in which people write it: `left-pad@1.3.0`.
impl fmt::Display for PackageFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self.of_ecosystem(), f)
    }
}

impl std::ops::Deref for PackageFile {
    type Target = dyn EcosystemFile;

    fn deref(&self) -> &Self::Target {
        self.of_ecosystem()
    }
}
