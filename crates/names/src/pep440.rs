//! Versions and version specifiers of Python packages (PEP 440). Knows no package.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

/// A version, ordered as PEP 440 says.
#[derive(Clone, Debug)]
pub struct Version {
    text: String,
    epoch: u64,
    /// Without zeros at the end, as `1.0` equals `1`.
    release: Vec<u64>,
    pre: Option<(char, u64)>,
    post: Option<u64>,
    dev: Option<u64>,
    local: Vec<Local>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Local {
    Text(String),
    Number(u64),
}

/// A set of version specifiers, all of which must hold: `>=3.9,<4`.
#[derive(Clone, Debug)]
pub struct Specifiers(Vec<(String, String)>);

impl Version {
    /// Whether it is a pre-release or a development release.
    pub fn is_pre(&self) -> bool {
        self.pre.is_some() || self.dev.is_some()
    }

    /// The numbers of the release, without zeros at the end.
    pub fn release(&self) -> &[u64] {
        &self.release
    }

    /// The order of everything but the local part.
    fn public_key(&self) -> (u64, &[u64], (u8, char, u64), u64, u64) {
        // A dev release alone sorts before the pre-releases, a final one after them.
        let pre = match self.pre {
            Some((phase, number)) => (1, phase, number),
            None if self.dev.is_some() && self.post.is_none() => (0, ' ', 0),
            None => (2, ' ', 0),
        };
        (self.epoch, &self.release, pre, self.post.map_or(0, |n| n + 1), self.dev.unwrap_or(u64::MAX))
    }

    fn cmp_public(&self, other: &Self) -> Ordering {
        self.public_key().cmp(&other.public_key())
    }

    /// Whether the release starts with these numbers, as `== 3.14.*` asks.
    fn starts_with(&self, prefix: &str) -> Option<bool> {
        let wanted: Vec<u64> = prefix.split('.').map(|n| n.parse().ok()).collect::<Option<_>>()?;
        let mut own = self.release.iter().copied().chain(std::iter::repeat(0));
        Some(wanted.iter().all(|n| own.next() == Some(*n)))
    }

