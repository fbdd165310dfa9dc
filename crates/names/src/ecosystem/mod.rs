//! The ecosystems that packages come from: grammars of names and versions in a file for each, and this table. A new one
//! begins here: the compiler then lists what it lacks.

mod debian;
mod golang;
mod npm;
mod python;

use std::fmt;

pub use debian::{DebianArchitecture, DebianPackageName, DebianPackageVersion, MirrorFilePath};
pub use golang::{GoFileKind, GoModuleFile, GoModulePath, GoModuleVersion, unescape_module};
pub use npm::{NpmPackageName, NpmPackageVersion, NpmTarball};
pub use python::{PythonDistribution, PythonFileName, PythonPackageName, PythonPackageVersion, normalise};

/// An ecosystem that packages come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Ecosystem {
    /// npm.
    Npm,
    /// Python.
    Python,
    /// Go.
    Go,
    /// Debian.
    Debian,
}

impl Ecosystem {
    /// All ecosystems, in the order in which messages list them.
    pub const ALL: [Ecosystem; 4] = [Ecosystem::Npm, Ecosystem::Python, Ecosystem::Go, Ecosystem::Debian];

    /// The name in files: `python`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Ecosystem::Npm => "npm",
            Ecosystem::Python => "python",
            Ecosystem::Go => "go",
            Ecosystem::Debian => "debian",
        }
    }

    /// The name in messages: `Python`.
    pub const fn label(self) -> &'static str {
        match self {
            Ecosystem::Npm => "npm",
            Ecosystem::Python => "Python",
            Ecosystem::Go => "Go",
            Ecosystem::Debian => "Debian",
        }
    }

    /// The type of its package URLs, with the namespace that all its packages share.
    pub const fn package_url_type(self) -> &'static str {
        match self {
            Ecosystem::Npm => "npm",
            Ecosystem::Python => "pypi",
            Ecosystem::Go => "golang",
            Ecosystem::Debian => "deb/debian",
        }
    }
}

/// A file of a package, as its registry names it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PackageFile {
    /// A file of npm.
    Npm(NpmTarball),
    /// A file of a Python index.
    Python(PythonDistribution),
    /// A file of a Go module.
    Go(GoModuleFile),
}

impl PackageFile {
    /// The file as its ecosystem knows it.
    pub fn of_ecosystem(&self) -> &(dyn EcosystemFile + 'static) {
        match self {
            PackageFile::Npm(file) => file,
            PackageFile::Python(file) => file,
            PackageFile::Go(file) => file,
        }
    }
}

/// The interface of a file of any ecosystem. [`fmt::Display`] gives the form in which people write it:
/// `left-pad@1.3.0`.
pub trait EcosystemFile: fmt::Display {
    /// The ecosystem of the file.
    fn ecosystem(&self) -> Ecosystem;

    /// The name of its download in messages.
    fn label(&self) -> String {
        self.to_string()
    }

    /// Its package URL.
    fn package_url(&self) -> String;
}

#[cfg(test)]
mod tests {
    use super::Ecosystem;

    #[test]
    fn all_ecosystems_are_listed_in_their_order() {
        assert!(Ecosystem::ALL.is_sorted());
        assert_eq!(Ecosystem::ALL.map(Ecosystem::as_str), ["npm", "python", "go", "debian"]);
        assert_eq!(Ecosystem::ALL.map(Ecosystem::label), ["npm", "Python", "Go", "Debian"]);
    }
}
