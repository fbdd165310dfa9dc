//! Parts of stored trees: which entries a subset takes, and the digest of what it took. Digests are
//! remembered in the store, so that a run with nothing to do reads no listing.
//!
//! Knows nothing of stages; `keys.rs` asks for digests, `work.rs` for entries.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

use akbuild_nar::{Kind, Listing, TreeHash};
use akbuild_recipe::plan::{Subset, TreeRef};
use akbuild_store::Store;
use akbuild_tree::{TreeDir, TreeError};

use serde::{Deserialize, Serialize};

use crate::error::EngineError;
use crate::near::near_paths;

/// Opens a stored tree that a recipe calls `from`.
pub(crate) fn open(store: &Store, from: &TreeRef, tree: &TreeHash) -> Result<TreeDir, EngineError> {
    Ok(TreeDir::open(&store.tree_path(tree), title(from))?)
}

/// The name of a tree in messages.
pub(crate) fn title(from: &TreeRef) -> String {
    match from {
        TreeRef::Source(id) => format!("source `{id}`"),
        TreeRef::Stage(id) => format!("the output of stage `{id}`"),
    }
}

/// The error for a path of a tree that leads through a symbolic link, if it does. Keys cover the entries of a tree by
/// their own paths, so such a path selects nothing.
pub(crate) fn link_on_the_way(listing: &Listing, from: &TreeRef, path: &str) -> Option<TreeError> {
    listing.entries.iter().find_map(|entry| {
        let Kind::Symlink { target } = &entry.kind else { return None };
        let rest = path.as_bytes().strip_prefix(entry.path.as_bytes())?;
        rest.starts_with(b"/").then(|| TreeError::Link {
            tree: title(from),
            path: path.into(),
            link: entry.path.clone().into(),
            target: target.clone().into(),
        })
    })
}

/// A path inside a tree; nothing is joined to the path of a single file.
pub(crate) fn join(path: &str, relative: &OsStr) -> OsString {
    match (path.is_empty(), relative.is_empty()) {
        (true, _) => relative.to_owned(),
        (_, true) => path.into(),
        _ => [OsStr::new(path), OsStr::new("/"), relative].into_iter().collect(),
    }
}

/// One chosen entry: its path relative to where the choice was made, and what it is.
pub(crate) type Chosen<'a> = (&'a OsStr, &'a Kind);

/// The entries at and below `path` that `subset` takes: files and links that match, and folders that
/// match themselves (so that an empty one is kept). Sorted by path.
pub(crate) fn select<'a>(listing: &'a Listing, path: &'a str, subset: &Subset) -> Result<Vec<Chosen<'a>>, EngineError> {
    let matcher = subset.matcher().map_err(|error| EngineError::Glob(error.to_string()))?;
    let everything = *subset == Subset::default();
    let chosen = below(listing, path).filter(|(relative, kind)| match relative.as_bytes() {
        b"" => !matches!(kind, Kind::Dir),
        _ => everything || matcher.matches(relative),
    });
    Ok(chosen.collect())
}

/// The entries at and below `path`, with their paths relative to it; the whole tree for an empty path.
fn below<'a>(listing: &'a Listing, path: &'a str) -> impl Iterator<Item = Chosen<'a>> {
    listing.entries.iter().filter_map(move |entry| {
        let rest = entry.path.as_bytes().strip_prefix(path.as_bytes())?;
        match rest {
            [] => Some((OsStr::new(""), &entry.kind)),
            _ if path.is_empty() => Some((entry.path.as_os_str(), &entry.kind)),
            [b'/', rest @ ..] => Some((OsStr::from_bytes(rest), &entry.kind)),
            _ => None,
        }
    })
}

/// A pattern of a subset that matches nothing, and what the tree has near it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct IdlePattern {
    /// `include` or `exclude`.
    pub(crate) option: String,
    pub(crate) pattern: String,
    pub(crate) near: String,
}

/// The patterns of a recipe that match nothing at and below `path` of a tree.
pub(crate) fn idle_patterns(
    store: &Store,
    tree: &TreeHash,
    path: &str,
    subset: &Subset,
) -> Result<Vec<IdlePattern>, EngineError> {
    let include: &[String] = if subset.by_kind { &[] } else { &subset.include };
    let all = include.iter().map(|p| ("include", p)).chain(subset.exclude.iter().map(|p| ("exclude", p)));
    let all: Vec<(&str, &String)> = all.collect();
    if all.is_empty() {
        return Ok(Vec::new());
    }
    let question = serde_json::to_string(&(tree, path, &all)).expect("plain data");
    if let Some(known) = store.memo_get("idle-v1", question.as_bytes())?
        && let Ok(idle) = serde_json::from_slice(&known)
    {
        return Ok(idle);
    }
    let (listing, mut idle) = (store.listing(tree)?, Vec::new());
    for (option, pattern) in all {
        let alone = Subset { include: vec![pattern.clone()], ..Subset::default() };
        if select(&listing, path, &alone)?.is_empty() {
            let near = near_paths(&listing, path, pattern);
            idle.push(IdlePattern { option: option.to_owned(), pattern: pattern.clone(), near });
        }
    }
    if store.is_writable() {
        let answer = serde_json::to_vec(&idle).expect("plain data");
        store.memo_put("idle-v1", question.as_bytes(), &answer)?;
    }
    Ok(idle)
}
