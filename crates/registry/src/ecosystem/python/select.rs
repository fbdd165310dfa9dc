//! Which file of each package a `uv sync` installs. Which packages it installs is decided in `walk`.

use akbuild_names::{
    Artifact, GitCommit, GitRepositoryAddress, NameError, PackageFile, PackageFileAddress, PythonDistribution,
    normalise,
};
use akbuild_nar::{Algo, Digest};

use super::Tags;
use super::dependency::Origin;
use super::lock::{File, Package, PythonLock, is_address};
use super::python_version::python_numbers;
use super::selection::{GitDependency, LocalFile, LocalMember, PythonSelection, PythonWant, SourceBuild};
use super::walk::installed;
use crate::LockError;
use crate::error::Refusals;

const ADVICE: &str = "Correct pyproject.toml or the choices named above, and write the lock file again with `uv lock`.";

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
        let installed = installed(self, want, &mut refusals)?;
        let mut selection = PythonSelection::default();
        let tags = python_numbers(&want.python).map(|python| Tags::cpython(python, want.glibc, &want.machine));
        if let Some(tags) = &tags {
            for n in &installed.in_any {
                self.take(&self.packages[*n], want, tags, &mut selection, &mut refusals);
            }
        }
        selection.artifacts.sort_by(|a, b| a.what.cmp(&b.what));
        selection.files.sort();
        let uncertain = installed.in_any.difference(&installed.in_each);
        selection.uncertain = uncertain.map(|n| self.packages[*n].name.clone()).collect();
        refusals.check(&self.file, ADVICE, selection)
    }

    fn take(&self, package: &Package, want: &PythonWant, tags: &Tags, to: &mut PythonSelection, no: &mut Refusals) {
        let name = package.name.clone();
        match &package.origin {
            Origin::Local(path) => {
                let member = LocalMember { name, path: path.clone() };
                if path != "." && !package.is_virtual && !self.workspace.members.contains(package.name.as_str()) {
                    to.folders.push(member.clone());
                }
                to.members.push(member);
            }
            Origin::Archive(path) => match self.choose(package, tags).and_then(|(file, _)| file.pinned()) {
                Ok(digest) => to.files.push(local_file(package, path.clone(), digest)),
                Err(why) => no.add(label(package), why),
            },
            Origin::Registry(folder) if !is_address(folder) => match self.indexed(package, folder, tags) {
                Ok(file) => to.files.push(file),
                Err(why) => no.add(label(package), why),
            },
            Origin::Unknown(keys) => {
                no.add(label(package), format!("its source is of a kind that akbuild does not know: {keys}"));
            }
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

    /// The file of an index that is a folder of the source tree. uv writes no hashes of such files.
    fn indexed(&self, package: &Package, folder: &str, tags: &Tags) -> Result<LocalFile, String> {
        let (file, _) = self.choose(package, tags)?;
        let digest = file.pinned()?;
        let name = file.path.as_deref().or(file.name.as_deref().ok());
        let name = name.ok_or("its file has no name")?;
        Ok(local_file(package, format!("{}/{name}", folder.trim_end_matches('/')), digest))
    }

    fn artifact(&self, package: &Package, tags: &Tags) -> Result<(Artifact, Option<SourceBuild>), String> {
        let (file, is_sdist) = self.choose(package, tags)?;
        let version = package.version.clone().ok_or("it has no version")?;
        let (name, file_name) = (package.name.clone(), file.name.clone()?);
        let url = file.address(package).ok_or_else(|| format!("its file {file_name} has no address"))?;
        let url = Some(PackageFileAddress::parse(&url).map_err(|error| error.to_string())?);
        let index = match &package.origin {
            Origin::Registry(index) => Some(index.clone()),
            _ => None,
        };
        let built = is_sdist.then(|| SourceBuild { name: name.clone(), version: version.clone() });
        let what = PackageFile::Python(PythonDistribution { name, version, file: file_name, url, index });
        Ok((Artifact { digest: file.digest()?, size: file.size, what }, built))
    }

    /// The file of a package that uv would install from, and whether it is a source distribution.
    fn choose<'a>(&self, package: &'a Package, tags: &Tags) -> Result<(&'a File, bool), String> {
        let names = package.wheels.iter().map(|wheel| wheel.name.as_deref().unwrap_or_default());
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

    /// The digest, where the lock has one: it need not have one of a file in the source tree.
    fn pinned(&self) -> Result<Option<Digest>, String> {
        self.hash.as_ref().map(|_| self.digest()).transpose()
    }

    pub(crate) fn digest(&self) -> Result<Digest, String> {
        let name = self.name.as_ref().map_err(Clone::clone)?;
        let hash = self.hash.as_deref().ok_or_else(|| format!("its file {name} has no hash"))?;
        let hex = hash.strip_prefix("sha256:");
        let hex = hex.ok_or_else(|| format!("its file {name} has the hash `{hash}`, expected sha256:HEX"))?;
        Digest::from_hex(Algo::Sha256, hex).map_err(|e| format!("its file {name}: {e}"))
    }
}

fn local_file(package: &Package, path: String, digest: Option<Digest>) -> LocalFile {
    LocalFile { name: package.name.clone(), version: package.version.clone(), path, digest }
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
