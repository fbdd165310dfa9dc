//! Things that a provenance points to: in-toto's ResourceDescriptor v1 and DigestSet. Knows how digests are called there.

use std::collections::BTreeMap;

use akbuild_nar::{Algo, Digest};
use serde::Serialize;

use crate::{Origin, Purl};

/// Digests of one thing, by in-toto's names of them: `sha1`, `sha256`, `sha512`, `gitCommit`; `dirHash` for the `h1:`
/// hash of a Go module or of its `go.mod`; and `narSha256` (lower-case hex of the SHA-256 of a tree's NAR serialisation),
/// which in-toto leaves to be named. Sorted by their names.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct DigestSet(BTreeMap<&'static str, String>);

impl DigestSet {
    /// One file's digests, by whatever algorithms.
    pub fn file<'a>(digests: impl IntoIterator<Item = &'a Digest>) -> Self {
        let mut set = Self::default();
        for digest in digests {
            let name = match digest.algo() {
                Algo::Sha1 => "sha1",
                Algo::Sha256 => "sha256",
                Algo::Sha512 => "sha512",
                Algo::GoZip | Algo::GoMod => "dirHash",
                _ => continue,
            };
            set.0.insert(name, digest.hex());
        }
        set
    }

    /// A tree's NAR hash.
    pub fn tree(tree: &Digest) -> Self {
        Self::default().with_tree(tree)
    }

    fn with_tree(mut self, tree: &Digest) -> Self {
        let name = if tree.algo() == Algo::Sha512 { "narSha512" } else { "narSha256" };
        self.0.insert(name, tree.hex());
        self
    }

    fn with_commit(mut self, commit: Option<&str>) -> Self {
        self.0.extend(commit.map(|commit| ("gitCommit", commit.to_ascii_lowercase())));
        self
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// A file or an image with a name of its own.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Item {
    /// Its name.
    pub name: String,
    /// What it was.
    pub digest: DigestSet,
}

impl Item {
    /// A file by one digest.
    pub fn new(name: &str, digest: &Digest) -> Self {
        Self { name: name.to_owned(), digest: DigestSet::file([digest]) }
    }
}

/// Something that a build used.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Material {
    /// A package URL, or where a source was had from.
    pub(crate) uri: String,
    /// A source's name in the recipe.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) name: Option<String>,
    #[serde(skip_serializing_if = "DigestSet::is_empty")]
    pub(crate) digest: DigestSet,
}

impl Material {
    /// A file of a registry.
    pub fn artifact<'a>(purl: &Purl, digests: impl IntoIterator<Item = &'a Digest>) -> Self {
        Self { uri: purl.to_string(), name: None, digest: DigestSet::file(digests) }
    }

    /// A source. One whose address is none of a network is named by its package URL.
    pub fn source(name: &str, version: &str, origin: &Origin, archive: Option<&Digest>) -> Self {
        let uri = origin.location().unwrap_or_else(|| Purl::source(name, version, origin, archive).to_string());
        let digest = DigestSet::file(archive).with_tree(&origin.tree).with_commit(origin.commit.as_deref());
        Self { uri, name: Some(name.to_owned()), digest }
    }
}
