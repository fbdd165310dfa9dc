//! Two manifests of a node, field by field. Knows what the fields mean that `keys.rs` writes; asks no store.

use std::collections::{BTreeMap, BTreeSet};

use akbuild_nar::TreeHash;
use serde_json::Value;

use super::cause::{Cause, Package, What};
use super::fields::{self, FieldPair, FieldSide};
use super::part::Part;
use super::versions::Version;

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
    pub(crate) field: String,
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
        match pair.name.strip_prefix("deb.") {
            Some(name) => packages.push(package(name, pair)),
            None => found.extend(field(pair)),
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
fn kind<'a>(pair: &FieldPair<'a>) -> &'a str {
    let side = pair.new.or(pair.old);
    side.and_then(|side| side.version.manifest.fields.get("kind")).map_or("kind", String::as_str)
}

fn value(pair: &FieldPair<'_>, what: What, name: &str) -> Vec<Found> {
    let (old, new) = pair.values();
    vec![Found::Cause(Cause::Value { what, name: name.to_owned(), old, new })]
}

/// What a field that differs means.
fn field(pair: &FieldPair<'_>) -> Vec<Found> {
    let (kind_of_field, rest) = pair.name.split_once('.').unwrap_or((&pair.name, ""));
    match (kind_of_field, rest) {
        ("copy" | "mount" | "piece" | "layer", to) => part(pair, to),
        // An image's tree; a source has its unpatched tree in a field of that name alone.
        ("tree", at) if !at.is_empty() => part(pair, at),
        ("tree", _) => source(pair),
        ("sysroot", "") => root(pair),
        ("tool", tool) => match (&pair.old, &pair.new) {
            (Some(_), Some(_)) => tree(pair, &format!("tool:{tool}")),
            _ => value(pair, What::Tool, tool),
        },
        ("check", _) => check(pair),
        ("config", _) => structured(pair),
        ("python-pins", _) => vec![Found::Cause(pins(pair))],
        ("script", _) => value(pair, What::Script, "script"),
        ("env", name) => value(pair, What::Variable, name),
        ("file", path) => file(pair, path),
        ("git", source) => value(pair, What::Commit, source),
        ("patch", file) => patch(pair, file),
        ("kind-version", _) => value(pair, What::Version, kind(pair)),
        ("sandbox" | "registry", _) => value(pair, What::Version, &pair.name),
        ("host", program) => value(pair, What::Program, program),
        ("glibc" | "machine" | "path" | "mounts" | "links", _) => value(pair, What::Program, &pair.name),
        _ => value(pair, What::Option, &pair.name),
    }
}

fn part(pair: &FieldPair<'_>, to: &str) -> Vec<Found> {
    let part = |side: &Option<FieldSide<'_>>| side.as_ref().and_then(FieldSide::part);
    match (part(&pair.old), part(&pair.new), pair.old.zip(pair.new)) {
        (Some(old), Some(new), Some((was, is))) if old == new => {
            let (old, new) = if was.value == is.value { (was.field, is.field) } else { (was.value, is.value) };
            let (old, new) = (Some(old.to_owned()), Some(new.to_owned()));
            vec![Found::Cause(Cause::Value { what: What::Version, name: "digests of inputs".to_owned(), old, new })]
        }
        (Some(old), Some(new), Some((was, is))) if old.node == new.node => {
            let values = (was.value.to_owned(), is.value.to_owned());
            let field = is.field.to_owned();
            vec![Found::Tree(Box::new(PartChange { field, to: to.to_owned(), old, new, values }))]
        }
        (None, None, _) => value(pair, What::Option, &pair.name),
        (old, new, _) => {
            let [old, new] = [old, new].map(|part| part.map(Box::new));
            vec![Found::Cause(Cause::Part { to: to.to_owned(), old, new, files: None })]
        }
    }
}

