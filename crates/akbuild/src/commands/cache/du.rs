//! `akbuild cache du`: how much room the store takes on its disk, and what would come free.

use std::collections::BTreeMap;

use akbuild_nar::TreeHash;
use akbuild_store::{Share, Usage};
use serde_json::{Value, json};

use super::ls;
use crate::failure::Outcome;
use crate::session::Session;
use crate::ui::{Align, size, table};

/// Trees that were made for the same nodes.
struct Group {
    made_for: Vec<Value>,
    trees: Vec<TreeHash>,
    share: Share,
}

pub(super) fn run(session: &Session, json: bool) -> Outcome {
    let usage = session.store.usage()?;
    let mut groups = groups(session, &usage)?;
    groups.sort_by_key(|(_, group)| std::cmp::Reverse(group.share.frees));
    let text = if json { document(&usage, &groups) } else { tables(&usage, &groups) };
    session.ui.out(&text);
    Ok(())
}

fn groups(session: &Session, usage: &Usage) -> Outcome<Vec<(String, Group)>> {
    let mut groups: BTreeMap<String, Group> = BTreeMap::new();
    for tree in session.store.trees()? {
        let made_for = || tree.names.iter().map(|(project, node)| json!({"project": project, "node": node})).collect();
        let new = || Group { made_for: made_for(), trees: Vec::new(), share: Share::default() };
        groups.entry(ls::name(&tree)).or_insert_with(new).trees.push(tree.hash);
    }
    groups.values_mut().for_each(|group| group.share = usage.share(&group.trees));
    Ok(groups.into_iter().collect())
}

fn tables(usage: &Usage, groups: &[(String, Group)]) -> String {
    let rows = groups.iter().map(|(name, group)| {
        [name.clone(), group.trees.len().to_string(), size(group.share.bytes), size(group.share.frees)]
    });
    let align = [Align::Left, Align::Right, Align::Right, Align::Right];
    let trees = table(&["made for", "trees", "size", "frees"], &align, rows);
    let mut buckets: Vec<_> = usage.buckets.iter().filter(|(_, room)| room.files > 0).collect();
    buckets.sort_by_key(|(_, room)| std::cmp::Reverse(room.bytes));
    let rows = buckets.into_iter().map(|(name, room)| [name.clone(), room.files.to_string(), size(room.bytes)]);
    let files = usage.buckets.values().map(|room| room.files).sum::<u64>();
    let all = ["all".to_owned(), files.to_string(), size(usage.bytes)];
    let buckets = table(&["folder", "files", "size"], &[Align::Left, Align::Right, Align::Right], rows.chain([all]));
    format!("{trees}\n{buckets}")
}

fn document(usage: &Usage, groups: &[(String, Group)]) -> String {
    let one = |hash: &TreeHash| {
        let share = usage.share([hash]);
        json!({"output": hash, "bytes": share.bytes, "frees": share.frees})
    };
    let group = |group: &Group| {
        let trees: Vec<Value> = group.trees.iter().map(one).collect();
        let Share { bytes, frees } = group.share;
        json!({"made_for": group.made_for, "bytes": bytes, "frees": frees, "trees": trees})
    };
    let groups: Vec<Value> = groups.iter().map(|(_, one)| group(one)).collect();
    let buckets: serde_json::Map<String, Value> = usage
        .buckets
        .iter()
        .map(|(name, room)| (name.clone(), json!({"bytes": room.bytes, "files": room.files})))
        .collect();
    format!("{:#}\n", json!({"schema": 1, "bytes": usage.bytes, "buckets": buckets, "groups": groups}))
}
