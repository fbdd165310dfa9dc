//! Parts of stored trees: which entries a subset takes, and the digest of what it took. Digests are
//! remembered in the store, so that a run with nothing to do reads no listing.
//!
//! Knows nothing of stages; `keys.rs` asks for digests, `work.rs` for entries.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use akbuild_nar::{Digest, Entry, Kind, Listing, TreeHash};
use akbuild_recipe::plan::{Subset, TreeRef, View};
use akbuild_store::Store;
use akbuild_tree::{TreeDir, TreeError};

use crate::error::EngineError;
use crate::viewed::{self, SelectedEntry};

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

/// Whether a pattern matches one of these entries.
pub(crate) fn has_match(pattern: &str, chosen: &[Chosen<'_>]) -> bool {
    let alone = Subset { include: vec![pattern.to_owned()], exclude: Vec::new() };
    alone.matcher().is_ok_and(|matcher| chosen.iter().any(|(path, _)| matcher.matches(path)))
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

/// The digest of what a subset of a tree looks like to a stage: each entry's path, kind, mode and
/// contents. `None` if nothing is in it.
pub(crate) fn subset_digest(
    store: &Store,
    tree: &TreeHash,
    path: &str,
    subset: &Subset,
    view: View,
) -> Result<Option<String>, EngineError> {
    if path.is_empty() && *subset == Subset::default() && view == View::Whole {
        return Ok(Some(tree.to_string()));
    }
    let question = serde_json::to_string(&(tree, path, subset, view)).expect("plain data");
    if let Some(known) = store.memo_get("subset-v1", question.as_bytes())?
        && let Ok(text) = String::from_utf8(known)
    {
        return Ok(Some(text).filter(|t| !t.is_empty()));
    }
    let listing = store.listing(tree)?;
    let files = TreeDir::open(&store.tree_path(tree), "the tree")?;
    let mut entries = Vec::new();
    for entry in viewed::select(store, tree, &listing, path, subset, view)? {
        let kind = seen(&files, &join(path, entry.path), entry, view)?;
        entries.push(Entry { path: entry.path.to_owned(), kind });
    }
    let found = if entries.is_empty() { String::new() } else { digest(entries) };
    store.memo_put("subset-v1", question.as_bytes(), found.as_bytes())?;
    Ok(Some(found).filter(|t| !t.is_empty()))
}

/// An entry as a view shows it.
fn seen(tree: &TreeDir, file: &OsStr, entry: SelectedEntry<'_>, view: View) -> Result<Kind, EngineError> {
    match entry.kind {
        Kind::File { exec, .. } => Ok(match viewed::text(tree, Path::new(file), entry.is_added, view)? {
            None => entry.kind.clone(),
            Some(text) => Kind::File { exec: *exec, size: text.len() as u64, digest: sha256(text.as_bytes()) },
        }),
        kind => Ok(kind.clone()),
    }
}

fn sha256(bytes: &[u8]) -> [u8; 32] {
    Digest::sha256(bytes).as_bytes().try_into().expect("SHA-256 has 32 bytes")
}

/// SHA-256 over the listing's text form of these entries.
fn digest(entries: Vec<Entry>) -> String {
    Digest::sha256(Listing { entries }.to_text().as_bytes()).to_string()
}
