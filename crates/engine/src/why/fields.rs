//! The fields of two manifests side by side: which field of the one stands for which field of the other.
//!
//! Copies, pieces, patches, layers and checks have numbers in their fields' names. One that came or went changes the
//! numbers of those after it, so they are matched by what they take. Asks no store, and knows no meanings.

use std::collections::{BTreeMap, BTreeSet};

use super::cause::FieldChange;
use super::part::Part;
use super::versions::Version;

/// Kinds of fields that are numbered.
const NUMBERED: [&str; 6] = ["copy", "piece", "patch", "layer", "check", "python"];

/// A field of one manifest, and what stands for it in the other.
pub(crate) struct FieldPair<'a> {
    /// Without its number, and without the view of a copy.
    pub(crate) name: String,
    pub(crate) old: Option<FieldSide<'a>>,
    pub(crate) new: Option<FieldSide<'a>>,
}

/// A field of one manifest.
#[derive(Clone, Copy)]
pub(crate) struct FieldSide<'a> {
    pub(crate) version: &'a Version,
    pub(crate) field: &'a str,
    pub(crate) value: &'a str,
    number: u32,
}

impl FieldSide<'_> {
    /// The part of a tree that it covers, if it covers one.
    pub(crate) fn part(&self) -> Option<Part> {
        Part::of(&self.version.manifest, self.field)
    }

    /// Whether both have one value, and but for a number one name.
    fn is_equal(&self, other: &FieldSide<'_>) -> bool {
        self.value == other.value && unnumbered(self.field).1 == unnumbered(other.field).1
    }

    pub(crate) fn note(&self) -> Option<&str> {
        self.version.manifest.notes.get(self.field).map(String::as_str)
    }
}

impl FieldPair<'_> {
    pub(crate) fn differs(&self) -> bool {
        !self.old.zip(self.new).is_some_and(|(old, new)| old.is_equal(&new))
    }

    /// The old value and the new one.
    pub(crate) fn values(&self) -> (Option<String>, Option<String>) {
        (self.old.map(|side| side.value.to_owned()), self.new.map(|side| side.value.to_owned()))
    }
}

/// The fields that are not equal in both, as the key covers them.
pub(crate) fn changes(old: &Version, new: &Version) -> Vec<FieldChange> {
    let (olds, news) = (&old.manifest.fields, &new.manifest.fields);
    let names: BTreeSet<&String> = olds.keys().chain(news.keys()).collect();
    let differing = names.into_iter().filter(|name| olds.get(*name) != news.get(*name));
    let change =
        |name: &String| FieldChange { field: name.clone(), old: olds.get(name).cloned(), new: news.get(name).cloned() };
    differing.map(change).collect()
}

/// All fields of both, by their names.
pub(crate) fn pairs<'a>(old: &'a Version, new: &'a Version) -> Vec<FieldPair<'a>> {
    let (mut olds, mut news) = (named(old), named(new));
    let names: BTreeSet<String> = olds.keys().chain(news.keys()).cloned().collect();
    let mut pairs = Vec::new();
    for name in names {
        let (olds, news) = (olds.remove(&name).unwrap_or_default(), news.remove(&name).unwrap_or_default());
        pairs.extend(matched(olds, news).map(|(old, new)| FieldPair { name: name.clone(), old, new }));
    }
    pairs
}

/// Whether what both manifests have stands in another order in the new one.
pub(crate) fn is_reordered(pairs: &[FieldPair<'_>]) -> bool {
    let mut orders: BTreeMap<&str, Vec<(u32, u32)>> = BTreeMap::new();
    for pair in pairs {
        if let (Some(old), Some(new), Some(kind)) = (&pair.old, &pair.new, numbered_kind(&pair.name)) {
            orders.entry(kind).or_default().push((old.number, new.number));
        }
    }
    orders.values_mut().any(|order| {
        order.sort_unstable();
        !order.is_sorted_by_key(|(_, new)| *new)
    })
}

fn numbered_kind(name: &str) -> Option<&str> {
    let kind = name.split('.').next().filter(|kind| NUMBERED.contains(kind))?;
    Some(kind)
}

fn named(version: &Version) -> BTreeMap<String, Vec<FieldSide<'_>>> {
    let mut named: BTreeMap<String, Vec<FieldSide<'_>>> = BTreeMap::new();
    for (field, value) in &version.manifest.fields {
        let (number, mut name) = unnumbered(field);
        if name.starts_with("copy.") {
            name.truncate(name.find(" (").unwrap_or(name.len()));
        }
        named.entry(name).or_default().push(FieldSide { version, field, value, number });
    }
    for sides in named.values_mut() {
        sides.sort_by_key(|side| side.number);
    }
    named
}

/// A field's number, and its name without that.
fn unnumbered(field: &str) -> (u32, String) {
    let mut parts = field.splitn(3, '.');
    let (kind, number, rest) = (parts.next().unwrap_or_default(), parts.next(), parts.next());
    match number.and_then(|number| number.parse().ok()).filter(|_| NUMBERED.contains(&kind)) {
        Some(number) => (number, rest.map_or_else(|| kind.to_owned(), |rest| format!("{kind}.{rest}"))),
        None => (0, field.to_owned()),
    }
}

type Matched<'a> = (Option<FieldSide<'a>>, Option<FieldSide<'a>>);

/// Fields of one name: equal ones belong together, then those that take the same choice of files, then those that
/// take something of the same tree, then the rest in their order.
fn matched<'a>(olds: Vec<FieldSide<'a>>, news: Vec<FieldSide<'a>>) -> impl Iterator<Item = Matched<'a>> {
    let rules: [fn(&FieldSide<'_>, &FieldSide<'_>) -> bool; 4] = [
        |old, new| old.is_equal(new),
        |old, new| old.part().zip(new.part()).is_some_and(|(old, new)| old.is_like(&new)),
        |old, new| old.part().zip(new.part()).is_some_and(|(old, new)| old.node == new.node),
        |_, _| true,
    ];
    let mut news: Vec<Option<FieldSide<'a>>> = news.into_iter().map(Some).collect();
    let mut partners: Vec<Option<FieldSide<'a>>> = vec![None; olds.len()];
    for rule in rules {
        for (old, partner) in olds.iter().zip(&mut partners).filter(|(_, partner)| partner.is_none()) {
            let free = news.iter_mut().find(|new| new.as_ref().is_some_and(|new| rule(old, new)));
            *partner = free.and_then(Option::take);
        }
    }
    let both = olds.into_iter().zip(partners).map(|(old, new)| (Some(old), new));
    both.chain(news.into_iter().flatten().map(|new| (None, Some(new))))
}
