//! The folder of a local source, and the names in it that are never part of the source.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use akbuild_recipe::plan::Source;
use akbuild_tree::TreeDir;

use crate::error::EngineError;

/// Names that are never part of a local tree: repositories, and links that akbuild itself leaves.
pub(crate) fn is_left_out(name: &OsStr, is_link: bool) -> bool {
    name == ".git" || ((name == "result" || name == "result-image") && is_link)
}

/// Opens the folder of a local source. The person who builds names it, so links up to it are followed.
#[allow(clippy::disallowed_methods, reason = "the path is the operator's own")]
pub(crate) fn open(source: &Source, path: &Path) -> Result<TreeDir, EngineError> {
    let real: PathBuf = path
        .canonicalize()
        .ok()
        .filter(|real| real.is_dir())
        .ok_or_else(|| EngineError::NoFolder { id: source.id.to_string(), path: path.to_owned() })?;
    Ok(TreeDir::open(&real, format!("source `{}`", source.id))?)
}
