//! The store as a whole: opening it, and making sure that it survives a power loss. Knows the other
//! modules of the crate, each of which adds its own methods to [`Store`].

use std::collections::HashMap;
use std::fs::{self, File};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::bucket::check_buckets;
use crate::index::{Index, Opened};
use crate::layout::{BUCKETS, Layout};
use crate::lease::Lease;
use crate::write::make_dirs;
use crate::{BuildId, StoreError};

/// A store in a home folder. Clones are the same store; any number of processes may have it open.
#[derive(Clone)]
pub struct Store {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) layout: Layout,
    pub(crate) index: Index,
    pub(crate) lease: Lease,
    /// The locked folders of the builds of this process.
    pub(crate) running: Mutex<HashMap<BuildId, File>>,
    /// The machine's boot: what was written at another one and not synced is not trusted.
    pub(crate) boot: String,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Store").field(&self.home()).finish()
    }
}

impl Store {
    /// Opens the store in a home folder, and makes it if there is none. Scratch folders and
    /// locks whose processes have died are removed. A home that cannot be written to is opened for reading.
    ///
    /// # Errors
    /// No folder can be made there; an index of a later version; a damaged index that cannot be
    /// replaced (one that can is replaced without an error).
    pub fn open(home: &Path) -> Result<Self, StoreError> {
        let home = std::path::absolute(home).map_err(|e| StoreError::io("find", home, e))?;
        let layout = Layout { home };
        // A home of an earlier akbuild may lack some.
        if !check_buckets(&layout.home)? {
            make_layout(&layout)?;
        }
        let writable = is_writable(&layout.home);
        let Opened { index, fresh } = Index::open(layout.index(), &layout.lock("index"), writable)?;
        let (lease, running, boot) = (Lease::default(), Mutex::default(), boot_id());
        let store = Self { inner: Arc::new(Inner { layout, index, lease, running, boot }) };
        if writable {
            if fresh {
                store.import_actions()?;
                store.import_builds()?;
                store.inner.index.complete()?;
            }
            store.remove_abandoned()?;
            store.remove_abandoned_leases()?;
            store.remove_abandoned_locks()?;
        }
        Ok(store)
    }

    /// The home folder, absolute.
    pub fn home(&self) -> &Path {
        &self.inner.layout.home
    }

    /// Whether anything can be put into it. One that cannot be written to can be read.
    pub fn is_writable(&self) -> bool {
        self.inner.index.writable()
    }

    /// Makes sure that everything published so far survives a loss of power: one `syncfs`, at the
    /// end of a run, in place of an fsync for each file. What was not synced before a loss of power
    /// is hashed again before it is used.
    pub fn sync(&self) -> Result<(), StoreError> {
        let last = |table| format!("SELECT coalesce(max(seq), 0) FROM {table} WHERE synced = 0");
        let (trees, blobs): (i64, i64) = self.inner.index.with(|conn| {
            let max = |table| conn.query_row(&last(table), [], |row| row.get(0));
            Ok((max("trees")?, max("blobs")?))
        })?;
        let home = File::open(self.home()).map_err(|e| StoreError::io("open", self.home(), e))?;
        rustix::fs::syncfs(&home).map_err(|e| StoreError::io("sync", self.home(), e))?;
        self.inner.index.write(|conn| {
            for (table, last) in [("trees", trees), ("blobs", blobs)] {
                // Rows above `last` may have come after the syncfs, those of other boots before a loss.
                let sql = format!("UPDATE {table} SET synced = 1 WHERE synced = 0 AND boot = ?1 AND seq <= ?2");
                conn.execute(&sql, (&self.inner.boot, last))?;
            }
            Ok(())
        })?;
        self.inner.index.checkpoint()
    }

    /// In place of [`Store::sync`] at the end of a run that made nothing: there is nothing to lose but a line in a
    /// record. Only the index's log is kept short, which the next process to open it reads through.
    pub fn rest(&self) -> Result<(), StoreError> {
        let log = self.layout().index().with_extension("sqlite-wal");
        if log.metadata().is_ok_and(|log| log.len() > LONG_LOG) { self.inner.index.checkpoint() } else { Ok(()) }
    }

    pub(crate) fn layout(&self) -> &Layout {
        &self.inner.layout
    }

    /// An error, unless the home can be written to.
    pub(crate) fn need_writable(&self) -> Result<(), StoreError> {
        if self.is_writable() {
            return Ok(());
        }
        Err(StoreError::ReadOnly { home: self.home().to_owned() })
    }
}

/// Bytes of the index's log that take about as long to read as to write back.
const LONG_LOG: u64 = 512 << 10;

/// Seconds since 1970.
pub(crate) fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |d| d.as_secs_f64())
}

fn make_layout(layout: &Layout) -> Result<(), StoreError> {
    for bucket in BUCKETS {
        match make_dirs(&layout.home.join(bucket)) {
            Err(StoreError::Io { source, .. }) if layout.home.is_dir() && is_read_only(&source) => return Ok(()),
            other => other?,
        }
    }
    Ok(())
}

fn is_read_only(e: &std::io::Error) -> bool {
    matches!(e.kind(), std::io::ErrorKind::ReadOnlyFilesystem | std::io::ErrorKind::PermissionDenied)
}

fn is_writable(home: &Path) -> bool {
    rustix::fs::access(home, rustix::fs::Access::WRITE_OK).is_ok()
}

/// The kernel's name for this boot. Where there is none, no boot is like another, and what was not
/// synced is hashed again by each process.
fn boot_id() -> String {
    let read = fs::read_to_string("/proc/sys/kernel/random/boot_id");
    read.map_or_else(|_| format!("unknown-{}-{}", std::process::id(), now()), |id| id.trim().to_owned())
}