    /// Whether `self OPERATOR version` holds; `None` where that is not a specifier.
    pub fn satisfies(&self, operator: &str, version: &str) -> Option<bool> {
        if operator == "===" {
            return Some(self.text.eq_ignore_ascii_case(version.trim()));
        }
        if let Some(prefix) = version.strip_suffix(".*") {
            let same = self.starts_with(prefix)?;
            return match operator {
                "==" => Some(same),
                "!=" => Some(!same),
                _ => None,
            };
        }
        let other: Version = version.parse().ok()?;
        let order = self.cmp_public(&other);
        Some(match operator {
            "==" => order.is_eq() && (other.local.is_empty() || self.local == other.local),
            "!=" => !(order.is_eq() && (other.local.is_empty() || self.local == other.local)),
            "<=" => order.is_le(),
            ">=" => order.is_ge(),
            "<" => order.is_lt() && (other.is_pre() || !self.is_pre() || self.release != other.release),
            ">" => order.is_gt() && (other.post.is_some() || self.post.is_none() || self.release != other.release),
            "~=" => order.is_ge() && self.starts_with(version.trim().rsplit_once('.')?.0)?,
            _ => return None,
        })
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
    let text = text.trim();
    let lower = text.to_ascii_lowercase();
    let rest = lower.strip_prefix('v').unwrap_or(&lower);
    let (rest, local) = match rest.split_once('+') {
        Some((public, local)) => (public, parse_local(local)?),
        None => (rest, Vec::new()),
    };
    let (epoch, mut rest) = match rest.split_once('!') {
        Some((epoch, rest)) => (epoch.parse().ok()?, rest),
        None => (0, rest),
    };
    let mut release = vec![number(&mut rest)?];
    while rest.starts_with('.') && rest[1..].starts_with(|c: char| c.is_ascii_digit()) {
        rest = &rest[1..];
        release.push(number(&mut rest)?);
    }
    while release.len() > 1 && release.last() == Some(&0) {
        release.pop();
    }
    let pre = suffix(
        &mut rest,
        &[
            ("alpha", 'a'),
            ("beta", 'b'),
            ("preview", 'r'),
            ("pre", 'r'),
            ("rc", 'r'),
            ("a", 'a'),
            ("b", 'b'),
            ("c", 'r'),
        ],
    );
    let post = match rest.strip_prefix('-').filter(|tail| tail.starts_with(|c: char| c.is_ascii_digit())) {
        Some(tail) => {
            rest = tail;
            Some(number(&mut rest)?)
        }
        None => suffix(&mut rest, &[("post", 'p'), ("rev", 'p'), ("r", 'p')]).map(|(_, n)| n),
    };
    let dev = suffix(&mut rest, &[("dev", 'd')]).map(|(_, n)| n);
    rest.is_empty().then(|| Version { text: text.to_owned(), epoch, release, pre, post, dev, local })
}

fn parse_local(text: &str) -> Option<Vec<Local>> {
    let part = |part: &str| match part.parse() {
        Ok(number) => Some(Local::Number(number)),
        Err(_) if !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric()) => {
            Some(Local::Text(part.to_owned()))
        }
        Err(_) => None,
    };
    text.split(['.', '-', '_']).map(part).collect()
}

/// Takes the digits at the start of `rest`.
fn number(rest: &mut &str) -> Option<u64> {
    let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    let (digits, tail) = rest.split_at(end);
    *rest = tail;
    digits.parse().ok()
}

/// Takes `[.-_] WORD [.-_] [NUMBER]`, where WORD is one of `words`.
fn suffix(rest: &mut &str, words: &[(&str, char)]) -> Option<(char, u64)> {
    let separators = ['.', '-', '_'];
    let bare = rest.strip_prefix(separators).unwrap_or(rest);
    let (word, phase) = words.iter().find(|(word, _)| bare.starts_with(word))?;
    let tail = &bare[word.len()..];
    let mut digits = tail.strip_prefix(separators).unwrap_or(tail);
    if let Some(n) = number(&mut digits) {
        *rest = digits;
        Some((*phase, n))
    } else {
        *rest = tail;
        Some((*phase, 0))
    }
}

impl Specifiers {
    /// Whether all of them hold for a version.
    pub fn contain(&self, version: &Version) -> bool {
        self.0.iter().all(|(operator, other)| version.satisfies(operator, other) == Some(true))
    }
}

impl FromStr for Specifiers {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut all = Vec::new();
        for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            let end = part.find(|c| !"=<>!~".contains(c)).unwrap_or(part.len());
            let (operator, version) = (&part[..end], part[end..].trim());
            let probe: Version = "1".parse()?;
            probe
                .satisfies(operator, version)
                .ok_or_else(|| format!("`{part}` is not a version specifier (PEP 440)"))?;
            all.push((operator.to_owned(), version.to_owned()));
        }
        Ok(Self(all))
    }
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
        for bad in ["", "x", "1.", "1..2", "1.0foo", "1!", "1+", "1.0 2"] {
            assert!(bad.parse::<Version>().is_err(), "{bad}");
        }
    }

    #[test]
    fn specifiers_hold_or_not() {
        let holds = |set: &str, version: &str| set.parse::<Specifiers>().unwrap().contain(&version.parse().unwrap());
        for (set, version) in [
            ("", "1"),
            (">=3.9", "3.14"),
            ("==3.14.*", "3.14.8"),
            ("==3.14.*", "3.14"),
            ("~=2.2", "2.3"),
            ("~=1.4.5", "1.4.9"),
            ("!=1.5", "1.5.1"),
            (">=3,<4", "3.99"),
            ("===1.0", "1.0"),
            ("==1.0", "1.0+local"),
            (">1.0", "1.0.1"),
            ("<3.15", "3.14.8"),
        ] {
            assert!(holds(set, version), "{version} in {set}");
        }
        for (set, version) in [
            ("==3.13.*", "3.14"),
            ("~=2.2", "3.0"),
            ("~=1.4.5", "1.5"),
            ("!=1.5.*", "1.5.2"),
            (">=3,<4", "4.0"),
            ("<1.0", "1.0rc1"),
            (">1.0", "1.0.post1"),
            ("===1.0", "1.0.0"),
            ("==1.0+a", "1.0"),
        ] {
            assert!(!holds(set, version), "{version} not in {set}");
        }
        insta::assert_snapshot!("=>3".parse::<Specifiers>().unwrap_err(), @"`=>3` is not a version specifier (PEP 440)");
        insta::assert_snapshot!("one".parse::<Version>().unwrap_err(), @"`one` is not a version (PEP 440)");
    }
}
