//! What can be wrong with a written hash or listing. Knows the wording, nothing of how they are read.

use std::io;
use std::path::PathBuf;

use crate::Algo;

/// Why a text is not a digest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DigestError {
    /// The bytes are not as many as the algorithm gives.
    #[error("a {algo} digest has {expected} bytes, found {found}; copy the whole digest")]
    Length {
        /// The algorithm.
        algo: Algo,
        /// How many bytes it gives.
        expected: usize,
        /// How many there were.
        found: usize,
    },
    /// The name in front is none that is known.
    #[error("unknown hash algorithm in `{text}`: expected one of sha1, sha256, sha512, h1-zip, h1-mod")]
    Algorithm {
        /// The text as it stands.
        text: String,
    },
    /// The part after the algorithm does not decode.
    #[error("`{text}` is not valid {encoding}; copy the whole digest, with its `=` at the end if it has one")]
    Encoding {
        /// The text as it stands.
        text: String,
        /// The encoding that was expected.
        encoding: &'static str,
    },
    /// There is no `ALGORITHM-` in front.
    #[error(
        "`{text}` is not a hash: expected ALGORITHM-BASE64, for example sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
    )]
    Form {
        /// The text as it stands.
        text: String,
    },
}

/// Why a text is not a listing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line} of the listing: {problem}; delete the listing, it is made again from its tree")]
pub struct ListingError {
    /// The line, counted from 1.
    pub line: usize,
    /// What is wrong with it.
    pub problem: &'static str,
}

/// Why a tree could not be hashed, written or restored.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NarError {
    /// The file system refused.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// What was tried, as in "cannot ...".
        action: &'static str,
        /// With what.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// A thing that a NAR cannot hold.
    #[error("{} is {what}; a tree may hold only files, folders and symbolic links: remove it, or keep it out of the output", path.display())]
    Special {
        /// Where it is.
        path: PathBuf,
        /// What it is, as in "a socket".
        what: &'static str,
    },
    /// Folders inside each other, more than a tree may have.
    #[error("{} has more than {limit} folders inside each other; keep them out of the output", root.display())]
    Depth {
        /// The top of the tree.
        root: PathBuf,
        /// How many there may be.
        limit: usize,
    },
    /// A file got shorter while it was read.
    #[error("{} changed while it was read: expected {expected} bytes, found {found}; try again when nothing writes to it", path.display())]
    Changed {
        /// Which file.
        path: PathBuf,
        /// Its length when it was opened.
        expected: u64,
        /// How many bytes could be read.
        found: u64,
    },
    /// The NAR could not be written.
    #[error("cannot write the archive: {0}")]
    Write(#[source] io::Error),
    /// The NAR could not be read.
    #[error("cannot read the archive: {0}")]
    Read(#[source] io::Error),
    /// The NAR is not one, or not one that is safe to unpack.
    #[error("not a valid NAR archive, at byte {offset}: {problem}; fetch or export it again")]
    Malformed {
        /// How many bytes were read before it.
        offset: u64,
        /// What is wrong.
        problem: String,
    },
}
