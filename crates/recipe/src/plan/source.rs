//! Sources of a plan: where each comes from and what is changed in it. Knows addresses and pins; fetches nothing.

use std::path::PathBuf;

use akbuild_nar::{Digest, TreeHash};

use super::{SourceId, Subset};

/// A tree that comes from outside.
#[derive(Clone, Debug)]
pub struct Source {
    /// Its name.
    pub id: SourceId,
    /// Where it comes from.
    pub origin: Origin,
    /// Which of a local folder's files are taken, for an [`Origin::Path`] of the recipe; else all.
    pub subset: Subset,
    /// The NAR hash it must have; `None` for a local folder that nothing pins.
    pub hash: Option<TreeHash>,
    /// Whether `--source NAME=PATH` stands in for what the recipe says: the result is marked as such.
    pub replaced: bool,
    /// Changes made to it, in order, before any stage sees it.
    pub patches: Vec<Patch>,
}

/// Where a source comes from.
#[derive(Clone, Debug)]
pub enum Origin {
    /// A commit of a git repository; the addresses are tried in turn.
    Git {
        /// Addresses of the repository and its mirrors.
        urls: Vec<String>,
        /// The tag or branch to ask for, if any (cheaper than a bare commit with most servers).
        reference: Option<String>,
        /// The commit, 40 hex digits.
        commit: String,
    },
    /// An archive; its single top folder, if it has one, is stripped.
    Tarball {
        /// Addresses, tried in turn.
        urls: Vec<SourceAddress>,
        /// The digest of the archive file.
        digest: Digest,
    },
    /// A folder on this machine. A `.git` folder in it is left out.
    Path(PathBuf),
}

/// An address of a source, and who named it: a recipe, unlike the overlay, cannot name files of this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceAddress {
    /// The address.
    pub url: String,
    /// Who named it.
    pub author: AddressAuthor,
}

/// Who named an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AddressAuthor {
    /// `akbuild.toml`.
    Recipe,
    /// `akbuild.local.toml`.
    Overlay,
}

/// A change to one file of a source.
#[derive(Clone, Debug)]
pub struct Patch {
    /// The file, relative to the source's root.
    pub file: String,
    /// What is done to it.
    pub edit: Edit,
    /// Where the patch is written, for messages: `akbuild.toml:12`.
    pub at: String,
}

/// What a patch does.
#[derive(Clone, Debug)]
pub enum Edit {
    /// Replaces the single occurrence of `from`; none or several stop the build.
    Replace {
        /// The text that must occur exactly once.
        from: String,
        /// What stands there afterwards.
        to: String,
    },
    /// Puts this file of the local machine in its place (also where there was none).
    With {
        /// The file whose bytes are taken.
        path: PathBuf,
        /// Their digest when the plan was made.
        digest: Digest,
    },
}
