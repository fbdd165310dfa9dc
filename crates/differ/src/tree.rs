//! How two trees differ, entry by entry. Knows listings; reads no file.

use std::cmp::Ordering;
use std::ffi::OsString;
use std::fmt;

use akbuild_nar::{Entry, Kind, Listing};
use serde::{Serialize, Serializer};

use crate::words::{clean, size};

/// One entry that is not the same in both trees.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// Relative to the root, which is the empty path; written as JSON with `�` for what is not UTF-8.
    #[serde(serialize_with = "lossy")]
    pub path: OsString,
    /// What became of it.
    pub change: Change,
}

/// What became of an entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Change {
    /// It is in the new tree only.
    Added(What),
    /// It is in the old tree only.
    Removed(What),
    /// A file has other contents. A change of its mode is a difference of its own.
    Content {
        /// Bytes before.
        old_size: u64,
        /// Bytes now.
        new_size: u64,
    },
    /// A file is executable in one of the trees only.
    Mode {
        /// Whether it was.
        old_exec: bool,
        /// Whether it is.
        new_exec: bool,
    },
    /// A symbolic link points elsewhere.
    Target {
        /// Where it pointed.
        #[serde(serialize_with = "lossy")]
        old: OsString,
        /// Where it points.
        #[serde(serialize_with = "lossy")]
        new: OsString,
    },
    /// It is something else, as a folder that was a file.
    Kind {
        /// What it was.
        old: What,
        /// What it is.
        new: What,
    },
}

/// What an entry is, without its contents.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum What {
    /// A folder.
    Dir,
    /// A regular file.
    File {
        /// Bytes.
        size: u64,
        /// Whether it may be executed.
        exec: bool,
    },
    /// A symbolic link.
    Symlink {
        /// Where it points.
        #[serde(serialize_with = "lossy")]
        target: OsString,
    },
}

/// Compares two listings; what differs is sorted by path as they are. Takes time linear in their length.
pub fn compare(old: &Listing, new: &Listing) -> Vec<Difference> {
    let mut found = Vec::new();
    let (mut olds, mut news) = (old.entries.iter().peekable(), new.entries.iter().peekable());
    loop {
        let order = match (olds.peek(), news.peek()) {
            (None, None) => return found,
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(old), Some(new)) => old.path.cmp(&new.path),
        };
        let old = if order.is_le() { olds.next() } else { None };
        let new = if order.is_ge() { news.next() } else { None };
        match (old, new) {
            (Some(old), Some(new)) => changes(old, new, &mut found),
            (Some(old), None) => found.push(difference(old, Change::Removed(What::of(&old.kind)))),
            (None, Some(new)) => found.push(difference(new, Change::Added(What::of(&new.kind)))),
            (None, None) => {}
        }
    }
}

fn difference(entry: &Entry, change: Change) -> Difference {
    Difference { path: entry.path.clone(), change }
}

fn changes(old: &Entry, new: &Entry, found: &mut Vec<Difference>) {
    let mut push = |change| found.push(difference(new, change));
    match (&old.kind, &new.kind) {
        (Kind::Dir, Kind::Dir) => {}
        (Kind::Symlink { target: old }, Kind::Symlink { target: new }) => {
            if old != new {
                push(Change::Target { old: old.clone(), new: new.clone() });
            }
        }
        (
            Kind::File { exec: old_exec, size: old_size, digest: old_digest },
            Kind::File { exec: new_exec, size: new_size, digest: new_digest },
        ) => {
            if old_digest != new_digest {
                push(Change::Content { old_size: *old_size, new_size: *new_size });
            }
            if old_exec != new_exec {
                push(Change::Mode { old_exec: *old_exec, new_exec: *new_exec });
            }
        }
        (old, new) => push(Change::Kind { old: What::of(old), new: What::of(new) }),
    }
}

impl What {
    fn of(kind: &Kind) -> Self {
        match kind {
            Kind::Dir => What::Dir,
            Kind::File { exec, size, .. } => What::File { size: *size, exec: *exec },
            Kind::Symlink { target } => What::Symlink { target: target.clone() },
        }
    }
}

/// One line: `added, a file of 1.2 kB`.
impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Change::Added(what) => write!(f, "added, {what}"),
            Change::Removed(what) => write!(f, "removed, {what}"),
            Change::Content { old_size, new_size } if old_size == new_size => {
                write!(f, "other contents of the same {}", size(*new_size))
            }
            Change::Content { old_size, new_size } => {
                write!(f, "other contents, {} -> {}", size(*old_size), size(*new_size))
            }
            Change::Mode { new_exec: true, .. } => f.write_str("now executable"),
            Change::Mode { new_exec: false, .. } => f.write_str("no longer executable"),
            Change::Target { old, new } => write!(f, "points at {} -> {}", shown(old), shown(new)),
            Change::Kind { old, new } => write!(f, "was {old}, is {new}"),
        }
    }
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            What::Dir => f.write_str("a folder"),
            What::File { size: bytes, exec: false } => write!(f, "a file of {}", size(*bytes)),
            What::File { size: bytes, exec: true } => write!(f, "an executable file of {}", size(*bytes)),
            What::Symlink { target } => write!(f, "a link to {}", shown(target)),
        }
    }
}

fn shown(path: &OsString) -> String {
    clean(path.as_encoded_bytes())
}

fn lossy<S: Serializer>(text: &OsString, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&text.to_string_lossy())
}
