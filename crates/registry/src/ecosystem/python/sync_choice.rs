//! Which extras and groups of which packages a stage chooses, as `uv sync --no-dev --extra X --group Y` reads them.
//! Refuses a name that does not exist and choices that the lock declares to exclude each other, before anything is
//! walked, in the words of uv and with the place to correct. Knows no marker and no file.

use std::collections::{BTreeMap, BTreeSet};

use akbuild_names::normalise;

use super::dependency::{Dependency, Origin};
use super::lock::{Package, PythonLock};
use super::manifest::{ConflictItem, ConflictKind};
use super::selection::PythonWant;
use super::settings::DefaultGroups;
use crate::{ChoiceProblem, LockError};

/// Where a walk starts, and with what.
pub(super) struct SyncChoice<'a> {
    lock: &'a PythonLock,
    /// The packages that are installed themselves: the project, or all members where the root is not a project.
    pub(super) roots: Vec<usize>,
    extras: BTreeSet<String>,
    groups: BTreeSet<String>,
}

impl<'a> SyncChoice<'a> {
    /// # Errors
    /// [`LockError::Choice`] names every extra and group that does not exist, or the choices that exclude each other.
    pub(super) fn new(lock: &'a PythonLock, want: &PythonWant) -> Result<Self, LockError> {
        let names = |list: &[String]| list.iter().map(|name| normalise(name)).collect();
        let choice = Self { lock, roots: roots(lock)?, extras: names(&want.extras), groups: names(&want.groups) };
        let mut problems = choice.unknown_names(want);
        if problems.is_empty() {
            problems = choice.conflicts();
        }
        match problems.is_empty() {
            true => Ok(choice),
            false => Err(LockError::Choice { file: lock.file.clone(), problems }),
        }
    }

    pub(super) fn has_extra(&self, extra: &str) -> bool {
        self.extras.contains(extra)
    }

    /// Whether a group is installed: it was asked for, or is a default one other than `dev`.
    pub(super) fn has_group(&self, group: &str) -> bool {
        self.groups.contains(group) || self.has_group_by_default(group)
    }

    fn has_group_by_default(&self, group: &str) -> bool {
        group != "dev"
            && match &self.lock.settings.default_groups {
                DefaultGroups::All => true,
                DefaultGroups::These(groups) => groups.contains(group),
            }
    }

    /// The chosen extras that a package has something in.
    pub(super) fn extras_of(&self, package: &'a Package) -> impl Iterator<Item = &'a str> {
        package.extras.keys().map(String::as_str).filter(|extra| self.has_extra(extra))
    }

    /// The chosen groups that a package has something in.
    pub(super) fn groups_of(&self, package: &'a Package) -> impl Iterator<Item = (&'a str, &'a [Dependency])> {
        let groups = package.groups.iter().filter(|(group, _)| self.has_group(group));
        groups.map(|(group, list)| (group.as_str(), list.as_slice()))
    }

    fn unknown_names(&self, want: &PythonWant) -> Vec<ChoiceProblem> {
        let project = &self.lock.project;
        let packages = || self.roots.iter().map(|n| &self.lock.packages[*n]);
        let extras = packages().flat_map(|package| package.declared.extras.iter().chain(package.extras.keys()));
        let mut extras: BTreeSet<&String> = extras.collect();
        if !self.lock.workspace.names_extras {
            // Extras without dependencies are not in such a lock.
            extras.extend(&project.extras);
        }
        let groups = packages().flat_map(|package| package.declared.groups.iter().chain(package.groups.keys()));
        let mut groups: BTreeSet<&String> = groups.chain(self.lock.workspace.groups.keys()).collect();
        let is_project = project.name.is_some();
        if !is_project {
            groups.extend(&project.groups);
        }
        let dev = "dev".to_owned();
        if project.legacy_dev {
            groups.insert(&dev);
        }
        let mut problems = unknown("extra", &want.extras, &extras, &project.extras);
        problems.extend(unknown("group", &want.groups, &groups, &project.groups));
        if let DefaultGroups::These(names) = &self.lock.settings.default_groups {
            let missing = names.iter().filter(|name| *name != "dev" && !project.groups.contains(*name));
            problems.extend(missing.map(|name| ChoiceProblem::MissingDefaultGroup { name: name.clone() }));
        }
        problems
    }

    /// Declared conflicts of which two items are chosen by name. uv compares names only: an extra counts for each
    /// package that may be installed.
    fn conflicts(&self) -> Vec<ChoiceProblem> {
        let packages = self.packages();
        let chosen = |item: &&ConflictItem| {
            packages.contains(item.package.as_str())
                && match &item.kind {
                    ConflictKind::Project => true,
                    ConflictKind::Extra(extra) => self.has_extra(extra),
                    ConflictKind::Group(group) => self.has_group(group),
                }
        };
        let mut problems = Vec::new();
        for set in &self.lock.workspace.conflicts {
            let found: Vec<&ConflictItem> = set.iter().filter(chosen).collect();
            if found.len() >= 2 {
                problems.push(ChoiceProblem::Conflict {
                    chosen: found.iter().map(|item| self.described(item)).collect(),
                    set: set.iter().map(item_name).collect(),
                });
            }
        }
        problems
    }

    fn described(&self, item: &ConflictItem) -> String {
        match &item.kind {
            ConflictKind::Project => format!("package `{}`", item.package),
            ConflictKind::Extra(extra) => format!("extra `{extra}`"),
            ConflictKind::Group(group) if self.groups.contains(group) => format!("group `{group}`"),
            ConflictKind::Group(group) => format!("group `{group}` (chosen by default)"),
        }
    }

    /// The members that may be installed, whatever markers say: the roots, and those that they lead to.
    fn packages(&self) -> BTreeSet<&'a str> {
        let lock = self.lock;
        let mut found: BTreeSet<&str> = self.roots.iter().map(|n| lock.packages[*n].name.as_str()).collect();
        if lock.project.name.is_none() {
            found.extend(lock.workspace.members.iter().map(String::as_str));
            return found;
        }
        let by_name: BTreeMap<&str, &Package> =
            lock.packages.iter().map(|package| (package.name.as_str(), package)).collect();
        let mut seen = BTreeSet::new();
        let mut queue: Vec<(&str, Option<String>)> = Vec::new();
        for package in self.roots.iter().map(|n| &lock.packages[*n]) {
            queue.push((&package.name, None));
            queue.extend(self.extras_of(package).map(|extra| (package.name.as_str(), Some(extra.to_owned()))));
            queue.extend(self.groups_of(package).flat_map(|(_, list)| list).flat_map(targets));
        }
        while let Some((name, extra)) = queue.pop() {
            if !seen.insert((name, extra.clone())) {
                continue;
            }
            let Some(package) = by_name.get(name) else { continue };
            if lock.workspace.members.contains(name) {
                found.insert(name);
            }
            let list = match &extra {
                None => Some(&package.dependencies),
                Some(extra) => package.extras.get(extra),
            };
            queue.extend(list.into_iter().flatten().flat_map(targets));
        }
        found
    }
}

