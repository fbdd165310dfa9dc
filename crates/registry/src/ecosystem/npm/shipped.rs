//! The packages of a lock that ship, with what it knows of their licences: for a bill of materials. Must not depend on
//! documents about an image, or on how a licence is spelled.

use std::collections::BTreeMap;

use akbuild_names::{NameError, NpmPackageName, NpmPackageVersion};
use akbuild_nar::Digest;
use serde_json::Value;

use super::entry;
use super::lock::{AGAIN, NpmLock};
use super::platform::Platform;
use crate::LockError;

/// A package that ships.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShippedNpmPackage {
    /// Its own name, with its scope; not the alias it is installed under.
    pub name: NpmPackageName,
    /// Its version.
    pub version: NpmPackageVersion,
    /// Its tarball's strongest digest. None for what comes inside another's tarball, or where the lock has none.
    pub integrity: Option<Digest>,
    /// Its licence as the lock has it, if it does; of several, joined by `OR`, one may be chosen.
    pub license: Option<String>,
    /// Whether all that wants it does without.
    pub optional: bool,
}

/// Why the packages that ship cannot be listed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ShippedNpmError {
    /// The lock cannot be read.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// A name or a version that npm would not write.
    #[error("{file}: `{entry}`: {problem}; {AGAIN}")]
    Name {
        /// The file.
        file: String,
        /// Where in it.
        entry: String,
        /// What is wrong.
        problem: NameError,
    },
    /// A digest that is none.
    #[error("{file}: the integrity of `{entry}` cannot be read: {problem}; {AGAIN}")]
    Integrity {
        /// The file.
        file: String,
        /// Where in it.
        entry: String,
        /// What is wrong.
        problem: String,
    },
    /// The lock contradicts itself.
    #[error("{file}: {package} has two digests, {first} and {second}; {AGAIN}")]
    Contradiction {
        /// The file.
        file: String,
        /// The package and version.
        package: String,
        /// One of them.
        first: Digest,
        /// The other.
        second: Digest,
    },
}

impl NpmLock {
    /// The packages that `npm ci --omit=dev` installs on this platform, each version once, sorted. Left out are the
    /// project and its workspaces, links, what only development needs (`dev`), and what is for other platforms, by npm's
    /// rule. `devOptional`, which is needed for development and is optional for what ships, does ship and is optional.
    ///
    /// # Errors
    /// A name, a version or an integrity cannot be read, or an integrity contradicts another.
    pub fn shipped(&self, platform: &Platform) -> Result<Vec<ShippedNpmPackage>, ShippedNpmError> {
        let mut shipped: BTreeMap<(String, String), ShippedNpmPackage> = BTreeMap::new();
        for (key, entry) in self.packages.iter().filter(|(key, entry)| ships(key, entry, platform)) {
            let Some(package) = self.package(key, entry)? else { continue };
            let name = (package.name.to_string(), package.version.to_string());
            match shipped.get_mut(&name) {
                Some(known) => self.join(known, package)?,
                None => drop(shipped.insert(name, package)),
            }
        }
        Ok(shipped.into_values().collect())
    }

    /// An entry as a package; `None` if it has no name or no version.
    fn package(&self, key: &str, entry: &Value) -> Result<Option<ShippedNpmPackage>, ShippedNpmError> {
        let (file, at) = (|| self.file.clone(), || key.to_owned());
        let text = |field| entry::text(entry, field).filter(|text| !text.is_empty());
        let (Some(name), Some(version)) = (text("name").or(entry::name_in_key(key)), text("version")) else {
            return Ok(None);
        };
        let wrong = |problem| ShippedNpmError::Name { file: file(), entry: at(), problem };
        let unread = |problem: String| ShippedNpmError::Integrity { file: file(), entry: at(), problem };
        let integrity = text("integrity").map(Digest::strongest).transpose().map_err(|e| unread(e.to_string()))?;
        Ok(Some(ShippedNpmPackage {
            name: name.parse().map_err(wrong)?,
            version: version.parse().map_err(wrong)?,
            integrity,
            license: entry.get("license").and_then(license),
            optional: entry::is_optional(entry),
        }))
    }

    fn join(&self, known: &mut ShippedNpmPackage, other: ShippedNpmPackage) -> Result<(), ShippedNpmError> {
        if let (Some(first), Some(second)) = (known.integrity, other.integrity)
            && first.algo() == second.algo()
            && first != second
        {
            let package = format!("{}@{}", known.name, known.version);
            return Err(ShippedNpmError::Contradiction { file: self.file.clone(), package, first, second });
        }
        known.integrity = known.integrity.max(other.integrity);
        known.license = known.license.take().or(other.license);
        known.optional &= other.optional;
        Ok(())
    }
}

