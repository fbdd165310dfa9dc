//! Versions as `go.mod` has them: of modules (semver after a `v`) and of the language.

use std::cmp::Ordering;

/// The argument of a `go` directive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct GoLanguageVersion {
    major: u32,
    minor: u32,
    /// `rc1` of `1.21rc1`: before the release.
    is_candidate: bool,
}

impl GoLanguageVersion {
    /// `1.21`, `1.21.3` or `1.21rc1`: `GoVersionRE` of `modfile`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (major, rest) = number(text)?;
        let (minor, rest) = number(rest.strip_prefix('.')?)?;
        let rest = match rest.strip_prefix('.') {
            Some(rest) => number(rest)?.1,
            None => rest,
        };
        let kind = rest.trim_end_matches(|c: char| c.is_ascii_digit());
        let is_candidate = !kind.is_empty() && kind.len() < rest.len() && kind.bytes().all(|b| b.is_ascii_lowercase());
        (major > 0 && (rest.is_empty() || is_candidate)).then_some(Self { major, minor, is_candidate })
    }

    /// As [`GoLanguageVersion::parse`], or with anything after the first two numbers: `laxGoVersionRE`.
    pub(super) fn parse_lax(text: &str) -> Option<Self> {
        Self::parse(text).or_else(|| {
            let (major, rest) = number(text.strip_prefix('v').unwrap_or(text))?;
            let (minor, rest) = number(rest.strip_prefix('.')?)?;
            (major > 0 && !rest.is_empty()).then_some(Self { major, minor, is_candidate: false })
        })
    }

    /// Whether `go.mod` lists every module that a build loads, and the module graph is pruned: from 1.17 on.
    pub(super) fn is_pruned(&self) -> bool {
        match (self.major, self.minor).cmp(&(1, 17)) {
            Ordering::Less => false,
            Ordering::Equal => !self.is_candidate,
            Ordering::Greater => true,
        }
    }
}

/// A decimal number without zeros in front, and what follows it.
fn number(text: &str) -> Option<(u32, &str)> {
    let length = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (digits, rest) = text.split_at(length);
    (digits == "0" || !digits.starts_with('0')).then_some(())?;
    Some((digits.parse().ok()?, rest))
}

/// `CanonicalVersion` of `golang.org/x/mod/module`: three numbers, no build metadata but `+incompatible`.
pub(super) fn canonical(text: &str) -> Option<String> {
    let plain = text.strip_prefix('v')?;
    let (core, build) = plain.split_once('+').map_or((plain, None), |(core, build)| (core, Some(build)));
    let dots = core.matches('.').count();
    let full = match dots {
        0 | 1 if build.is_none() && !core.contains('-') => format!("{core}{}", ".0".repeat(2 - dots)),
        _ => core.to_owned(),
    };
    semver::Version::parse(&full).ok()?;
    if let Some(build) = build {
        semver::BuildMetadata::new(build).ok().filter(|build| !build.is_empty())?;
    }
    Some(format!("v{full}{}", if build == Some("incompatible") { "+incompatible" } else { "" }))
}

/// The order of two canonical versions.
pub(super) fn compare(a: &str, b: &str) -> Ordering {
    let parse = |text: &str| text.strip_prefix('v').and_then(|text| semver::Version::parse(text).ok());
    match (parse(a), parse(b)) {
        (Some(a), Some(b)) => a.cmp_precedence(&b),
        (a, b) => a.is_some().cmp(&b.is_some()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_of_the_language() {
        for (text, pruned) in
            [("1.16", false), ("1.17", true), ("1.17rc1", false), ("1.21rc2", true), ("1.9.3", false), ("2.0", true)]
        {
            assert_eq!(GoLanguageVersion::parse(text).map(|v| v.is_pruned()), Some(pruned), "{text}");
        }
        for text in ["1", "one", "1.", "01.2", "1.02", "1.2.", "1.2rc", "1.2.3.4", "v1.2", "1.2-x", ""] {
            assert_eq!(GoLanguageVersion::parse(text), None, "{text}");
        }
        for text in ["v1.2.x", "1.2-x", "1.2.3.4"] {
            assert!(GoLanguageVersion::parse_lax(text).is_some(), "{text}");
        }
        assert_eq!(GoLanguageVersion::parse_lax("v1.2"), None);
    }

    #[test]
    fn versions_of_modules() {
        for (text, found) in [
            ("v1", Some("v1.0.0")),
            ("v1.2", Some("v1.2.0")),
            ("v1.2.3-pre+meta", Some("v1.2.3-pre")),
            ("v2.0.0+incompatible", Some("v2.0.0+incompatible")),
            ("v1-x", None),
            ("v01.0.0", None),
            ("1.0.0", None),
            ("master", None),
            ("v1.0.0+", None),
        ] {
            assert_eq!(canonical(text).as_deref(), found, "{text}");
        }
        let mut sorted = ["v1.0.0", "v0.0.0-20200101000000-abcdef123456", "v1.10.0", "v1.0.0-rc.1", "v1.9.0"];
        sorted.sort_by(|a, b| compare(a, b));
        let expected = ["v0.0.0-20200101000000-abcdef123456", "v1.0.0-rc.1", "v1.0.0", "v1.9.0", "v1.10.0"];
        assert_eq!(sorted, expected);
    }
}