fn targets(dependency: &Dependency) -> impl Iterator<Item = (&str, Option<String>)> {
    let extras = dependency.extras.iter().map(|extra| Some(normalise(extra)));
    std::iter::once(None).chain(extras).map(|extra| (dependency.name.as_str(), extra))
}

/// The project by its name in `pyproject.toml`; where there is none, all members, or the package that lies beside the lock.
fn roots(lock: &PythonLock) -> Result<Vec<usize>, LockError> {
    let places = || 0..lock.packages.len();
    if let Some(name) = &lock.project.name {
        let found: Vec<usize> = places().filter(|n| *lock.packages[*n].name == *name).collect();
        return match found[..] {
            [_] => Ok(found),
            _ => Err(LockError::Choice {
                file: lock.file.clone(),
                problems: vec![ChoiceProblem::MissingProject { name: name.clone(), entries: found.len() }],
            }),
        };
    }
    let member = |n: &usize| lock.workspace.members.contains(lock.packages[*n].name.as_str());
    let beside = |n: &usize| matches!(&lock.packages[*n].origin, Origin::Local(path) if path == ".");
    let found: Vec<usize> = places().filter(member).collect();
    Ok(if found.is_empty() { places().filter(beside).collect() } else { found })
}

/// A problem for each name that is not known; `declared` are the names in `pyproject.toml`.
fn unknown(
    kind: &'static str,
    wanted: &[String],
    known: &BTreeSet<&String>,
    declared: &BTreeSet<String>,
) -> Vec<ChoiceProblem> {
    let mut problems = Vec::new();
    for name in wanted {
        let normalised = normalise(name);
        if known.contains(&normalised) {
            continue;
        }
        problems.push(ChoiceProblem::UnknownName {
            kind,
            name: name.clone(),
            known: known.iter().map(|name| (*name).clone()).collect(),
            nearest: nearest(&normalised, known),
            only_in_pyproject: declared.contains(&normalised),
        });
    }
    problems
}

/// The known name that is near enough to be meant.
fn nearest(name: &str, known: &BTreeSet<&String>) -> Option<String> {
    let limit = (name.chars().count() / 3).clamp(1, 4);
    let near = known.iter().map(|known| (strsim::osa_distance(name, known), *known));
    near.filter(|(distance, _)| *distance <= limit).min().map(|(_, known)| known.clone())
}

/// An item as uv writes it in messages.
fn item_name(item: &ConflictItem) -> String {
    let package = &item.package;
    match &item.kind {
        ConflictKind::Project => package.clone(),
        ConflictKind::Extra(extra) => format!("{package}[{extra}]"),
        ConflictKind::Group(group) => format!("{package}:{group}"),
    }
}
