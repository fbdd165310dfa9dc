//! The layers of an image on top of each other: what a container sees. Knows names and kinds of files; reads none.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};

use akbuild_nar::{Kind, Listing};

use crate::ImageError;
use crate::entry::shown;

/// What is at each path, and the name of the layer that it is from.
#[derive(Debug, Default)]
pub struct Stack<'a> {
    entries: BTreeMap<&'a [u8], (&'a str, &'a Kind)>,
    /// Where the highest layer has something else than those below it.
    changed: BTreeSet<&'a [u8]>,
}

/// Puts layers on top of each other, the lowest first.
///
/// A file of the highest layer may take the place of a file below it: that is how an image changes what its sysroot
/// has. Nothing else may hide anything.
///
/// # Errors
/// [`ImageError::Hidden`]
pub fn overlay(layers: &[(String, Listing)]) -> Result<Stack<'_>, ImageError> {
    let mut stack = Stack::default();
    for (i, (layer, listing)) in layers.iter().enumerate() {
        for entry in &listing.entries {
            let path = entry.path.as_bytes();
            if let Some((lower, old)) = stack.entries.get(path)
                && **old != entry.kind
            {
                let is_folder = [&entry.kind, *old].iter().any(|kind| matches!(kind, Kind::Dir));
                if is_folder || i + 1 < layers.len() {
                    let (path, layer, lower) = (shown(path), layer.clone(), (*lower).to_owned());
                    return Err(ImageError::Hidden { path, layer, new: word(&entry.kind), lower, old: word(old) });
                }
                stack.changed.insert(path);
            }
            stack.entries.insert(path, (layer, &entry.kind));
        }
    }
    Ok(stack)
}

fn word(kind: &Kind) -> &'static str {
    match kind {
        Kind::Dir => "a folder",
        Kind::File { .. } => "a file",
        Kind::Symlink { .. } => "a symbolic link",
    }
}

impl Stack<'_> {
    /// The first path of a tree that is not in the image, or not the same there though the highest layer does not change
    /// it. `at` is where the tree lives.
    pub fn lacks(&self, tree: &Listing, at: &str) -> Option<String> {
        let at = at.trim_matches('/').as_bytes();
        let place = |path: &OsStr| match (at.is_empty(), path.is_empty()) {
            (true, _) => path.as_bytes().to_vec(),
            (_, true) => at.to_vec(),
            _ => [at, b"/", path.as_bytes()].concat(),
        };
        // That an empty folder is nowhere does no harm.
        let all = tree.entries.iter().filter(|entry| !entry.path.is_empty() || !matches!(entry.kind, Kind::Dir));
        let mut places = all.map(|entry| (place(&entry.path), &entry.kind));
        let missing = places.find(|(place, kind)| match self.entries.get(&place[..]) {
            Some((_, there)) => there != kind && !self.changed.contains(&place[..]),
            None => true,
        });
        missing.map(|(place, _)| shown(&place))
    }

    /// Where a path of the image leads, links followed, and what is there.
    pub fn look_up(&self, path: &Path) -> Option<(PathBuf, &Kind)> {
        self.follow(path, 40)
    }

    fn follow(&self, path: &Path, links: u32) -> Option<(PathBuf, &Kind)> {
        let mut at = PathBuf::from("/");
        let mut parts = path.components();
        let mut found = &Kind::Dir;
        while let Some(part) = parts.next() {
            let folder = at.clone();
            match part {
                Component::Normal(name) => at.push(name),
                Component::ParentDir => drop(at.pop()),
                _ => continue,
            }
            let inside = at.as_os_str().as_bytes();
            let inside = inside.strip_prefix(b"/").unwrap_or(inside);
            found = if inside.is_empty() { &Kind::Dir } else { self.entries.get(inside)?.1 };
            if let Kind::Symlink { target } = found {
                return self.follow(&folder.join(target).join(parts.as_path()), links.checked_sub(1)?);
            }
        }
        Some((at, found))
    }

    /// How many paths there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}
