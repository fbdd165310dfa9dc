//! Why the configuration of a client cannot be read. Knows the words of the messages only.

use std::io;
use std::path::{Path, PathBuf};

/// Why a configuration file of the machine cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ConfigurationError {
    /// It does not parse.
    #[error("{file}:{line}: expected {expected}")]
    Syntax {
        /// The file, as the person knows it.
        file: String,
        /// Line, from 1; 0 where the whole file is meant.
        line: usize,
        /// What should have stood there.
        expected: String,
    },
    /// The system does not give it.
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
