//! Downloaded files, each named by its digest. Knows how a partial file becomes a whole one; not
//! where bytes come from.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use akbuild_nar::{Digest, Hasher};
use rustix::fs::{CWD, Mode, RenameFlags, fchmod, renameat_with};
use rustix::io::Errno;

use crate::bucket;
use crate::layout::exists;
use crate::lease_state::Item;
use crate::lock::{lock_file, try_lock_file};
use crate::store::now;
use crate::write::make_dirs;
use crate::{Store, StoreError};

/// What [`Store::blob_writer`] found once it had the lock.
#[derive(Debug)]
pub enum Blob {
    /// The blob is in the store, here.
    Present(PathBuf),
    /// It is not; this is how to write it.
    Missing(BlobWriter),
}

/// The right to write one blob. Held by one writer at a time, in all processes. What was written
/// stays when it is dropped, for the next one to go on with.
pub struct BlobWriter {
    store: Store,
    digest: Digest,
    path: PathBuf,
    file: File,
    /// The digest of all bytes so far, while they all came through [`Write`].
    hasher: Option<Box<Hasher>>,
}

impl std::fmt::Debug for BlobWriter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BlobWriter").field("digest", &self.digest).finish_non_exhaustive()
    }
}

impl Store {
    /// Where the blob is, or would be.
    pub fn blob_path(&self, digest: &Digest) -> PathBuf {
        self.layout().blob(digest)
    }

    /// Whether the blob is in the store and whole.
    pub fn has_blob(&self, digest: &Digest) -> bool {
        self.look_for_blob(digest).unwrap_or_else(|error| {
            tracing::warn!(%digest, %error, "a blob cannot be read; it counts as missing");
            false
        })
    }

    /// The same for many.
    pub fn has_blobs(&self, digests: &[Digest]) -> Vec<bool> {
        // Once for all of them.
        let _hold = self.hold();
        digests.iter().map(|digest| self.has_blob(digest)).collect()
    }

    /// Takes the lock of a blob's partial file, waiting for another writer if there is one.
    pub fn blob_writer(&self, digest: &Digest) -> Result<Blob, StoreError> {
        self.need_writable()?;
        if self.look_for_blob(digest)? {
            return Ok(Blob::Present(self.blob_path(digest)));
        }
        let path = self.layout().partial(digest);
        let file = lock_file(&path)?;
        self.locked_writer(digest, path, file)
    }

    /// The same without waiting; `None` if another writer has the lock.
    pub fn try_blob_writer(&self, digest: &Digest) -> Result<Option<Blob>, StoreError> {
        self.need_writable()?;
        if self.look_for_blob(digest)? {
            return Ok(Some(Blob::Present(self.blob_path(digest))));
        }
        let path = self.layout().partial(digest);
        try_lock_file(&path)?.map(|file| self.locked_writer(digest, path, file)).transpose()
    }

    fn locked_writer(&self, digest: &Digest, path: PathBuf, file: File) -> Result<Blob, StoreError> {
        // The last holder of the lock may have finished it.
        if self.look_for_blob(digest)? {
            remove_file(&path)?;
            return Ok(Blob::Present(self.blob_path(digest)));
        }
        let mut writer = BlobWriter { store: self.clone(), digest: *digest, path, file, hasher: None };
        writer.seek_end()?;
        Ok(Blob::Missing(writer))
    }

    fn look_for_blob(&self, digest: &Digest) -> Result<bool, StoreError> {
        let _hold = self.hold()?;
        let found = self.find_blob(digest)?;
        if found {
            self.rely(Item::Blob(*digest));
        }
        Ok(found)
    }

    fn find_blob(&self, digest: &Digest) -> Result<bool, StoreError> {
        let path = self.blob_path(digest);
        if !exists(&path) {
            return Ok(false);
        }
        if self.is_trusted("blobs", "digest", digest.to_string())? {
            return Ok(true);
        }
        let io = |e| StoreError::io("read", &path, e);
        let file = bucket::open(&path).map_err(io)?;
        let found = Digest::of_file(digest.algo(), &file);
        if found.as_ref().is_ok_and(|found| found == digest) {
            let bytes = file.metadata().map_err(io)?.len();
            if self.inner.index.writable() {
                self.record_blob(digest, bytes)?;
            }
            return Ok(true);
        }
        tracing::warn!(path = %path.display(), ?found, "a stored file is damaged");
        if self.inner.index.writable() {
            self.drop_row(&Item::Blob(*digest))?;
            remove_file(&path)?;
        }
        Ok(false)
    }

