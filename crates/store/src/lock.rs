//! Locks between processes: one builder a key, one writer a file. Knows flock, which dies with its
//! holder, and lock files that are removed by who holds them.

use std::fs::File;
use std::io::{ErrorKind, Read, Seek, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;
use serde::{Deserialize, Serialize};

use crate::bucket;
use crate::{Key, Store, StoreError};

/// Who holds a key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// Its process id.
    pub pid: u32,
    /// What it says it does.
    pub what: String,
    /// Since when, in seconds since 1970.
    pub since: u64,
}

/// The right to build a key, until it is dropped or the process ends.
#[derive(Debug)]
pub struct KeyLock {
    path: PathBuf,
    _file: File,
}

impl Drop for KeyLock {
    fn drop(&mut self) {
        // While it is still locked: who waits for it sees that the name is gone, and tries again.
        // A file that stays does no harm.
        let _ = std::fs::remove_file(&self.path);
    }
}

impl Store {
    /// Waits until nobody else, in any process, builds this key; those who then wait are told `what` it is
    /// locked for, such as a stage's name. While waiting, `waiting` is called with the holder, several
    /// times a second; when it says no, the wait ends with `None`.
    pub fn lock_key(
        &self,
        key: &Key,
        what: &str,
        waiting: &mut dyn FnMut(&Holder) -> bool,
    ) -> Result<Option<KeyLock>, StoreError> {
        self.need_writable()?;
        let path = self.layout().lock(&key.hex());
        let mut pause = Duration::from_millis(2);
        loop {
            let mut file = open(&path)?;
            if try_lock(&file, &path)? {
                if is_at(&file, &path)? {
                    let holder =
                        Holder { pid: std::process::id(), what: what.to_owned(), since: crate::store::now() as u64 };
                    write_holder(&mut file, &holder).map_err(|e| StoreError::io("write", &path, e))?;
                    return Ok(Some(KeyLock { path, _file: file }));
                }
                continue;
            }
            if !waiting(&read_holder(&mut file)) {
                return Ok(None);
            }
            std::thread::sleep(pause);
            pause = (pause * 2).min(Duration::from_millis(100));
        }
    }

    /// Removes the files of keys whose holders died.
    pub(crate) fn remove_abandoned_locks(&self) -> Result<(), StoreError> {
        let folder = self.layout().locks();
        let entries = std::fs::read_dir(&folder).map_err(|e| StoreError::io("list", &folder, e))?;
        for path in entries.filter_map(|entry| Some(entry.ok()?.path())) {
            let is_key = path.file_name().and_then(|name| name.to_str()).is_some_and(|name| name.len() == 64);
            // One that cannot be opened is gone by now: its holder has ended in order.
            let Some(file) = bucket::open(&path).ok().filter(|_| is_key) else { continue };
            if try_lock(&file, &path)? && is_at(&file, &path)? {
                // While it is locked: see `KeyLock`.
                let _ = std::fs::remove_file(&path);
            }
        }
        Ok(())
    }
}

/// Opens or makes a file and takes its lock, waiting for it. It is the file that has the name now.
pub(crate) fn lock_file(path: &Path) -> Result<File, StoreError> {
    loop {
        let file = open(path)?;
        let locked = rustix::io::retry_on_intr(|| flock(&file, FlockOperation::LockExclusive));
        locked.map_err(|e| StoreError::io("lock", path, e))?;
        // It may have been renamed or removed by who held the lock.
        if is_at(&file, path)? {
            return Ok(file);
        }
    }
}

/// The same without waiting; `None` if somebody else has the lock.
pub(crate) fn try_lock_file(path: &Path) -> Result<Option<File>, StoreError> {
    loop {
        let file = open(path)?;
        if !try_lock(&file, path)? {
            return Ok(None);
        }
        if is_at(&file, path)? {
            return Ok(Some(file));
        }
    }
}

fn open(path: &Path) -> Result<File, StoreError> {
    let file = bucket::open_or_create(path);
    file.map_err(|e| StoreError::io("open", path, e))
}

fn try_lock(file: &File, path: &Path) -> Result<bool, StoreError> {
    match flock(file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(true),
        Err(Errno::WOULDBLOCK | Errno::INTR) => Ok(false),
        Err(e) => Err(StoreError::io("lock", path, e)),
    }
}

fn is_at(file: &File, path: &Path) -> Result<bool, StoreError> {
    let io = |e| StoreError::io("stat", path, e);
    let ours = file.metadata().map_err(io)?;
    match path.symlink_metadata() {
        Ok(there) => Ok((there.dev(), there.ino()) == (ours.dev(), ours.ino())),
        Err(e) if e.kind() == ErrorKind::NotFound => Ok(false),
        Err(e) => Err(io(e)),
    }
}

fn write_holder(file: &mut File, holder: &Holder) -> std::io::Result<()> {
    let text = serde_json::to_vec(holder)?;
    file.set_len(0)?;
    file.write_all(&text)
}

/// Who wrote the file; nobody known if it is just being written.
fn read_holder(file: &mut File) -> Holder {
    let mut text = String::new();
    let read = file.rewind().and_then(|()| file.read_to_string(&mut text));
    let holder = read.ok().and_then(|_| serde_json::from_str(&text).ok());
    holder.unwrap_or_else(|| Holder { pid: 0, what: String::from("another process"), since: 0 })
}
