//! The digest of a part of a tree, as a stage sees it. Keys are made of these digests.

use akbuild_nar::{Digest, Entry, Listing, TreeHash};
use akbuild_recipe::plan::{Subset, View};
use akbuild_store::{OutputLayers, Store, TreeLocation};
use akbuild_tree::TreeDir;

use crate::error::EngineError;
use crate::keys::file_view::FileView;
use crate::keys::trees::{self, Chosen};

/// Where digests are remembered. The version is raised when a view shows other text.
const DIGESTS: &str = "subset-v2";

/// What stands in a manifest for a part that is not there and may be missing.
pub(crate) const ABSENT: &str = "absent";

/// The digest of what a subset of a tree looks like to a stage: each entry's path, kind, mode and
/// contents. `None` if nothing is in it.
pub(crate) fn subset_digest(
    backends: &OutputLayers,
    tree: &TreeHash,
    path: &str,
    subset: &Subset,
    view: View,
) -> Result<Option<String>, EngineError> {
    if path.is_empty() && *subset == Subset::default() && view == View::Whole {
        return Ok(Some(tree.to_string()));
    }
    let store = backends.local();
    let question = serde_json::to_string(&(tree, path, subset, view)).expect("plain data");
    if let Some(known) = store.memo_get(DIGESTS, question.as_bytes())?
        && let Ok(text) = String::from_utf8(known)
    {
        return Ok(Some(text).filter(|t| !t.is_empty()));
    }
    let entries = match backends.locate_tree(tree)? {
        // The listing tells all that this view shows.
        TreeLocation::Elsewhere if view == View::Whole => listed_entries(&backends.listing(tree)?, path, subset)?,
        location => {
            if location == TreeLocation::Elsewhere {
                backends.bring_tree(tree)?;
            }
            viewed_entries(backends.local(), tree, path, subset, view)?
        }
    };
    let found = if entries.is_empty() { String::new() } else { digest(entries) };
    store.memo_put(DIGESTS, question.as_bytes(), found.as_bytes())?;
    Ok(Some(found).filter(|t| !t.is_empty()))
}

/// The entries of a tree whose files are not here.
fn listed_entries(listing: &Listing, path: &str, subset: &Subset) -> Result<Vec<Entry>, EngineError> {
    let entry = |(path, kind): Chosen<'_>| Entry { path: path.to_owned(), kind: kind.clone() };
    let mut entries: Vec<Entry> = trees::select(listing, path, subset)?.into_iter().map(entry).collect();
    entries.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(entries)
}

/// The entries of a tree that is here, as a view shows them.
fn viewed_entries(
    store: &Store,
    tree: &TreeHash,
    path: &str,
    subset: &Subset,
    view: View,
) -> Result<Vec<Entry>, EngineError> {
    let listing = store.listing(tree)?;
    let files = TreeDir::open(&store.tree_path(tree), "the tree")?;
    let view = FileView::new(&files, &listing, view)?;
    let mut entries = Vec::new();
    for entry in view.select(&listing, path, subset)? {
        entries.push(Entry { path: entry.path.to_owned(), kind: view.kind(path, entry)? });
    }
    Ok(entries)
}

/// SHA-256 over the listing's text form of these entries.
fn digest(entries: Vec<Entry>) -> String {
    Digest::sha256(Listing { entries }.to_text().as_bytes()).to_string()
}
