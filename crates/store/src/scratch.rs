//! Private folders in which things are made before they are published, and files that get their final name when they
//! are whole. Knows who uses them: each is locked (flock) by its process, and what is not locked is abandoned.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

use crate::bucket;
use crate::layout::file_name;
use crate::unique::unique;
use crate::{Store, StoreError, remove};

/// A private folder on the file system of the trees. Dropping it removes it.
#[derive(Debug)]
pub struct Scratch {
    path: PathBuf,
    kept: PathBuf,
    /// The folder itself, locked: the lock dies with the process, however it dies.
    lock: Option<File>,
}

impl Scratch {
    /// The folder, empty at first, mode 755.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Keeps the folder, for a person to look at, and gives its new path (in `kept-v1`).
    pub fn keep(mut self) -> Result<PathBuf, StoreError> {
        fs::rename(&self.path, &self.kept).map_err(|e| StoreError::io("keep", &self.path, e))?;
        self.lock = None;
        Ok(self.kept.clone())
    }

    /// Removes the folder; as dropping it, but says when that fails.
    pub fn close(mut self) -> Result<(), StoreError> {
        let removed = remove(&self.path);
        self.lock = None;
        removed
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if self.lock.is_some()
            && let Err(error) = remove(&self.path)
        {
            // The next `Store::open` tries again.
            tracing::warn!(%error, "a scratch folder is left behind");
        }
    }
}

impl Store {
    /// Keeps collectors away from a folder that was kept, until the file is closed.
    pub fn use_kept(&self, kept: &Path) -> Result<File, StoreError> {
        lock_dir(kept, FlockOperation::LockShared)
    }

    /// A new private folder, named after `what` for people who look.
    pub fn scratch(&self, what: &str) -> Result<Scratch, StoreError> {
        self.need_writable()?;
        let tmp = self.layout().tmp();
        let name = own_name(what);
        let path = tmp.join(&name);
        // Shared, so that no other process takes the folder for abandoned before it is locked.
        let gate = lock_dir(&tmp, FlockOperation::LockShared)?;
        fs::create_dir(&path).map_err(|e| StoreError::io("create the folder", &path, e))?;
        let lock = lock_dir(&path, FlockOperation::NonBlockingLockExclusive)?;
        drop(gate);
        Ok(Scratch { kept: self.layout().kept().join(name), path, lock: Some(lock) })
    }

    /// A new file beside the scratch folders, locked as long as it is open.
    pub(crate) fn scratch_file(&self) -> Result<(PathBuf, File), StoreError> {
        let tmp = self.layout().tmp();
        let path = tmp.join(own_name("file"));
        let gate = lock_dir(&tmp, FlockOperation::LockShared)?;
        let file = File::create_new(&path).map_err(|e| StoreError::io("create", &path, e))?;
        flock(&file, FlockOperation::NonBlockingLockExclusive).map_err(|e| StoreError::io("lock", &path, e))?;
        drop(gate);
        Ok((path, file))
    }

    /// Removes what was scratch of processes that are no more. Skipped if another process does so.
    pub(crate) fn remove_abandoned(&self) -> Result<(), StoreError> {
        let tmp = self.layout().tmp();
        let entries = fs::read_dir(&tmp).map_err(|e| StoreError::io("list", &tmp, e))?;
        let names: Vec<PathBuf> = entries.filter_map(|e| Some(e.ok()?.path())).collect();
        if names.is_empty() {
            return Ok(());
        }
        let Some(gate) = try_lock_dir(&tmp)? else { return Ok(()) };
        let mut abandoned = Vec::new();
        for path in names {
            // Gone by now: left alone.
            if let Ok(Some(lock)) = try_lock_dir(&path) {
                abandoned.push((path, lock));
            }
        }
        drop(gate);
        for (path, _lock) in &abandoned {
            tracing::debug!(path = %path.display(), "removing an abandoned scratch folder");
            remove(path)?;
        }
        Ok(())
    }
}

/// A name that no other process takes, even one of another pid namespace.
fn own_name(what: &str) -> String {
    let start = (crate::store::now() * 1000.0) as u64;
    format!("{}-{start}-{}-{}", std::process::id(), unique(), file_name(what))
}

fn lock_dir(path: &Path, operation: FlockOperation) -> Result<File, StoreError> {
    let dir = bucket::open(path).map_err(|e| StoreError::io("open", path, e))?;
    rustix::io::retry_on_intr(|| flock(&dir, operation)).map_err(|e| StoreError::io("lock", path, e))?;
    Ok(dir)
}

pub(crate) fn try_lock_dir(path: &Path) -> Result<Option<File>, StoreError> {
    let dir = bucket::open(path).map_err(|e| StoreError::io("open", path, e))?;
    match flock(&dir, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(Some(dir)),
        Err(Errno::WOULDBLOCK) => Ok(None),
        Err(e) => Err(StoreError::io("lock", path, e)),
    }
}
