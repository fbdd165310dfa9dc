//! Two manifests of a node, field by field. Knows what the fields mean that `keys.rs` writes; asks no store.

use std::collections::{BTreeMap, BTreeSet};

use akbuild_nar::TreeHash;

use super::cause::{Cause, Package, What};
use super::part::Part;
use super::versions::Version;

/// What makes one manifest differ from another.
#[derive(Debug, PartialEq)]
pub(crate) enum Found {
    /// A cause by itself.
    Cause(Cause),
    /// A part of a tree is not what it was: of the old tree, and of the new one.
    Tree(Part, Part),
}

/// What differs, in the order of the fields' names.
pub(crate) fn compare(old: &Version, new: &Version) -> Vec<Found> {
    let mut found = Vec::new();
    let mut packages = Vec::new();
    for pair in pairs(old, new) {
        if let Some(name) = pair.name.strip_prefix("deb.") {
            packages.extend(pair.differs().then(|| package(name, &pair)));
        } else if pair.differs() {
            found.extend(field(&pair));
        }
    }
    if !packages.is_empty() {
        found.push(Found::Cause(Cause::Packages { packages }));
    }
    if found.is_empty() && old.manifest.fields != new.manifest.fields {
        found.push(Found::Cause(Cause::Order));
    }
    found
}

/// A field of the one, and what stands for it in the other.
struct Pair<'a> {
    /// Without the number that the fields of copies, mounts and pieces have.
    name: String,
    old: Option<Side<'a>>,
    new: Option<Side<'a>>,
}

struct Side<'a> {
    version: &'a Version,
    field: &'a str,
    value: &'a str,
}

impl Pair<'_> {
    fn differs(&self) -> bool {
        self.old.as_ref().map(|s| s.value) != self.new.as_ref().map(|s| s.value)
    }

    /// The kind of the node.
    fn kind(&self) -> &str {
        let side = self.new.as_ref().or(self.old.as_ref());
        side.and_then(|side| side.version.manifest.fields.get("kind")).map_or("kind", String::as_str)
    }

    fn values(&self) -> (Option<String>, Option<String>) {
        let value = |side: &Option<Side<'_>>| side.as_ref().map(|s| s.value.to_owned());
        (value(&self.old), value(&self.new))
    }

    fn value(&self, what: What, name: &str) -> Vec<Found> {
        let (old, new) = self.values();
        vec![Found::Cause(Cause::Value { what, name: name.to_owned(), old, new })]
    }
}

/// All fields of both. A copy that came or went changes the numbers of those after it: they are not part of the name.
fn pairs<'a>(old: &'a Version, new: &'a Version) -> Vec<Pair<'a>> {
    let (mut olds, mut news) = (named(old), named(new));
    let names: BTreeSet<String> = olds.keys().chain(news.keys()).cloned().collect();
    let mut pairs = Vec::new();
    for name in names {
        let mut old = olds.remove(&name).unwrap_or_default().into_iter();
        let mut new = news.remove(&name).unwrap_or_default().into_iter();
        loop {
            let pair = Pair { name: name.clone(), old: old.next(), new: new.next() };
            if pair.old.is_none() && pair.new.is_none() {
                break;
            }
            pairs.push(pair);
        }
    }
    pairs
}

fn named(version: &Version) -> BTreeMap<String, Vec<Side<'_>>> {
    let mut named: BTreeMap<String, Vec<(u32, Side<'_>)>> = BTreeMap::new();
    for (field, value) in &version.manifest.fields {
        let (number, name) = unnumbered(field);
        named.entry(name).or_default().push((number, Side { version, field, value }));
    }
    named.into_iter().map(|(name, sides)| (name, in_order(sides))).collect()
}

fn in_order<T>(mut numbered: Vec<(u32, T)>) -> Vec<T> {
    numbered.sort_by_key(|(number, _)| *number);
    numbered.into_iter().map(|(_, item)| item).collect()
}

fn unnumbered(field: &str) -> (u32, String) {
    let parts: Vec<&str> = field.splitn(3, '.').collect();
    match parts[..] {
        [kind @ ("copy" | "piece" | "patch"), number, rest] => (number.parse().unwrap_or(0), format!("{kind}.{rest}")),
        _ => (0, field.to_owned()),
    }
}

/// What a field that differs means.
fn field(pair: &Pair<'_>) -> Vec<Found> {
    let (kind, rest) = pair.name.split_once('.').unwrap_or((&pair.name, ""));
    match (kind, rest) {
        ("copy" | "mount" | "piece", to) => part(pair, to),
        ("sysroot", _) => root(pair),
        ("tool", tool) => match (&pair.old, &pair.new) {
            (Some(_), Some(_)) => tree(pair, &format!("tool:{tool}")),
            _ => pair.value(What::Tool, tool),
        },
        ("check", number) => check(pair, number),
        ("tree", _) => source(pair),
        ("python-pins", _) => vec![Found::Cause(Cause::Packages { packages: pins(pair) })],
        ("script", _) => pair.value(What::Script, "script"),
        ("env", name) => pair.value(What::Variable, name),
        ("file", path) => file(pair, path),
        ("git", source) => pair.value(What::Commit, source),
        ("patch", file) => pair.value(What::Patch, file),
        ("kind-version", _) => pair.value(What::Version, pair.kind()),
        ("sandbox" | "registry", _) => pair.value(What::Version, &pair.name),
        ("host", program) => pair.value(What::Program, program),
        ("glibc" | "machine" | "path" | "mounts" | "links", _) => pair.value(What::Program, &pair.name),
        _ => pair.value(What::Option, &pair.name),
    }
}

