//! Which file of each package a `uv sync` installs. Which packages it installs is decided in `walk`.

use std::collections::{BTreeMap, BTreeSet};

use akbuild_names::{
    GitCommit, GitRepositoryAddress, NameError, PackageFileAddress, PythonPackageName, PythonPackageVersion, normalise,
};
use akbuild_nar::{Algo, Digest};

use super::Tags;
use super::lock::{File, Origin, Package, PythonLock};
use super::python_version::python_numbers;
use super::walk::installed;
use crate::error::Refusals;
use crate::{Artifact, LockError, What};

const ADVICE: &str = "Correct pyproject.toml or the choices named above, and write the lock file again with `uv lock`.";

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

/// A package that is built from a source distribution.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SourceBuild {
    /// The project's name.
    pub name: PythonPackageName,
    /// Its version.
    pub version: PythonPackageVersion,
}

impl PythonLock {
    /// What `uv sync --frozen --no-dev` with these extras and groups asks a registry for: the best
    /// wheel of each package, or its source distribution where no wheel fits or may be used.
    ///
    /// # Errors
    /// [`LockError::Refused`] names everything that cannot be had: files without a SHA-256, packages
    /// without a usable file, git dependencies that no source stands for. [`LockError::Choice`] names extras
    /// and groups that the project does not have, or that exclude each other.
    pub fn select(&self, want: &PythonWant) -> Result<PythonSelection, LockError> {
        let mut refusals = Refusals::default();
        let found = installed(self, want, &mut refusals)?;
        let mut selection = PythonSelection::default();
        let tags = python_numbers(&want.python).map(|python| Tags::cpython(python, want.glibc, &want.machine));
        if let Some(tags) = &tags {
            for n in found {
                self.take(&self.packages[n], want, tags, &mut selection, &mut refusals);
            }
        }
        selection.artifacts.sort_by(|a, b| a.what.cmp(&b.what));
        refusals.check(&self.file, ADVICE, selection)
    }

    fn take(&self, package: &Package, want: &PythonWant, tags: &Tags, to: &mut PythonSelection, no: &mut Refusals) {
        let name = package.name.clone();
        match &package.origin {
            Origin::Local(path) => to.members.push(LocalMember { name, path: path.clone() }),
            Origin::Git(url) => match git_dependency(package, url) {
                Err(why) => no.add(name.as_str(), why),
                Ok(git) if !want.git.iter().any(|known| normalise(known) == *name) => no.add(
                    name.as_str(),
                    format!(
                        "it comes from git ({} at {}) and no source stands for it: add that commit as a source, and name \
                         it under `git` of the stage",
                        git.url, git.rev
                    ),
                ),
                Ok(git) => to.git.push(git),
            },
            Origin::Registry(_) | Origin::Url(_) => match self.artifact(package, tags) {
                Ok((artifact, built)) => {
                    to.sdists.extend(built);
                    to.artifacts.push(artifact);
                }
                Err(why) => no.add(label(package), why),
            },
        }
    }

    fn artifact(&self, package: &Package, tags: &Tags) -> Result<(Artifact, Option<SourceBuild>), String> {
        let (file, is_sdist) = self.choose(package, tags)?;
        let version = package.version.clone().ok_or("it has no version")?;
        let (name, file_name, url) = (package.name.clone(), file.name.clone(), file.address(package));
        let url = url.map(|url| PackageFileAddress::parse(&url)).transpose().map_err(|error| error.to_string())?;
        if url.is_none() {
            return Err(format!("its file {file_name} has no url: files of a local index are not supported"));
        }
        let index = match &package.origin {
            Origin::Registry(index) => Some(index.clone()),
            _ => None,
        };
        let built = is_sdist.then(|| SourceBuild { name: name.clone(), version: version.clone() });
        let what = What::Python { name, version, file: file_name, url, index };
        Ok((Artifact { digest: file.digest()?, size: file.size, what }, built))
    }

    /// The file of a package that uv would install from, and whether it is a source distribution.
    fn choose<'a>(&self, package: &'a Package, tags: &Tags) -> Result<(&'a File, bool), String> {
        let names = package.wheels.iter().map(|wheel| wheel.name.as_str());
        let best = tags.best(names).filter(|_| self.settings.wheels_allowed(&package.name));
        if let Some(best) = best {
            return Ok((&package.wheels[best], false));
        }
        let (major, minor) = tags.python();
        match &package.sdist {
            Some(sdist) if self.settings.builds_allowed(&package.name) => Ok((sdist, true)),
            Some(_) => Err("no wheel may be used, and `no-build` forbids to build it".to_owned()),
            None if !self.settings.wheels_allowed(&package.name) => {
                Err("`no-binary` forbids its wheels, and it has no source distribution".to_owned())
            }
            None => Err(format!("no wheel fits CPython {major}.{minor} here, and it has no source distribution")),
        }
    }
}

impl File {
    /// The file's address: its own, or the one that the package as a whole comes from.
    fn address(&self, package: &Package) -> Option<String> {
        match &package.origin {
            Origin::Url(url) => self.url.clone().or_else(|| Some(url.clone())),
            _ => self.url.clone(),
        }
    }

    pub(crate) fn digest(&self) -> Result<Digest, String> {
        let hash = self.hash.as_deref().ok_or_else(|| format!("its file {} has no hash", self.name))?;
        let hex = hash.strip_prefix("sha256:");
        let hex = hex.ok_or_else(|| format!("its file {} has the hash `{hash}`, expected sha256:HEX", self.name))?;
        Digest::from_hex(Algo::Sha256, hex).map_err(|e| format!("its file {}: {e}", self.name))
    }
}

fn label(package: &Package) -> String {
    package.version.as_ref().map_or_else(|| package.name.to_string(), |version| format!("{}=={version}", package.name))
}

/// `https://host/path?rev=x#COMMIT`, as uv writes it.
fn git_dependency(package: &Package, source: &str) -> Result<GitDependency, String> {
    let (address, commit) =
        source.split_once('#').ok_or_else(|| format!("its git source `{source}` names no commit"))?;
    let wrong = |error: NameError| error.to_string();
    let url = GitRepositoryAddress::parse(address.split_once('?').map_or(address, |(url, _)| url)).map_err(wrong)?;
    let rev = GitCommit::parse(commit).map_err(wrong)?;
    Ok(GitDependency { name: package.name.clone(), version: package.version.clone(), url, rev })
}

/// The selected file of each package, by name and version, for the rewritten lock.
pub(crate) fn by_package(selection: &PythonSelection) -> BTreeMap<(&str, &str), &str> {
    selection
        .artifacts
        .iter()
        .filter_map(|artifact| match &artifact.what {
            What::Python { name, version, file, .. } => Some(((name.as_str(), version.as_str()), file.as_str())),
            _ => None,
        })
        .collect()
}
