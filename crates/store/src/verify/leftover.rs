//! Names that belong to nothing: what somebody put into a folder of the store, or a killed process left. Knows
//! which names each folder may have.

use std::path::Path;
use std::time::Duration;

use akbuild_nar::{Algo, Digest, TreeHash};

use super::finding::{Finding, Problem, Thing};
use crate::find::names;
use crate::layout::exists;
use crate::{BuildId, Key, Store, StoreError};

/// Folders of builds and registered links are not made in one step: what is younger may still be at work.
const SETTLED: Duration = Duration::from_secs(60);

impl Store {
    /// Scratch, leases and locks of processes that are no more are not looked at: opening a store removes them.
    pub(super) fn leftovers(&self) -> Result<Vec<Finding>, StoreError> {
        let layout = self.layout();
        let mut found = Vec::new();
        let mut look = |folder: &Path, belongs: &dyn Fn(&str) -> bool| -> Result<(), StoreError> {
            let strange = names(folder)?.into_iter().filter(|name| !belongs(name)).map(|name| folder.join(name));
            found.extend(strange.map(|path| Finding::new(Thing::File(path), Problem::Leftover)));
            Ok(())
        };
        look(&layout.trees(), &is_tree)?;
        look(&layout.listings(), &is_tree)?;
        look(&layout.artifact_lists(), &|name| is_hex(Algo::Sha256, name))?;
        look(&layout.actions(), &|name| name.strip_suffix(".json").is_some_and(is_key))?;
        look(&layout.partials(), &is_partial)?;
        look(&layout.blobs(), &|name| Algo::ALL.iter().any(|algo| algo.name() == name))?;
        for algo in Algo::ALL {
            let top = layout.blobs().join(algo.name());
            look(&top, &|name| name.len() == 2 && name.bytes().all(|b| b.is_ascii_hexdigit()))?;
            for part in names(&top)? {
                look(&top.join(&part), &|name| name.starts_with(&part) && is_hex(algo, name))?;
            }
        }
        let known = self.all_builds()?;
        look(&layout.builds(), &|name| {
            let build = BuildId::from_name(name.to_owned());
            known.contains(&build) || exists(&self.build_file_path(&build)) || !is_settled(&layout.builds().join(name))
        })?;
        look(&layout.roots(), &|name| is_hex(Algo::Sha256, name) || !is_settled(&layout.roots().join(name)))?;
        Ok(found)
    }
}

fn is_tree(name: &str) -> bool {
    name.parse::<TreeHash>().is_ok_and(|hash| hash.hex() == name)
}

fn is_hex(algo: Algo, name: &str) -> bool {
    Digest::from_hex(algo, name).is_ok_and(|digest| digest.hex() == name)
}

fn is_key(name: &str) -> bool {
    name.parse::<Key>().is_ok_and(|key| key.hex() == name)
}

fn is_partial(name: &str) -> bool {
    let of = |algo: &Algo| name.strip_prefix(algo.name()).and_then(|rest| rest.strip_prefix('-'));
    Algo::ALL.iter().any(|algo| of(algo).is_some_and(|hex| is_hex(*algo, hex)))
}

/// Whether nobody has changed it for a while.
fn is_settled(path: &Path) -> bool {
    let changed = path.symlink_metadata().and_then(|metadata| metadata.modified());
    changed.is_ok_and(|at| at.elapsed().is_ok_and(|age| age > SETTLED))
}
