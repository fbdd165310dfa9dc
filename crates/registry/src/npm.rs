//! `package-lock.json`, versions 2 and 3. Knows the `packages` map; knows nothing of what npm does
//! with the files afterwards.

use std::collections::BTreeSet;

use akbuild_names::{NameError, NpmPackageName, NpmPackageVersion, PackageFileAddress};
use akbuild_nar::{Algo, Digest};
use serde_json::{Map, Value};

use crate::error::Refusals;
use crate::{Artifact, LockError, Platform, What};

const AGAIN: &str = "write the file again with `npm install --package-lock-only`";
const ADVICE: &str = "Write the lock file again with `npm install --package-lock-only`, against a registry that gives \
     sha512 integrity; replace git and file dependencies by published packages.";

/// A parsed `package-lock.json`.
#[derive(Debug)]
pub struct NpmLock {
    file: String,
    packages: Map<String, Value>,
}

impl NpmLock {
    /// Reads the text of a lock file; `file` is its name, for messages.
    pub fn parse(text: &str, file: &str) -> Result<Self, LockError> {
        let file = file.to_owned();
        let mut lock: Value = serde_json::from_str(text).map_err(|e| syntax(&file, &e))?;
        let version = lock.get("lockfileVersion").and_then(Value::as_u64);
        if !matches!(version, Some(2 | 3)) {
            let found = version.map_or("(none)".to_owned(), |v| v.to_string());
            let advice = "write it again with npm 7 or later: `npm install --package-lock-only`";
            return Err(LockError::Version { file, field: "lockfileVersion", found, expected: "2 or 3", advice });
        }
        match lock.get_mut("packages").map(Value::take) {
            Some(Value::Object(packages)) => Ok(Self { file, packages }),
            other => {
                let found = other.map_or("nothing".to_owned(), |v| kind(&v).to_owned());
                Err(LockError::Shape { file, at: "packages".to_owned(), expected: "an object", found, advice: AGAIN })
            }
        }
    }

    /// The tarballs that `npm ci` may ask for on this platform, each once, sorted. Links, workspaces
    /// and bundled packages have none; optional packages for other platforms are left out.
    ///
    /// # Errors
    /// [`LockError::Refused`] names all entries without a sha256 or sha512 integrity and all that
    /// come from git or from files.
    pub fn artifacts(&self, platform: &Platform) -> Result<Vec<Artifact>, LockError> {
        let mut refusals = Refusals::default();
        let mut wanted = BTreeSet::new();
        for (key, package) in &self.packages {
            if !has_tarball(key, package) || (is_optional(package) && !platform.allowed(package)) {
                continue;
            }
            match artifact(key, package) {
                Ok(artifact) => drop(wanted.insert(artifact)),
                Err(why) => refusals.add(key.as_str(), why),
            }
        }
        refusals.check(&self.file, ADVICE, wanted.into_iter().collect())
    }
}

/// Whether an entry is installed from a tarball of its own: not the root, a workspace, a link to one,
/// or a package inside another's tarball.
fn has_tarball(key: &str, package: &Value) -> bool {
    let yes = |field| package.get(field).and_then(Value::as_bool) == Some(true);
    key.split('/').any(|part| part == "node_modules") && !yes("link") && !yes("inBundle") && !yes("extraneous")
}

fn is_optional(package: &Value) -> bool {
    ["optional", "devOptional"].iter().any(|field| package.get(*field).and_then(Value::as_bool) == Some(true))
}

fn artifact(key: &str, package: &Value) -> Result<Artifact, String> {
    let text = |field| package.get(field).and_then(Value::as_str);
    let url = text("resolved").map(address).transpose()?;
    let wrong = |error: NameError| error.to_string();
    let version = NpmPackageVersion::parse(text("version").ok_or("it has no version")?).map_err(wrong)?;
    let digest = integrity(text("integrity"))?;
    let name = text("name").or_else(|| name_in_key(key)).ok_or("its key names no package")?;
    let name = NpmPackageName::parse(name).map_err(wrong)?;
    Ok(Artifact { digest, size: None, what: What::Npm { name, version, url } })
}

fn address(url: &str) -> Result<PackageFileAddress, String> {
    if url.starts_with("https://") || url.starts_with("http://") {
        PackageFileAddress::parse(url).map_err(|error| error.to_string())
    } else if url.starts_with("git") {
        Err(format!("it comes from git ({url}), which is not supported"))
    } else {
        Err(format!("it comes from `{url}`, which is not supported: expected http or https"))
    }
}

fn integrity(text: Option<&str>) -> Result<Digest, String> {
    let text = text.ok_or("it has no integrity")?;
    let digest = Digest::strongest(text).map_err(|e| format!("its integrity cannot be read: {e}"))?;
    match digest.algo() {
        Algo::Sha256 | Algo::Sha512 => Ok(digest),
        weak => Err(format!("its only integrity is {weak}, expected sha512 or sha256")),
    }
}

/// `a` of `node_modules/b/node_modules/a`.
fn name_in_key(key: &str) -> Option<&str> {
    let at = key.rfind("node_modules/")?;
    Some(&key[at + "node_modules/".len()..]).filter(|name| !name.is_empty())
}

fn syntax(file: &str, e: &serde_json::Error) -> LockError {
    let problem = e.to_string();
    let problem = problem.split(" at line ").next().unwrap_or(&problem).to_owned();
    LockError::Syntax { file: file.to_owned(), line: e.line(), column: e.column().max(1), problem, advice: AGAIN }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}
