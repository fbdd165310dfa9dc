//! Which packages of a `uv.lock` a `uv sync` installs, and which file of each. Follows uv's own
//! walk: from the project, through dependencies whose markers hold, with the extras asked for.

use std::collections::{BTreeMap, BTreeSet};

use akbuild_nar::{Algo, Digest};

use super::lock::{Dependency, File, Origin, Package, PythonLock};
use super::marker::Environment;
use super::settings::DefaultGroups;
use super::{Specifiers, Tags, Version, normalise};
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
    pub name: String,
    /// Its version, where the lock knows it.
    pub version: Option<String>,
    /// The repository's address.
    pub url: String,
    /// The commit.
    pub rev: String,
}

/// A package of the source tree itself: the project, a workspace member, a path dependency.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LocalMember {
    /// Its name.
    pub name: String,
    /// Its folder or file, relative to the lock.
    pub path: String,
}

/// A package that is built from a source distribution.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SourceBuild {
    /// The project's name.
    pub name: String,
    /// Its version.
    pub version: String,
}

impl PythonLock {
    /// What `uv sync --frozen --no-dev` with these extras and groups asks a registry for: the best
    /// wheel of each package, or its source distribution where no wheel fits or may be used.
    ///
    /// # Errors
    /// [`LockError::Refused`] names everything that cannot be had: files without a SHA-256, packages
    /// without a usable file, git dependencies that no source stands for, extras and groups that the
    /// project does not have.
    pub fn select(&self, want: &PythonWant) -> Result<PythonSelection, LockError> {
        let mut refusals = Refusals::default();
        let mut found = BTreeSet::new();
        let environments = environments(self, want, &mut refusals);
        for environment in environments {
            let mut walk = Walk { lock: self, want, environment, seen: BTreeSet::new(), refusals: &mut refusals };
            walk.roots();
            found.extend(walk.seen.into_iter().map(|(package, _)| package));
        }
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
                Err(why) => no.add(name, why),
                Ok(git) if !want.git.iter().any(|known| normalise(known) == name) => no.add(
                    name,
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
    package.version.as_ref().map_or_else(|| package.name.clone(), |version| format!("{}=={version}", package.name))
}

/// `https://host/path?rev=x#COMMIT`, as uv writes it.
fn git_dependency(package: &Package, source: &str) -> Result<GitDependency, String> {
    let (address, commit) =
        source.split_once('#').ok_or_else(|| format!("its git source `{source}` names no commit"))?;
    let url = address.split_once('?').map_or(address, |(url, _)| url).to_owned();
    let rev = commit.to_owned();
    Ok(GitDependency { name: package.name.clone(), version: package.version.clone(), url, rev })
}

/// `3.14` of `3.14` or `3.14.2`.
fn python_numbers(python: &str) -> Option<(u64, u64)> {
    let mut numbers = python.split('.').map(|n| n.parse().ok());
    Some((numbers.next()??, numbers.next()??))
}

/// The environments that markers are asked about: one for a full version of Python; for `3.14` the
/// first and a very late release, so that a marker on the third number selects either way.
fn environments(lock: &PythonLock, want: &PythonWant, refusals: &mut Refusals) -> Vec<Environment> {
    if python_numbers(&want.python).is_none() || want.python.parse::<Version>().is_err() {
        refusals.add(format!("python {}", want.python), "it is not a version of Python, expected for example 3.14");
        return Vec::new();
    }
    let full = match want.python.split('.').count() {
        2 => vec![format!("{}.0", want.python), format!("{}.999", want.python)],
        _ => vec![want.python.clone()],
    };
    if let Some(requires) = &lock.requires_python {
        let specifiers = requires.parse::<Specifiers>();
        match specifiers {
            Err(why) => refusals.add("requires-python", why),
            Ok(set) if full.iter().any(|v| v.parse().is_ok_and(|v| set.contain(&v))) => {}
            Ok(_) => refusals.add(format!("python {}", want.python), format!("the lock is for `{requires}`")),
        }
    }
    full.iter().map(|version| Environment::new(version, &want.machine)).collect()
}

/// One walk through the lock, in one environment.
struct Walk<'a> {
    lock: &'a PythonLock,
    want: &'a PythonWant,
    environment: Environment,
    /// Packages by place, each bare and with each extra that something asked for.
    seen: BTreeSet<(usize, Option<String>)>,
    refusals: &'a mut Refusals,
}

impl<'a> Walk<'a> {
    /// Starts at the project; where the root of the workspace is none, at all members.
    fn roots(&mut self) {
        let lock = self.lock;
        let is = |package: &Package, path: &str| matches!(&package.origin, Origin::Local(at) if at == path);
        let root: Vec<usize> = (0..lock.packages.len()).filter(|n| is(&lock.packages[*n], ".")).collect();
        let members = || (0..lock.packages.len()).filter(|n| lock.members.contains(&lock.packages[*n].name));
        let roots = if root.is_empty() { members().collect() } else { root };
        if roots.is_empty() && lock.groups.is_empty() {
            self.refusals.add("(the project)", "the lock has no project and no workspace members to start at");
        }
        let known = self.known_names(&roots);
        self.name_conflicting(&roots);
        let groups = self.groups(&known.1);
        for n in &roots {
            let package = &lock.packages[*n];
            self.visit(*n, None);
            for extra in self.want.extras.iter().map(|extra| normalise(extra)) {
                self.visit(*n, Some(extra));
            }
            for group in &groups {
                self.follow(package.groups.get(group).map_or(&[], Vec::as_slice));
            }
        }
        for group in &groups {
            self.follow(lock.groups.get(group).map_or(&[], Vec::as_slice));
        }
        self.check_names("extra", &self.want.extras, &known.0);
        self.check_names("group", &self.want.groups, &known.1);
    }

