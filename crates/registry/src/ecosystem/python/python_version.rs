//! The interpreters that a stage may meet: one for a full version of Python; for `3.14` so many releases of it that each
//! marker in the lock is asked on both sides of the versions that it names. Knows no package.

use std::collections::BTreeSet;

use akbuild_names::{Specifiers, Version};

use super::condition::{Condition, ConditionTable};
use super::dependency::Dependency;
use super::environment::MarkerEnvironment;
use super::lock::PythonLock;
use super::marker::condition;
use super::selection::PythonWant;
use super::sync_choice::SyncChoice;
use crate::error::Refusals;

/// `3.14` of `3.14` or `3.14.2`.
pub(super) fn python_numbers(python: &str) -> Option<(u64, u64)> {
    let mut numbers = python.split('.').map(|n| n.parse().ok());
    Some((numbers.next()??, numbers.next()??))
}

/// The environments that markers are asked about: the releases meant, without those that the project, one of its groups or
/// the lock as a whole is not for. Where none is left, that is refused.
pub(super) fn environments(
    lock: &PythonLock,
    want: &PythonWant,
    choice: &SyncChoice<'_>,
    refusals: &mut Refusals,
) -> Vec<MarkerEnvironment> {
    let label = format!("python {}", want.python);
    if python_numbers(&want.python).is_none() || want.python.parse::<Version>().is_err() {
        refusals.add(label, "it is not a version of Python, expected for example 3.14");
        return Vec::new();
    }
    let mut versions = releases(lock, &want.python);
    for (requires, needs) in requirements(lock, choice) {
        match requires.parse::<Specifiers>() {
            Err(why) => refusals.add("requires-python", why),
            Ok(set) => {
                versions.retain(|version| version.parse().is_ok_and(|version| set.contain(&version)));
                if versions.is_empty() {
                    refusals.add(label, format!("{needs} is for `{requires}`"));
                    return Vec::new();
                }
            }
        }
    }
    let environments = versions.iter().map(|version| MarkerEnvironment::new(version, &want.machine)).collect();
    supported(lock, want, environments, refusals)
}

/// Without the environments that the lock was not resolved for.
fn supported(
    lock: &PythonLock,
    want: &PythonWant,
    mut environments: Vec<MarkerEnvironment>,
    refusals: &mut Refusals,
) -> Vec<MarkerEnvironment> {
    for markers in [&lock.workspace.supported, &lock.workspace.resolved] {
        let mut broken = false;
        environments.retain(|environment| {
            markers.is_empty()
                || markers.iter().any(|marker| match may_hold(marker, environment) {
                    Ok(holds) => holds,
                    Err(why) => {
                        refusals.add("(environments)", why);
                        broken = true;
                        false
                    }
                })
        });
        if environments.is_empty() {
            if !broken {
                let list = markers.iter().map(|marker| format!("`{marker}`")).collect::<Vec<_>>().join(", ");
                let why = format!("the lock is for other environments: {list}");
                refusals.add(format!("CPython {} on {} Linux", want.python, want.machine), why);
            }
            break;
        }
    }
    environments
}

/// Whether a marker holds here for some choice of extras.
fn may_hold(marker: &str, environment: &MarkerEnvironment) -> Result<bool, String> {
    Ok(condition(marker, environment, &mut ConditionTable::default())? != Condition::NEVER)
}

/// Each `requires-python`, and what has it.
fn requirements<'a>(lock: &'a PythonLock, choice: &SyncChoice<'_>) -> Vec<(&'a str, String)> {
    let mut found: Vec<(&str, String)> =
        lock.workspace.requires_python.iter().map(|requires| (requires.as_str(), "the lock".to_owned())).collect();
    for group in lock.project.groups.iter().filter(|group| choice.has_group(group)) {
        let pythons = lock.project.group_pythons(group).into_iter();
        found.extend(pythons.map(|(group, requires)| (requires, format!("the group `{group}`"))));
    }
    found
}

/// The full versions that a version may mean: of `3.14` the first, a very late one, and those next to each release that
/// the lock or the project names.
fn releases(lock: &PythonLock, python: &str) -> Vec<String> {
    if python.split('.').count() != 2 {
        return vec![python.to_owned()];
    }
    let mut numbers = BTreeSet::from([0, 999]);
    for text in texts(lock) {
        for (at, _) in text.match_indices(&format!("{python}.")) {
            let digits = text[at + python.len() + 1..].split(|c: char| !c.is_ascii_digit()).next();
            // No release has a higher number, and a lock does not decide how many environments are walked.
            if let Some(number) = digits.and_then(|digits| digits.parse::<u64>().ok()).filter(|number| *number < 100) {
                numbers.extend([number.saturating_sub(1), number, number + 1]);
            }
        }
    }
    numbers.into_iter().map(|number| format!("{python}.{number}")).collect()
}

/// All texts of a lock and its project that may name a release of Python.
fn texts(lock: &PythonLock) -> impl Iterator<Item = &str> {
    let lists = lock.packages.iter().flat_map(|package| {
        let named = package.extras.values().chain(package.groups.values());
        std::iter::once(&package.dependencies).chain(named)
    });
    let manifest = lock.workspace.groups.values().chain(std::iter::once(&lock.workspace.requirements));
    let markers = lists.chain(manifest).flatten().filter_map(|dependency: &Dependency| dependency.marker.as_deref());
    let forks = lock.packages.iter().flat_map(|package| &package.markers);
    let environments = lock.workspace.supported.iter().chain(&lock.workspace.resolved).chain(forks);
    let pythons = lock.workspace.requires_python.iter().map(String::as_str).chain(lock.project.pythons());
    markers.chain(environments.map(String::as_str)).chain(pythons)
}
