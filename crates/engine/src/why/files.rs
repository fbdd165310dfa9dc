//! Which files differ between two parts of trees, as stages see them. Reads listings, and the files that changed if
//! both trees are there; knows nothing of who made them.
//!
//! Entries are chosen and viewed by the functions that compute the digests of keys, so a file is named only if the
//! key covers its difference.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::path::Path;

use akbuild_differ::{Change, Difference};
use akbuild_nar::{Entry, Kind, Listing, TreeHash};
use akbuild_recipe::plan::View;
use akbuild_store::Store;
use akbuild_tree::TreeDir;

use super::cause::FileChange;
use super::part::Part;
use crate::keys::file_view::{FileView, SelectedEntry};
use crate::keys::trees;

/// In so many files the first line that differs is looked for.
const READ: usize = 20;
/// Differences of larger files are not shown line by line.
const LARGEST: u64 = 1 << 20;
/// Lines that are shown of a file.
const LINES: usize = 200;

/// What is asked of the contents of files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Detail {
    /// The first line that differs.
    Line,
    /// Also how they differ, line by line.
    Hunks,
}

/// What differs; `None` if that cannot be told, since a tree is no longer in the store.
pub(crate) fn compare(store: &Store, old: &Part, new: &Part, detail: Detail) -> Option<Vec<FileChange>> {
    let trees = [old, new].map(|part| open(store, part));
    let listings = [store.listing(&old.tree).ok()?, store.listing(&new.tree).ok()?];
    let sides = [Side::of(old, trees[0].as_ref(), &listings[0])?, Side::of(new, trees[1].as_ref(), &listings[1])?];
    let mut files = Vec::new();
    for difference in akbuild_differ::compare(&sides[0].entries, &sides[1].entries) {
        let is_content = matches!(difference.change, Change::Content { .. });
        if is_content && is_same_in_view(&sides, &difference.path)? {
            continue;
        }
        let read = is_content && files.len() < READ;
        let (line, hunks) = if read { contents(&sides, &difference, detail) } else { (None, None) };
        let view = if is_content { sides[1].view_of(&difference.path) } else { View::Whole };
        let path = trees::join(&new.path, &difference.path);
        files.push(FileChange { difference: Difference { path, ..difference }, line, view, hunks });
    }
    Some(files)
}

/// Whether a path is the same in two whole trees; `None` if that cannot be told.
pub(crate) fn is_same_at(store: &Store, [old, new]: [&TreeHash; 2], path: &OsStr) -> Option<bool> {
    let kind = |tree| {
        let listing = store.listing(tree).ok()?;
        Some(listing.entries.into_iter().find(|entry| entry.path == path).map(|entry| entry.kind))
    };
    Some(old == new || kind(old)? == kind(new)?)
}

/// A part's tree, if it is in the store.
fn open(store: &Store, part: &Part) -> Option<TreeDir> {
    let there = store.has_tree(&part.tree);
    there.then(|| TreeDir::open(&store.tree_path(&part.tree), "the tree").ok()).flatten()
}

/// One of the two parts, for reading its files.
struct Side<'a> {
    part: &'a Part,
    /// The part's entries, with paths relative to where it begins.
    entries: Listing,
    /// Those that the view adds.
    added: BTreeSet<OsString>,
    /// `None` if it is not in the store.
    tree: Option<&'a TreeDir>,
    /// `None` if the tree is not in the store.
    view: Option<FileView<'a>>,
}

impl<'a> Side<'a> {
    /// `None` if the part's entries cannot be told.
    fn of(part: &'a Part, tree: Option<&'a TreeDir>, listing: &Listing) -> Option<Self> {
        let view = tree.and_then(|tree| FileView::new(tree, listing, part.view).ok());
        let selected: Vec<SelectedEntry<'_>> = match &view {
            Some(view) => view.select(listing, &part.path, &part.subset).ok()?,
            None => {
                let chosen = trees::select(listing, &part.path, &part.subset).ok()?;
                chosen.into_iter().map(|(path, kind)| SelectedEntry { path, kind, is_added: false }).collect()
            }
        };
        let added = selected.iter().filter(|entry| entry.is_added).map(|entry| entry.path.to_owned()).collect();
        let entries = selected.iter().map(|entry| Entry { path: entry.path.to_owned(), kind: entry.kind.clone() });
        Some(Side { part, entries: Listing { entries: entries.collect() }, added, tree, view })
    }

    /// Where an entry of the part is in the whole tree.
    fn path(&self, relative: &OsStr) -> OsString {
        trees::join(&self.part.path, relative)
    }

    /// How much of a file is seen.
    fn view_of(&self, relative: &OsStr) -> View {
        if self.text(relative).is_some() { self.part.view } else { View::Whole }
    }

    /// The entry as the key covers it; `None` if the file would have to be read, and is not there.
    fn seen(&self, relative: &OsStr) -> Option<Kind> {
        let at = self.entries.entries.binary_search_by(|entry| entry.path.as_os_str().cmp(relative)).ok()?;
        let kind = &self.entries.entries[at].kind;
        if self.part.view == View::Whole {
            return Some(kind.clone());
        }
        let entry = SelectedEntry { path: relative, kind, is_added: self.added.contains(relative) };
        self.view.as_ref()?.kind(&self.part.path, entry).ok()
    }

    /// The text that is seen of a file; `None` if all of it is.
    fn text(&self, relative: &OsStr) -> Option<String> {
        let file = self.path(relative);
        self.view.as_ref()?.text(Path::new(&file), self.added.contains(relative)).ok().flatten()
    }

    fn open(&self, relative: &OsStr) -> Option<File> {
        self.tree?.file(self.path(relative)).ok()
    }
}

/// Whether the stage sees the same contents of both files; `None` if that cannot be told.
fn is_same_in_view(sides: &[Side<'_>; 2], path: &OsStr) -> Option<bool> {
    if sides.iter().all(|side| side.part.view == View::Whole) {
        return Some(false);
    }
    let digest = |side: &Side<'_>| match side.seen(path)? {
        Kind::File { digest, .. } => Some(digest),
        _ => None,
    };
    Some(digest(&sides[0])? == digest(&sides[1])?)
}

/// The first line that differs, and all of them.
fn contents(sides: &[Side<'_>; 2], difference: &Difference, detail: Detail) -> (Option<usize>, Option<String>) {
    let path = &*difference.path;
    let [old, new] = sides;
    if let (Some(old), Some(new)) = (old.text(path), new.text(path)) {
        let hunks = (detail == Detail::Hunks).then(|| akbuild_differ::text_difference(&old, &new, LINES, false).hunks);
        return (None, hunks);
    }
    let line = || akbuild_differ::first_difference(old.open(path)?, new.open(path)?).ok().flatten();
    let line = line();
    let small =
        matches!(difference.change, Change::Content { old_size, new_size } if old_size.max(new_size) <= LARGEST);
    let hunks = || match akbuild_differ::explain(old.open(path)?, new.open(path)?, LINES).ok()? {
        akbuild_differ::Explanation::Text(text) => Some(text.hunks),
        _ => None,
    };
    (line, if detail == Detail::Hunks && small && line.is_some() { hunks() } else { None })
}
