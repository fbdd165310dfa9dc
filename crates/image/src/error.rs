//! What can go wrong with an image.

use std::io;
use std::path::PathBuf;

use akbuild_tree::TreeError;
use thiserror::Error;

/// What to do about an image that is not as it should be.
const AGAIN: &str = "run `akbuild cache verify --repair` if akbuild has made it; fetch any other image again";

/// A failure to make, read or unpack an image.
#[derive(Debug, Error)]
#[allow(missing_docs, reason = "the fields are what the message names")]
pub enum ImageError {
    /// The system refused.
    #[error("cannot {doing} `{path}`: {source}", path = path.display())]
    Io { doing: &'static str, path: PathBuf, source: io::Error },
    /// A path of a tree, of a layout or of an unpacked image.
    #[error(transparent)]
    Tree(#[from] TreeError),
    /// Two things want the same name.
    #[error(
        "the image has two files at `/{path}`: {first} and {second}\n  help: take one of them away, or give it another path"
    )]
    Twice { path: String, first: String, second: String },
    /// A layer would take the place of what a lower one has.
    #[error(
        "{layer} has {new} at `/{path}`, where {lower} has {old}\n  help: write the path as it is below, without \
         symbolic links, or leave one of the two out with `exclude`"
    )]
    Hidden { path: String, layer: String, new: &'static str, lower: String, old: &'static str },
    /// A name that means something else in a layer.
    #[error(
        "`/{path}` cannot be in a layer: names that begin with `.wh.` mean that a file is deleted\n  help: leave it \
         out with `exclude`"
    )]
    Whiteout { path: String },
    /// Something that is no path of a layer.
    #[error(
        "`{path}` cannot be in a layer\n  help: write names between single slashes, from the image's root, without `.` \
         and `..`", path = path.escape_debug()
    )]
    Path { path: String },
    /// A file is not what its listing says.
    #[error(
        "`{path}` has {found} B, and had {expected} B\n  help: find what is damaged with `akbuild cache verify`",
        path = path.display()
    )]
    Changed { path: PathBuf, expected: u64, found: u64 },
    /// A document of an image is not what the specification says.
    #[error("`{path}` is no {what}: {problem}\n  help: {AGAIN}", path = path.display())]
    Document { path: PathBuf, what: &'static str, problem: String },
    /// A layer that cannot be unpacked.
    #[error("layer {layer} of the image is damaged or hostile: {problem}\n  help: {AGAIN}")]
    Layer { layer: String, problem: String },
    /// Bytes with another digest.
    #[error("blob {blob} of the image has other bytes than its digest says\n  help: {AGAIN}")]
    Digest { blob: String },
    /// A layer's archive with another digest.
    #[error("layer {layer} of the image has another `diff_id` than the image's configuration says\n  help: {AGAIN}")]
    DiffId { layer: String },
    /// What is kept from a layer's stage is not one.
    #[error("`{path}` does not describe a layer: {problem}\n  help: `akbuild cache verify --repair`", path = path.display())]
    Record { path: PathBuf, problem: String },
}

/// Says what was being done when the system refused.
pub(crate) trait Doing<T> {
    fn doing(self, doing: &'static str, path: impl Into<PathBuf>) -> Result<T, ImageError>;
}

impl<T> Doing<T> for io::Result<T> {
    fn doing(self, doing: &'static str, path: impl Into<PathBuf>) -> Result<T, ImageError> {
        self.map_err(|source| ImageError::Io { doing, path: path.into(), source })
    }
}
