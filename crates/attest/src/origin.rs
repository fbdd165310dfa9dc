//! Where a source came from, as documents may say it. Must not depend on documents or package URLs.

use akbuild_nar::Digest;

use crate::address;

/// Where a source came from, and what it was.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Origin {
    /// Address of a git repository or of an archive. Users, passwords and queries in it are left out of every document,
    /// and so is all that is no address of a network: folders of a machine.
    pub address: Option<String>,
    /// The commit, in hex, if it was git.
    pub commit: Option<String>,
    /// The tree's NAR hash.
    pub tree: Digest,
}

impl Origin {
    /// The address as others may see it.
    pub(crate) fn public(&self) -> Option<String> {
        self.address.as_deref().and_then(address::public)
    }

    /// Where to have it from, by SPDX's download location: `git+https://forge.example/app@COMMIT`.
    pub(crate) fn location(&self) -> Option<String> {
        let address = self.public()?;
        Some(match &self.commit {
            Some(commit) => format!("git+{address}@{}", commit.to_ascii_lowercase()),
            None => address,
        })
    }
}
