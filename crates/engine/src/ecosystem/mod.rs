//! The ecosystems whose packages stages download: a folder for each, with what the engine knows of its locks, of the places
//! of its files and of what ships in an image. This is the table; graph, keys, downloads and bills of materials go through
//! it. Must not depend on how nodes are made.

pub(crate) mod debian;
pub(crate) mod go;
pub(crate) mod npm;
pub(crate) mod python;

use akbuild_attest::Component;
use akbuild_fetch::{Locations, Mirrors};
use akbuild_names::{Ecosystem, PackageFile};
use akbuild_recipe::plan::{LockReference, Plan};

use crate::bill::contents::ImageContents;
use crate::error::EngineError;
use crate::keys::manifest::Manifest;
use crate::lock_reader::{LockContent, LockReader};

/// What the engine knows of an ecosystem.
pub(crate) trait EcosystemSupport {
    /// Reads a lock: the files that it names, and how the stage sees it.
    fn read_lock(&self, _reader: &LockReader<'_>, lock: &LockReference) -> Result<LockContent, EngineError> {
        Err(EngineError::Bug(format!("{} is no lock of {}", lock.file().path, lock.ecosystem().label())))
    }

    /// Sets what the `n`th lock of a stage adds to its key, beyond the files that the stage sees.
    fn set_key_fields(&self, _plan: &Plan, _n: usize, _lock: &LockReference, _manifest: &mut Manifest) {}

    /// The packages that ship in an image.
    fn components(&self, image: &ImageContents<'_>) -> Result<Vec<Component>, EngineError>;

    /// Whether what ships is told by the outputs of the stages that have its locks, also where they do not ship themselves.
    fn is_told_by_outputs(&self) -> bool {
        false
    }
}

/// What the engine knows of an ecosystem.
pub(crate) fn support(ecosystem: Ecosystem) -> &'static dyn EcosystemSupport {
    match ecosystem {
        Ecosystem::Npm => &npm::Npm,
        Ecosystem::Python => &python::Python,
        Ecosystem::Go => &go::Go,
        Ecosystem::Debian => &debian::Debian,
    }
}

/// The places to try for a file, in order. Empty if no mirror covers it and nothing else may be asked.
pub fn locations(file: &PackageFile, mirrors: &Mirrors) -> Locations {
    match file {
        PackageFile::Npm(tarball) => npm::locations(tarball, mirrors),
        PackageFile::Python(file) => python::locations(file, mirrors),
        PackageFile::Go(file) => go::locations(file, mirrors),
    }
}

#[cfg(test)]
mod tests;
