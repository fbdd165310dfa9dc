//! Opening a store: its folders, its index, and what processes that are gone left behind. Knows the other modules of the
//! crate; none of them knows it.

use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex};

use crate::bucket::check_buckets;
use crate::index::{Index, Opened};
use crate::layout::{BUCKETS, Layout};
use crate::lease_state::Lease;
use crate::store::{Inner, now};
use crate::write::make_dirs;
use crate::{Store, StoreError};

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
