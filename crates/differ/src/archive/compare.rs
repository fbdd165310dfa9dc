//! Compares the members of two archives. Knows no format.

use std::collections::{BTreeMap, HashMap};
use std::io;

use super::member::{Aspect, Container, Member};
use super::{ArchiveDiff, ChangedMember, Format, Metadata, Names, Order};
use crate::bytes::BytesDiff;
use crate::explain::explain_blobs;
use crate::part::Part;
use crate::room::Room;
use crate::words::clean;

/// How many members of one kind of change are named, and how many are explained.
const NAMED: usize = 5;

/// Compares two archives. What they are is also there as files, if they are not within something else.
pub(super) fn compare(
    format: Format,
    old: &dyn Container,
    new: &dyn Container,
    files: Option<(Part<'_>, Part<'_>)>,
    room: &mut Room,
) -> io::Result<ArchiveDiff> {
    let (olds, news) = (old.members(), new.members());
    let pairs = Pairs::of(olds, news);
    let mut metadata = Found::default();
    let mut changed = Vec::new();
    for &(i, j) in &pairs.both {
        let same = metadata.same_contents(old, i, new, j);
        metadata.compare(&olds[i], &news[j], same);
        if !same {
            changed.push((i, j));
        }
    }
    // Without this, members that were not read any more would be said to differ.
    room.meter().spend(0)?;
    let mut found = ArchiveDiff {
        format,
        old_members: olds.len(),
        new_members: news.len(),
        added: names(news, &pairs.added, room),
        removed: names(olds, &pairs.removed, room),
        changed: changed.len(),
        contents: Vec::new(),
        order: pairs.order(olds, news),
        metadata: metadata.0.into_values().collect(),
        around: None,
        said: 0,
    };
    found.said = room.take(usize::from(found.order.is_some()) + found.metadata.len());
    found.contents = contents(old, new, &changed, room);
    if let Some((old, new)) = files
        && found.is_same()
    {
        found.around = BytesDiff::within(old, new, room)?;
    }
    Ok(found)
}

impl ArchiveDiff {
    /// Whether nothing was found that differs.
    pub(super) fn is_same(&self) -> bool {
        let same_names = self.added.count + self.removed.count == 0 && self.order.is_none();
        same_names && self.changed == 0 && self.metadata.is_empty()
    }
}

/// Which members are which: those of the same name are matched in their order.
struct Pairs {
    both: Vec<(usize, usize)>,
    added: Vec<usize>,
    removed: Vec<usize>,
}

impl Pairs {
    fn of(olds: &[Member], news: &[Member]) -> Self {
        let mut left: HashMap<(&[u8], u32), usize> = keyed(olds).collect();
        let mut found = Self { both: Vec::new(), added: Vec::new(), removed: Vec::new() };
        for (key, j) in keyed(news) {
            match left.remove(&key) {
                Some(i) => found.both.push((i, j)),
                None => found.added.push(j),
            }
        }
        found.removed = left.into_values().collect();
        found.removed.sort_unstable();
        found
    }

    /// The first of the members that both have that is at another place among them.
    fn order(&self, olds: &[Member], news: &[Member]) -> Option<Order> {
        let mut sorted: Vec<usize> = self.both.iter().map(|(i, _)| *i).collect();
        sorted.sort_unstable();
        let (was, (_, is)) = sorted.iter().zip(&self.both).find(|(was, (i, _))| *was != i)?;
        Some(Order { old: clean(&olds[*was].name), new: clean(&news[*is].name) })
    }
}

/// Members by name, and by how many of that name lie before.
fn keyed(members: &[Member]) -> impl Iterator<Item = ((&[u8], u32), usize)> {
    let mut seen: HashMap<&[u8], u32> = HashMap::new();
    members.iter().enumerate().map(move |(i, member)| {
        let nth = seen.entry(&member.name).or_default();
        let key = (&*member.name, *nth);
        *nth += 1;
        (key, i)
    })
}

/// What differs of what is said of members, by aspect.
#[derive(Default)]
struct Found(BTreeMap<Aspect, Metadata>);

impl Found {
    fn same_contents(&self, old: &dyn Container, i: usize, new: &dyn Container, j: usize) -> bool {
        let (a, b) = (&old.members()[i], &new.members()[j]);
        let unpacked = || matches!((old.unpacked(i), new.unpacked(j)), (Ok(a), Ok(b)) if a == b);
        a.size == b.size && (a.stored == b.stored || unpacked())
    }

    fn compare(&mut self, old: &Member, new: &Member, same: bool) {
        for aspect in [
            Aspect::Time,
            Aspect::Mode,
            Aspect::Owner,
            Aspect::Type,
            Aspect::Target,
            Aspect::Compression,
            Aspect::Extra,
            Aspect::Comment,
            Aspect::Writer,
        ] {
            let (was, is) = (old.says(aspect), new.says(aspect));
            if was != is {
                self.add(aspect, new, was.unwrap_or("none"), is.unwrap_or("none"));
            } else if aspect == Aspect::Compression && same && old.stored != new.stored {
                self.add(aspect, new, &format!("{} bytes", old.packed), &format!("{} bytes", new.packed));
            }
        }
    }

    fn add(&mut self, aspect: Aspect, member: &Member, old: &str, new: &str) {
        let first =
            || Metadata { aspect, count: 0, member: clean(&member.name), old: old.to_owned(), new: new.to_owned() };
        self.0.entry(aspect).or_insert_with(first).count += 1;
    }
}

fn names(members: &[Member], which: &[usize], room: &mut Room) -> Names {
    let named = if which.is_empty() { 0 } else { room.take(1) * NAMED };
    Names { count: which.len(), first: which.iter().take(named).map(|i| clean(&members[*i].name)).collect() }
}

/// Explains the first members whose contents differ.
fn contents(
    old: &dyn Container,
    new: &dyn Container,
    changed: &[(usize, usize)],
    room: &mut Room,
) -> Vec<ChangedMember> {
    let shown = &changed[..changed.len().min(NAMED)];
    let (olds, news): (Vec<_>, Vec<_>) = shown.iter().copied().unzip();
    let (olds, news) = (old.load(&olds), new.load(&news));
    let mut explained = Vec::new();
    for &(i, j) in shown {
        if room.take(1) == 0 {
            break;
        }
        let how = match (olds.get(&i), news.get(&j)) {
            (Some(old), Some(new)) => room.share(|room| explain_blobs(old, new, room)).ok(),
            _ => None,
        };
        let (old, new) = (&old.members()[i], &new.members()[j]);
        explained.push(ChangedMember { member: clean(&new.name), old_size: old.size, new_size: new.size, how });
    }
    explained
}
