//! Downloads in the store, as files that are read. Knows where the store has them.

use std::fs::File;

use akbuild_nar::Digest;
use akbuild_store::Store;
use akbuild_tree::{TreeDir, TreeError};

/// Opens a download, which is a file and no link.
pub(crate) fn open(store: &Store, digest: &Digest) -> Result<File, TreeError> {
    let path = store.blob_path(digest);
    let folder = path.parent().unwrap_or(store.home());
    TreeDir::open(folder, "the store's downloads")?.file(path.file_name().unwrap_or_default())
}
