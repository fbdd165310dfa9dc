//! What can be wrong with a written hash or listing. Knows the wording, nothing of how they are read.

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
