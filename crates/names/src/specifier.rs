//! Version specifiers of Python packages (PEP 440): `>=3.9,<4`. Knows no package.

use std::str::FromStr;

use crate::Version;

/// A set of version specifiers, all of which must hold: `>=3.9,<4`.
#[derive(Clone, Debug)]
pub struct Specifiers(Vec<VersionSpecifier>);

/// One of them.
#[derive(Clone, Debug)]
enum VersionSpecifier {
    /// `===`: the same text as the normalised version.
    Identical(String),
    /// `== 3.14.*`; `!=` where it is not `equal`.
    Prefix {
        equal: bool,
        version: Version,
    },
    /// `~= 3.14.1`.
    Compatible(Version),
    Equal(Version),
    NotEqual(Version),
    LessEqual(Version),
    GreaterEqual(Version),
    Less(Version),
    Greater(Version),
}

impl VersionSpecifier {
    /// `None`: the operator is not one, or the version is not one that it takes.
    fn new(operator: &str, version: &str) -> Option<Self> {
        let version = version.trim();
        if operator == "===" {
            let is_word = !version.is_empty() && !version.contains(|c: char| c.is_whitespace() || c == ';' || c == ')');
            return is_word.then(|| Self::Identical(version.to_owned()));
        }
        if let Some(prefix) = version.strip_suffix(".*") {
            let version: Version = prefix.parse().ok()?;
            let is_release =
                prefix.trim_end() == prefix && !version.is_pre() && version.post.is_none() && version.local.is_empty();
            let equal = matches!(operator, "==");
            return (is_release && matches!(operator, "==" | "!=")).then_some(Self::Prefix { equal, version });
        }
        let version: Version = version.parse().ok()?;
        let has_local = !version.local.is_empty();
        match operator {
            "==" => Some(Self::Equal(version)),
            "!=" => Some(Self::NotEqual(version)),
            _ if has_local => None,
            "~=" => (version.segments > 1).then_some(Self::Compatible(version)),
            "<=" => Some(Self::LessEqual(version)),
            ">=" => Some(Self::GreaterEqual(version)),
            "<" => Some(Self::Less(version)),
            ">" => Some(Self::Greater(version)),
            _ => None,
        }
    }

    fn contains(&self, version: &Version) -> bool {
        let same_release = |other: &Version| version.epoch == other.epoch && version.release == other.release;
        let equal = |other: &Version| {
            version.cmp_public(other).is_eq() && (other.local.is_empty() || version.local == other.local)
        };
        match self {
            Self::Identical(text) => version.normalised().eq_ignore_ascii_case(text),
            Self::Prefix { equal, version: prefix } => starts_with(version, prefix, prefix.segments) == *equal,
            Self::Compatible(other) => {
                version.cmp_public(other).is_ge() && starts_with(version, other, other.segments - 1)
            }
            Self::Equal(other) => equal(other),
            Self::NotEqual(other) => !equal(other),
            Self::LessEqual(other) => version.cmp_public(other).is_le(),
            Self::GreaterEqual(other) => version.cmp_public(other).is_ge(),
            // Pre-releases of `other` itself come after its first development release.
            Self::Less(other) if other.is_pre() => version < other,
            Self::Less(other) => *version < other.first_dev(),
            Self::Greater(other) => {
                // Post-releases of `other` itself, which `>1.0.post1` and `>1.0.dev1` do not ask for.
                let has_no_suffix = other.post.is_none() && other.dev.is_none();
                let is_own = version.post.is_some() && version.pre == other.pre && same_release(other);
                version.cmp_public(other).is_gt() && !(has_no_suffix && is_own)
            }
        }
    }
}

/// Whether a version starts with the first `count` numbers of another one, and has its epoch.
fn starts_with(version: &Version, prefix: &Version, count: usize) -> bool {
    let number = |version: &Version, n: usize| version.release.get(n).copied().unwrap_or(0);
    version.epoch == prefix.epoch && (0..count).all(|n| number(version, n) == number(prefix, n))
}

impl Version {
    /// Whether `self OPERATOR version` holds; `None` where that is not a specifier.
    pub fn satisfies(&self, operator: &str, version: &str) -> Option<bool> {
        Some(VersionSpecifier::new(operator, version)?.contains(self))
    }
}

impl Specifiers {
    /// Whether all of them hold for a version.
    pub fn contain(&self, version: &Version) -> bool {
        self.0.iter().all(|specifier| specifier.contains(version))
    }
}

impl FromStr for Specifiers {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut all = Vec::new();
        for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            let operator = ["===", "==", "!=", "~=", "<=", ">=", "<", ">"].into_iter().find(|o| part.starts_with(o));
            let specifier = operator.and_then(|operator| VersionSpecifier::new(operator, &part[operator.len()..]));
            all.push(specifier.ok_or_else(|| format!("`{part}` is not a version specifier (PEP 440)"))?);
        }
        Ok(Self(all))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
            ("~=2.2.post3", "2.3"),
            ("~=1.4.5a4", "1.4.5b1"),
            ("~=2.2.dev1", "2.2.dev2"),
            ("~=1!1.4.5", "1!1.4.9"),
            ("~=2.0.0", "2.0.7"),
            ("==1!2.*", "1!2.3"),
            ("!=2.*", "1!2.3"),
            ("==1.0.*", "1.0.dev3"),
            ("==v1.0", "1"),
            ("===1.0RC1", "1.0-rc1"),
            (">1.0.post1", "1.0.post2"),
            ("<1.0rc2", "1.0rc1"),
            ("<1.0.post0", "1.0rc1"),
            ("<1.0.post1", "1.0.post0.dev1"),
            (">=1.0", "1.0+local"),
            ("<=1.0", "1.0+local"),
            (">1.0", "1!0.1"),
            (">1.0.dev2", "1.0a1+local"),
            (">1.0a1", "1.0.post1"),
            (">1.0.dev1", "1.0.post1"),
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
            ("<1.0.post1", "1.0.post1.dev1"),
            (">1.0", "1.0.post1"),
            (">1.0a1", "1.0a1.post1"),
            ("===1.0", "1.0.0"),
            ("===v1.0", "v1.0"),
            ("==1.0+a", "1.0"),
            ("~=2.2.post3", "2.2.post2"),
            ("~=2.2.post3", "3.0"),
            ("~=1.4.5a4", "1.5"),
            ("~=2.0.0", "2.1"),
            ("~=1!1.4", "1.5"),
            ("~=1!1.4", "2!1.5"),
            ("==2.*", "1!2.3"),
            ("!=1.0", "1.0+local"),
            (">1.0", "1.0+local"),
            (">1.0.post1", "1.0.post1+local"),
            ("<2.0", "2.0.dev1"),
            ("<1.0", "1.0.dev1+local"),
        ] {
            assert!(!holds(set, version), "{version} not in {set}");
        }
        insta::assert_snapshot!("=>3".parse::<Specifiers>().unwrap_err(), @"`=>3` is not a version specifier (PEP 440)");
    }

    #[test]
    fn refuses_versions_that_an_operator_does_not_take() {
        for set in [
            "~=1",
            "~=1a1",
            "~=1.0+local",
            "~=1.0.*",
            ">=1.*",
            ">1+a",
            "==1.0rc1.*",
            "==1+a.*",
            "==1 .*",
            "===",
            "1.0",
            "=1",
        ] {
            assert!(set.parse::<Specifiers>().is_err(), "{set}");
        }
    }
}
