//! The kinds of entries in a tree. Knows metadata; opens nothing.

use std::path::PathBuf;

use rustix::fs::{FileType, Stat};

/// An entry of a tree, by its own metadata: links are not followed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EntryKind {
    /// A regular file.
    File {
        /// Whether its owner may execute it.
        executable: bool,
        /// Its size in bytes.
        size: u64,
    },
    /// A folder.
    Folder,
    /// A symbolic link and its target.
    Link(PathBuf),
    /// A device, a pipe or a socket.
    Special,
}

impl EntryKind {
    /// Whether this is a folder.
    pub fn is_folder(&self) -> bool {
        matches!(self, EntryKind::Folder)
    }

    /// Whether this is a regular file.
    pub fn is_file(&self) -> bool {
        matches!(self, EntryKind::File { .. })
    }

    /// The kind of a thing that is not a link.
    pub(crate) fn from_stat(stat: &Stat) -> Self {
        match FileType::from_raw_mode(stat.st_mode) {
            FileType::RegularFile => EntryKind::File {
                executable: stat.st_mode & 0o100 != 0,
                size: u64::try_from(stat.st_size).unwrap_or(0),
            },
            FileType::Directory => EntryKind::Folder,
            FileType::Symlink => EntryKind::Link(PathBuf::new()),
            _ => EntryKind::Special,
        }
    }

    /// The kind in words, with its article.
    pub fn as_words(&self) -> &'static str {
        match self {
            EntryKind::File { .. } => "a file",
            EntryKind::Folder => "a folder",
            EntryKind::Link(_) => "a symbolic link",
            EntryKind::Special => "a device, pipe or socket",
        }
    }
}