fn ships(key: &str, entry: &Value, platform: &Platform) -> bool {
    let left_out = ["link", "extraneous", "dev"].iter().any(|name| entry::is(entry, name));
    entry::is_below_modules(key) && !left_out && platform.allowed(entry)
}

/// `license` is a text; in old packages an object with `type`, or a list of them, of which one may be chosen.
fn license(license: &Value) -> Option<String> {
    let name = |value: &Value| value.as_str().or_else(|| value.get("type")?.as_str()).map(str::to_owned);
    let text = match license {
        Value::Array(several) => several.iter().filter_map(name).collect::<Vec<_>>().join(" OR "),
        one => name(one)?,
    };
    Some(text).filter(|text| !text.trim().is_empty())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn lock(packages: Value) -> String {
        json!({"name": "app", "lockfileVersion": 3, "packages": packages}).to_string()
    }

    fn shipped(text: &str, file: &str) -> Result<Vec<ShippedNpmPackage>, ShippedNpmError> {
        NpmLock::parse(text, file)?.shipped(&Platform::linux_glibc("x64"))
    }

    fn read(packages: Value) -> Vec<String> {
        let packages = shipped(&lock(packages), "package-lock.json").unwrap();
        let shown = packages.iter().map(|p| {
            let licence = p.license.as_deref().unwrap_or("-");
            let integrity = p.integrity.map_or("-".to_owned(), |d| d.algo().to_string());
            format!("{}@{} {licence} {integrity}{}", p.name, p.version, if p.optional { " optional" } else { "" })
        });
        shown.collect()
    }

    #[test]
    fn what_ships() {
        let sri = Digest::sha256(b"a").to_string();
        let packages = json!({
            "": {"name": "app", "version": "1.0.0", "license": "MIT"},
            "packages/own": {"name": "own", "version": "1.0.0"},
            "node_modules/own": {"resolved": "packages/own", "version": "1.0.0", "link": true},
            "node_modules/@lit/context": {"version": "1.1.6", "license": "bsd-3-clause", "integrity": sri},
            "node_modules/a/node_modules/@lit/context": {"version": "1.1.6", "optional": true},
            "node_modules/a": {"version": "2.0.0-rc.1+build", "license": {"type": "ISC", "url": "x"}, "peer": true},
            "node_modules/alias": {"name": "real", "version": "1.0.0", "license": "SEE LICENSE IN x"},
            "node_modules/tool": {"version": "1.0.0", "dev": true},
            "node_modules/tool-optional": {"version": "1.0.0", "dev": true, "optional": true},
            "node_modules/both": {"version": "1.0.0", "devOptional": true},
            "node_modules/gone": {"version": "1.0.0", "extraneous": true},
            "node_modules/a/node_modules/inside": {"version": "0.1.0", "inBundle": true, "license": ["MIT", {"type": "ISC"}]},
            "packages/own/node_modules/deep": {"version": "3.0.0", "license": 5},
        });
        insta::assert_snapshot!(read(packages).join("\n"), @r"
        @lit/context@1.1.6 bsd-3-clause sha256
        a@2.0.0-rc.1+build ISC -
        both@1.0.0 - - optional
        deep@3.0.0 - -
        inside@0.1.0 MIT OR ISC -
        real@1.0.0 SEE LICENSE IN x -
        ");
    }

    #[test]
    fn a_byte_order_mark_is_passed_over() {
        let text = format!("\u{feff}{}", lock(json!({"node_modules/a": {"version": "1.0.0"}})));
        assert_eq!(shipped(&text, "package-lock.json").unwrap().len(), 1);
    }

    #[test]
    fn other_platforms_are_left_out() {
        let packages = json!({
            "node_modules/linux": {"version": "1.0.0", "os": ["linux"], "cpu": ["arm64", "x64"], "libc": "glibc", "optional": true},
            "node_modules/any": {"version": "1.0.0", "os": "any"},
            "node_modules/not-windows": {"version": "1.0.0", "os": ["!win32"]},
            "node_modules/none": {"version": "1.0.0", "os": []},
            "node_modules/mac": {"version": "1.0.0", "os": ["darwin", "win32"], "optional": true},
            "node_modules/not-linux": {"version": "1.0.0", "os": ["!linux"], "optional": true},
            "node_modules/musl": {"version": "1.0.0", "os": ["linux"], "libc": ["musl"], "optional": true},
            "node_modules/arm": {"version": "1.0.0", "cpu": ["arm64"], "optional": true},
        });
        let names: Vec<String> =
            read(packages).iter().map(|p| p.split('@').next().unwrap_or_default().to_owned()).collect();
        assert_eq!(names, ["any", "linux", "none", "not-windows"]);
    }

    #[test]
    fn what_is_needed_somewhere_is_not_optional() {
        for (first, second) in [(true, false), (false, true)] {
            let packages = json!({
                "node_modules/a": {"version": "1.0.0", "optional": first},
                "node_modules/b/node_modules/a": {"version": "1.0.0", "optional": second},
            });
            assert_eq!(read(packages), ["a@1.0.0 - -"]);
        }
    }

    #[test]
    fn what_one_entry_does_not_say_another_may() {
        let told = json!({"version": "1.0.0", "license": "MIT", "integrity": Digest::sha256(b"a").to_string()});
        let untold = json!({"version": "1.0.0"});
        for (first, second) in [(&told, &untold), (&untold, &told), (&told, &told)] {
            let packages = json!({"node_modules/a": first, "node_modules/b/node_modules/a": second});
            assert_eq!(read(packages), ["a@1.0.0 MIT sha256"]);
        }
    }

    #[test]
    fn entries_of_other_shapes_are_passed_over() {
        let packages = json!({
            "node_modules/": {"version": "1.0.0"}, "node_modules/a": 5, "node_modules/b": {"version": 1}, "node_modules/c": {"version": ""},
            "node_modules/d": {"version": "1.0.0", "license": {"type": 1}, "os": {"a": 1}, "integrity": 5},
        });
        assert_eq!(read(packages), ["d@1.0.0 - -"]);
    }

    #[test]
    fn what_is_wrong_is_said() {
        let wrong = |text: &str| shipped(text, "web/package-lock.json").unwrap_err().to_string();
        insta::assert_snapshot!(wrong("{"), @"web/package-lock.json:1:1: EOF while parsing an object; write the file again with `npm install --package-lock-only`");
        insta::assert_snapshot!(wrong(r#"{"lockfileVersion": 1}"#), @"web/package-lock.json: lockfileVersion 1 is not supported, expected 2, 3 or 4; write it again with npm 7 or later: `npm install --package-lock-only`");
        insta::assert_snapshot!(wrong(r#"{"lockfileVersion": 3, "packages": []}"#), @"web/package-lock.json: packages: expected an object, found an array; write the file again with `npm install --package-lock-only`");
        insta::assert_snapshot!(wrong(&lock(json!({"node_modules/a": {"version": "1.0.0", "integrity": "sha512-x"}}))), @"web/package-lock.json: the integrity of `node_modules/a` cannot be read: `sha512-x` is not valid base 64; copy the whole digest, with its `=` at the end if it has one; write the file again with `npm install --package-lock-only`");
        let (first, second) = (Digest::sha256(b"1").to_string(), Digest::sha256(b"2").to_string());
        let packages = json!({
            "node_modules/a": {"version": "1.0.0", "integrity": first},
            "node_modules/b/node_modules/a": {"version": "1.0.0", "integrity": second},
        });
        insta::assert_snapshot!(wrong(&lock(packages)), @"web/package-lock.json: a@1.0.0 has two digests, sha256-a4ayc/80/OGda4BO/1o/V0etpOqiLx1JwB5S3beHW0s= and sha256-1HNeOiZeFu7gP1lxi5tdAwGcB9i2xR+Q2jpmbuwTqzU=; write the file again with `npm install --package-lock-only`");
        let nested =
            format!(r#"{{"lockfileVersion": 3, "packages": {}1{}}}"#, "[".repeat(100_000), "]".repeat(100_000));
        insta::assert_snapshot!(wrong(&nested), @"web/package-lock.json:1:162: recursion limit exceeded; write the file again with `npm install --package-lock-only`");
    }

    /// What a lock is made of.
    const PIECES: &[&str] = &[
        "{",
        "}",
        "[",
        "]",
        ":",
        ",",
        "\"lockfileVersion\"",
        "3",
        "\"packages\"",
        "\"node_modules/a\"",
        "\"version\"",
        "\"1.0.0\"",
        "\"license\"",
        "\"integrity\"",
        "\"os\"",
        "\"!\"",
    ];

    proptest! {
        #[test]
        fn no_text_breaks_it(pieces in proptest::collection::vec(
            prop_oneof![3 => prop::sample::select(PIECES).prop_map(str::to_owned), 1 => "\\PC{0,3}"], 0..30
        )) {
            let _ = shipped(&pieces.concat(), "package-lock.json");
        }
    }
}
