//! What can go from the store by itself, and where it is. Knows names and paths.

use std::path::PathBuf;

use akbuild_nar::{Digest, TreeHash};

use crate::{BuildId, Key, Store};

/// Something in the store that can go by itself.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Entry {
    /// A tree.
    Tree(TreeHash),
    /// A downloaded file.
    Blob(Digest),
    /// A bare git repository, by the name of its folder.
    Repository(String),
    /// The folder of a failed stage, by its name.
    Kept(String),
    /// A download that was interrupted, by the name of its file.
    Partial(String),
    /// What came of a key.
    Action(Key),
    /// A list of artifacts.
    List(Digest),
    /// What is in a tree, which may be gone.
    Listing(TreeHash),
    /// The record of a build, with its logs.
    Build(BuildId),
}

impl Entry {
    /// What it is, in a word: `tree`, `download`, `repository`, `folder`, `partial`, `action`, `list`,
    /// `listing` or `build`.
    pub fn kind(&self) -> &'static str {
        match self {
            Entry::Tree(_) => "tree",
            Entry::Blob(_) => "download",
            Entry::Repository(_) => "repository",
            Entry::Kept(_) => "folder",
            Entry::Partial(_) => "partial",
            Entry::Action(_) => "action",
            Entry::List(_) => "list",
            Entry::Listing(_) => "listing",
            Entry::Build(_) => "build",
        }
    }

    pub(super) fn tree(&self) -> Option<TreeHash> {
        if let Entry::Tree(hash) = self { Some(*hash) } else { None }
    }

    /// Its name in the store, whole.
    pub fn name(&self) -> String {
        match self {
            Entry::Tree(hash) | Entry::Listing(hash) => hash.to_string(),
            Entry::Blob(digest) | Entry::List(digest) => digest.to_string(),
            Entry::Action(key) => key.to_string(),
            Entry::Build(build) => build.to_string(),
            Entry::Repository(name) | Entry::Kept(name) | Entry::Partial(name) => name.clone(),
        }
    }
}

impl Store {
    pub(super) fn place(&self, entry: &Entry) -> PathBuf {
        let layout = self.layout();
        match entry {
            Entry::Tree(hash) => layout.tree(hash),
            Entry::Blob(digest) => layout.blob(digest),
            Entry::Repository(name) => layout.repositories().join(name),
            Entry::Kept(name) => layout.kept().join(name),
            Entry::Partial(name) => layout.partials().join(name),
            Entry::Action(key) => layout.action(key),
            Entry::List(digest) => layout.artifacts(digest),
            Entry::Listing(hash) => layout.listing(hash),
            Entry::Build(build) => self.build_dir(build),
        }
    }
}