fn part(pair: &Pair<'_>, to: &str) -> Vec<Found> {
    let part = |side: &Option<Side<'_>>| side.as_ref().and_then(|s| Part::of(&s.version.manifest, s.field));
    let (old, new) = (part(&pair.old), part(&pair.new));
    let mut found = Vec::new();
    match (&old, &new) {
        (Some(old), Some(new)) if old.is_like(new) && old.tree != new.tree => {
            found.push(Found::Tree(old.clone(), new.clone()));
        }
        (Some(old), Some(new)) if old.is_like(new) => return pair.value(What::Version, "digests of inputs"),
        (Some(old), Some(new)) if old.node == new.node && old.tree != new.tree => {
            found.push(Found::Tree(new.in_tree(old.tree), new.clone()));
        }
        _ => {}
    }
    if old.as_ref().zip(new.as_ref()).is_none_or(|(old, new)| !old.is_like(new)) {
        let [old, new] = [old, new].map(|part| part.map(Box::new));
        found.push(Found::Cause(Cause::Part { to: to.to_owned(), old, new }));
    }
    found
}

/// A file that is written: its text, or whether it is executable if that is all.
fn file(pair: &Pair<'_>, path: &str) -> Vec<Found> {
    let text = |side: &Option<Side<'_>>| {
        let (_, text): (bool, String) = serde_json::from_str(side.as_ref()?.value).ok()?;
        Some(text)
    };
    let (old, new) = (text(&pair.old), text(&pair.new));
    if old == new {
        return pair.value(What::WrittenFile, path);
    }
    vec![Found::Cause(Cause::Value { what: What::WrittenFile, name: path.to_owned(), old, new })]
}

/// The sysroot of a stage: another one, or the same with other contents.
fn root(pair: &Pair<'_>) -> Vec<Found> {
    let giver =
        |side: &Option<Side<'_>>| side.as_ref().and_then(|s| s.version.giver("sysroot:", s.value)).map(str::to_owned);
    match (giver(&pair.old), giver(&pair.new)) {
        (Some(old), Some(new)) if old == new => tree(pair, &new),
        (old, new) => {
            vec![Found::Cause(Cause::Value { what: What::Option, name: "sysroot".to_owned(), old, new })]
        }
    }
}

/// A whole tree that a node gave.
fn tree(pair: &Pair<'_>, node: &str) -> Vec<Found> {
    let hash = |side: &Option<Side<'_>>| side.as_ref().and_then(|s| s.value.parse::<TreeHash>().ok());
    match (hash(&pair.old), hash(&pair.new)) {
        (Some(old), Some(new)) => vec![Found::Tree(Part::whole(node, old), Part::whole(node, new))],
        _ => pair.value(What::Option, &pair.name),
    }
}

/// A source before it is patched.
fn source(pair: &Pair<'_>) -> Vec<Found> {
    let node = pair.new.as_ref().and_then(|s| s.version.giver("source:", s.value)).unwrap_or("source:");
    tree(pair, node.strip_suffix(" unpatched").unwrap_or(node))
}

/// A check, of which the sysroot may have changed, or what is written.
fn check(pair: &Pair<'_>, number: &str) -> Vec<Found> {
    let read = |side: &Option<Side<'_>>| -> Option<(Vec<serde_json::Value>, TreeHash, String)> {
        let side = side.as_ref()?;
        let mut parts: Vec<serde_json::Value> = serde_json::from_str(side.value).ok()?;
        let root: TreeHash = serde_json::from_value(parts.get_mut(1)?.take()).ok()?;
        Some((parts, root, side.version.giver("sysroot:", &root.to_string())?.to_owned()))
    };
    match (read(&pair.old), read(&pair.new)) {
        (Some((old, was, _)), Some((new, is, node))) if old == new => {
            vec![Found::Tree(Part::whole(&node, was), Part::whole(&node, is))]
        }
        _ => pair.value(What::Check, number),
    }
}

/// A pinned Debian package: its version and its file's digest.
fn package(name: &str, pair: &Pair<'_>) -> Package {
    let version = |side: &Option<Side<'_>>| {
        let (version, _): (String, String) = serde_json::from_str(side.as_ref()?.value).ok()?;
        Some(version)
    };
    Package { name: name.to_owned(), old: version(&pair.old), new: version(&pair.new) }
}

/// The pins of Python packages, as the notes list them.
fn pins(pair: &Pair<'_>) -> Vec<Package> {
    let read = |side: &Option<Side<'_>>| -> Vec<(String, String)> {
        let note = side.as_ref().and_then(|s| s.version.manifest.notes.get(s.field));
        note.and_then(|note| serde_json::from_str(note).ok()).unwrap_or_default()
    };
    packages(read(&pair.old), read(&pair.new))
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
