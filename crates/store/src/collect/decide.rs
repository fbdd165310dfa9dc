//! The decision: which entries go, and why the others stay. Pure: the same facts, sizes and wishes give
//! the same verdicts.

use std::collections::HashMap;

use akbuild_nar::TreeHash;

use super::entry::Entry;
use super::facts::{Facts, Made};
use super::keep::Known;
use super::measure::{Removal, Shares};
use super::verdict::{Collecting, Verdict, Why};
use crate::BuildId;

/// How long an action is kept only to explain a later one, in seconds.
const EXPLAINS: f64 = 366.0 * 86_400.0;

/// What holds back the rest: what was used at this time or later stays, for this reason.
struct Cut {
    since: f64,
    why: Why,
}

/// Decides on every entry; gives them in the order of their last use.
pub(super) fn decide(facts: &Facts, shares: &Shares, asked: &Collecting) -> Vec<Verdict> {
    let known = Known::of(facts, asked.keep);
    let verdict = |entry: &Entry| Verdict {
        bytes: shares.size(entry),
        used: known.used(entry, facts.there[entry].since),
        about: known.about(entry),
        why: known.why.get(entry).cloned().unwrap_or(Why::Nothing),
        entry: entry.clone(),
    };
    let (mut content, mut records): (Vec<_>, Vec<_>) =
        facts.there.keys().map(verdict).partition(|verdict| is_content(&verdict.entry));
    let recent = |used: f64| asked.older_than.is_some_and(|age| facts.now - used < age.as_secs_f64());
    for verdict in content.iter_mut().filter(|verdict| verdict.goes() && recent(verdict.used)) {
        verdict.why = Why::Recent;
    }
    by_use(&mut content);
    let cut = limit(&mut content, records.iter().map(|record| record.bytes).sum(), shares, asked);
    let late = |used: f64| match &cut {
        _ if recent(used) => Some(Why::Recent),
        Some(cut) if used >= cut.since => Some(cut.why.clone()),
        _ => None,
    };
    decide_records(facts, &content, &mut records, &late);
    content.append(&mut records);
    by_use(&mut content);
    content
}

/// Whether it is kept for its own sake; the others describe it.
fn is_content(entry: &Entry) -> bool {
    use Entry::{Blob, Kept, Partial, Repository, Tree};
    matches!(entry, Tree(_) | Blob(_) | Repository(_) | Kept(_) | Partial(_))
}

fn by_use(verdicts: &mut [Verdict]) {
    verdicts.sort_by(|a, b| a.used.total_cmp(&b.used).then_with(|| a.entry.cmp(&b.entry)));
}

/// Lets entries go, those first that were used longest ago, until the store is at the floor or, if a size
/// was asked for, small enough. Records do not count for the floor, since they may go afterwards.
fn limit(content: &mut [Verdict], records: u64, shares: &Shares, asked: &Collecting) -> Option<Cut> {
    let mut left = shares.total();
    let mut removal = Removal::new(shares);
    let stop = |left: u64, next: u64| match asked.max_size {
        Some(size) if left <= size => Some(Why::Fits),
        _ if left.saturating_sub(records + next) < asked.floor => Some(Why::Floor),
        _ => None,
    };
    let mut cut = stop(left, 0).map(|why| Cut { since: f64::NEG_INFINITY, why });
    for verdict in content.iter_mut().filter(|verdict| verdict.goes()) {
        if cut.is_none() {
            cut = stop(left, removal.would_free(&verdict.entry)).map(|why| Cut { since: verdict.used, why });
        }
        match &cut {
            Some(cut) => verdict.why = cut.why.clone(),
            None => left -= removal.remove(&verdict.entry),
        }
    }
    cut.or_else(|| stop(left, 0).map(|why| Cut { since: f64::INFINITY, why }))
}

/// Decides on what describes other things, or gives them the reasons that they have in these: first actions,
/// then what actions name. `late` gives a reason to what was used lately.
fn decide_records(facts: &Facts, content: &[Verdict], records: &mut [Verdict], late: &dyn Fn(f64) -> Option<Why>) {
    let staying = content.iter().filter(|verdict| !verdict.goes());
    let trees: HashMap<TreeHash, &Why> = staying.filter_map(|v| Some((v.entry.tree()?, &v.why))).collect();
    let mut reasons: HashMap<Entry, Why> = trees.keys().map(|tree| (Entry::Listing(*tree), Why::Describes)).collect();
    let places: HashMap<Entry, usize> = records.iter().enumerate().map(|(i, v)| (v.entry.clone(), i)).collect();
    let mut older: HashMap<(&str, &str), u32> = HashMap::new();
    for action in &facts.actions {
        let Some(place) = places.get(&Entry::Action(action.key)) else { continue };
        let rank = older.entry((&action.project, &action.stage)).or_default();
        *rank += 1;
        let verdict = &mut records[*place];
        let explains = *rank <= 2 && facts.now - action.created as f64 <= EXPLAINS;
        if let Some(why) = trees.get(&action.output).filter(|_| verdict.goes()) {
            verdict.why = if matches!(why, Why::Root(_)) { (*why).clone() } else { Why::Describes };
        } else if verdict.goes() {
            verdict.why = if explains { Why::Explains } else { late(verdict.used).unwrap_or(Why::Nothing) };
        }
        if !verdict.goes() {
            name(action, &mut reasons);
        }
    }
    let rest = records.iter_mut().filter(|v| v.goes() && !matches!(v.entry, Entry::Action(_)));
    for verdict in rest {
        // A listing is of use to its tree and to actions alone.
        let late = || late(verdict.used).filter(|_| !matches!(verdict.entry, Entry::Listing(_)));
        verdict.why = reasons.remove(&verdict.entry).or_else(late).unwrap_or(Why::Nothing);
    }
}

/// Notes what an action that stays names: lists, the listings that tell what has changed since, its log.
fn name(action: &Made, reasons: &mut HashMap<Entry, Why>) {
    let mut give = |entry: Entry, why: Why| {
        reasons.entry(entry).or_insert(why);
    };
    action.artifacts.iter().for_each(|list| give(Entry::List(*list), Why::Describes));
    let trees = action.inputs.values().chain([&action.output]);
    trees.for_each(|tree| give(Entry::Listing(*tree), Why::Explains));
    if let Some(build) = log_of(action) {
        give(Entry::Build(build), Why::Describes);
    }
}

/// The build whose folder has the log.
fn log_of(action: &Made) -> Option<BuildId> {
    let folder = action.log.as_ref()?.parent()?.file_name()?;
    Some(BuildId::from_name(folder.to_str()?.to_owned()))
}