    pub(crate) fn record_blob(&self, digest: &Digest, bytes: u64) -> Result<(), StoreError> {
        let sql = "INSERT OR REPLACE INTO blobs (digest, bytes, created, boot, synced) VALUES (?1, ?2, ?3, ?4, 0)";
        // When it was downloaded, also where the index knows it anew.
        let created = self.blob_path(digest).symlink_metadata().map_or_else(|_| now() as i64, |m| m.mtime());
        self.inner.index.write(|conn| {
            let row = (digest.to_string(), bytes.cast_signed(), created, &self.inner.boot);
            conn.prepare_cached(sql)?.execute(row).map(drop)
        })
    }
}

impl BlobWriter {
    /// How many bytes are there already: where a download goes on.
    pub fn len(&self) -> Result<u64, StoreError> {
        let metadata = self.file.metadata().map_err(|e| StoreError::io("stat", &self.path, e))?;
        Ok(metadata.len())
    }

    /// Whether no bytes are there yet.
    pub fn is_empty(&self) -> Result<bool, StoreError> {
        self.len().map(|len| len == 0)
    }

    /// The partial file, positioned at its end, open for reading and writing.
    pub fn file(&mut self) -> &mut File {
        self.hasher = None;
        &mut self.file
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The digest that it must come to have.
    pub fn digest(&self) -> &Digest {
        &self.digest
    }

    /// The error of a write to it that was refused, when the whole has `size` bytes.
    pub fn refused(&self, error: io::Error, size: Option<u64>) -> StoreError {
        let there = self.len().unwrap_or(0);
        StoreError::sized("write", &self.path, error, size.map(|size| size.saturating_sub(there)))
    }

    /// Throws away what is there.
    pub fn restart(&mut self) -> Result<(), StoreError> {
        self.file.set_len(0).map_err(|e| StoreError::io("truncate", &self.path, e))?;
        self.seek_end()
    }

    /// Throws away what is there, and that it was begun.
    pub fn discard(self) -> Result<(), StoreError> {
        remove_file(&self.path)
    }

    /// Checks the digest of the whole file and moves it to its final name.
    ///
    /// # Errors
    /// [`StoreError::BlobMismatch`] if it has another digest: the partial file is removed.
    pub fn commit(mut self) -> Result<(), StoreError> {
        let bytes = self.len()?;
        let found = match self.hasher.take() {
            Some(hasher) => Ok(hasher.finish()),
            None => Digest::of_file(self.digest.algo(), &self.file),
        };
        let found = match found {
            // Of a Go module: what is no zip file has no digest at all.
            Err(e) if matches!(e.kind(), io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof) => {
                remove_file(&self.path)?;
                return Err(StoreError::Damaged { path: self.path.clone(), problem: e.to_string() });
            }
            other => other.map_err(|e| StoreError::io("read", &self.path, e))?,
        };
        if found != self.digest {
            remove_file(&self.path)?;
            return Err(StoreError::BlobMismatch { expected: self.digest.into(), found: found.into(), bytes });
        }
        let _hold = self.store.hold()?;
        self.store.rely(Item::Blob(self.digest));
        let place = self.store.blob_path(&self.digest);
        make_dirs(place.parent().unwrap_or(&place))?;
        let mode = Mode::from_raw_mode(0o444);
        fchmod(&self.file, mode).map_err(|e| StoreError::io("change the mode of", &self.path, e))?;
        match renameat_with(CWD, &self.path, CWD, &place, RenameFlags::NOREPLACE) {
            Ok(()) => {}
            // Placed by hand or by an import, unseen by the index.
            Err(Errno::EXIST) => remove_file(&self.path)?,
            Err(Errno::INVAL | Errno::NOSYS) => {
                fs::rename(&self.path, &place).map_err(|e| StoreError::io("rename", &self.path, e))?;
            }
            Err(e) => return Err(StoreError::io("rename", &self.path, e)),
        }
        // Only now: a row must never name a file that is not there. A kill before this costs a hash.
        self.store.record_blob(&self.digest, bytes)
    }

    fn seek_end(&mut self) -> Result<(), StoreError> {
        let end = io::Seek::seek(&mut self.file, io::SeekFrom::End(0));
        let end = end.map_err(|e| StoreError::io("seek in", &self.path, e))?;
        self.hasher = if end == 0 { Hasher::try_new(self.digest.algo()).map(Box::new) } else { None };
        Ok(())
    }
}

impl Write for BlobWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let n = self.file.write(bytes)?;
        if let Some(hasher) = &mut self.hasher {
            hasher.update(&bytes[..n]);
        }
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

fn remove_file(path: &Path) -> Result<(), StoreError> {
    match fs::remove_file(path) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(StoreError::io("remove", path, e)),
        _ => Ok(()),
    }
}
