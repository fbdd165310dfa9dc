//! A blob of which a part is there: written, digested as it grows, begun again. Knows a file; not where the bytes
//! come from.

use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use akbuild_nar::{Digest, Hasher};
use akbuild_tree::TreeDir;

use crate::folder::place;
use crate::trouble::Trouble;
use crate::{DistributionError, blocking};

/// What is there of a blob.
pub(crate) struct Partial {
    tree: Arc<TreeDir>,
    /// Where it is there.
    inside: PathBuf,
    /// The same, for messages.
    path: PathBuf,
    file: File,
    pub(crate) hasher: Hasher,
    bytes: u64,
    digest: Digest,
    /// It came in more than one piece.
    pub(crate) pieced: bool,
}

impl Partial {
    /// What an earlier pull left, or nothing.
    pub(crate) fn open(tree: Arc<TreeDir>, inside: PathBuf, digest: Digest) -> Result<Self, DistributionError> {
        let (mut file, path) = (tree.append_file(&inside)?, tree.top().join(&inside));
        let (mut hasher, mut bytes, mut buffer) = (Hasher::new(digest.algo()), 0, vec![0; 128 << 10]);
        loop {
            let n = file.read(&mut buffer).map_err(DistributionError::io("read", &path))?;
            if n == 0 {
                break;
            }
            hasher.update(&buffer[..n]);
            bytes += n as u64;
        }
        Ok(Self { tree, inside, path, file, hasher, bytes, digest, pieced: bytes > 0 })
    }

    /// What comes next is a further piece, if there is one already.
    pub(crate) fn go_on(&mut self) -> Result<(), DistributionError> {
        self.pieced = self.bytes > 0;
        Ok(())
    }

    /// From zero.
    pub(crate) fn restart(&mut self) -> Result<(), DistributionError> {
        self.file.set_len(0).map_err(DistributionError::io("write", &self.path))?;
        (self.hasher, self.bytes, self.pieced) = (Hasher::new(self.digest.algo()), 0, false);
        Ok(())
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<(), DistributionError> {
        self.file.write_all(bytes).map_err(DistributionError::io("write", &self.path))?;
        self.hasher.update(bytes);
        self.bytes += bytes.len() as u64;
        Ok(())
    }

    /// The complete blob, in its place.
    pub(crate) fn place(&mut self, path: &Path) -> Result<(), DistributionError> {
        place(&self.tree, &self.file, &self.inside, path)
    }
}

/// A partial blob that a task holds; what may wait for the disk is done on a thread of its own.
pub(crate) struct Held(Option<Partial>);

impl Held {
    pub(crate) fn new(partial: Partial) -> Self {
        Self(Some(partial))
    }

    /// How much is there.
    pub(crate) fn bytes(&self) -> u64 {
        self.0.as_ref().map_or(0, |p| p.bytes)
    }

    /// Does something with it. Whoever drops this while it runs must not use it again.
    pub(crate) async fn with<T: Send + 'static>(
        &mut self,
        work: impl FnOnce(&mut Partial) -> Result<T, DistributionError> + Send + 'static,
    ) -> Result<T, Trouble> {
        let mut partial = self.0.take().expect("it is put back each time");
        let (partial, outcome) = blocking::run(move || {
            let outcome = work(&mut partial);
            (partial, outcome)
        })
        .await;
        self.0 = Some(partial);
        outcome.map_err(Trouble::Fatal)
    }
}
