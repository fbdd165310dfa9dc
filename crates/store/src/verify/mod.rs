//! Looking whether everything in the store is what its name says. Knows what can be wrong; `repair` does
//! something about it. Trusts nothing but hashes, and changes nothing (but, where asked, records what is whole).
//!
//! May run beside builds: what comes or goes meanwhile is no finding.

mod contents;
mod difference;
mod finding;
mod leftover;
mod meter;
mod records;

use crate::{Store, StoreError};

pub(crate) use difference::differences;
pub use difference::{Change, Difference};
pub use finding::{Checked, Finding, Problem, Thing, Verified, Verify};
pub use meter::Progress;

impl Store {
    /// Looks at everything: hashes all trees and blobs, the largest first, and reads all records. Of a damaged
    /// index only that is told, since nothing can be compared with it: see [`Store::reindex`].
    ///
    /// # Errors
    /// Folders or an index that cannot be read or written; damage is no error.
    pub fn verify(&self, options: &Verify<'_>) -> Result<Verified, StoreError> {
        let mut verified = Verified::default();
        if let Some(why) = self.inner.index.damage() {
            verified.findings.push(Finding::new(Thing::Index, Problem::corrupt(why)));
            return Ok(verified);
        }
        self.check_contents(options, &mut verified)?;
        self.check_listings(&mut verified)?;
        self.check_artifacts(&mut verified)?;
        self.check_actions(&mut verified)?;
        self.check_builds(&mut verified)?;
        verified.findings.extend(self.loose_ends()?);
        verified.findings.extend(self.leftovers()?);
        verified.findings.sort_by(|a, b| (&a.thing, a.problem.word()).cmp(&(&b.thing, b.problem.word())));
        Ok(verified)
    }
}
