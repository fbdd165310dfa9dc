//! Why a process ended, as far as its log tells. Knows the ways in which programs complain; guesses nothing that is not
//! in the log or in the image. A line that only has the word for an error in it is no cause, nor is one that much else
//! came after.

use std::path::Path;

use akbuild_launch::UnpackedImage;

use crate::crash::LoggedCrash;
use crate::line::{Level, unpack};

/// At most so many lines.
const MOST: usize = 4;
/// Longer lines are cut, in characters.
const LONGEST: usize = 300;
/// What has complained further up has been got over.
const NEAR: usize = 15;
/// What a program writes between a crash and its end.
const AFTER: u64 = 40;

/// Words of lines that tell of a failure, in lower case.
const WORDS: [&str; 19] = [
    "panic:",
    "fatal",
    "no such file",
    "not found",
    "permission denied",
    "read-only file system",
    "cannot ",
    "could not",
    "failed to",
    "does not exist",
    "modulenotfounderror",
    "exception",
    "error:",
    "error]",
    "unable to",
    "refused",
    "already in use",
    "out of memory",
    "segmentation fault",
];

/// Texts of lines that have one of those words and tell of no failure, in lower case.
const HARMLESS: [&str; 12] = [
    "non-fatal",
    "nonfatal",
    "no error",
    "without error",
    "error: 0",
    "error: none",
    "error: null",
    "error: false",
    "error: <nil>",
    "exceptions: 0",
    "0 exceptions",
    // What a server writes of each request.
    " http/1.",
];

/// The end of a process's log, and its crashes.
pub(crate) struct EndOfLog<'a> {
    /// Its last lines.
    pub(crate) lines: &'a [String],
    /// How many lines it has.
    pub(crate) count: u64,
    pub(crate) crashes: &'a [LoggedCrash],
}

impl EndOfLog<'_> {
    /// Why the process ended, and what of the image that is about.
    pub(crate) fn causes(&self, root: &UnpackedImage) -> Vec<String> {
        with_hints(self.complaints(), root)
    }

    /// Why the process ended: its last crash, a program that a shell could not become, or else the last lines that tell of a
    /// failure.
    pub(crate) fn complaints(&self) -> Vec<String> {
        let near = &self.lines[self.lines.len().saturating_sub(NEAR)..];
        let said: Vec<(Level, String)> = near.iter().flat_map(|line| complaint(line)).collect();
        // What came of a crash is told after it.
        let exec = said.iter().rev().map(|(_, line)| line).find(|line| is_exec(line));
        if let Some(line) = exec {
            return vec![line.clone()];
        }
        match self.crashes.last() {
            Some(crash) if said.is_empty() || self.count - crash.last <= AFTER => last(crash.causes()),
            _ => last(said.into_iter().map(|(_, line)| line).collect()),
        }
    }
}

/// Lines of a log, and the paths in them that are elsewhere in the image.
pub(crate) fn with_hints(said: Vec<String>, root: &UnpackedImage) -> Vec<String> {
    let mut all: Vec<String> = said.iter().map(|line| cut(line)).collect();
    for path in said.iter().flat_map(|line| paths(line)) {
        let path = Path::new(path);
        if let Some(there) = root.elsewhere(path) {
            let hint = format!("`{}` is not in the image; `{}` is", path.display(), there.display());
            if !all.contains(&hint) {
                all.push(hint);
            }
        }
    }
    all
}

/// The last of several lines, each once.
fn last(lines: Vec<String>) -> Vec<String> {
    let mut unique: Vec<String> = Vec::new();
    for line in lines {
        unique.retain(|known| *known != line);
        unique.push(line);
    }
    unique.split_off(unique.len().saturating_sub(MOST))
}

/// What a line tells of a failure, and how bad it says that is.
fn complaint(line: &str) -> Option<(Level, String)> {
    let (level, parts) = unpack(line);
    let said = parts.first().map_or("", |part| part.trim());
    // Code, and the frames of a stack.
    let is_inside = line.starts_with([' ', '\t']) && level == Level::Unknown;
    let lower = said.to_lowercase();
    let complains = WORDS.iter().any(|word| lower.contains(word));
    let harmless = HARMLESS.iter().any(|text| lower.contains(text));
    let counts = match level {
        Level::Fatal => true,
        Level::Error => !harmless,
        Level::Unknown => complains && !harmless,
        Level::Warning => false,
    };
    (counts && !is_inside).then(|| (level, said.to_owned()))
}

/// Whether a shell says that it cannot become a program.
fn is_exec(line: &str) -> bool {
    line.to_lowercase().contains(": exec: ")
}

/// Absolute paths in a line.
fn paths(line: &str) -> impl Iterator<Item = &str> {
    let ends = |c: char| c.is_whitespace() || "'\"`()[]{}<>,;".contains(c);
    line.split(ends)
        .map(|word| word.trim_end_matches([':', '.']))
        .filter(|word| word.starts_with('/') && word.len() > 1)
}

fn cut(line: &str) -> String {
    match line.char_indices().nth(LONGEST) {
        Some((at, _)) => format!("{}...", &line[..at]),
        None => line.to_owned(),
    }
}

#[cfg(test)]
mod tests;
