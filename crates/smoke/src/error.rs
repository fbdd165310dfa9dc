//! What keeps a smoke test from being made: nothing that it finds of the image.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

/// A smoke test that could not be made.
#[derive(Debug, Error)]
#[allow(missing_docs, reason = "the fields are what the message names")]
pub enum SmokeError {
    /// The sandbox.
    #[error(transparent)]
    Sandbox(#[from] akbuild_sandbox::SandboxError),
    /// The image cannot be unpacked or launched.
    #[error(transparent)]
    Launch(#[from] akbuild_launch::LaunchError),
    /// A path of the image.
    #[error(transparent)]
    Tree(#[from] akbuild_tree::TreeError),
    /// The system refused.
    #[error("cannot {doing} `{path}`: {source}", path = path.display())]
    Io { doing: &'static str, path: PathBuf, source: io::Error },
    /// Something else that the caller does for it.
    #[error("{0}")]
    Said(String),
    /// It was interrupted.
    #[error("interrupted")]
    Interrupted,
}

/// Says what was being done when the system refused.
pub(crate) trait Doing<T> {
    fn doing(self, doing: &'static str, path: impl Into<PathBuf>) -> Result<T, SmokeError>;
}

impl<T> Doing<T> for io::Result<T> {
    fn doing(self, doing: &'static str, path: impl Into<PathBuf>) -> Result<T, SmokeError> {
        self.map_err(|source| SmokeError::Io { doing, path: path.into(), source })
    }
}
