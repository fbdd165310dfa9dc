//! The input and the result of selecting the files of a `uv sync`, as plain data. Must not depend on how they are selected.

use std::collections::{BTreeMap, BTreeSet};

use akbuild_names::{Artifact, GitCommit, GitRepositoryAddress, PackageFile, PythonPackageName, PythonPackageVersion};
use akbuild_nar::Digest;

/// What is installed, and where.
#[derive(Clone, Debug)]
pub struct PythonWant {
    /// The interpreter's version, `3.14` or `3.14.2`. Without the third number, what any release of
    /// `3.14` would need is selected.
    pub python: String,
    /// Extras of the project.
    pub extras: Vec<String>,
    /// Dependency groups, beside the project's default ones; `dev` only if it stands here.
    pub groups: Vec<String>,
    /// The version of the GNU C library.
    pub glibc: (u64, u64),
    /// The machine as Python names it: `x86_64`.
    pub machine: String,
    /// Git dependencies for which a pinned source stands.
    pub git: BTreeSet<String>,
}

/// What a `uv sync` needs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PythonSelection {
    /// One file a package, sorted.
    pub artifacts: Vec<Artifact>,
    /// Dependencies that come from git, sorted.
    pub git: Vec<GitDependency>,
    /// Packages of the source tree itself, sorted.
    pub members: Vec<LocalMember>,
    /// Those of `members` that uv installs, as they are no part of the workspace: path dependencies that are folders.
    pub folders: Vec<LocalMember>,
    /// Wheels and source distributions of the source tree, sorted.
    pub files: Vec<LocalFile>,
    /// Packages that only some releases of this Python install; empty if the release is known.
    pub uncertain: BTreeSet<PythonPackageName>,
    /// Packages that are built from a source distribution, sorted.
    pub sdists: Vec<SourceBuild>,
}

/// A dependency that comes from git.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct GitDependency {
    /// The project's name.
    pub name: PythonPackageName,
    /// Its version, where the lock knows it.
    pub version: Option<PythonPackageVersion>,
    /// The repository's address.
    pub url: GitRepositoryAddress,
    /// The commit.
    pub rev: GitCommit,
}

/// A package of the source tree itself: the project, a workspace member, a path dependency.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LocalMember {
    /// Its name.
    pub name: PythonPackageName,
    /// Its folder or file, relative to the lock.
    pub path: String,
}

/// A wheel or a source distribution of the source tree.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LocalFile {
    /// The project's name.
    pub name: PythonPackageName,
    /// Its version, where the lock knows it.
    pub version: Option<PythonPackageVersion>,
    /// The file, relative to the lock.
    pub path: String,
    /// What the file must hash to, where the lock says it.
    pub digest: Option<Digest>,
}

/// A package that is built from a source distribution.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SourceBuild {
    /// The project's name.
    pub name: PythonPackageName,
    /// Its version.
    pub version: PythonPackageVersion,
}

/// The selected file of each package, by name and version, for the rewritten lock.
pub(super) fn by_package(selection: &PythonSelection) -> BTreeMap<(&str, &str), &str> {
    selection
        .artifacts
        .iter()
        .filter_map(|artifact| match &artifact.what {
            PackageFile::Python(what) => Some(((what.name.as_str(), what.version.as_str()), what.file.as_str())),
            _ => None,
        })
        .collect()
}
