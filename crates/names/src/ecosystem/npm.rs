//! Names and versions of npm packages, by the rules of `validate-npm-package-name` and semver. Names that the registry
//! accepted in former years are accepted: capital letters, `~'!()*`, any length that a file name can have.

use std::fmt;

use super::{Ecosystem, EcosystemFile};
use crate::text::parsed_text;
use crate::{PackageFileAddress, package_url};

/// The longest name: a file name has 255 bytes, and `-VERSION.tgz` follows.
const LONGEST: usize = 214;

parsed_text! {
    /// The name of an npm package, with its scope: `@lit/context`.
    NpmPackageName, "an npm package name", package_name
}
parsed_text! {
    /// The version of an npm package: semver without a `v`.
    NpmPackageVersion, "an npm package version", package_version
}

/// The tarball of an npm package.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NpmTarball {
    /// The package's own name, with its scope; not the alias it is installed under.
    pub name: NpmPackageName,
    /// Its version.
    pub version: NpmPackageVersion,
    /// `resolved`; absent in locks written with `omit-lockfile-registry-resolved`.
    pub url: Option<PackageFileAddress>,
}

impl fmt::Display for NpmTarball {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.name, self.version)
    }
}

impl EcosystemFile for NpmTarball {
    fn ecosystem(&self) -> Ecosystem {
        Ecosystem::Npm
    }

    fn package_url(&self) -> String {
        package_url(&(&self.name).into(), Some(&(&self.version).into()))
    }
}

impl NpmPackageName {
    /// The name without its scope.
    pub fn bare_name(&self) -> &str {
        self.rsplit('/').next().unwrap_or(self)
    }
}

fn package_name(text: &str) -> Result<String, &'static str> {
    if text.len() > LONGEST {
        return Err("it is longer than 214 bytes");
    }
    let bare = match text.strip_prefix('@') {
        Some(scoped) => {
            let (scope, bare) = scoped.split_once('/').ok_or("its scope is not followed by `/` and a name")?;
            name_part(scope)?;
            bare
        }
        None => text,
    };
    name_part(bare)?;
    if text.starts_with('_') {
        return Err("it starts with `_`");
    }
    if ["node_modules", "favicon.ico"].iter().any(|reserved| text.eq_ignore_ascii_case(reserved)) {
        return Err("it is a reserved name");
    }
    Ok(text.to_owned())
}

/// A scope or a name: what `encodeURIComponent` leaves as it is.
fn name_part(part: &str) -> Result<(), &'static str> {
    match part {
        "" => Err("it has an empty part"),
        _ if part.starts_with('.') => Err("a part of it starts with `.`"),
        _ if part.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.!~*'()".contains(&b)) => Ok(()),
        _ => Err("it has a character that cannot stand in a URL as it is"),
    }
}

fn package_version(text: &str) -> Result<String, &'static str> {
    if text.len() > 256 {
        return Err("it is longer than 256 bytes");
    }
    match semver::Version::parse(text) {
        Ok(_) => Ok(text.to_owned()),
        Err(_) => Err("expected semver: MAJOR.MINOR.PATCH"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_real_locks_are_accepted() {
        for name in [
            "left-pad",
            "@lit/context",
            "JSONStream",
            "crypto!",
            "(x)",
            "a.b_c~d",
            "3d",
            "-",
            "@types/node",
            "@s/_private",
            "http",
            "@A/B",
        ] {
            assert_eq!(NpmPackageName::parse(name).as_deref(), Ok(name));
        }
        assert_eq!(NpmPackageName::parse("@lit/context").unwrap().bare_name(), "context");
    }

    #[test]
    fn names_that_lead_elsewhere_are_refused() {
        for name in [
            "",
            ".",
            "..",
            "../x",
            "/x",
            "//host/evil",
            "file:///etc/passwd#",
            "http://host/x",
            "a/b",
            "a b",
            " a",
            "a\\b",
            "a?b",
            "a#b",
            "a%2fb",
            "@",
            "@s",
            "@s/",
            "@/x",
            "@../x",
            "@s/..",
            "@s/a/b",
            "_x",
            "node_modules",
            "Favicon.ico",
            "a\0",
            "a\n",
            "\u{e9}",
        ] {
            assert!(NpmPackageName::parse(name).is_err(), "{name:?}");
        }
        assert!(NpmPackageName::parse(&"a".repeat(215)).is_err());
        insta::assert_snapshot!(NpmPackageName::parse("//host/evil").unwrap_err(), @"`//host/evil` is not an npm package name: it has a character that cannot stand in a URL as it is");
        insta::assert_snapshot!(NpmPackageName::parse("@s/..").unwrap_err(), @"`@s/..` is not an npm package name: a part of it starts with `.`");
    }

    #[test]
    fn versions_are_semver() {
        for version in ["1.0.0", "0.0.0-beta.1+build.5", "20230101.1.0", "1.0.0--", "5.9.0-dev.20250612"] {
            assert_eq!(NpmPackageVersion::parse(version).as_deref(), Ok(version));
        }
        for version in ["", "1", "1.0", "v1.0.0", "1.0.0/x", "1.0.0 ", "../1.0.0", "1.0.0-a/b", "1.0.0?x", "latest"] {
            assert!(NpmPackageVersion::parse(version).is_err(), "{version:?}");
        }
        insta::assert_snapshot!(NpmPackageVersion::parse("../1").unwrap_err(), @"`../1` is not an npm package version: expected semver: MAJOR.MINOR.PATCH");
    }
}
