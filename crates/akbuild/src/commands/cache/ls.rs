//! `akbuild cache ls`: what is in the store.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::PathBuf;

use akbuild_nar::{Digest, TreeHash};
use akbuild_store::{BlobEntry, TreeEntry};
use serde_json::json;

use crate::args::cache::Order;
use crate::failure::Outcome;
use crate::machine;
use crate::project::matches;
use crate::session::Session;
use crate::ui::{Align, ago, digest, size, table};

/// What is listed.
pub(super) struct Only<'a> {
    pub(super) stage: Option<&'a str>,
    pub(super) project: Option<&'a str>,
}

impl Only<'_> {
    fn takes(&self, project: &str, node: &str) -> bool {
        self.project.is_none_or(|wanted| wanted == project)
            && self.stage.is_none_or(|pattern| matches(pattern.as_bytes(), node.as_bytes()))
    }

    fn is_all(&self) -> bool {
        self.project.is_none() && self.stage.is_none()
    }
}

pub(super) fn trees(session: &Session, only: &Only<'_>, sort: Order, json: bool) -> Outcome {
    let mut trees = session.store.trees()?;
    trees.retain(|tree| only.is_all() || tree.names.iter().any(|(project, node)| only.takes(project, node)));
    trees.sort_by(|a, b| match sort {
        Order::Used => b.used.total_cmp(&a.used),
        Order::Age => b.created.total_cmp(&a.created),
        Order::Size => b.stats.bytes.cmp(&a.stats.bytes),
        Order::Stage => a.names.cmp(&b.names),
    });
    let mut roots: HashMap<TreeHash, Vec<PathBuf>> = HashMap::new();
    for (link, hash) in session.store.roots()? {
        roots.entry(hash).or_default().push(link);
    }
    if json {
        let trees: Vec<_> = trees.iter().map(|tree| tree_json(session, tree, roots.get(&tree.hash))).collect();
        session.ui.out(&format!("{:#}\n", json!({"schema": 1, "trees": trees})));
        return Ok(());
    }
    let rows = trees.iter().map(|tree| {
        let rooted = if roots.contains_key(&tree.hash) { "root" } else { "" };
        let (now, stats) = (machine::now(), &tree.stats);
        let (used, age) = (ago(now - tree.used), ago(now - tree.created));
        [name(tree), digest(&tree.hash), size(stats.bytes), stats.files.to_string(), age, used, rooted.into()]
    });
    let head = ["made for", "output", "size", "files", "age", "used", ""];
    let align = [Align::Left, Align::Left, Align::Right, Align::Right, Align::Right, Align::Right, Align::Left];
    session.ui.out(&table(&head, &align, rows));
    Ok(())
}

/// What a tree was made for.
pub(super) fn name(tree: &TreeEntry) -> String {
    let projects: BTreeSet<&String> = tree.names.iter().map(|(project, _)| project).collect();
    let shown = |(project, node): &(String, String)| match projects.len() {
        1 => node.clone(),
        _ => format!("{project}/{node}"),
    };
    match tree.names.iter().map(shown).collect::<Vec<_>>() {
        names if names.is_empty() => "-".to_owned(),
        names => names.join(", "),
    }
}

fn tree_json(session: &Session, tree: &TreeEntry, roots: Option<&Vec<PathBuf>>) -> serde_json::Value {
    let names: Vec<_> = tree.names.iter().map(|(project, node)| json!({"project": project, "node": node})).collect();
    json!({
        "output": tree.hash,
        "path": session.store.tree_path(&tree.hash),
        "bytes": tree.stats.bytes,
        "files": tree.stats.files,
        "created": tree.created,
        "used": tree.used,
        "made_for": names,
        "roots": roots.cloned().unwrap_or_default(),
    })
}

pub(super) fn blobs(session: &Session, only: &Only<'_>, sort: Order, json: bool) -> Outcome {
    let names = blob_names(session, only)?;
    let mut blobs: Vec<BlobEntry> = session.store.blobs()?;
    blobs.retain(|blob| only.is_all() || names.contains_key(&blob.digest));
    let name = |blob: &BlobEntry| names.get(&blob.digest).cloned().unwrap_or_default();
    blobs.sort_by(|a, b| match sort {
        Order::Used | Order::Age => b.created.total_cmp(&a.created),
        Order::Size => b.bytes.cmp(&a.bytes),
        Order::Stage => name(a).cmp(&name(b)),
    });
    if json {
        let blobs = blobs.iter().map(|blob| {
            json!({"digest": blob.digest, "name": names.get(&blob.digest), "bytes": blob.bytes, "created": blob.created})
        });
        session.ui.out(&format!("{:#}\n", json!({"schema": 1, "blobs": blobs.collect::<Vec<_>>()})));
        return Ok(());
    }
    let rows = blobs.iter().map(|blob| {
        let shown = names.get(&blob.digest).cloned().unwrap_or_else(|| "-".to_owned());
        [shown, size(blob.bytes), ago(machine::now() - blob.created), blob.digest.to_string()]
    });
    let align = [Align::Left, Align::Right, Align::Right, Align::Left];
    session.ui.out(&table(&["name", "size", "age", "digest"], &align, rows));
    Ok(())
}

/// What downloads are called in the lists of those actions that are asked for.
fn blob_names(session: &Session, only: &Only<'_>) -> Outcome<BTreeMap<Digest, String>> {
    let actions = session.store.actions()?;
    let wanted = actions.iter().filter(|action| only.takes(&action.project, &action.stage));
    let lists: BTreeSet<Digest> = wanted.filter_map(|action| action.artifacts).collect();
    let mut names = BTreeMap::new();
    for list in lists {
        let artifacts = session.store.artifacts(&list)?.unwrap_or_default();
        names.extend(artifacts.into_iter().map(|artifact| (artifact.digest, artifact.name)));
    }
    Ok(names)
}
