//! Paths and versions of Go modules, by the rules of `CheckPath` and `Check` of `golang.org/x/mod/module`, and their
//! escaping in the GOPROXY protocol.

use std::fmt;

use super::{Ecosystem, EcosystemFile};
use crate::package_url;
use crate::text::parsed_text;

/// Names of files that Windows keeps for itself; Go refuses them everywhere.
const RESERVED: [&str; 22] = [
    "con", "prn", "aux", "nul", "com1", "com2", "com3", "com4", "com5", "com6", "com7", "com8", "com9", "lpt1", "lpt2",
    "lpt3", "lpt4", "lpt5", "lpt6", "lpt7", "lpt8", "lpt9",
];

parsed_text! {
    /// The path of a Go module, not escaped: `example.org/A/v2`.
    GoModulePath, "the path of a Go module", module_path
}
parsed_text! {
    /// The version of a Go module, with its `v`: `v1.2.3+incompatible`.
    GoModuleVersion, "the version of a Go module", module_version
}

/// A file of one version of a Go module.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GoModuleFile {
    /// Which of its files.
    pub kind: GoFileKind,
    /// The module's path, not escaped.
    pub module: GoModulePath,
    /// Its version, with the `v`.
    pub version: GoModuleVersion,
}

/// The files that a version of a Go module has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum GoFileKind {
    /// Its `go.mod`.
    Mod,
    /// Its zip file.
    Zip,
}

impl fmt::Display for GoModuleFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            GoFileKind::Mod => write!(f, "{}@{} (go.mod)", self.module, self.version),
            GoFileKind::Zip => write!(f, "{}@{}", self.module, self.version),
        }
    }
}

impl EcosystemFile for GoModuleFile {
    fn ecosystem(&self) -> Ecosystem {
        Ecosystem::Go
    }

    fn package_url(&self) -> String {
        let module = package_url(&(&self.module).into(), Some(&(&self.version).into()));
        match self.kind {
            GoFileKind::Mod => format!("{module}#go.mod"),
            GoFileKind::Zip => module,
        }
    }
}

impl GoModulePath {
    /// The path as the GOPROXY protocol writes it.
    pub fn escaped(&self) -> String {
        escape(self)
    }
}

impl GoModuleVersion {
    /// The version as the GOPROXY protocol writes it.
    pub fn escaped(&self) -> String {
        escape(self)
    }
}

/// `!x` for an upper-case `X`.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_ascii_uppercase() {
            out.push('!');
        }
        out.push(c.to_ascii_lowercase());
    }
    out
}

/// Undoes the escaping of the GOPROXY protocol; `None` if the text is not escaped.
pub fn unescape_module(text: &str) -> Option<String> {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '!' => out.push(chars.next().filter(char::is_ascii_lowercase)?.to_ascii_uppercase()),
            c if c.is_ascii_uppercase() => return None,
            c => out.push(c),
        }
    }
    Some(out)
}

fn module_path(text: &str) -> Result<String, &'static str> {
    if text.len() > 1024 {
        return Err("it is longer than 1024 bytes");
    }
    let first = text.split('/').next().unwrap_or_default();
    if !first.contains('.') {
        return Err("its first part has no dot");
    }
    if first.starts_with('-')
        || !first.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-.".contains(&b))
    {
        return Err("its first part is not a host name in lower case");
    }
    text.split('/').try_for_each(path_part)?;
    if !major_version_fits(text) {
        return Err("it ends in a major version that no module has");
    }
    Ok(text.to_owned())
}

fn path_part(part: &str) -> Result<(), &'static str> {
    if part.is_empty() {
        return Err("it has an empty part");
    }
    if part.starts_with('.') || part.ends_with('.') {
        return Err("a part of it starts or ends with `.`");
    }
    if !part.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~".contains(&b)) {
        return Err("only letters, digits, `-`, `.`, `_`, `~` and `/` are allowed");
    }
    let short = part.split('.').next().unwrap_or_default();
    if RESERVED.iter().any(|reserved| short.eq_ignore_ascii_case(reserved)) {
        return Err("a part of it is a reserved file name");
    }
    match short.rsplit_once('~') {
        Some((_, digits)) if !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()) => {
            Err("a part of it ends with `~` and digits")
        }
        _ => Ok(()),
    }
}

