//! Small files that appear whole or not at all. Knows nothing of what is in them.

use std::fs;
use std::io::Write;
use std::path::Path;

use crate::{Store, StoreError};

impl Store {
    /// Writes to a scratch file, then renames: a reader, or the next process after a kill, sees the old file or the
    /// new one, never half of one. Survival of a power loss is left to [`Store::sync`].
    pub(crate) fn replace(&self, path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
        let (temporary, mut file) = self.scratch_file()?;
        let written = file.write_all(bytes).and_then(|()| fs::rename(&temporary, path));
        written.map_err(|e| {
            // Only tidiness: the name is never read.
            let _ = fs::remove_file(&temporary);
            StoreError::sized("write", path, e, Some(bytes.len() as u64))
        })
    }
}

/// Makes a folder and those above it.
pub(crate) fn make_dirs(path: &Path) -> Result<(), StoreError> {
    fs::create_dir_all(path).map_err(|e| StoreError::io("create the folder", path, e))
}
