//! Two manifests of a node, field by field. Knows what the fields mean that `keys.rs` writes; asks no store.

use std::collections::{BTreeMap, BTreeSet};

use akbuild_nar::TreeHash;
use akbuild_recipe::plan::{SourceId, SysrootId};
use serde_json::Value;

use super::cause::{Cause, Package, What};
use super::fields::{self, FieldPair, FieldSide};
use super::part::Part;
use super::versions::Version;
use crate::graph::NodeId;
use crate::keys::field_value::{self, CheckValue, PatchValue, PythonPinNote};
use crate::keys::manifest_field::ManifestField;

/// What makes one manifest differ from another.
#[derive(Debug, PartialEq)]
pub(crate) enum Found {
    /// A cause by itself.
    Cause(Cause),
    /// What the node sees of a tree is not what it saw.
    Tree(Box<PartChange>),
}

/// A field that covers a part of a tree, and whose value is not what it was.
#[derive(Debug, PartialEq)]
pub(crate) struct PartChange {
    /// The field in the new manifest.
    pub(crate) field: ManifestField,
    /// Where the node has the files.
    pub(crate) to: String,
    pub(crate) old: Part,
    pub(crate) new: Part,
    /// The old value and the new one.
    pub(crate) values: (String, String),
}

/// What differs, in the order of the fields' names. Never empty if the keys differ.
pub(crate) fn compare(old: &Version, new: &Version) -> Vec<Found> {
    let mut found = Vec::new();
    let mut packages = Vec::new();
    let pairs = fields::pairs(old, new);
    for pair in pairs.iter().filter(|pair| pair.differs()) {
        match &pair.subject {
            ManifestField::DebianPin(name) => packages.push(package(name, pair)),
            _ => found.extend(field(pair)),
        }
    }
    if !packages.is_empty() {
        found.push(Found::Cause(Cause::Packages { packages }));
    }
    if fields::is_reordered(&pairs) {
        found.push(Found::Cause(Cause::Order));
    }
    found
}

/// The kind of the node.
fn kind(pair: &FieldPair<'_>) -> String {
    let side = pair.new.as_ref().or(pair.old.as_ref());
    side.and_then(|side| side.version.manifest.value(&ManifestField::Kind)).unwrap_or("kind").to_owned()
}

/// A difference of something that is written down, with these values.
fn written(
    pair: &FieldPair<'_>,
    (what, name): (What, impl Into<String>),
    (old, new): (Option<String>, Option<String>),
) -> Vec<Found> {
    let field = Some(pair.subject.clone());
    vec![Found::Cause(Cause::Value { what, name: name.into(), old, new, field })]
}

/// The same with the values of the field.
fn value(pair: &FieldPair<'_>, what: What, name: impl Into<String>) -> Vec<Found> {
    written(pair, (what, name), pair.values())
}

/// The same of a field that has no other name.
fn named(pair: &FieldPair<'_>, what: What) -> Vec<Found> {
    value(pair, what, pair.subject.name())
}

/// What a field that differs means.
fn field(pair: &FieldPair<'_>) -> Vec<Found> {
    use ManifestField as Field;
    match &pair.subject {
        Field::Copy { to, .. } | Field::Piece { to, .. } | Field::Mount { to, every: None } => part(pair, to),
        Field::Mount { to, every: Some(name) } => part(pair, &format!("{to}/**/{name}")),
        Field::Layer { name, .. } => part(pair, name),
        Field::ImageTree(at) => part(pair, at),
        Field::SourceTree => source(pair),
        Field::Sysroot => root(pair),
        Field::Tool(tool) if pair.both().is_some() => tree(pair, &NodeId::Tool(tool.clone())),
        Field::Tool(tool) => value(pair, What::Tool, tool.as_str()),
        Field::Check(_) => check(pair),
        Field::ImageConfig => structured(pair),
        Field::PythonPins => vec![Found::Cause(pins(pair))],
        Field::Script => named(pair, What::Script),
        Field::Variable(name) => value(pair, What::Variable, name),
        Field::WrittenFile(path) => file(pair, path),
        Field::Commit(source) => value(pair, What::Commit, source.as_str()),
        Field::Patch { file, .. } => patch(pair, file),
        Field::DebianPin(name) => vec![Found::Cause(Cause::Packages { packages: vec![package(name, pair)] })],
        Field::KindVersion => value(pair, What::Version, kind(pair)),
        Field::Sandbox | Field::Registry => named(pair, What::Version),
        Field::HostProgram(program) => value(pair, What::Program, program),
        Field::HostGlibc | Field::HostProcessor | Field::HostPath | Field::HostMounts | Field::HostLinks => {
            named(pair, What::Program)
        }
        Field::Kind
        | Field::WorkFolder
        | Field::OutputFolder
        | Field::MadeFolder(_)
        | Field::Compression
        | Field::SysrootFiles
        | Field::PythonProject(_)
        | Field::Locks
        | Field::ToolPackage
        | Field::Unknown(_) => named(pair, What::Option),
    }
}

