//! Patches of a source: each changes one file, and one that replaces text must find it exactly once. Must not depend on
//! where the source comes from.

use std::path::Path;

use akbuild_nar::Digest;
use akbuild_recipe::plan::{Edit, Patch, Source};
use akbuild_tree::{EntryKind, TreeDir, TreeError};

use crate::error::{EngineError, Io, PatchError};

/// Makes one patch in a tree of hard links: the file is replaced, never written into.
pub(crate) fn apply(source: &Source, patch: &Patch, tree: &TreeDir) -> Result<(), EngineError> {
    let wrong = |problem| EngineError::Patch {
        source_id: source.id.to_string(),
        file: patch.file.clone(),
        at: patch.at.clone(),
        problem,
    };
    let refused = |error| match error {
        error @ TreeError::Io { .. } => EngineError::Tree(error),
        error => wrong(PatchError::Tree(error)),
    };
    let old = match tree.real_entry(&patch.file).map_err(refused)? {
        Some(EntryKind::File { executable, .. }) => Some(executable),
        Some(EntryKind::Folder) => return Err(wrong(PatchError::NoFile(patch.file.clone()))),
        _ => None,
    };
    let text = match &patch.edit {
        Edit::Replace { from, to } => {
            old.ok_or_else(|| wrong(PatchError::NoFile(patch.file.clone())))?;
            let text = String::from_utf8(tree.read(&patch.file)?).map_err(|_| wrong(PatchError::NotText))?;
            replace_once(&text, from, to).map_err(wrong)?.into_bytes()
        }
        Edit::With { path, digest } => {
            let bytes = read_own(path)?;
            if Digest::sha256(&bytes) != *digest {
                return Err(wrong(PatchError::Changed(path.display().to_string())));
            }
            bytes
        }
    };
    let mode = if old.unwrap_or(false) { 0o755 } else { 0o644 };
    tree.write(&patch.file, &text, mode).map_err(refused)
}

/// Reads a file beside the recipe.
#[allow(clippy::disallowed_methods, reason = "the file is the recipe's own")]
fn read_own(path: &Path) -> Result<Vec<u8>, EngineError> {
    std::fs::read(path).doing("read", path)
}

/// `text` with the one occurrence of `from` replaced.
///
/// # Errors
/// If `from` occurs not at all (with the nearest text and its line) or more than once (with the lines).
fn replace_once(text: &str, from: &str, to: &str) -> Result<String, PatchError> {
    let places: Vec<usize> = text.match_indices(from).map(|(at, _)| at).collect();
    match places[..] {
        [at] => Ok(format!("{}{to}{}", &text[..at], &text[at + from.len()..])),
        [] => {
            let (line, nearest) = nearest(text, from);
            Err(PatchError::NoMatch { line, nearest })
        }
        _ => Err(PatchError::Several { lines: places.iter().map(|&at| line_of(text, at)).collect() }),
    }
}

fn line_of(text: &str, at: usize) -> usize {
    text[..at].matches('\n').count() + 1
}

/// The line most like the first line of `wanted` that says something, and its number.
fn nearest(text: &str, wanted: &str) -> (usize, String) {
    let wanted = wanted.lines().map(str::trim).find(|l| !l.is_empty()).unwrap_or("");
    let scored = text.lines().enumerate().map(|(i, line)| (likeness(line.trim(), wanted), i + 1, line));
    let best = scored.max_by_key(|&(score, i, _)| (score, std::cmp::Reverse(i)));
    best.map_or((0, String::new()), |(_, i, line)| (i, line.trim_end().to_owned()))
}

/// How many pairs of neighbouring characters two lines share, in thousandths.
fn likeness(a: &str, b: &str) -> u32 {
    (strsim::sorensen_dice(a, b) * 1000.0) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_match_is_replaced() {
        assert_eq!(replace_once("a ./web b", "./web", "/opt/web").unwrap(), "a /opt/web b");
    }

    #[test]
    fn no_match_shows_the_nearest_line() {
        let error =
            replace_once("one\n  BASE_DIR = Path(__file__).parent\nthree\n", "BASE_DIR = Path(__file__)\n", "x");
        insta::assert_snapshot!(error.unwrap_err(), @"
        matches nothing
          the nearest text is line 2:   BASE_DIR = Path(__file__).parent
        ");
    }

    #[test]
    fn several_matches_are_named_by_line() {
        insta::assert_snapshot!(replace_once("x\ny\nx x\n", "x", "z").unwrap_err(), @"
        matches 3 times, at lines 1, 3, 3
          help: make `from` longer, so that it matches once
        ");
    }

    #[test]
    fn an_empty_file_has_no_match() {
        insta::assert_snapshot!(replace_once("", "x", "z").unwrap_err(), @"
        matches nothing
          the nearest text is line 0:
        ");
    }
}
