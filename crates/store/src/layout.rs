//! Where everything lies in the home. Knows paths, and nothing of what is in them.
//!
//! ```text
//! HOME/
//!   index-v2.sqlite                  index and memo table; can be lost (see `index`)
//!   trees-v1/<nar hash, hex>         a tree: mtime 1, modes 444 and 555
//!   listings-v1/<nar hash, hex>      its files, text (see akbuild_nar::Listing); made on demand
//!   blobs-v1/<algo>/<2 hex>/<hex>    a downloaded file, mode 444
//!   partial-v1/<algo>-<hex>          a download that is not complete; locked by who writes it
//!   actions-v1/<key hex>.json        what came of a key
//!   artifacts-v1/<sha256, hex>       a list of downloads, JSON lines; named by its own hash
//!   builds-v1/<build>/               build.json, <stage>.log, trace.json, build.html; locked while it goes on,
//!                                    each log while it is written
//!   roots-v1/<hash of link path>     symbolic link to a link into trees-v1, e.g. to ./result
//!   locks-v1/<key hex>               present and locked while a key is being built
//!   leases-v1/<pid>-<start>-<n>      what a running process relies on; locked while it runs
//!   tmp-v1/<pid>-<start>-<n>-<what>/ scratch folders, locked while in use
//!   tmp-v1/<pid>-<start>-<n>-file    a small file that has not its final name yet, locked by who writes it
//!   kept-v1/<the same>/              scratch folders of failed stages that were kept
//!   git-v1/<name>-<hash>.git          bare repositories; made and read by akbuild_fetch alone
//! ```

use std::path::{Path, PathBuf};

use akbuild_nar::{Digest, TreeHash};

use crate::Key;

/// Paths below a home.
#[derive(Debug, Clone)]
pub(crate) struct Layout {
    pub(crate) home: PathBuf,
}

/// The folders that are made when a home is first opened.
pub(crate) const BUCKETS: [&str; 12] = [
    "trees-v1",
    "listings-v1",
    "blobs-v1",
    "partial-v1",
    "actions-v1",
    "artifacts-v1",
    "builds-v1",
    "roots-v1",
    "locks-v1",
    "leases-v1",
    "kept-v1",
    "tmp-v1",
];

impl Layout {
    pub(crate) fn index(&self) -> PathBuf {
        self.home.join("index-v2.sqlite")
    }

    pub(crate) fn trees(&self) -> PathBuf {
        self.home.join("trees-v1")
    }

    pub(crate) fn blobs(&self) -> PathBuf {
        self.home.join("blobs-v1")
    }

    pub(crate) fn tree(&self, hash: &TreeHash) -> PathBuf {
        self.bucket("trees-v1", &hash.hex())
    }

    pub(crate) fn listing(&self, hash: &TreeHash) -> PathBuf {
        self.bucket("listings-v1", &hash.hex())
    }

    pub(crate) fn listings(&self) -> PathBuf {
        self.home.join("listings-v1")
    }

    pub(crate) fn artifact_lists(&self) -> PathBuf {
        self.home.join("artifacts-v1")
    }

    pub(crate) fn blob(&self, digest: &Digest) -> PathBuf {
        let hex = digest.hex();
        self.home.join(format!("blobs-v1/{}/{}/{hex}", digest.algo(), &hex[..2]))
    }

    pub(crate) fn partial(&self, digest: &Digest) -> PathBuf {
        self.bucket("partial-v1", &format!("{}-{}", digest.algo(), digest.hex()))
    }

    pub(crate) fn partials(&self) -> PathBuf {
        self.home.join("partial-v1")
    }

    pub(crate) fn repositories(&self) -> PathBuf {
        self.home.join("git-v1")
    }

    pub(crate) fn actions(&self) -> PathBuf {
        self.home.join("actions-v1")
    }

    pub(crate) fn action(&self, key: &Key) -> PathBuf {
        self.bucket("actions-v1", &format!("{key}.json"))
    }

    pub(crate) fn artifacts(&self, list: &Digest) -> PathBuf {
        self.bucket("artifacts-v1", &list.hex())
    }

    pub(crate) fn leases(&self) -> PathBuf {
        self.home.join("leases-v1")
    }

    pub(crate) fn builds(&self) -> PathBuf {
        self.home.join("builds-v1")
    }

    pub(crate) fn roots(&self) -> PathBuf {
        self.home.join("roots-v1")
    }

    pub(crate) fn lock(&self, name: &str) -> PathBuf {
        self.bucket("locks-v1", name)
    }

    pub(crate) fn locks(&self) -> PathBuf {
        self.home.join("locks-v1")
    }

    pub(crate) fn tmp(&self) -> PathBuf {
        self.home.join("tmp-v1")
    }

    pub(crate) fn kept(&self) -> PathBuf {
        self.home.join("kept-v1")
    }

    fn bucket(&self, bucket: &str, name: &str) -> PathBuf {
        let mut path = self.home.join(bucket);
        path.push(name);
        path
    }
}

/// A text as a file name: what could lead elsewhere or be unreadable becomes `_`.
pub(crate) fn file_name(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '+' | '@');
    let name: String = text.chars().take(100).map(|c| if plain(c) { c } else { '_' }).collect();
    if name.is_empty() || name.starts_with('.') { format!("_{name}") } else { name }
}

/// Whether anything is at the path, a dangling link included.
pub(crate) fn exists(path: &Path) -> bool {
    path.symlink_metadata().is_ok()
}
