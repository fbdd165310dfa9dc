//! The fields of two manifests side by side: which field of the one stands for which field of the other.
//!
//! Copies, pieces, patches, layers and checks have numbers in their fields. One that came or went changes the
//! numbers of those after it, so they are matched by what they take. Asks no store, and knows no meanings.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::mem::{self, Discriminant};

use super::cause::FieldChange;
use super::part::Part;
use super::versions::Version;
use crate::keys::manifest_field::ManifestField;

/// A field of one manifest, and what stands for it in the other.
pub(crate) struct FieldPair<'a> {
    /// Its [`subject`](ManifestField::subject).
    pub(crate) subject: ManifestField,
    pub(crate) old: Option<FieldSide<'a>>,
    pub(crate) new: Option<FieldSide<'a>>,
}

/// A field of one manifest.
#[derive(Clone)]
pub(crate) struct FieldSide<'a> {
    pub(crate) version: &'a Version,
    pub(crate) field: ManifestField,
    pub(crate) value: &'a str,
}

impl FieldSide<'_> {
    /// The part of a tree that it covers, if it covers one.
    pub(crate) fn part(&self) -> Option<Part> {
        Part::of(&self.field, self.note()?)
    }

    /// Whether both have one value, and but for a number one name.
    fn is_equal(&self, other: &FieldSide<'_>) -> bool {
        self.value == other.value && self.field.clone().unnumbered() == other.field.clone().unnumbered()
    }

    pub(crate) fn note(&self) -> Option<&str> {
        self.version.manifest.note_of(&self.field)
    }
}

impl<'a> FieldPair<'a> {
    pub(crate) fn differs(&self) -> bool {
        !self.both().is_some_and(|(old, new)| old.is_equal(new))
    }

    /// Both sides, if both manifests have the field.
    pub(crate) fn both(&self) -> Option<(&FieldSide<'a>, &FieldSide<'a>)> {
        self.old.as_ref().zip(self.new.as_ref())
    }

    /// The old value and the new one.
    pub(crate) fn values(&self) -> (Option<String>, Option<String>) {
        [&self.old, &self.new].map(|side| side.as_ref().map(|side| side.value.to_owned())).into()
    }
}

/// The fields that are not equal in both, as the key covers them.
pub(crate) fn changes(old: &Version, new: &Version) -> Vec<FieldChange> {
    let (olds, news) = (old.manifest.fields(), new.manifest.fields());
    let names: BTreeSet<&String> = olds.keys().chain(news.keys()).collect();
    let differing = names.into_iter().filter(|name| olds.get(*name) != news.get(*name));
    let change = |name: &String| FieldChange {
        field: ManifestField::from(&**name),
        old: olds.get(name).cloned(),
        new: news.get(name).cloned(),
    };
    differing.map(change).collect()
}

/// All fields of both, in the order of their names.
pub(crate) fn pairs<'a>(old: &'a Version, new: &'a Version) -> Vec<FieldPair<'a>> {
    let (mut olds, mut news) = (named(old), named(new));
    let subjects: BTreeSet<ManifestField> = olds.keys().chain(news.keys()).cloned().collect();
    let mut pairs = Vec::new();
    for subject in subjects {
        let (olds, news) = (olds.remove(&subject).unwrap_or_default(), news.remove(&subject).unwrap_or_default());
        pairs.extend(matched(olds, news).map(|(old, new)| FieldPair { subject: subject.clone(), old, new }));
    }
    pairs.sort_by_cached_key(|pair| pair.subject.name());
    pairs
}

/// Whether what both manifests have stands in another order in the new one.
pub(crate) fn is_reordered(pairs: &[FieldPair<'_>]) -> bool {
    let mut orders: HashMap<Discriminant<ManifestField>, Vec<(usize, usize)>> = HashMap::new();
    for (old, new) in pairs.iter().filter_map(FieldPair::both) {
        if let (Some(was), Some(is)) = (old.field.number(), new.field.number()) {
            orders.entry(mem::discriminant(&new.field)).or_default().push((was, is));
        }
    }
    orders.values_mut().any(|order| {
        order.sort_unstable();
        !order.is_sorted_by_key(|(_, new)| *new)
    })
}

fn named(version: &Version) -> BTreeMap<ManifestField, Vec<FieldSide<'_>>> {
    let mut named: BTreeMap<ManifestField, Vec<FieldSide<'_>>> = BTreeMap::new();
    for (spelling, value) in version.manifest.fields() {
        let field = ManifestField::from(&**spelling);
        named.entry(field.clone().subject()).or_default().push(FieldSide { version, field, value });
    }
    for sides in named.values_mut() {
        sides.sort_by_key(|side| side.field.number());
    }
    named
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
