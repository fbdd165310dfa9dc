//! Which files differ between two parts of trees, and at which line. Reads listings, and the files that changed if
//! both trees are there; knows nothing of who made them.

use std::ffi::OsString;
use std::fs::File;
use std::path::Path;

use akbuild_differ::{Change, Difference};
use akbuild_nar::{Entry, Listing};
use akbuild_store::Store;
use akbuild_tree::TreeDir;

use super::cause::FileChange;
use super::part::Part;
use crate::viewed;

/// In so many files the first line that differs is looked for.
const READ: usize = 20;

/// What differs; `None` if that cannot be told, since a tree is no longer in the store.
pub(crate) fn compare(store: &Store, old: &Part, new: &Part) -> Option<Vec<FileChange>> {
    let (before, after) = (listing(store, old)?, listing(store, new)?);
    let there = store.has_tree(&old.tree) && store.has_tree(&new.tree);
    let mut files = Vec::new();
    for difference in akbuild_differ::compare(&before, &after) {
        let is_content = matches!(difference.change, Change::Content { .. });
        let line = || first_line(open(store, old, &difference)?, open(store, new, &difference)?);
        if is_content && there && is_hidden(store, [old, new], &difference) {
            continue;
        }
        let line = if is_content && there && files.len() < READ { line() } else { None };
        let path = below(&new.path, &difference);
        files.push(FileChange { difference: Difference { path, ..difference }, line });
    }
    Some(files)
}

/// The part's entries, with paths relative to where it begins.
fn listing(store: &Store, part: &Part) -> Option<Listing> {
    let listing = store.listing(&part.tree).ok()?;
    let chosen = viewed::select(store, &part.tree, &listing, &part.path, &part.subset, part.view).ok()?;
    let entries = chosen.iter().map(|entry| Entry { path: entry.path.to_owned(), kind: entry.kind.clone() });
    Some(Listing { entries: entries.collect() })
}

/// Whether the stage sees the same of both files.
fn is_hidden(store: &Store, parts: [&Part; 2], difference: &Difference) -> bool {
    let view = parts[1].view;
    let [old, new] = parts.map(|part| {
        let tree = TreeDir::open(&store.tree_path(&part.tree), "the tree").ok()?;
        let is_added = part.subset.matcher().is_ok_and(|subset| !subset.matches(&difference.path));
        viewed::text(&tree, Path::new(&below(&part.path, difference)), is_added, view).ok().flatten()
    });
    old.is_some() && old == new
}

fn open(store: &Store, part: &Part, difference: &Difference) -> Option<File> {
    let tree = TreeDir::open(&store.tree_path(&part.tree), "the tree").ok()?;
    tree.file(below(&part.path, difference)).ok()
}

fn first_line(old: File, new: File) -> Option<usize> {
    akbuild_differ::first_difference(old, new).ok().flatten()
}

/// Where a difference is in the whole tree. Nothing is joined to the path of a single file: a slash would follow it.
fn below(path: &str, difference: &Difference) -> OsString {
    if difference.path.is_empty() { path.into() } else { Path::new(path).join(&difference.path).into() }
}
