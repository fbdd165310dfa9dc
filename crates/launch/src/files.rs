//! Reads files of an image, whose links lead where a container sees them, and makes folders in a scratch folder. Must
//! not depend on how the image is mounted.

use std::path::Path;

use akbuild_tree::{RootDir, TreeError};

use crate::LaunchError;
use crate::error::Refused;

/// The name of an image in messages.
pub(crate) const IMAGE: &str = "the image";

/// Files that list users and groups are not read beyond this size.
const MAX_USERS_BYTES: u64 = 1 << 20;

/// Opens a folder as the root of a file system: no link in it leads out of it.
pub(crate) fn open(folder: &Path) -> Result<RootDir, TreeError> {
    RootDir::open(folder, IMAGE)
}

/// Reads a file that lists users or groups.
pub(crate) fn read_users(folder: &Path, path: &Path) -> Option<String> {
    String::from_utf8(open(folder).ok()?.read_at_most(path, MAX_USERS_BYTES).ok()?).ok()
}

/// Makes a folder that does not exist yet.
#[allow(clippy::disallowed_methods, reason = "the path is in a scratch folder, outside of the copies in it")]
pub(crate) fn make_folder(path: &Path) -> Result<(), LaunchError> {
    std::fs::create_dir(path).doing("make", path)
}
