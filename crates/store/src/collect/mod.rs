//! Collection: what may go from the store, why the rest stays, and the removal.
//!
//! Knows records and files; nothing of stages. What is done falls apart into reading ([`facts`]), measuring
//! ([`measure`]), deciding without touching anything ([`keep`], [`decide`]) and removing ([`sweep`]).

mod decide;
mod entry;
mod facts;
mod keep;
mod measure;
mod sweep;
#[cfg(test)]
mod tests;

use std::collections::{BTreeSet, HashMap};
use std::path::PathBuf;
use std::time::Duration;

pub use entry::Entry;

use crate::{BuildId, Store, StoreError};
use measure::Shares;

/// What a collector is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Collecting {
    /// How many successful builds of each set of targets of each project keep what they used.
    pub keep: usize,
    /// What was used in this time stays.
    pub older_than: Option<Duration>,
    /// What was used longest ago goes only until the store has this many bytes.
    pub max_size: Option<u64>,
    /// The bytes below which nothing goes.
    pub floor: u64,
}

/// Why something stays, or goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Why {
    /// A registered link points at it, or at what it belongs to.
    Root(PathBuf),
    /// One of the last builds used it.
    Build(BuildId),
    /// A running process relies on it; 0 where it is not known which.
    InUse(u32),
    /// It was used in the time that was asked to stay.
    Recent,
    /// The store would have less than the floor without it.
    Floor,
    /// The store is small enough with it.
    Fits,
    /// It describes what stays: the tree that an action made or that a listing lists, the list that an action names.
    Describes,
    /// It tells how a stage was built last, so that a later build can say what changed.
    Explains,
    /// Nothing keeps it: it goes.
    Nothing,
}

/// What is to become of an entry.
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    /// The entry.
    pub entry: Entry,
    /// What people call it: a project and a stage, a package; empty where nothing tells.
    pub about: String,
    /// Bytes on the disk, what it shares with others included.
    pub bytes: u64,
    /// When it was used last, in seconds since 1970.
    pub used: f64,
    /// Why; it goes for [`Why::Nothing`] only.
    pub why: Why,
}

impl Verdict {
    /// Whether it goes.
    pub fn goes(&self) -> bool {
        self.why == Why::Nothing
    }
}

/// What a collector did, or would do.
#[derive(Clone, Debug, PartialEq)]
pub struct Collection {
    /// All entries, those first that were used longest ago; entries that came meanwhile are missing.
    pub entries: Vec<Verdict>,
    /// Bytes on the disk before, each file counted once however many entries share it.
    pub before: u64,
    /// Bytes that went, or would go: what others share stays.
    pub freed: u64,
    /// When it was decided, in seconds since 1970.
    pub now: f64,
}

impl Collection {
    /// Bytes on the disk afterwards.
    pub fn after(&self) -> u64 {
        self.before.saturating_sub(self.freed)
    }
}

impl Store {
    /// What [`Store::collect`] would do now.
    ///
    /// # Errors
    /// The home cannot be written to, or its records cannot be read.
    pub fn plan_collection(&self, asked: &Collecting) -> Result<Collection, StoreError> {
        self.need_writable()?;
        let users = self.users(&self.shut_gate()?)?;
        let facts = self.facts(users)?;
        let shares = Shares::measure(self, &facts);
        let entries = decide::decide(&facts, &shares, asked);
        let gone = entries.iter().filter(|verdict| verdict.goes()).map(|verdict| &verdict.entry);
        let freed = shares.freed(gone);
        Ok(Collection { freed, before: shares.total(), now: facts.now, entries })
    }

    /// Removes what nothing keeps. Any number of builds may run meanwhile: they wait only while names are
    /// moved, not while anything is measured or removed. `removed` is told how many of how many entries
    /// are gone.
    ///
    /// # Errors
    /// The home cannot be written to, its records cannot be read, or something cannot be removed.
    pub fn collect(&self, asked: &Collecting, removed: &mut dyn FnMut(usize, usize)) -> Result<Collection, StoreError> {
        self.need_writable()?;
        let users = self.users(&self.shut_gate()?)?;
        let facts = self.facts(users)?;
        let shares = Shares::measure(self, &facts);
        let first = decide::decide(&facts, &shares, asked);
        let gate = self.shut_gate()?;
        // Once more: since then something may have been used, or built, or linked.
        let again = decide::decide(&self.facts(self.users(&gate)?)?, &shares, asked);
        let (mut entries, going) = agreed(first, again);
        let mut gone = Vec::new();
        let (scratch, moved) = loop {
            match self.take_out(&going) {
                Err(full @ StoreError::Full { .. }) => gone.push(self.make_room(&going, &gone, &shares)?.ok_or(full)?),
                taken => break taken?,
            }
        };
        drop(gate);
        for (i, (_, path)) in moved.iter().enumerate() {
            crate::remove(path)?;
            removed(i + 1, moved.len());
        }
        scratch.close()?;
        let moved: BTreeSet<Entry> = moved.into_iter().map(|(entry, _)| entry).chain(gone).collect();
        // What another collector or a writer was faster to take is not ours to tell of.
        entries.retain(|verdict| !verdict.goes() || moved.contains(&verdict.entry));
        let freed = shares.freed(moved.iter());
        Ok(Collection { freed, before: shares.total(), now: facts.now, entries })
    }
}

/// What goes by both decisions, and the verdicts on all that the first knew.
fn agreed(first: Vec<Verdict>, again: Vec<Verdict>) -> (Vec<Verdict>, Vec<Entry>) {
    let known: HashMap<Entry, bool> = first.into_iter().map(|v| (v.entry.clone(), v.goes())).collect();
    let mut entries: Vec<Verdict> = again.into_iter().filter(|v| known.contains_key(&v.entry)).collect();
    for verdict in &mut entries {
        if verdict.goes() && !known[&verdict.entry] {
            // Its reason went away in between. The next collection may take it.
            verdict.why = Why::Recent;
        }
    }
    let going = entries.iter().filter(|v| v.goes()).map(|v| v.entry.clone()).collect();
    (entries, going)
}
