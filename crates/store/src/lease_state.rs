//! What a process relies on, and what of it stands in its lease. Knows items and the file of the lease; `lease` knows
//! when it is written.

use std::collections::HashSet;
use std::fs::{self, File};
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard};

use akbuild_nar::{Digest, TreeHash};

use crate::build_id::BuildId;

/// The lease of this process, and whether it holds the gate.
#[derive(Default)]
pub(crate) struct Lease {
    state: Mutex<LeaseState>,
}

#[derive(Default)]
pub(crate) struct LeaseState {
    /// How many [`crate::Hold`]s there are, and the gate while there is one.
    pub(crate) holds: u32,
    pub(crate) gate: Option<File>,
    pub(crate) file: Option<(PathBuf, File)>,
    pub(crate) known: HashSet<Used>,
    /// Lines that are not yet in the file.
    pub(crate) new: String,
}

/// Something with contents that is relied on.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Item {
    Tree(TreeHash),
    Blob(Digest),
}

/// What a process says that it uses.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Used {
    Item(Item),
    /// A list of artifacts.
    List(Digest),
    /// The record of a build that goes on.
    Build(BuildId),
    /// A bare repository, by the name of its folder; it may be yet to come.
    Repository(String),
}

impl Lease {
    pub(crate) fn state(&self) -> MutexGuard<'_, LeaseState> {
        self.state.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Some((path, _)) = &self.state().file {
            // While it is still locked. One that stays is removed by the next who opens the store.
            let _ = fs::remove_file(path);
        }
    }
}