    /// The extras and groups that the roots have.
    fn known_names(&self, roots: &[usize]) -> (BTreeSet<String>, BTreeSet<String>) {
        let packages = || roots.iter().map(|n| &self.lock.packages[*n]);
        let extras = packages().flat_map(|package| package.extras.keys().cloned()).collect();
        let groups = packages().flat_map(|package| package.groups.keys().cloned());
        (extras, groups.chain(self.lock.groups.keys().cloned()).collect())
    }

    /// The groups that are installed: the default ones without `dev`, and those asked for.
    fn groups(&self, known: &BTreeSet<String>) -> BTreeSet<String> {
        let mut groups = match &self.lock.settings.default_groups {
            DefaultGroups::All => known.clone(),
            DefaultGroups::These(groups) => groups.clone(),
        };
        groups.remove("dev");
        groups.extend(self.want.groups.iter().map(|group| normalise(group)));
        groups
    }

    /// Makes the markers hold that uv writes for extras and groups that exclude each other.
    fn name_conflicting(&mut self, roots: &[usize]) {
        for package in roots.iter().map(|n| &self.lock.packages[*n].name) {
            let names = |kind: &str, names: &[String]| -> Vec<String> {
                names.iter().map(|name| format!("{kind}-{}-{package}-{}", package.len(), normalise(name))).collect()
            };
            self.environment.extras.extend(names("extra", &self.want.extras));
            self.environment.extras.extend(names("group", &self.want.groups));
        }
    }

    fn check_names(&mut self, kind: &str, wanted: &[String], known: &BTreeSet<String>) {
        let list =
            if known.is_empty() { "none".to_owned() } else { known.iter().cloned().collect::<Vec<_>>().join(", ") };
        for name in wanted.iter().filter(|name| !known.contains(&normalise(name))) {
            self.refusals.add(format!("{kind} {name}"), format!("the project has no such {kind}; it has {list}"));
        }
    }

    /// Marks a package, or an extra of it, and all that follows. Kept on a list of its own, as locks
    /// can be deep.
    fn visit(&mut self, package: usize, extra: Option<String>) {
        let mut queue = vec![(package, extra)];
        while let Some((n, extra)) = queue.pop() {
            if !self.seen.insert((n, extra.clone())) {
                continue;
            }
            let package = &self.lock.packages[n];
            let list = match &extra {
                None => Some(&package.dependencies),
                Some(extra) => package.extras.get(extra),
            };
            queue.extend(self.targets(list.map_or(&[], Vec::as_slice)));
        }
    }

    fn follow(&mut self, dependencies: &'a [Dependency]) {
        for (package, extra) in self.targets(dependencies) {
            self.visit(package, extra);
        }
    }

    /// The packages, bare and with extras, that a list of dependencies leads to here.
    fn targets(&mut self, dependencies: &'a [Dependency]) -> Vec<(usize, Option<String>)> {
        let mut targets = Vec::new();
        for dependency in dependencies {
            match self.holds(dependency.marker.as_slice()) {
                Ok(true) => {}
                Ok(false) => continue,
                Err(why) => {
                    self.refusals.add(dependency.name.as_str(), why);
                    continue;
                }
            }
            match self.find(dependency) {
                Ok(n) => {
                    targets.push((n, None));
                    targets.extend(dependency.extras.iter().map(|extra| (n, Some(normalise(extra)))));
                }
                Err(why) => self.refusals.add(dependency.name.as_str(), why),
            }
        }
        targets
    }

    /// Whether one of the markers holds, or there are none.
    fn holds(&self, markers: &[String]) -> Result<bool, String> {
        for marker in markers {
            if self.environment.holds(marker)? {
                return Ok(true);
            }
        }
        Ok(markers.is_empty())
    }

    /// The package that a dependency means. Where a name has several versions, the dependency says
    /// which, or their `resolution-markers` do.
    fn find(&self, dependency: &Dependency) -> Result<usize, String> {
        let fits = |package: &Package| {
            package.name == dependency.name
                && (dependency.version.is_none() || package.version == dependency.version)
                && dependency.origin.as_ref().is_none_or(|origin| *origin == package.origin)
        };
        let all: Vec<usize> = (0..self.lock.packages.len()).filter(|n| fits(&self.lock.packages[*n])).collect();
        if let [one] = all[..] {
            return Ok(one);
        }
        let mut here = Vec::new();
        for n in &all {
            if self.holds(&self.lock.packages[*n].markers)? {
                here.push(*n);
            }
        }
        match here[..] {
            [one] => Ok(one),
            [] => Err("something needs it and the lock has no entry for it".to_owned()),
            _ => Err(format!("{} entries of the lock fit it", here.len())),
        }
    }
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
