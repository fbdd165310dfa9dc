//! Leases: what running processes rely on, so that a collector leaves it alone. Knows hashes and flock.
//!
//! Whoever has seen that a tree or blob is there writes it into its own lease, a file that it keeps locked
//! until it ends. It looks and writes while it holds the gate shared; the collector takes the gate alone,
//! reads the leases, moves away what nobody keeps, and lets go: it never waits for a build, only for a look.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use akbuild_nar::{Algo, Digest};
use rustix::fs::{FlockOperation, flock};

use crate::bucket;
use crate::build_id::BuildId;
use crate::lease_state::{Item, LeaseState, Used};
use crate::unique::unique;
use crate::{Store, StoreError};

/// While it lives, no collector removes anything.
#[must_use]
pub struct Hold<'a>(&'a Store);

/// While it lives, nobody looks anything up.
pub(crate) struct Gate {
    _file: File,
}

impl Drop for Hold<'_> {
    fn drop(&mut self) {
        let mut state = self.0.inner.lease.state();
        state.holds -= 1;
        if state.holds > 0 {
            return;
        }
        if let Err(error) = self.0.write_lease(&mut state) {
            // A collector could now take what this process relies on: the gate stays shut for it until the end.
            tracing::warn!(%error, "a lease cannot be written; nothing is collected while this process runs");
            state.holds += 1;
            return;
        }
        state.gate = None;
    }
}

impl Store {
    /// Keeps collectors away for a short stretch in which many things are looked up. May be nested.
    pub fn hold(&self) -> Result<Hold<'_>, StoreError> {
        let mut state = self.inner.lease.state();
        if state.gate.is_none() && self.inner.index.writable() {
            state.gate = Some(self.open_gate(FlockOperation::LockShared)?);
        }
        state.holds += 1;
        Ok(Hold(self))
    }

    /// Notes that this process relies on something. The caller holds the gate.
    pub(crate) fn rely(&self, item: Item) {
        self.mark(Used::Item(item));
    }

    /// The same for what has no contents of its own.
    pub(crate) fn mark(&self, used: Used) {
        let mut state = self.inner.lease.state();
        if state.known.insert(used.clone()) {
            let line = match used {
                Used::Item(Item::Tree(hash)) => format!("tree {}\n", hash.hex()),
                Used::Item(Item::Blob(digest)) => format!("blob {digest}\n"),
                Used::List(digest) => format!("list {}\n", digest.hex()),
                Used::Build(build) => format!("build {build}\n"),
                Used::Repository(name) => format!("repository {name}\n"),
            };
            state.new.push_str(&line);
        }
    }

    /// Notes that this process uses a bare repository below `git-v1`, and that it did so now. It need not
    /// be there yet.
    pub fn use_repository(&self, path: &Path) -> Result<(), StoreError> {
        let _hold = self.hold()?;
        self.mark(Used::Repository(path.file_name().unwrap_or_default().to_string_lossy().into_owned()));
        if let Ok(folder) = bucket::open(path) {
            // Its last use is only a hint for collectors, and another's file times cannot be set.
            let _ = folder.set_modified(std::time::SystemTime::now());
        }
        Ok(())
    }

    /// Waits until nobody looks anything up, and keeps it so.
    pub(crate) fn shut_gate(&self) -> Result<Gate, StoreError> {
        Ok(Gate { _file: self.open_gate(FlockOperation::LockExclusive)? })
    }

    /// What processes that run rely on, each with its process id. Abandoned leases are removed. The
    /// caller has shut the gate.
    pub(crate) fn leases(&self, _gate: &Gate) -> Result<Vec<(u32, HashSet<Used>)>, StoreError> {
        let mut leases = Vec::new();
        for path in self.lease_files()? {
            let Some(mut file) = self.live(&path)? else { continue };
            let mut text = String::new();
            file.read_to_string(&mut text).map_err(|e| StoreError::io("read", &path, e))?;
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            let pid = name.split('-').next().and_then(|pid| pid.parse().ok()).unwrap_or(0);
            leases.push((pid, text.lines().filter_map(used).collect()));
        }
        Ok(leases)
    }

    /// Removes leases whose processes are no more.
    pub(crate) fn remove_abandoned_leases(&self) -> Result<(), StoreError> {
        self.lease_files()?.iter().try_for_each(|path| self.live(path).map(drop))
    }

    fn lease_files(&self) -> Result<Vec<PathBuf>, StoreError> {
        let folder = self.layout().leases();
        let entries = fs::read_dir(&folder).map_err(|e| StoreError::io("list", &folder, e))?;
        Ok(entries.filter_map(|entry| Some(entry.ok()?.path())).collect())
    }

    /// The lease if its process runs; else it is removed.
    fn live(&self, path: &Path) -> Result<Option<File>, StoreError> {
        let Ok(file) = bucket::open(path) else { return Ok(None) };
        let own = self.inner.lease.state().file.as_ref().is_some_and(|(own, _)| own == path);
        if own || flock(&file, FlockOperation::NonBlockingLockExclusive).is_err() {
            return Ok(Some(file));
        }
        match fs::remove_file(path) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(StoreError::io("remove", path, e)),
            _ => Ok(None),
        }
    }

    fn open_gate(&self, how: FlockOperation) -> Result<File, StoreError> {
        let path = self.layout().lock("collect");
        let file = bucket::open_or_create(&path);
        let file = file.map_err(|e| StoreError::io("open", &path, e))?;
        rustix::io::retry_on_intr(|| flock(&file, how)).map_err(|e| StoreError::io("lock", &path, e))?;
        Ok(file)
    }

    fn write_lease(&self, state: &mut LeaseState) -> Result<(), StoreError> {
        if state.new.is_empty() || !self.inner.index.writable() {
            return Ok(());
        }
        if state.file.is_none() {
            state.file = Some(self.new_lease()?);
        }
        let Some((path, file)) = &mut state.file else { return Ok(()) };
        file.write_all(state.new.as_bytes()).map_err(|e| StoreError::io("write", path, e))?;
        state.new.clear();
        Ok(())
    }

    fn new_lease(&self) -> Result<(PathBuf, File), StoreError> {
        loop {
            let start = (crate::store::now() * 1000.0) as u64;
            let path = self.layout().leases().join(format!("{}-{start}-{}", std::process::id(), unique()));
            let file = File::create_new(&path).map_err(|e| StoreError::io("make", &path, e))?;
            flock(&file, FlockOperation::LockExclusive).map_err(|e| StoreError::io("lock", &path, e))?;
            // Another process may have found it before it was locked, and taken it for abandoned.
            if path.exists() {
                return Ok((path, file));
            }
        }
    }
}

fn used(line: &str) -> Option<Used> {
    match line.split_once(' ')? {
        ("tree", hex) => hex.parse().ok().map(|hash| Used::Item(Item::Tree(hash))),
        ("blob", digest) => digest.parse().ok().map(|digest| Used::Item(Item::Blob(digest))),
        ("list", hex) => Digest::from_hex(Algo::Sha256, hex).ok().map(Used::List),
        ("build", id) => Some(Used::Build(BuildId::from_name(id.to_owned()))),
        ("repository", name) => Some(Used::Repository(name.to_owned())),
        _ => None,
    }
}