/// A file that is written: its text, or whether it is executable if that is all.
fn file(pair: &FieldPair<'_>, path: &str) -> Vec<Found> {
    let text = |side: &Option<FieldSide<'_>>| {
        let (_, text): (bool, String) = serde_json::from_str(side.as_ref()?.value).ok()?;
        Some(text)
    };
    let (old, new) = (text(&pair.old), text(&pair.new));
    if old == new {
        let mode = |text: String| if text.starts_with("[true") { "executable" } else { "not executable" }.to_owned();
        let (old, new) = pair.values();
        let (old, new) = (old.map(mode), new.map(mode));
        return vec![Found::Cause(Cause::Value { what: What::WrittenFile, name: path.to_owned(), old, new })];
    }
    vec![Found::Cause(Cause::Value { what: What::WrittenFile, name: path.to_owned(), old, new })]
}

/// A patch of a source, in words: `["replace", from, to]`, `["with", digest]`.
fn patch(pair: &FieldPair<'_>, file: &str) -> Vec<Found> {
    let text = |value: String| match serde_json::from_str::<Vec<String>>(&value).as_deref() {
        Ok([_, from, to]) if !from.contains('\n') && !to.contains('\n') => format!("replace `{from}` by `{to}`"),
        Ok([_, from, to]) => format!("replace\n{from}\nby\n{to}"),
        Ok([_, digest]) => format!("the file with {digest}"),
        _ => value,
    };
    let (old, new) = pair.values();
    let (old, new) = (old.map(text), new.map(text));
    vec![Found::Cause(Cause::Value { what: What::Patch, name: file.to_owned(), old, new })]
}

/// The sysroot of a node: another one, or the same with other contents.
fn root(pair: &FieldPair<'_>) -> Vec<Found> {
    match (sysroot(&pair.old), sysroot(&pair.new)) {
        (Some(old), Some(new)) if old == new => tree(pair, &new),
        (Some(old), Some(new)) => {
            let (old, new) = (Some(old), Some(new));
            vec![Found::Cause(Cause::Value { what: What::Option, name: "sysroot".to_owned(), old, new })]
        }
        _ => value(pair, What::Option, "sysroot"),
    }
}

/// The node of the sysroot that a field covers: by its note, or by the tree in records without one.
fn sysroot(side: &Option<FieldSide<'_>>) -> Option<String> {
    let side = side.as_ref()?;
    let noted = side.note().map(|name| format!("sysroot:{name}"));
    noted.or_else(|| side.version.giver("sysroot:", side.value).map(str::to_owned))
}

/// A whole tree that a node gave.
fn tree(pair: &FieldPair<'_>, node: &str) -> Vec<Found> {
    let hash = |side: FieldSide<'_>| side.value.parse::<TreeHash>().ok();
    let Some((was, is)) = pair.old.zip(pair.new) else { return value(pair, What::Option, &pair.name) };
    match (hash(was), hash(is)) {
        (Some(old), Some(new)) => vec![whole(is.field, node, old, new)],
        _ => value(pair, What::Option, &pair.name),
    }
}

fn whole(field: &str, node: &str, old: TreeHash, new: TreeHash) -> Found {
    let values = (old.to_string(), new.to_string());
    let (old, new) = (Part::whole(node, old), Part::whole(node, new));
    Found::Tree(Box::new(PartChange { field: field.to_owned(), to: String::new(), old, new, values }))
}

/// A source before it is patched.
fn source(pair: &FieldPair<'_>) -> Vec<Found> {
    let node = pair.new.as_ref().and_then(|s| s.version.giver("source:", s.value)).unwrap_or("source:");
    tree(pair, node.strip_suffix(" unpatched").unwrap_or(node))
}

