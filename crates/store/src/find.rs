//! Finding things by the beginning of their hash. Knows the names of files and how hashes are written; not what
//! is in anything.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use akbuild_nar::{Algo, Digest, TreeHash};

use crate::{Key, Store, StoreError};

/// Something with a hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Found {
    /// An action, by its key.
    Action(Key),
    /// A tree that is in the store, or that an action made and that was collected since.
    Tree(TreeHash),
    /// A download that is in the store.
    Blob(Digest),
}

impl Store {
    /// The fewest characters of a hash that [`Store::find`] looks for.
    pub const SHORTEST_PREFIX: usize = 4;

    /// Everything whose hash begins so: in base 16, in base 64 behind the algorithm (`sha256-`), or in Nix's base 32,
    /// with or without `sha256:`. Dots at the end, as in tables, are passed over. Sorted; nothing for fewer than
    /// [`Store::SHORTEST_PREFIX`] characters of a hash.
    pub fn find(&self, prefix: &str) -> Result<Vec<Found>, StoreError> {
        let Some(prefix) = Prefix::parse(prefix) else { return Ok(Vec::new()) };
        let mut found = BTreeSet::new();
        let actions = names(&self.layout().actions())?;
        let keys = actions.iter().filter_map(|name| name.strip_suffix(".json")?.parse::<Key>().ok());
        found.extend(keys.filter(|key| prefix.matches(Algo::Sha256, key.as_bytes())).map(Found::Action));
        let trees = names(&self.layout().trees())?.into_iter().filter_map(|name| name.parse::<TreeHash>().ok());
        let trees = trees.chain(self.outputs()?).filter(|tree| prefix.matches(Algo::Sha256, tree.as_bytes()));
        found.extend(trees.map(Found::Tree));
        let blobs = self.blob_files()?.into_iter().filter(|blob| prefix.matches(blob.algo(), blob.as_bytes()));
        found.extend(blobs.map(Found::Blob));
        Ok(found.into_iter().collect())
    }

    /// The outputs of all actions, whether they are still there or not.
    fn outputs(&self) -> Result<Vec<TreeHash>, StoreError> {
        let outputs: Vec<[u8; 32]> = self.inner.index.with(|conn| {
            let mut statement = conn.prepare_cached("SELECT DISTINCT output FROM actions")?;
            statement.query_map([], |row| row.get(0))?.collect()
        })?;
        Ok(outputs.into_iter().map(TreeHash::from).collect())
    }

    /// The digests of all blobs that have a file.
    pub(crate) fn blob_files(&self) -> Result<Vec<Digest>, StoreError> {
        let top = self.layout().blobs();
        let mut found = Vec::new();
        for algo in Algo::ALL {
            let folder = top.join(algo.name());
            for part in names(&folder)? {
                let files = names(&folder.join(part))?;
                found.extend(files.iter().filter_map(|hex| Digest::from_hex(algo, hex).ok()));
            }
        }
        Ok(found)
    }
}

/// The beginning of a hash, as it was written.
enum Prefix {
    /// Base 64, behind the name of an algorithm.
    Sri(String),
    /// Base 16 or Nix's base 32, lower case.
    Digits(String),
}

impl Prefix {
    fn parse(text: &str) -> Option<Self> {
        let text = text.trim_end_matches('.');
        let sri = |algo: &Algo| text.strip_prefix(algo.name())?.strip_prefix('-');
        if let Some(body) = Algo::ALL.iter().find_map(sri) {
            return (body.len() >= Store::SHORTEST_PREFIX).then(|| Prefix::Sri(text.to_owned()));
        }
        let digits = text.strip_prefix("sha256:").unwrap_or(text).to_ascii_lowercase();
        (digits.len() >= Store::SHORTEST_PREFIX).then_some(Prefix::Digits(digits))
    }

    fn matches(&self, algo: Algo, bytes: &[u8]) -> bool {
        let Ok(digest) = Digest::new(algo, bytes) else { return false };
        match self {
            Prefix::Sri(text) => digest.to_string().starts_with(text),
            Prefix::Digits(digits) => {
                let nix = <[u8; 32]>::try_from(bytes).map(|bytes| TreeHash::from(bytes).nix32());
                digest.hex().starts_with(digits) || nix.is_ok_and(|nix| nix.starts_with(digits))
            }
        }
    }
}

/// The names in a folder; none if there is no such folder.
pub(crate) fn names(folder: &Path) -> Result<Vec<String>, StoreError> {
    let wrong = |e| StoreError::io("list", folder, e);
    let entries = match fs::read_dir(folder) {
        Err(e) if matches!(e.kind(), std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory) => {
            return Ok(Vec::new());
        }
        entries => entries.map_err(wrong)?,
    };
    let names: Result<Vec<_>, _> = entries.map(|entry| entry.map(|e| e.file_name())).collect();
    Ok(names.map_err(wrong)?.into_iter().filter_map(|name| name.into_string().ok()).collect())
}
