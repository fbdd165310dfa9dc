//! Errors of reading a client's configuration, with their messages.

use std::io;
use std::path::{Path, PathBuf};

/// A configuration file of the machine that cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ConfigurationError {
    /// The file does not parse.
    #[error("{file}:{line}: expected {expected}")]
    Syntax {
        /// The file, as the person knows it.
        file: String,
        /// Line, from 1; 0 where the whole file is meant.
        line: usize,
        /// What should have stood there.
        expected: String,
    },
    /// The system refuses access.
    #[error("cannot read {}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

impl ConfigurationError {
    /// For `map_err` on file operations.
    pub(crate) fn io(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { path, source }
    }
}
