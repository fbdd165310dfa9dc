//! The folders of the home, and how files in them are opened. A home belongs to the person who builds, but others may
//! have been able to write to it: a link that somebody planted there must not make akbuild read, lock, truncate or
//! remove anything elsewhere, and a pipe must not make it wait.
//!
//! Knows names in the home; must not know what files contain.

use std::fs::File;
use std::io;
use std::path::Path;

use akbuild_tree::{EntryKind, TreeDir};
use rustix::fs::{CWD, Mode, OFlags, openat};

use crate::StoreError;
use crate::layout::BUCKETS;

/// Checks that the folders of a home are real folders. Returns whether all of them exist.
///
/// # Errors
/// [`StoreError::Bucket`] for one that is a symbolic link or a file.
pub(crate) fn check_buckets(home: &Path) -> Result<bool, StoreError> {
    let Ok(real) = home.canonicalize() else { return Ok(false) };
    let home = TreeDir::open(&real, "the home folder")?;
    let blobs = akbuild_nar::Algo::ALL.map(|algo| format!("blobs-v1/{}", algo.name()));
    let optional = blobs.iter().map(String::as_str).chain(["git-v1"]);
    let mut complete = true;
    for (name, required) in BUCKETS.iter().map(|name| (*name, true)).chain(optional.map(|name| (name, false))) {
        let entry = match home.entry(name) {
            // Below a bucket that is a link: that one is named.
            Err(akbuild_tree::TreeError::Link { .. }) => continue,
            other => other?,
        };
        let found = match entry {
            Some(EntryKind::Folder) => continue,
            None => {
                complete &= !required;
                continue;
            }
            Some(EntryKind::Link(target)) => format!("a symbolic link to {}", target.display()),
            Some(other) => other.as_words().to_owned(),
        };
        return Err(StoreError::Bucket { path: home.top().join(name), found });
    }
    Ok(complete)
}

/// Opens a file or folder of the home for reading. A link is not followed, a pipe is not waited for.
pub(crate) fn open(path: &Path) -> io::Result<File> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    Ok(openat(CWD, path, flags, Mode::empty())?.into())
}

/// Opens a file of the home for reading and writing, and makes it if it is missing. A link is not followed.
pub(crate) fn open_or_create(path: &Path) -> io::Result<File> {
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let file = File::from(openat(CWD, path, flags, Mode::from_raw_mode(0o644))?);
    if file.metadata()?.is_file() { Ok(file) } else { Err(io::Error::other("it is not a regular file")) }
}
