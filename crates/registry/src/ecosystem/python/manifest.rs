//! The parts of a `uv.lock` that say where a walk starts, and which choices exclude each other: its members, the groups and
//! requirements of a root that is not a project, `conflicts`, and the environments that it was resolved for. Knows
//! packages by name only.

use std::collections::{BTreeMap, BTreeSet};

use akbuild_names::normalise;
use toml_span::Value;
use toml_span::value::Table;

use super::dependency::{Dependency, DependencyLists, dependencies, dependency_lists};
use super::toml::Document;
use crate::LockError;
use crate::error::Refusals;

/// What a lock says of the workspace as a whole.
#[derive(Debug)]
pub(crate) struct WorkspaceManifest {
    /// Whether packages say which extras they have, as of revision 1.
    pub(crate) names_extras: bool,
    pub(crate) requires_python: Option<String>,
    /// The members' names; empty where the only one is the root.
    pub(crate) members: BTreeSet<String>,
    /// Requirements of no member.
    pub(crate) requirements: Vec<Dependency>,
    /// Groups of a workspace root that is not a project itself.
    pub(crate) groups: DependencyLists,
    /// Sets of items of which no two may be chosen.
    pub(crate) conflicts: Vec<BTreeSet<ConflictItem>>,
    /// The markers of which one holds in each environment that the lock is for; none: it is for all.
    pub(crate) supported: Vec<String>,
    /// The markers of the forks of the resolution, of which one holds in each environment that was resolved.
    pub(crate) resolved: Vec<String>,
}

/// One item of a declared conflict.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ConflictItem {
    pub(crate) package: String,
    pub(crate) kind: ConflictKind,
}

/// The part of a package that excludes others; uv's order.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum ConflictKind {
    Extra(String),
    Group(String),
    /// Its own dependencies.
    Project,
}

impl ConflictItem {
    pub(crate) fn extra(package: &str, extra: &str) -> Self {
        Self { package: package.to_owned(), kind: ConflictKind::Extra(extra.to_owned()) }
    }

    pub(crate) fn group(package: &str, group: &str) -> Self {
        Self { package: package.to_owned(), kind: ConflictKind::Group(group.to_owned()) }
    }

    pub(crate) fn project(package: &str) -> Self {
        Self { package: package.to_owned(), kind: ConflictKind::Project }
    }

    /// The name that uv gives the item where markers compare it with `extra`.
    pub(crate) fn marker_name(&self) -> String {
        let package = &self.package;
        match &self.kind {
            ConflictKind::Extra(extra) => format!("extra-{}-{package}-{extra}", package.len()),
            ConflictKind::Group(group) => format!("group-{}-{package}-{group}", package.len()),
            ConflictKind::Project => format!("project-{}-{package}", package.len()),
        }
    }
}

/// The extras and groups that a package has by its metadata, also those without any dependency.
#[derive(Clone, Debug, Default)]
pub(crate) struct DeclaredNames {
    pub(crate) extras: BTreeSet<String>,
    pub(crate) groups: BTreeSet<String>,
}

pub(super) fn workspace<'a>(
    doc: &Document<'a>,
    top: &Table<'a>,
    wrong: &mut Refusals,
) -> Result<WorkspaceManifest, LockError> {
    let mut workspace = WorkspaceManifest {
        names_extras: top.get("revision").and_then(Value::as_integer).is_some_and(|revision| revision >= 1),
        requires_python: doc.text(top, "requires-python")?,
        members: BTreeSet::new(),
        requirements: Vec::new(),
        groups: BTreeMap::new(),
        conflicts: conflicts(doc, top)?,
        supported: doc.texts(top, "supported-markers")?,
        resolved: doc.texts(top, "resolution-markers")?,
    };
    if let Some(manifest) = doc.sub(top, "manifest")? {
        workspace.members = doc.texts(manifest, "members")?.iter().map(|name| normalise(name)).collect();
        workspace.requirements = dependencies(doc, manifest, "requirements", "manifest", wrong)?;
        workspace.groups = dependency_lists(doc, manifest, "dependency-groups", "manifest", wrong)?;
    }
    Ok(workspace)
}

fn conflicts<'a>(doc: &Document<'a>, top: &Table<'a>) -> Result<Vec<BTreeSet<ConflictItem>>, LockError> {
    let mut sets = Vec::new();
    for value in doc.array(top, "conflicts")? {
        let items = value.as_array().ok_or_else(|| doc.wrong(value.span.start, "`conflicts`: expected an array"))?;
        let mut set = BTreeSet::new();
        for item in items {
            let table = doc.table(item, "conflicts")?;
            let name = |key| Ok::<_, LockError>(doc.text(table, key)?.map(|name| normalise(&name)));
            let package =
                name("package")?.ok_or_else(|| doc.wrong(item.span.start, "an item of a conflict has no `package`"))?;
            let kind = match (name("extra")?, name("group")?) {
                (Some(extra), _) => ConflictKind::Extra(extra),
                (None, Some(group)) => ConflictKind::Group(group),
                (None, None) => ConflictKind::Project,
            };
            set.insert(ConflictItem { package, kind });
        }
        sets.push(set);
    }
    Ok(sets)
}

pub(super) fn declared<'a>(doc: &Document<'a>, package: &Table<'a>) -> Result<DeclaredNames, LockError> {
    let Some(metadata) = doc.sub(package, "metadata")? else { return Ok(DeclaredNames::default()) };
    let extras = doc.texts(metadata, "provides-extras")?.iter().map(|name| normalise(name)).collect();
    let groups = doc.sub(metadata, "requires-dev")?.into_iter().flat_map(|groups| groups.keys());
    Ok(DeclaredNames { extras, groups: groups.map(|name| normalise(&name.name)).collect() })
}
