//! One thing that an image is made of, as plain data. Knows what is known of it; nothing of documents.

use akbuild_names::{
    Architecture, DebianPackageName, DebianPackageVersion, Ecosystem, GoModulePath, GoModuleVersion, PackageName,
    PackageVersion, PythonPackageName, PythonPackageVersion,
};
use akbuild_nar::{Algo, Digest};

use crate::{Licence, Origin, Purl};

/// The image itself, which all components belong to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Project {
    /// The project's name.
    pub name: String,
    /// The version that was built.
    pub version: String,
    /// The digest of the image's manifest, a SHA-256; none where the document is made before the image.
    pub image: Option<Digest>,
}

impl Project {
    /// `pkg:oci/NAME@sha256:...`, or `pkg:generic/NAME@VERSION` without a digest.
    pub fn purl(&self) -> Purl {
        match &self.image {
            Some(digest) => Purl::image(&self.name, &self.version, digest),
            None => Purl::generic(&self.name, &self.version, &[]),
        }
    }
}

/// One thing that an image is made of.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Component {
    /// Its name, which also says what else is known of it.
    pub purl: Purl,
    /// What it is.
    pub kind: ComponentKind,
    /// Its name as its ecosystem has it: with an npm scope, a whole Go module path.
    pub name: String,
    /// Its version as its ecosystem writes it: with Debian's epoch, with Go's `v`.
    pub version: String,
    /// Digests of the file that it came as. A `h1:` hash of a Go module is [`Algo::GoZip`].
    pub digests: Vec<Digest>,
    /// Licences that all apply. Empty: not known.
    pub licences: Vec<Licence>,
    /// How it gets into the image.
    pub ships: Ships,
}

/// What a component is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ComponentKind {
    /// A package of an ecosystem.
    Package(Ecosystem),
    /// A tree of files from elsewhere.
    Source(Origin),
}

/// How a component gets into the image, from what matters least to what matters most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Ships {
    /// Its files are there, and what needs them does without.
    Optional,
    /// It was compiled or bundled into something else.
    Bundled,
    /// Its own files are there.
    Installed,
}

impl Component {
    /// A package of an ecosystem, installed. A version that is not known is empty.
    pub fn package(name: PackageName, version: Option<PackageVersion>) -> Self {
        let purl = Purl::package(&name, version.as_ref());
        let kind = ComponentKind::Package(name.ecosystem());
        Self::new(kind, name.as_str(), version.as_ref().map_or("", PackageVersion::as_str), purl)
    }

    /// A binary package of Debian; `architecture` is the sysroot's.
    pub fn debian(name: &DebianPackageName, version: &DebianPackageVersion, architecture: Architecture) -> Self {
        let purl = Purl::debian(name, version, architecture);
        Self { purl, ..Self::package(name.into(), Some(version.into())) }
    }

    /// A Python project, of which `file` was taken.
    pub fn python(name: &PythonPackageName, version: &PythonPackageVersion, file: &str) -> Self {
        let purl = Purl::python(name, version, file);
        Self { purl, ..Self::package(name.into(), Some(version.into())) }
    }

    /// A Python project from git.
    pub fn python_git(
        name: &PythonPackageName,
        version: Option<&PythonPackageVersion>,
        address: &str,
        commit: &str,
    ) -> Self {
        let purl = Purl::python_git(name, version, address, commit);
        Self { purl, ..Self::package(name.into(), version.map(Into::into)) }
    }

    /// A Go module.
    pub fn go(module: &GoModulePath, version: &GoModuleVersion) -> Self {
        Self::package(module.into(), Some(version.into())).ships(Ships::Bundled)
    }

    /// A tree from elsewhere; `archive` is the digest of the file it came as.
    pub fn source(name: &str, version: &str, origin: Origin, archive: Option<Digest>) -> Self {
        let purl = Purl::source(name, version, &origin, archive.as_ref());
        let digests = archive.into_iter().collect();
        Self { digests, ..Self::new(ComponentKind::Source(origin), name, version, purl) }
    }

    fn new(kind: ComponentKind, name: &str, version: &str, purl: Purl) -> Self {
        let (name, version) = (name.to_owned(), version.to_owned());
        Self { purl, kind, name, version, digests: Vec::new(), licences: Vec::new(), ships: Ships::Installed }
    }

    /// The same with a digest more.
    pub fn digest(mut self, digest: Digest) -> Self {
        self.digests.push(digest);
        self
    }

    /// The same with licences more.
    pub fn licensed(mut self, licences: impl IntoIterator<Item = Licence>) -> Self {
        self.licences.extend(licences);
        self
    }

    /// The same, shipped so.
    pub fn ships(mut self, ships: Ships) -> Self {
        self.ships = ships;
        self
    }
}

/// A Go hash as `go.sum` writes it.
pub(crate) fn h1(digest: &Digest) -> Option<String> {
    matches!(digest.algo(), Algo::GoZip | Algo::GoMod)
        .then(|| format!("h1:{}", data_encoding::BASE64.encode(digest.as_bytes())))
}
