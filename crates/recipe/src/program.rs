//! What a sysroot asks of the machine's own programs: `node >= 24`. Knows how a requirement is written, how a
//! version is found in what a program says of itself, and how versions compare; looks at no machine.

use std::cmp::Ordering;
use std::fmt;

/// A program that has to be there, perhaps in a certain version.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Requirement {
    /// The name that it is looked for by.
    pub program: String,
    bound: Option<(Bound, String)>,
}

/// How a version compares with the one that is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Bound {
    AtLeast,
    AtMost,
    Above,
    Below,
    Is,
}

/// As they are written; a longer one stands before those that it begins with.
const BOUNDS: [(&str, Bound); 5] =
    [(">=", Bound::AtLeast), ("<=", Bound::AtMost), (">", Bound::Above), ("<", Bound::Below), ("=", Bound::Is)];

impl Requirement {
    /// Any version of a program.
    pub fn any(program: impl Into<String>) -> Self {
        Self { program: program.into(), bound: None }
    }

    /// Reads `NAME` or `NAME BOUND VERSION`, with or without spaces. `None` if it is neither.
    pub fn parse(text: &str) -> Option<Self> {
        let at = text.find(['<', '>', '=']).unwrap_or(text.len());
        let (program, rest) = (text[..at].trim(), &text[at..]);
        let plain = |c: char| c.is_ascii_alphanumeric() || "+-._".contains(c);
        if program.is_empty() || program.starts_with(['.', '-']) || !program.chars().all(plain) {
            return None;
        }
        if rest.is_empty() {
            return Some(Self::any(program));
        }
        let (bound, version) = BOUNDS.iter().find_map(|(sign, b)| Some((*b, rest.strip_prefix(sign)?.trim())))?;
        numbers(version)?;
        Some(Self { program: program.to_owned(), bound: Some((bound, version.to_owned())) })
    }

    /// Whether any version will do.
    pub fn takes_any(&self) -> bool {
        self.bound.is_none()
    }

    /// Whether a version will do. Numbers are compared as numbers, missing ones are 0; `=` compares only as many
    /// as are written.
    pub fn accepts(&self, version: &str) -> bool {
        let Some((bound, wanted)) = &self.bound else { return true };
        let (Some(mut found), Some(mut wanted)) = (numbers(version), numbers(wanted)) else { return false };
        match bound {
            Bound::Is => found.resize(wanted.len(), 0),
            _ => {
                let length = found.len().max(wanted.len());
                found.resize(length, 0);
                wanted.resize(length, 0);
            }
        }
        match bound {
            Bound::AtLeast => found >= wanted,
            Bound::AtMost => found <= wanted,
            Bound::Above => found.cmp(&wanted) == Ordering::Greater,
            Bound::Below => found.cmp(&wanted) == Ordering::Less,
            Bound::Is => found == wanted,
        }
    }
}

impl fmt::Display for Requirement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.program)?;
        let Some((bound, version)) = &self.bound else { return Ok(()) };
        let sign = BOUNDS.iter().find(|(_, b)| b == bound).map_or("", |(sign, _)| sign);
        write!(f, " {sign} {version}")
    }
}

/// The version in a line that a program says of itself: its first number with a dot in it, else its first number.
pub fn version_in(line: &str) -> Option<&str> {
    let mut words = line.split(|c: char| !c.is_ascii_digit() && c != '.').map(|w| w.trim_matches('.'));
    let first = words.clone().find(|w| !w.is_empty());
    words.find(|w| w.contains('.')).or(first)
}

fn numbers(version: &str) -> Option<Vec<u64>> {
    version.split('.').map(|n| n.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requirements_are_read_and_shown() {
        for (text, shown) in [
            ("bash", "bash"),
            ("node >= 24", "node >= 24"),
            ("npm>=11.6.2", "npm >= 11.6.2"),
            ("g++ = 12", "g++ = 12"),
            (" python3.14 ", "python3.14"),
            ("java <= 21.0", "java <= 21.0"),
        ] {
            assert_eq!(Requirement::parse(text).unwrap().to_string(), shown);
        }
        for text in ["", ">= 24", "node => 24", "node >= x", "node 24", "node >=", "/bin/sh", "node > 1.", "..", "-v"] {
            assert_eq!(Requirement::parse(text), None, "{text}");
        }
    }

    #[test]
    fn versions_compare_by_numbers() {
        for (wanted, version, expected) in [
            ("a", "nonsense", true),
            ("a >= 1.10", "1.9", false),
            ("a >= 1.10", "1.10.0", true),
            ("a >= 1.10", "2", true),
            ("a > 1.10", "1.10.0", false),
            ("a > 1.10", "1.10.1", true),
            ("a < 2", "1.99", true),
            ("a < 2", "2.0", false),
            ("a <= 2", "2.0", true),
            ("a <= 2", "2.0.1", false),
            ("a = 3.14", "3.14.2", true),
            ("a = 3.14", "3.1", false),
            ("a = 3.14.0", "3.14", true),
            ("a >= 1", "nonsense", false),
        ] {
            assert_eq!(Requirement::parse(wanted).unwrap().accepts(version), expected, "{wanted}: {version}");
        }
    }

    #[test]
    fn a_version_is_found_in_what_a_program_says() {
        for (line, version) in [
            ("go version go1.26.8 linux/amd64", Some("1.26.8")),
            ("v20.20.2", Some("20.20.2")),
            ("openjdk version \"17.0.15\" 2025-04-15", Some("17.0.15")),
            ("openjdk version \"21\" 2023-09-19", Some("21")),
            ("GNU bash, version 5.2.15(1)-release (x86_64-pc-linux-gnu)", Some("5.2.15")),
            ("gcc-12 (Debian 12.2.0-14) 12.2.0", Some("12.2.0")),
            ("no version here", None),
        ] {
            assert_eq!(version_in(line), version, "{line}");
        }
    }
}
