//! Errors of access to a tree. Knows the wording; must not know who asked.

use std::io;
use std::path::PathBuf;

use rustix::io::Errno;

/// Why a path of a tree cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TreeError {
    /// A symbolic link is on the way.
    #[error("`{}` of {tree} {}\n  help: name a path without symbolic links, or have a real file or folder made there", path.display(), leads(path, link, target))]
    Link {
        /// The tree, as in "the output of stage `web`".
        tree: String,
        /// The path that was asked for, relative to the top.
        path: PathBuf,
        /// The link, relative to the top.
        link: PathBuf,
        /// The link's target, as written in the link.
        target: PathBuf,
    },
    /// A path that is absolute or contains `..`.
    #[error("`{}` is not a path inside {tree}\n  help: write a relative path without `..`", path.display())]
    Outside {
        /// The tree.
        tree: String,
        /// The path.
        path: PathBuf,
    },
    /// A path that is longer than the kernel takes.
    #[error("a path of {tree} is longer than 4095 bytes\n  help: keep folders that are so deep out of it")]
    LongPath {
        /// The tree.
        tree: String,
    },
    /// An entry of another kind than the operation needs.
    #[error("`{}` of {tree} is {found}, expected {expected}", path.display())]
    Kind {
        /// The tree.
        tree: String,
        /// The path.
        path: PathBuf,
        /// The expected kind, as in "a file".
        expected: &'static str,
        /// The kind that is there, as in "a folder".
        found: &'static str,
    },
    /// A file that is longer than the caller reads.
    #[error("`{}` of {tree} has {size} bytes, at most {limit} are read", path.display())]
    TooLong {
        /// The tree.
        tree: String,
        /// The path.
        path: PathBuf,
        /// The size of the file in bytes.
        size: u64,
        /// The limit in bytes.
        limit: u64,
    },
    /// The system refused.
    #[error("cannot {action} `{}` of {tree}: {source}", path.display())]
    Io {
        /// The action, as in "cannot ...".
        action: &'static str,
        /// The tree.
        tree: String,
        /// The path.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
}

impl TreeError {
    /// The system's error code, if the system refused.
    pub fn errno(&self) -> Option<Errno> {
        match self {
            TreeError::Io { source, .. } => Errno::from_io_error(source),
            _ => None,
        }
    }

    /// The path that was asked for, relative to the top.
    pub fn path(&self) -> &std::path::Path {
        match self {
            TreeError::Link { path, .. }
            | TreeError::Outside { path, .. }
            | TreeError::Kind { path, .. }
            | TreeError::TooLong { path, .. }
            | TreeError::Io { path, .. } => path,
            TreeError::LongPath { .. } => std::path::Path::new(""),
        }
    }

    /// The error of an operation on `wanted` that failed at a folder above it.
    #[must_use]
    pub fn on_the_way_to(self, wanted: &std::path::Path) -> Self {
        match self {
            TreeError::Link { tree, link, target, .. } => {
                TreeError::Link { tree, path: wanted.to_owned(), link, target }
            }
            other => other,
        }
    }

    /// Whether the reason is that the path does not exist.
    pub fn is_not_found(&self) -> bool {
        self.errno() == Some(Errno::NOENT)
    }
}

/// The predicate for a path that is a link, or that has one on the way.
fn leads(path: &std::path::Path, link: &std::path::Path, target: &std::path::Path) -> String {
    let target = target.display();
    if path == link {
        return format!("is a symbolic link to `{target}`");
    }
    format!("leads through the symbolic link `{}` to `{target}`", link.display())
}
