//! Relations between packages, as `Depends`, `Provides` and `Conflicts` write them (Debian policy 7.1).
//! Knows the syntax and when a version satisfies it; knows no set of packages.

use std::cmp::Ordering;
use std::fmt;

use crate::compare_versions;

/// How a relation restricts the version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Op {
    Earlier,
    EarlierOrEqual,
    Equal,
    LaterOrEqual,
    Later,
}

/// One package name with an optional restriction of its version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Relation {
    pub(crate) name: String,
    pub(crate) version: Option<(Op, String)>,
}

/// Alternatives, one of which must hold.
pub(crate) type Clause = Vec<Relation>;

impl Relation {
    /// Parses `name`, `name:any`, `name (>= 1)`. Restrictions by architecture or profile do not occur
    /// in binary packages and are passed over. `None` for an empty text.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let end = text.find(|c: char| c.is_whitespace() || "([<".contains(c)).unwrap_or(text.len());
        let name = text[..end].split(':').next().unwrap_or_default();
        if name.is_empty() {
            return None;
        }
        let inner = text.split_once('(').and_then(|(_, r)| r.split_once(')')).map(|(i, _)| i.trim());
        let version = inner.map(|inner| {
            let at = inner.find(|c| !"<=>".contains(c)).unwrap_or(inner.len());
            (operator(&inner[..at]), inner[at..].trim().to_owned())
        });
        Some(Relation { name: name.to_owned(), version })
    }

    /// Whether a real package of that version satisfies the restriction.
    pub(crate) fn admits(&self, version: &str) -> bool {
        let Some((op, bound)) = &self.version else { return true };
        let order = compare_versions(version, bound);
        match op {
            Op::Earlier => order == Ordering::Less,
            Op::EarlierOrEqual => order != Ordering::Greater,
            Op::Equal => order == Ordering::Equal,
            Op::LaterOrEqual => order != Ordering::Less,
            Op::Later => order == Ordering::Greater,
        }
    }

    /// Whether a package that provides the name satisfies it: with a version only if it provides that
    /// version (policy 7.5).
    pub(crate) fn admits_provided(&self, provided: &Relation) -> bool {
        match &provided.version {
            Some((_, version)) => self.admits(version),
            None => self.version.is_none(),
        }
    }
}

/// `<` and `>` are old spellings of `<=` and `>=`.
fn operator(text: &str) -> Op {
    match text {
        "<<" => Op::Earlier,
        "<=" | "<" => Op::EarlierOrEqual,
        ">>" => Op::Later,
        ">=" | ">" => Op::LaterOrEqual,
        _ => Op::Equal,
    }
}

/// The clauses of a field's value.
pub(crate) fn clauses(field: &str) -> Vec<Clause> {
    let clause = |text: &str| text.split('|').filter_map(Relation::parse).collect::<Clause>();
    field.split(',').map(clause).filter(|c| !c.is_empty()).collect()
}

/// The relations of a field that has no alternatives.
pub(crate) fn relations(field: &str) -> Vec<Relation> {
    field.split(',').filter_map(Relation::parse).collect()
}

impl fmt::Display for Relation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        let Some((op, version)) = &self.version else { return Ok(()) };
        let op = match op {
            Op::Earlier => "<<",
            Op::EarlierOrEqual => "<=",
            Op::Equal => "=",
            Op::LaterOrEqual => ">=",
            Op::Later => ">>",
        };
        write!(f, " ({op} {version})")
    }
}

/// A clause as it is written in a control file.
pub(crate) fn show(clause: &Clause) -> String {
    clause.iter().map(|r| r.to_string()).collect::<Vec<_>>().join(" | ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_and_writes() {
        let all = clauses("libc6 (>= 2.38), python3:any | python3.14:any (<<4),, x(=1:2-3) [amd64] <!nocheck>,\n last");
        let shown: Vec<_> = all.iter().map(show).collect();
        assert_eq!(shown, ["libc6 (>= 2.38)", "python3 | python3.14 (<< 4)", "x (= 1:2-3)", "last"]);
    }

    #[test]
    fn versions() {
        let r = |t| Relation::parse(t).unwrap();
        assert!(r("a (>= 1.2)").admits("1.10") && !r("a (>> 1.2)").admits("1.2"));
        assert!(r("a (<< 2)").admits("2~rc1") && r("a (<= 2)").admits("2") && !r("a (= 2)").admits("2-1"));
        assert!(r("v").admits_provided(&r("v")) && r("v (>= 1)").admits_provided(&r("v (= 2)")));
        assert!(!r("v (>= 1)").admits_provided(&r("v")));
    }
}
