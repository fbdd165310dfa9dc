//! What in a log says why something went wrong. Knows the ways in which programs complain; guesses nothing that is not
//! in the log or in the image.

use std::path::Path;

use crate::line::{CHAINED, Level, TRACEBACK, unpack};
use crate::root::Root;

/// At most so many lines.
const MOST: usize = 4;
/// Longer lines are cut, in characters.
const LONGEST: usize = 300;

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

/// How much a complaint says about the end of its writer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Weight {
    /// It was written as a warning, or as less.
    Warning,
    /// It was written as an error, or sounds like one.
    Error,
    /// It is what ends a program: an exception that nobody has caught, a panic, a program that a shell could not become.
    End,
}

/// What was complained of: a line, or exceptions of which each led to the next.
struct Complaint {
    weight: Weight,
    lines: Vec<String>,
}

/// The lines that matter of what a process has written, and what of the image they are about.
pub(crate) fn causes(lines: &[String], root: &Root) -> Vec<String> {
    let said = complaints(lines);
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

/// Of those complaints that weigh most, the last ones. Of several exceptions that led to one another, the first and the last.
pub(crate) fn complaints(lines: &[String]) -> Vec<String> {
    let found = read(lines);
    let Some(most) = found.iter().map(|complaint| complaint.weight).max() else { return Vec::new() };
    let mut unique: Vec<String> = Vec::new();
    for complaint in found.iter().filter(|complaint| complaint.weight == most) {
        let ends = [complaint.lines.first(), complaint.lines.last().filter(|_| complaint.lines.len() > 1)];
        for line in ends.into_iter().flatten().map(|line| line.trim()) {
            unique.retain(|known| known != line);
            unique.push(line.to_owned());
        }
    }
    unique.split_off(unique.len().saturating_sub(MOST))
}

/// All complaints of a log, in order.
fn read(lines: &[String]) -> Vec<Complaint> {
    let mut found: Vec<Complaint> = Vec::new();
    // Of the last exception, its place in the list.
    let (mut inside, mut chained, mut last) = (false, false, None::<usize>);
    let unpacked = lines.iter().map(|line| unpack(line));
    for (level, line) in unpacked.flat_map(|(level, lines)| lines.into_iter().map(move |line| (level, line))) {
        let line = ungrouped(&line);
        if line.trim_end().ends_with(TRACEBACK) {
            inside = true;
        } else if CHAINED.contains(&line.trim()) {
            chained = true;
        } else if inside {
            // The lines of code are indented; the first that is not says what was raised.
            if line.starts_with([' ', '\t']) || line.trim().is_empty() {
                continue;
            }
            let weight = if level == Level::Warning { Weight::Warning } else { Weight::End };
            match last.filter(|_| chained) {
                Some(chain) => found[chain].lines.push(line.to_owned()),
                None => {
                    last = Some(found.len());
                    found.push(Complaint { weight, lines: vec![line.to_owned()] });
                }
            }
            (inside, chained) = (false, false);
        } else if let Some(weight) = weight(level, line) {
            found.push(Complaint { weight, lines: vec![line.to_owned()] });
        }
    }
    found
}

/// How much a line weighs, if it complains.
fn weight(level: Level, line: &str) -> Option<Weight> {
    let lower = line.to_lowercase();
    let complains = WORDS.iter().any(|word| lower.contains(word));
    // A shell that cannot become a program ends; `panic:` and `fatal error:` are how Go ends.
    let becomes = lower.contains(": exec: ") && complains;
    let ends = becomes || lower.starts_with("panic: ") || lower.starts_with("fatal error: ");
    match level {
        Level::Fatal => Some(Weight::End),
        _ if ends => Some(Weight::End),
        Level::Error if complains => Some(Weight::Error),
        Level::Unknown if complains => Some(Weight::Error),
        Level::Warning if complains => Some(Weight::Warning),
        _ => None,
    }
}

/// A line without the frame that Python draws around groups of exceptions.
fn ungrouped(line: &str) -> &str {
    let inner = line.trim_start();
    inner.strip_prefix("| ").or_else(|| inner.strip_prefix("+ ")).unwrap_or(line)
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
