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
mod verdict;

use std::collections::{BTreeSet, HashMap};

pub use entry::Entry;
pub use verdict::{Collecting, Verdict, Why};

use crate::{Store, StoreError};
use measure::Shares;

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
