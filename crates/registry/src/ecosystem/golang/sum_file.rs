//! The lines of `go.sum`: the hashes of modules' zip files and of their `go.mod` files.

use std::collections::BTreeMap;

use akbuild_nar::{Algo, Digest};
use data_encoding::BASE64;

use super::mod_file::{LineProblem, ModuleKey};

/// The hash that old versions of go wrote for a `go.mod` that they had not read; go passes over it.
const OF_AN_EMPTY_FILE: &str = "h1:G7mAYYxgmS0lVkHyy2hEOLQCFB0DlQFTMLWggykrydY=";

/// A pinned file: its hash, and the line that has it, counted from 1.
#[derive(Clone, Copy, Debug)]
pub(super) struct SumLine {
    pub(super) digest: Digest,
    pub(super) line: usize,
}

/// A parsed `go.sum`.
#[derive(Clone, Debug, Default)]
pub(super) struct SumFile {
    pub(super) zips: BTreeMap<ModuleKey, SumLine>,
    pub(super) mods: BTreeMap<ModuleKey, SumLine>,
}

impl SumFile {
    pub(super) fn parse(text: &str) -> Result<Self, LineProblem> {
        let mut sums = Self::default();
        for (index, line) in text.lines().enumerate() {
            sums.add(index + 1, line).map_err(|problem| (index + 1, problem))?;
        }
        Ok(sums)
    }

    fn add(&mut self, line: usize, text: &str) -> Result<(), String> {
        let words: Vec<&str> = text.split_whitespace().collect();
        let [module, version, hash] = words[..] else {
            return if words.is_empty() { Ok(()) } else { Err("expected MODULE VERSION HASH".to_owned()) };
        };
        // go passes over hashes whose algorithm it does not know.
        let Some(encoded) = hash.strip_prefix("h1:").filter(|_| hash != OF_AN_EMPTY_FILE) else { return Ok(()) };
        let (table, algo, version) = match version.strip_suffix("/go.mod") {
            Some(version) => (&mut self.mods, Algo::GoMod, version),
            None => (&mut self.zips, Algo::GoZip, version),
        };
        let bytes = BASE64.decode(encoded.as_bytes()).map_err(|_| format!("`{hash}` is not base 64"))?;
        let digest = Digest::new(algo, &bytes).map_err(|e| e.to_string())?;
        match table.insert((module.to_owned(), version.to_owned()), SumLine { digest, line }) {
            Some(other) if other.digest != digest => {
                Err(format!("{module} {version} has a second, different hash; the first is at line {}", other.line))
            }
            _ => Ok(()),
        }
    }

    /// Whether any line is about this version of a module.
    pub(super) fn has(&self, module: &ModuleKey) -> bool {
        self.zips.contains_key(module) || self.mods.contains_key(module)
    }
}
