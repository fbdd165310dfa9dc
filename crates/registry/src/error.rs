//! What can be wrong with an upstream lock file. Knows the wording, nothing of the formats.

use std::fmt;
use std::str::FromStr;

use akbuild_names::NameError;

use crate::ChoiceProblem;

/// Why a lock file cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LockError {
    /// The file is not of its format at all.
    #[error("{file}:{line}:{column}: {problem}; {advice}")]
    Syntax {
        /// The file.
        file: String,
        /// The line, counted from 1.
        line: usize,
        /// The column, counted from 1.
        column: usize,
        /// What is wrong there.
        problem: String,
        /// What to do.
        advice: &'static str,
    },
    /// The format's version is none that is understood.
    #[error("{file}: {field} {found} is not supported, expected {expected}; {advice}")]
    Version {
        /// The file.
        file: String,
        /// What the format calls its version.
        field: &'static str,
        /// The version that was found.
        found: String,
        /// The versions that are understood.
        expected: &'static str,
        /// What to do.
        advice: &'static str,
    },
    /// A field that must be there is not, or is of another type.
    #[error("{file}: {at}: expected {expected}, found {found}; {advice}")]
    Shape {
        /// The file.
        file: String,
        /// Where in it.
        at: String,
        /// What should stand there.
        expected: &'static str,
        /// What does.
        found: String,
        /// What to do.
        advice: &'static str,
    },
    /// Extras and groups that cannot be chosen.
    #[error("{}", problems.iter().map(|problem| format!("{file}: {problem}")).collect::<Vec<_>>().join("\n"))]
    Choice {
        /// The file.
        file: String,
        /// What is wrong, all of it.
        problems: Vec<ChoiceProblem>,
    },
    /// Entries that cannot be used, all of them.
    #[error("{file}: {}{}\n{advice}", count(entries.len()), list(entries))]
    Refused {
        /// The file.
        file: String,
        /// The entries, sorted.
        entries: Vec<Refused>,
        /// What to do.
        advice: String,
    },
}

/// One entry that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Refused {
    /// The package, and where the lock has it.
    pub name: String,
    /// What is wrong with it.
    pub why: String,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.name, self.why)
    }
}

fn count(n: usize) -> String {
    if n == 1 { "1 entry cannot be used:".to_owned() } else { format!("{n} entries cannot be used:") }
}

fn list(entries: &[Refused]) -> String {
    entries.iter().map(|e| format!("\n  {e}")).collect()
}

/// Entries that cannot be used, gathered so that one message names them all.
#[derive(Default)]
pub(crate) struct Refusals(Vec<Refused>);

impl Refusals {
    pub(crate) fn add(&mut self, name: impl Into<String>, why: impl Into<String>) {
        self.0.push(Refused { name: name.into(), why: why.into() });
    }

    /// Parses a name that an entry has; `None` if it is refused.
    pub(crate) fn parse<T: FromStr<Err = NameError>>(&mut self, entry: &str, text: &str) -> Option<T> {
        text.parse().map_err(|error: NameError| self.add(entry, error.to_string())).ok()
    }

    /// `value` if nothing was refused.
    pub(crate) fn check<T>(mut self, file: &str, advice: &str, value: T) -> Result<T, LockError> {
        if self.0.is_empty() {
            return Ok(value);
        }
        self.0.sort();
        self.0.dedup();
        Err(LockError::Refused { file: file.to_owned(), entries: self.0, advice: advice.to_owned() })
    }
}

/// Line and column, both counted from 1, of a byte of a text.
pub(crate) fn position(text: &str, byte: usize) -> (usize, usize) {
    let before = &text.as_bytes()[..byte.min(text.len())];
    let line = before.iter().filter(|b| **b == b'\n').count() + 1;
    let start = before.iter().rposition(|b| *b == b'\n').map_or(0, |n| n + 1);
    (line, String::from_utf8_lossy(&before[start..]).chars().count() + 1)
}
