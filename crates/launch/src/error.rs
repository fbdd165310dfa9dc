//! Why a process of an image cannot be launched: errors of the machine, and problems of the image itself.

use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

/// A launch that the machine or the image's files prevent.
#[derive(Debug, Error)]
#[allow(missing_docs, reason = "the fields are what the message names")]
pub enum LaunchError {
    /// The image cannot be unpacked.
    #[error(transparent)]
    Image(#[from] akbuild_image::ImageError),
    /// A path of the image.
    #[error(transparent)]
    Tree(#[from] akbuild_tree::TreeError),
    /// The system refused.
    #[error("cannot {doing} `{path}`: {source}", path = path.display())]
    Io { doing: &'static str, path: PathBuf, source: io::Error },
    /// The image's user is not in the image.
    #[error("the image cannot be started: {problem}")]
    User { problem: String },
}

/// A problem of an image that shows before anything is started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LaunchProblem {
    /// The problem, in a line.
    pub what: String,
    /// Its causes, a line each.
    pub causes: Vec<String>,
}

impl LaunchProblem {
    pub(crate) fn new(what: impl Into<String>) -> Self {
        Self { what: what.into(), causes: Vec::new() }
    }

    pub(crate) fn because(mut self, cause: impl Into<String>) -> Self {
        self.causes.push(cause.into());
        self
    }
}

/// Adds to an error of the system the operation that it refused.
pub(crate) trait Refused<T> {
    fn doing(self, doing: &'static str, path: &Path) -> Result<T, LaunchError>;
}

impl<T> Refused<T> for io::Result<T> {
    fn doing(self, doing: &'static str, path: &Path) -> Result<T, LaunchError> {
        self.map_err(|source| LaunchError::Io { doing, path: path.to_owned(), source })
    }
}
