//! The layers of an image on top of each other: what a container sees. Knows names and kinds of files; reads none.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use akbuild_nar::{Kind, Listing};

use crate::ImageError;
use crate::entry::shown;
use crate::error::Doing;

/// What is at each path, and the name of the layer that it is from.
#[derive(Debug, Default)]
pub struct Stack {
    entries: BTreeMap<Vec<u8>, (String, Kind)>,
}

/// Puts layers on top of each other, the lowest first.
///
/// A file of the highest layer may take the place of a file below it: that is how an image changes what its sysroot
/// has. Nothing else may hide anything.
///
/// # Errors
/// [`ImageError::Hidden`]
pub fn overlay(layers: &[(String, Listing)]) -> Result<Stack, ImageError> {
    let mut stack = Stack::default();
    for (i, (layer, listing)) in layers.iter().enumerate() {
        for entry in &listing.entries {
            let path = entry.path.as_bytes();
            if let Some((lower, old)) = stack.entries.get(path) {
                let folders = [&entry.kind, old].map(|kind| matches!(kind, Kind::Dir));
                let fits = match folders {
                    [true, true] => true,
                    [false, false] => *old == entry.kind || i + 1 == layers.len(),
                    _ => false,
                };
                if !fits {
                    let (path, layer, lower) = (shown(path), layer.clone(), lower.clone());
                    return Err(ImageError::Hidden { path, layer, new: word(&entry.kind), lower, old: word(old) });
                }
            }
            stack.entries.insert(path.to_vec(), (layer.clone(), entry.kind.clone()));
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

impl Stack {
    /// The first path of a stored tree that is not in the image, or not of the same kind, mode and length there. `at`
    /// is where the tree lives. Contents are not read: layers are packed from the same trees that it was made of.
    pub fn lacks(&self, tree: &Path, at: &str) -> Result<Option<String>, ImageError> {
        let mut open = vec![(tree.to_owned(), at.trim_matches('/').as_bytes().to_vec())];
        while let Some((folder, place)) = open.pop() {
            let mut entries =
                fs::read_dir(&folder).doing("read", &folder)?.collect::<Result<Vec<_>, _>>().doing("read", &folder)?;
            entries.sort_by_key(fs::DirEntry::file_name);
            for entry in entries {
                let (path, name) = (entry.path(), entry.file_name());
                let separator: &[u8] = if place.is_empty() { b"" } else { b"/" };
                let place = [&place[..], separator, name.as_bytes()].concat();
                let meta = fs::symlink_metadata(&path).doing("stat", &path)?;
                let same = match self.entries.get(&place).map(|(_, kind)| kind) {
                    Some(Kind::Dir) => meta.is_dir(),
                    Some(Kind::Symlink { target }) => {
                        meta.is_symlink() && fs::read_link(&path).doing("read", &path)?.as_os_str() == target
                    }
                    Some(Kind::File { exec, size, .. }) => {
                        meta.is_file() && meta.len() == *size && (meta.mode() & 0o100 != 0) == *exec
                    }
                    None => false,
                };
                if !same {
                    return Ok(Some(shown(&place)));
                }
                if meta.is_dir() {
                    open.push((path, place));
                }
            }
        }
        Ok(None)
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
