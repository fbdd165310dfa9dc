//! The ecosystems whose packages stages download: a module for each, which reads its locks, locates its files and lists the
//! packages that ship in an image. This is the table; keys, downloads and bills of materials consult it. Must not depend on
//! how nodes are made.

pub(crate) mod debian;
pub(crate) mod go;
pub(crate) mod npm;
pub(crate) mod python;
mod support;

use akbuild_fetch::{Locations, Mirrors};
use akbuild_names::{Ecosystem, PackageFile};

use support::EcosystemSupport;

/// The engine's part of an ecosystem.
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