fn part(pair: &FieldPair<'_>, to: &str) -> Vec<Found> {
    let part = |side: &Option<FieldSide<'_>>| side.as_ref().and_then(FieldSide::part);
    match (part(&pair.old), part(&pair.new), pair.both()) {
        (Some(old), Some(new), Some((was, is))) if old == new => {
            let values = match was.value == is.value {
                true => (was.field.to_string(), is.field.to_string()),
                false => (was.value.to_owned(), is.value.to_owned()),
            };
            vec![Found::Cause(Cause::other_digest(values))]
        }
        (Some(old), Some(new), Some((was, is))) if old.node == new.node => {
            let values = (was.value.to_owned(), is.value.to_owned());
            let field = is.field.clone();
            vec![Found::Tree(Box::new(PartChange { field, to: to.to_owned(), old, new, values }))]
        }
        (None, None, _) => named(pair, What::Option),
        (old, new, _) => {
            let [old, new] = [old, new].map(|part| part.map(Box::new));
            vec![Found::Cause(Cause::Part { to: to.to_owned(), old, new, files: None })]
        }
    }
}

/// A file that is written: its text, or whether it is executable if that is all.
fn file(pair: &FieldPair<'_>, path: &str) -> Vec<Found> {
    let read = |side: &Option<FieldSide<'_>>| field_value::read_written_file(side.as_ref()?.value);
    let (old, new) = (read(&pair.old), read(&pair.new));
    let text = |file: &Option<(bool, String)>| file.as_ref().map(|(_, text)| text.clone());
    let mode = |(is_executable, _)| if is_executable { "executable" } else { "not executable" }.to_owned();
    let values = if text(&old) == text(&new) { (old.map(mode), new.map(mode)) } else { (text(&old), text(&new)) };
    written(pair, (What::WrittenFile, path), values)
}

/// A patch of a source, in words.
fn patch(pair: &FieldPair<'_>, file: &str) -> Vec<Found> {
    let text = |value: String| match PatchValue::from_json(&value) {
        Some(PatchValue::Replace { from, to }) if !from.contains('\n') && !to.contains('\n') => {
            format!("replace `{from}` by `{to}`")
        }
        Some(PatchValue::Replace { from, to }) => format!("replace\n{from}\nby\n{to}"),
        Some(PatchValue::With { digest }) => format!("the file with {digest}"),
        None => value,
    };
    let (old, new) = pair.values();
    written(pair, (What::Patch, file), (old.map(text), new.map(text)))
}

/// The sysroot of a node: another one, or the same with other contents.
fn root(pair: &FieldPair<'_>) -> Vec<Found> {
    match (sysroot(pair.old.as_ref()), sysroot(pair.new.as_ref())) {
        (Some(old), Some(new)) if old == new => tree(pair, &new),
        (Some(old), Some(new)) => {
            written(pair, (What::Option, pair.subject.name()), (Some(old.to_string()), Some(new.to_string())))
        }
        _ => named(pair, What::Option),
    }
}

/// The node of the sysroot that a field covers.
fn sysroot(side: Option<&FieldSide<'_>>) -> Option<NodeId> {
    let side = side?;
    sysroot_with(side, side.value.parse().ok().as_ref())
}

/// The node of the sysroot with this tree: by the field's note, or by the tree in records without one.
fn sysroot_with(side: &FieldSide<'_>, tree: Option<&TreeHash>) -> Option<NodeId> {
    let id = side.note().map(SysrootId::new).or_else(|| side.version.giving_sysroot(tree?).cloned())?;
    Some(NodeId::Sysroot(id))
}

/// A whole tree that a node gave.
fn tree(pair: &FieldPair<'_>, node: &NodeId) -> Vec<Found> {
    let hash = |side: &FieldSide<'_>| side.value.parse::<TreeHash>().ok();
    match pair.both().map(|(was, is)| (hash(was), hash(is), is)) {
        Some((Some(old), Some(new), is)) => vec![whole(&is.field, node, old, new)],
        _ => named(pair, What::Option),
    }
}

fn whole(field: &ManifestField, node: &NodeId, old: TreeHash, new: TreeHash) -> Found {
    let values = (old.to_string(), new.to_string());
    let (old, new) = (Part::whole(node, old), Part::whole(node, new));
    Found::Tree(Box::new(PartChange { field: field.clone(), to: String::new(), old, new, values }))
}

/// A source before it is patched.
fn source(pair: &FieldPair<'_>) -> Vec<Found> {
    let giver = |side: &FieldSide<'_>| side.version.giving_source(&side.value.parse().ok()?).cloned();
    let id = pair.new.as_ref().and_then(giver).unwrap_or_else(|| SourceId::new(""));
    tree(pair, &NodeId::Source(id))
}

