//! Lists of downloads: what a stage could use of the blobs. Knows names and digests; a list is named by
//! the SHA-256 of its text, so that builds with the same locks share one.

use std::fs;

use akbuild_nar::Digest;
use serde::{Deserialize, Serialize};

use crate::layout::exists;
use crate::lease_state::Used;
use crate::{Store, StoreError};

/// A download, by what it is and what its bytes are.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Artifact {
    /// A package URL (`pkg:npm/left-pad@1.3.0`, see ECMA-427), or the address of what is no package.
    pub name: String,
    /// Its digest.
    pub digest: Digest,
}

impl Store {
    /// Keeps a list, and gives its name. The order of the list does not count.
    pub fn put_artifacts(&self, list: &[Artifact]) -> Result<Digest, StoreError> {
        let mut sorted: Vec<&Artifact> = list.iter().collect();
        sorted.sort();
        sorted.dedup();
        let lines: Vec<String> = sorted.iter().map(|artifact| format!("{}\n", serde_json::json!(artifact))).collect();
        let text = lines.concat();
        let name = Digest::sha256(text.as_bytes());
        let path = self.layout().artifacts(&name);
        // No action names it yet: until one does, the lease keeps it.
        let _hold = self.hold()?;
        self.mark(Used::List(name));
        if !exists(&path) {
            self.replace(&path, text.as_bytes())?;
        }
        Ok(name)
    }

    /// A list, sorted by name. `None` if it is not there, or not what its name says.
    pub fn artifacts(&self, list: &Digest) -> Result<Option<Vec<Artifact>>, StoreError> {
        let Some(bytes) = self.artifacts_text(list)? else { return Ok(None) };
        let lines = bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        Ok(lines.map(serde_json::from_slice).collect::<Result<_, _>>().ok())
    }

    /// The same as it is written: JSON lines.
    pub fn artifacts_text(&self, list: &Digest) -> Result<Option<Vec<u8>>, StoreError> {
        let path = self.layout().artifacts(list);
        let bytes = match fs::read(&path) {
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            read => read.map_err(|e| StoreError::io("read", &path, e))?,
        };
        if Digest::sha256(&bytes) != *list {
            tracing::warn!(path = %path.display(), "a list of artifacts is damaged and passed over");
            return Ok(None);
        }
        Ok(Some(bytes))
    }
}