/// A check: what is written in it, and the sysroot that it uses.
fn check(pair: &FieldPair<'_>) -> Vec<Found> {
    let parsed = |side: &Option<FieldSide<'_>>| {
        let side = side.as_ref()?;
        let values: Vec<Value> = serde_json::from_str(side.value).ok()?;
        let root: TreeHash = serde_json::from_value(values.get(1)?.clone()).ok()?;
        let node = side.note().map(|name| format!("sysroot:{name}"));
        let node = node.or_else(|| side.version.giver("sysroot:", &root.to_string()).map(str::to_owned));
        Some((written_check(&values)?, root, node.unwrap_or_else(|| "sysroot:".to_owned())))
    };
    let written = |old, new| vec![Found::Cause(Cause::Value { what: What::Check, name: pair.name.clone(), old, new })];
    match (parsed(&pair.old), parsed(&pair.new)) {
        (Some((old, was, before)), Some((new, is, after))) => {
            let mut found = if old == new { Vec::new() } else { written(Some(old), Some(new)) };
            if before != after {
                found.extend(written(Some(before), Some(after)));
            } else if was != is {
                let field = pair.new.map_or("check", |side| side.field);
                found.push(whole(field, &after, was, is));
            }
            found
        }
        (old, new) if old.is_some() || new.is_some() => written(old.map(|(text, ..)| text), new.map(|(text, ..)| text)),
        _ => value(pair, What::Check, &pair.name),
    }
}

/// What is written in a check, without the tree of its sysroot: `["elf", root, at]`, `["run", root, at, script, env]`.
fn written_check(values: &[Value]) -> Option<String> {
    let text = |n: usize| values.get(n).and_then(Value::as_str);
    let env = values.get(4).and_then(Value::as_object).into_iter().flatten();
    let variables: String =
        env.map(|(name, value)| format!("{name}={}\n", value.as_str().unwrap_or_default())).collect();
    let script = text(3).map(|script| format!("\n{variables}{script}")).unwrap_or_default();
    Some(format!("{} at `{}`{script}", text(0)?, text(2)?))
}

/// A pinned Debian package: its version and its file's digest.
fn package(name: &str, pair: &FieldPair<'_>) -> Package {
    let version = |side: &Option<FieldSide<'_>>| {
        let (version, _): (String, String) = serde_json::from_str(side.as_ref()?.value).ok()?;
        Some(version)
    };
    Package { name: name.to_owned(), old: version(&pair.old), new: version(&pair.new) }
}

/// The pins of Python packages, as the notes list them: name, version, and in newer records the file's digest.
fn pins(pair: &FieldPair<'_>) -> Cause {
    let read = |side: &Option<FieldSide<'_>>| -> Vec<Vec<String>> {
        let note = side.as_ref().and_then(FieldSide::note);
        note.and_then(|note| serde_json::from_str(note).ok()).unwrap_or_default()
    };
    let named = |pins: &[Vec<String>]| {
        pins.iter().filter_map(|pin| Some((pin.first()?.clone(), pin.get(1)?.clone()))).collect::<Vec<_>>()
    };
    let (olds, news) = (read(&pair.old), read(&pair.new));
    let mut changed = packages(named(&olds), named(&news));
    if olds.iter().chain(&news).all(|pin| pin.len() > 2) {
        let gone = olds.iter().filter(|pin| !news.contains(pin));
        let replaced = gone.filter(|old| news.iter().any(|new| new[..2] == old[..2]));
        let package =
            |pin: &Vec<String>| Package { name: pin[0].clone(), old: Some(pin[1].clone()), new: Some(pin[1].clone()) };
        changed.extend(replaced.map(package));
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
        return value(pair, What::Option, &pair.name);
    };
    let mut found = Vec::new();
    leaves(&pair.name, Some(&old), Some(&new), &mut found);
    if found.is_empty() { value(pair, What::Option, &pair.name) } else { found }
}

fn leaves(name: &str, old: Option<&Value>, new: Option<&Value>, found: &mut Vec<Found>) {
    if old == new {
        return;
    }
    if let (Some(Value::Object(olds)), Some(Value::Object(news))) = (old, new) {
        let keys: BTreeSet<&String> = olds.keys().chain(news.keys()).collect();
        for key in keys {
            leaves(&format!("{name}.{key}"), olds.get(key), news.get(key), found);
        }
        return;
    }
    let shown = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let (old, new) = (old.map(shown), new.map(shown));
    found.push(Found::Cause(Cause::Value { what: What::Option, name: name.to_owned(), old, new }));
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