/// A check: what is written in it, and the sysroot that it uses.
fn check(pair: &FieldPair<'_>) -> Vec<Found> {
    let parsed = |side: &Option<FieldSide<'_>>| {
        let side = side.as_ref()?;
        let check = CheckValue::from_json(side.value)?;
        let node = sysroot_with(side, Some(&check.root)).unwrap_or_else(|| NodeId::Sysroot(SysrootId::new("")));
        Some((check.written(), check.root, node))
    };
    let changed = |old, new| written(pair, (What::Check, pair.subject.name()), (old, new));
    match (parsed(&pair.old), parsed(&pair.new)) {
        (Some((old, was, before)), Some((new, is, after))) => {
            let mut found = if old == new { Vec::new() } else { changed(Some(old), Some(new)) };
            if before != after {
                found.extend(changed(Some(before.to_string()), Some(after.to_string())));
            } else if was != is {
                let field = pair.new.as_ref().map_or(&pair.subject, |side| &side.field);
                found.push(whole(field, &after, was, is));
            }
            found
        }
        (old, new) if old.is_some() || new.is_some() => changed(old.map(|(text, ..)| text), new.map(|(text, ..)| text)),
        _ => named(pair, What::Check),
    }
}

/// A pinned Debian package.
fn package(name: &str, pair: &FieldPair<'_>) -> Package {
    let version = |side: &Option<FieldSide<'_>>| field_value::read_debian_version(side.as_ref()?.value);
    Package { name: name.to_owned(), old: version(&pair.old), new: version(&pair.new) }
}

/// The pins of Python packages, as the notes list them.
fn pins(pair: &FieldPair<'_>) -> Cause {
    let read = |side: &Option<FieldSide<'_>>| PythonPinNote::read_all(side.as_ref().and_then(FieldSide::note));
    let named = |pins: &[PythonPinNote]| {
        pins.iter().map(|PythonPinNote(name, version, _)| (name.clone(), version.clone())).collect::<Vec<_>>()
    };
    let (olds, news) = (read(&pair.old), read(&pair.new));
    let mut changed = packages(named(&olds), named(&news));
    if olds.iter().chain(&news).all(|PythonPinNote(.., digest)| digest.is_some()) {
        let gone = olds.iter().filter(|pin| !news.contains(pin));
        let replaced = gone.filter(|old| news.iter().any(|new| new.0 == old.0 && new.1 == old.1));
        changed.extend(replaced.map(|PythonPinNote(name, version, _)| Package {
            name: name.clone(),
            old: Some(version.clone()),
            new: Some(version.clone()),
        }));
        if changed.is_empty() && !olds.is_empty() {
            return Cause::Order;
        }
    }
    Cause::Packages { packages: changed }
}

/// A JSON document: each of its fields that differs.
fn structured(pair: &FieldPair<'_>) -> Vec<Found> {
    let parsed = |side: &Option<FieldSide<'_>>| serde_json::from_str::<Value>(side.as_ref()?.value).ok();
    let (Some(old), Some(new)) = (parsed(&pair.old), parsed(&pair.new)) else {
        return named(pair, What::Option);
    };
    let mut found = Vec::new();
    leaves(pair, &pair.subject.name(), (Some(&old), Some(&new)), &mut found);
    if found.is_empty() { named(pair, What::Option) } else { found }
}

fn leaves(pair: &FieldPair<'_>, name: &str, (old, new): (Option<&Value>, Option<&Value>), found: &mut Vec<Found>) {
    if old == new {
        return;
    }
    if let (Some(Value::Object(olds)), Some(Value::Object(news))) = (old, new) {
        let keys: BTreeSet<&String> = olds.keys().chain(news.keys()).collect();
        for key in keys {
            leaves(pair, &format!("{name}.{key}"), (olds.get(key), news.get(key)), found);
        }
        return;
    }
    let shown = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    found.extend(written(pair, (What::Option, name), (old.map(shown), new.map(shown))));
}

/// What differs between two lists of names and versions.
pub(crate) fn packages(old: Vec<(String, String)>, new: Vec<(String, String)>) -> Vec<Package> {
    let grouped = |list: Vec<(String, String)>| {
        let mut grouped: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for (name, version) in list {
            grouped.entry(name).or_default().insert(version);
        }
        grouped
    };
    let (olds, news) = (grouped(old), grouped(new));
    let names: BTreeSet<&String> = olds.keys().chain(news.keys()).collect();
    let none = BTreeSet::new();
    let mut changed = Vec::new();
    for name in names {
        let (old, new) = (olds.get(name).unwrap_or(&none), news.get(name).unwrap_or(&none));
        let (mut gone, mut came) = (old.difference(new), new.difference(old));
        loop {
            match (gone.next().cloned(), came.next().cloned()) {
                (None, None) => break,
                (old, new) => changed.push(Package { name: name.clone(), old, new }),
            }
        }
    }
    changed
}
