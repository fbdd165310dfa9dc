//! Versions of Python packages (PEP 440). Knows no package.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

/// A version, ordered as PEP 440 says.
#[derive(Clone, Debug)]
pub struct Version {
    text: String,
    pub(crate) epoch: u64,
    /// Without zeros at the end, as `1.0` equals `1`.
    pub(crate) release: Vec<u64>,
    /// How many numbers the release was written with.
    pub(crate) segments: usize,
    pub(crate) pre: Option<(PrePhase, u64)>,
    pub(crate) post: Option<u64>,
    pub(crate) dev: Option<u64>,
    pub(crate) local: Vec<LocalSegment>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum PrePhase {
    Alpha,
    Beta,
    Candidate,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum LocalSegment {
    Text(String),
    Number(u64),
}

/// The place of a version among the pre-releases of its release.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum PreOrder {
    /// A development release of the release itself comes before all of them.
    Development,
    Pre(PrePhase, u64),
    Final,
}

impl Version {
    /// Whether it is a pre-release or a development release.
    pub fn is_pre(&self) -> bool {
        self.pre.is_some() || self.dev.is_some()
    }

    /// The first development release of a version that is none: `1.0.dev0` of `1.0`.
    pub(crate) fn first_dev(&self) -> Self {
        Self { dev: Some(0), ..self.clone() }
    }

    /// The version as PEP 440 spells it: `1.0rc1.post2` of `v1.0-C_1-2`.
    pub(crate) fn normalised(&self) -> String {
        let numbers = self.release.iter().copied().chain(std::iter::repeat(0)).take(self.segments);
        let mut text = if self.epoch == 0 { String::new() } else { format!("{}!", self.epoch) };
        text += &numbers.map(|number| number.to_string()).collect::<Vec<_>>().join(".");
        if let Some((phase, number)) = self.pre {
            let phase = match phase {
                PrePhase::Alpha => "a",
                PrePhase::Beta => "b",
                PrePhase::Candidate => "rc",
            };
            text += &format!("{phase}{number}");
        }
        text += &self.post.map(|number| format!(".post{number}")).unwrap_or_default();
        text += &self.dev.map(|number| format!(".dev{number}")).unwrap_or_default();
        for (n, segment) in self.local.iter().enumerate() {
            text.push(if n == 0 { '+' } else { '.' });
            match segment {
                LocalSegment::Text(word) => text += word,
                LocalSegment::Number(number) => text += &number.to_string(),
            }
        }
        text
    }

    /// The order of everything but the local part.
    fn public_key(&self) -> (u64, &[u64], PreOrder, Option<u64>, u64) {
        let pre = match self.pre {
            Some((phase, number)) => PreOrder::Pre(phase, number),
            None if self.dev.is_some() && self.post.is_none() => PreOrder::Development,
            None => PreOrder::Final,
        };
        (self.epoch, &self.release, pre, self.post, self.dev.unwrap_or(u64::MAX))
    }

    pub(crate) fn cmp_public(&self, other: &Self) -> Ordering {
        self.public_key().cmp(&other.public_key())
    }
}

impl PartialEq for Version {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}
impl Eq for Version {}
impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Version {
    fn cmp(&self, other: &Self) -> Ordering {
        self.cmp_public(other).then_with(|| self.local.cmp(&other.local))
    }
}
impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl FromStr for Version {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        parse(text).ok_or_else(|| format!("`{text}` is not a version (PEP 440)"))
    }
}

fn parse(text: &str) -> Option<Version> {
    use PrePhase::{Alpha, Beta, Candidate};
    const PHASES: [(&str, PrePhase); 8] = [
        ("alpha", Alpha),
        ("beta", Beta),
        ("preview", Candidate),
        ("pre", Candidate),
        ("rc", Candidate),
        ("a", Alpha),
        ("b", Beta),
        ("c", Candidate),
    ];
    let text = text.trim();
    let lower = text.to_ascii_lowercase();
    let rest = lower.strip_prefix('v').unwrap_or(&lower);
    let (mut rest, local) = match rest.split_once('+') {
        Some((public, local)) => (public, parse_local(local)?),
        None => (rest, Vec::new()),
    };
    let mut epoch = 0;
    let mut release = vec![number(&mut rest)?];
    if let Some(tail) = rest.strip_prefix('!') {
        rest = tail;
        epoch = std::mem::replace(&mut release[0], number(&mut rest)?);
    }
    while let Some(tail) = rest.strip_prefix('.').filter(|tail| starts_with_digit(tail)) {
        rest = tail;
        release.push(number(&mut rest)?);
    }
    let segments = release.len();
    while release.len() > 1 && release.last() == Some(&0) {
        release.pop();
    }
    let pre = suffix(&mut rest, &PHASES)?;
    let post = match rest.strip_prefix('-').filter(|tail| starts_with_digit(tail)) {
        Some(tail) => {
            rest = tail;
            Some(number(&mut rest)?)
        }
        None => suffix(&mut rest, &[("post", ()), ("rev", ()), ("r", ())])?.map(|((), n)| n),
    };
    let dev = suffix(&mut rest, &[("dev", ())])?.map(|((), n)| n);
    let version = Version { text: text.to_owned(), epoch, release, segments, pre, post, dev, local };
    rest.is_empty().then_some(version)
}

