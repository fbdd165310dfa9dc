//! Names of Python projects (PEP 508, normalised by PEP 503), their versions (PEP 440) and the names of their files.

use std::fmt;

use super::{Ecosystem, EcosystemFile};
use crate::text::parsed_text;
use crate::{PackageFileAddress, Version, encode_url_part, package_url};

/// Endings of source distributions that uv reads.
const ENDINGS: [&str; 11] =
    [".whl", ".tar.gz", ".zip", ".tgz", ".tar.bz2", ".tbz", ".tar.xz", ".txz", ".tar.zst", ".tar.lzma", ".tar"];

parsed_text! {
    /// The name of a Python project, normalised: `zope-interface`.
    PythonPackageName, "the name of a Python project", package_name
}
parsed_text! {
    /// The version of a Python project, as it is written.
    PythonPackageVersion, "the version of a Python project", package_version
}
parsed_text! {
    /// The name of a wheel or of a source distribution.
    PythonFileName, "the name of a wheel or of a source distribution", file_name
}

/// A wheel or a source distribution.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PythonDistribution {
    /// The project's name.
    pub name: PythonPackageName,
    /// Its version.
    pub version: PythonPackageVersion,
    /// The file's name in the index.
    pub file: PythonFileName,
    /// The address in the lock, if it has one.
    pub url: Option<PackageFileAddress>,
    /// The simple index that the lock names, if any.
    pub index: Option<String>,
}

impl fmt::Display for PythonDistribution {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}=={} ({})", self.name, self.version, self.file)
    }
}

impl EcosystemFile for PythonDistribution {
    fn ecosystem(&self) -> Ecosystem {
        Ecosystem::Python
    }

    fn label(&self) -> String {
        self.file.to_string()
    }

    fn package_url(&self) -> String {
        let package = package_url(&(&self.name).into(), Some(&(&self.version).into()));
        format!("{package}?file_name={}", encode_url_part(&self.file))
    }
}

/// A project's or an extra's name as PEP 503 normalises it: lower case, runs of `-`, `_` and `.` as one `-`.
pub fn normalise(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    for c in name.chars() {
        match c {
            '-' | '_' | '.' if out.ends_with('-') => {}
            '-' | '_' | '.' => out.push('-'),
            c => out.push(c.to_ascii_lowercase()),
        }
    }
    out
}

fn package_name(text: &str) -> Result<String, &'static str> {
    let ends_well = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
    match text {
        "" => Err("it is empty"),
        _ if text.len() > 200 => Err("it is longer than 200 bytes"),
        _ if !text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b)) => {
            Err("only letters, digits, `-`, `_` and `.` are allowed")
        }
        _ if !ends_well(text.chars().next()) || !ends_well(text.chars().next_back()) => {
            Err("it does not start and end with a letter or digit")
        }
        _ => Ok(normalise(text)),
    }
}

fn package_version(text: &str) -> Result<String, &'static str> {
    match text.parse::<Version>() {
        Ok(_) if text.len() <= 200 && text.trim() == text => Ok(text.to_owned()),
        _ => Err("expected a version as PEP 440 describes it"),
    }
}

fn file_name(text: &str) -> Result<String, &'static str> {
    let stem = ENDINGS.iter().find_map(|end| text.strip_suffix(end)).ok_or("its ending is not known")?;
    match stem {
        "" => Err("it is empty but for its ending"),
        _ if text.len() > 255 => Err("it is longer than 255 bytes"),
        _ if stem.starts_with(['.', '-']) => Err("it starts with `.` or `-`"),
        _ if !stem.bytes().all(|b| b.is_ascii_alphanumeric() || b"._+!-".contains(&b)) => {
            Err("only letters, digits, `.`, `_`, `+`, `!` and `-` are allowed")
        }
        _ => Ok(text.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_normalised_once() {
        for (name, normalised) in
            [("Zope.Interface", "zope-interface"), ("a", "a"), ("A_._b-C", "a-b-c"), ("3to2", "3to2")]
        {
            assert_eq!(PythonPackageName::parse(name).as_deref(), Ok(normalised));
        }
        for name in ["", "-a", "a.", "_", "a/b", "../a", "//host", "file:///x", "a b", "a%2f", "\u{e9}", "a\n", "a?b"] {
            assert!(PythonPackageName::parse(name).is_err(), "{name:?}");
        }
        insta::assert_snapshot!(PythonPackageName::parse("../a\n").unwrap_err(), @r"`../a\n` is not the name of a Python project: only letters, digits, `-`, `_` and `.` are allowed");
    }

    #[test]
    fn versions_follow_pep_440() {
        for version in ["1.0", "1!2.0rc1.post2.dev3+local.7", "2024.1"] {
            assert_eq!(PythonPackageVersion::parse(version).as_deref(), Ok(version));
        }
        for version in ["", "../1", "1.0/x", " 1", "1.0 ", "one", "1?", "1#"] {
            assert!(PythonPackageVersion::parse(version).is_err(), "{version:?}");
        }
    }

    #[test]
    fn files_are_wheels_or_source_distributions() {
        for file in ["a-1-py3-none-any.whl", "a-1!2+l-1b-cp314-cp314-linux_x86_64.whl", "a-1.tar.gz", "main.zip"] {
            assert_eq!(PythonFileName::parse(file).as_deref(), Ok(file));
        }
        for file in [
            "",
            ".whl",
            "a-1.exe",
            "../a-1.tar.gz",
            "a/b.tar.gz",
            "a\\b.zip",
            ".tar.gz",
            "-r.zip",
            "a b.zip",
            "a%2f.zip",
            "a\".zip",
            "a-1-py3-none-any.whl.metadata",
            "..zip",
        ] {
            assert!(PythonFileName::parse(file).is_err(), "{file:?}");
        }
        insta::assert_snapshot!(PythonFileName::parse("a-1.exe").unwrap_err(), @"`a-1.exe` is not the name of a wheel or of a source distribution: its ending is not known");
    }
}
