//! The store as a whole: what a handle of it holds, and making sure that it survives a power loss. The other modules
//! add their own methods to [`Store`], so it must not depend on any of them but those that it holds.

use std::collections::HashMap;
use std::fs::File;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::StoreError;
use crate::build_id::BuildId;
use crate::index::Index;
use crate::layout::Layout;
use crate::lease_state::Lease;

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