fn parse_local(text: &str) -> Option<Vec<LocalSegment>> {
    let segment = |part: &str| match part {
        "" => None,
        _ if part.bytes().all(|b| b.is_ascii_digit()) => part.parse().ok().map(LocalSegment::Number),
        _ if part.bytes().all(|b| b.is_ascii_alphanumeric()) => Some(LocalSegment::Text(part.to_owned())),
        _ => None,
    };
    text.split(['.', '-', '_']).map(segment).collect()
}

fn starts_with_digit(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_digit())
}

/// Takes the digits at the start of `rest`; `None`: there are none, or they are more than a number of 64 bits.
fn number(rest: &mut &str) -> Option<u64> {
    let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    let (digits, tail) = rest.split_at(end);
    *rest = tail;
    digits.parse().ok()
}

/// Takes `[.-_] WORD [.-_] [NUMBER]` if it is there, where WORD is one of `words`. The outer `None`: its number is too large.
fn suffix<T: Copy>(rest: &mut &str, words: &[(&str, T)]) -> Option<Option<(T, u64)>> {
    let separators = ['.', '-', '_'];
    let bare = rest.strip_prefix(separators).unwrap_or(rest);
    let Some((word, kind)) = words.iter().find(|(word, _)| bare.starts_with(word)) else { return Some(None) };
    let tail = &bare[word.len()..];
    let mut tail = tail.strip_prefix(separators).unwrap_or(tail);
    let value = if starts_with_digit(tail) { number(&mut tail)? } else { 0 };
    *rest = tail;
    Some(Some((*kind, value)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_as_pep_440_says() {
        let sorted = [
            "1.dev0",
            "1.0.dev456",
            "1.0a1",
            "1.0a2.dev456",
            "1.0a12.dev456",
            "1.0a12",
            "1.0b1.dev456",
            "1.0b2",
            "1.0b2.post345.dev456",
            "1.0b2.post345",
            "1.0rc1.dev456",
            "1.0rc1",
            "1.0",
            "1.0+abc.5",
            "1.0+abc.7",
            "1.0+5",
            "1.0.post456.dev34",
            "1.0.post456",
            "1.0.15",
            "1.1.dev1",
            "1!0.1",
        ];
        let versions: Vec<Version> = sorted.iter().map(|v| v.parse().unwrap()).collect();
        for pair in versions.windows(2) {
            assert!(pair[0] < pair[1], "{} < {}", pair[0], pair[1]);
        }
        for (a, b) in
            [("1.0", "1"), ("v1.0-1", "1.0.post1"), ("1.0-ALPHA_2", "1a2"), ("1c1", "1.rc1"), ("1.0+a-1", "1+A.1")]
        {
            assert_eq!(a.parse::<Version>().unwrap(), b.parse().unwrap(), "{a} == {b}");
        }
        assert_eq!(
            "V1!1.0.0-ALPHA-2_r.Dev3+Ab-07".parse::<Version>().unwrap().normalised(),
            "1!1.0.0a2.post0.dev3+ab.7"
        );
        for bad in [
            "",
            "x",
            "1.",
            "1..2",
            "1.0foo",
            "1!",
            "!1",
            "1+",
            "1++5",
            "1+a..b",
            "1.0 2",
            "1.0-",
            "1_0",
            "99999999999999999999",
        ] {
            assert!(bad.parse::<Version>().is_err(), "{bad}");
        }
        insta::assert_snapshot!("one".parse::<Version>().unwrap_err(), @"`one` is not a version (PEP 440)");
    }
}
