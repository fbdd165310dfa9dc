//! What can be wrong with what the documents are made from. Knows the wording.

use akbuild_nar::Digest;

use crate::Purl;

/// Why there is no bill of materials.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SbomError {
    /// Two locks disagree.
    #[error("{purl} has two digests, {first} and {second}; lock the one that is meant")]
    Digests {
        /// What both are about.
        purl: Purl,
        /// One of them.
        first: Digest,
        /// The other, by the same algorithm.
        second: Digest,
    },
    /// One package URL stands for different things.
    #[error("{purl} stands for both {first} and {second}; give one of them another name")]
    Ambiguous {
        /// The name of both.
        purl: Purl,
        /// Name and version of one.
        first: String,
        /// Name and version of the other.
        second: String,
    },
    /// A component has the image's name.
    #[error(
        "{purl} is both the image and one of its components; give the image's digest, or the component another name"
    )]
    Main {
        /// The name of both.
        purl: Purl,
    },
    /// An image's digest is a SHA-256.
    #[error("the image's digest is {found}, expected a sha256")]
    Image {
        /// What was given.
        found: Digest,
    },
}

/// Why there is no provenance.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProvenanceError {
    /// A statement is about something.
    #[error("a provenance needs at least one subject, found none")]
    NoSubject,
    /// What a statement is about is named by its digest.
    #[error("`{name}` has no digest: a subject is known by its digest")]
    NoDigest {
        /// The subject.
        name: String,
    },
    /// The specification wants a URI there.
    #[error("`{id}` is not a builder's name, expected a URI such as `https://ci.example/builders/1`")]
    Builder {
        /// What was given.
        id: String,
    },
}