/// `/vN` at the end: no `v0`, no `v1`, no zero in front, no dots.
fn major_version_fits(path: &str) -> bool {
    let Some((_, last)) = path.rsplit_once('/') else { return true };
    let Some(number) = last.strip_prefix('v') else { return true };
    if number.is_empty() || !number.bytes().all(|b| b.is_ascii_digit() || b == b'.') {
        return true;
    }
    !number.contains('.') && !number.starts_with('0') && number != "1"
}

fn module_version(text: &str) -> Result<String, &'static str> {
    if text.len() > 256 {
        return Err("it is longer than 256 bytes");
    }
    match text.strip_prefix('v').map(semver::Version::parse) {
        Some(Ok(_)) => Ok(text.to_owned()),
        _ => Err("expected semver after a `v`: vMAJOR.MINOR.PATCH"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_of_real_modules_are_accepted_and_escaped() {
        for (path, escaped) in [
            ("forge.example/A/b", "forge.example/!a/b"),
            ("example.org/x/v2", "example.org/x/v2"),
            ("example.org/x.v3", "example.org/x.v3"),
            ("example.org/a~b/c_d", "example.org/a~b/c_d"),
            ("example.org/vx", "example.org/vx"),
        ] {
            let path = GoModulePath::parse(path).unwrap();
            assert_eq!(path.escaped(), escaped);
            assert_eq!(unescape_module(escaped).as_deref(), Some(path.as_str()));
        }
        for wrong in ["A", "!", "!A", "!1"] {
            assert_eq!(unescape_module(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn paths_that_lead_elsewhere_are_refused() {
        for path in [
            "",
            "x",
            "http://host/x",
            "file:///etc",
            "//host/x",
            "/etc",
            "a.b/",
            "a.b//c",
            "a.b/../c",
            "a.b/.c",
            "a.b/c.",
            "a.b/c d",
            "a.b/c?",
            "a.b/c#",
            "a.b/%2e",
            "a.b/c\\d",
            "A.b/c",
            "-a.b",
            "a.b/con",
            "a.b/Nul.x",
            "a.b/c~1",
            "a.b/v1",
            "a.b/v0",
            "a.b/v02",
            "a.b/v2.1",
            "a.b:80/c",
            "u@a.b/c",
            "a.b/\u{e9}",
            "a.b/!c",
        ] {
            assert!(GoModulePath::parse(path).is_err(), "{path:?}");
        }
        insta::assert_snapshot!(GoModulePath::parse("http://host/x").unwrap_err(), @"`http://host/x` is not the path of a Go module: its first part has no dot");
        insta::assert_snapshot!(GoModulePath::parse("a.b/../c").unwrap_err(), @"`a.b/../c` is not the path of a Go module: a part of it starts or ends with `.`");
    }

    #[test]
    fn versions_are_semver_after_a_v() {
        for version in ["v1.2.3", "v0.0.0-20240102030405-abcdefabcdef", "v2.0.0+incompatible", "v1.0.0-RC1"] {
            assert_eq!(GoModuleVersion::parse(version).as_deref(), Ok(version));
        }
        assert_eq!(GoModuleVersion::parse("v1.0.0-RC1").unwrap().escaped(), "v1.0.0-!r!c1");
        for version in ["", "1.2.3", "v1", "v1.2", "v1.2.3/x", "v1.2.3/../x", "vv1.2.3", "latest", "v1.2.3 ", "v1.2.3?"]
        {
            assert!(GoModuleVersion::parse(version).is_err(), "{version:?}");
        }
        insta::assert_snapshot!(GoModuleVersion::parse("latest").unwrap_err(), @"`latest` is not the version of a Go module: expected semver after a `v`: vMAJOR.MINOR.PATCH");
    }
}
