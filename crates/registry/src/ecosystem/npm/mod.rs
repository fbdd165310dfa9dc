//! `package-lock.json`, versions 2 to 4: which tarballs it names, and how the npm of a stage sees it. Knows the
//! `packages` map; knows nothing of what npm does with the files afterwards.

mod configuration;
mod entry;
mod local;
mod platform;
mod registry;
mod rewrite;
mod settings;

use std::collections::{BTreeMap, BTreeSet};

use akbuild_names::{Artifact, PackageFile, PackageFileAddress};
use akbuild_nar::Digest;
use serde_json::{Map, Value};

use crate::LockError;
use crate::error::Refusals;
pub(super) use configuration::CLIENT;
pub use local::{LocalNpmFiles, package_bins};
pub use platform::Platform;
pub(super) use registry::PROTOCOL;
pub use rewrite::npm_manifest;
use rewrite::tarball_path;
pub use settings::npm_settings;

/// The names that npm looks for, the first that is there counts.
pub const NPM_LOCK_NAMES: [&str; 2] = ["npm-shrinkwrap.json", "package-lock.json"];

const AGAIN: &str = "write the file again with `npm install --package-lock-only`";
const ADVICE: &str = "Write the lock file again with `npm install --package-lock-only`, against a registry that gives \
     sha512 integrity; replace git dependencies and copied folders by published packages.";

/// A parsed `package-lock.json`.
#[derive(Debug)]
pub struct NpmLock {
    file: String,
    root: Map<String, Value>,
    packages: Map<String, Value>,
}

impl NpmLock {
    /// Reads the text of a lock file, with or without a byte order mark; `file` is its name, for messages.
    pub fn parse(text: &str, file: &str) -> Result<Self, LockError> {
        let file = file.to_owned();
        let lock: Value = serde_json::from_str(without_mark(text)).map_err(|e| syntax(&file, &e))?;
        let version = lock.get("lockfileVersion").and_then(Value::as_u64);
        if !matches!(version, Some(2..=4)) {
            let found = version.map_or("(none)".to_owned(), |v| v.to_string());
            let advice = "write it again with npm 7 or later: `npm install --package-lock-only`";
            return Err(LockError::Version { file, field: "lockfileVersion", found, expected: "2, 3 or 4", advice });
        }
        let Value::Object(mut root) = lock else { unreachable!("only an object has fields") };
        match root.get_mut("packages").map(Value::take) {
            Some(Value::Object(packages)) => Ok(Self { file, root, packages }),
            other => {
                let found = other.map_or("nothing".to_owned(), |v| kind(&v).to_owned());
                Err(LockError::Shape { file, at: "packages".to_owned(), expected: "an object", found, advice: AGAIN })
            }
        }
    }

    /// The tarballs that `npm ci` may ask for on this platform, each once, sorted. Links, workspaces, tarballs in the
    /// source and packages inside another's tarball have none; optional packages for other platforms are left out.
    ///
    /// # Errors
    /// [`LockError::Refused`] names all entries without a sha256 or sha512 integrity, all that come from git or from
    /// folders, and addresses that only their hosts tell apart.
    pub fn artifacts(&self, platform: &Platform) -> Result<Vec<Artifact>, LockError> {
        let mut refusals = Refusals::default();
        let mut wanted = BTreeSet::new();
        for (key, package) in self.with_tarball(platform) {
            match entry::artifact(key, package) {
                Ok(Some(artifact)) => drop(wanted.insert(artifact)),
                Ok(None) => {}
                Err(why) => refusals.add(key.as_str(), why),
            }
        }
        self.refuse_collisions(&wanted, &mut refusals);
        refusals.check(&self.file, ADVICE, wanted.into_iter().collect())
    }

    /// Further digests of tarballs that have several of the same strength, by the one that is their artifact's: a tarball
    /// that has any of them is the right one.
    pub fn alternatives(&self) -> BTreeMap<Digest, Vec<Digest>> {
        let integrity = self.packages.values().filter_map(|package| entry::text(package, "integrity"));
        let all = integrity.filter_map(|text| Digest::all_strongest(text).ok()).filter(|digests| digests.len() > 1);
        all.map(|digests| (digests[0], digests[1..].to_vec())).collect()
    }

    /// The entries that npm installs from a tarball of their own on this platform.
    fn with_tarball<'a>(&'a self, platform: &'a Platform) -> impl Iterator<Item = (&'a String, &'a Value)> {
        let here = |package: &Value| !entry::is_optional(package) || platform.allowed(package);
        self.packages.iter().filter(move |(key, package)| self.has_tarball(key, package) && here(package))
    }

    /// npm asks the loopback registry for the path of an address that the lock keeps: of two addresses with the same path
    /// and other contents it could not serve both.
    fn refuse_collisions(&self, wanted: &BTreeSet<Artifact>, refusals: &mut Refusals) {
        let kept = self.kept_addresses();
        let mut paths: BTreeMap<String, Vec<(&PackageFileAddress, &Artifact)>> = BTreeMap::new();
        for artifact in wanted {
            if let PackageFile::Npm(tarball) = &artifact.what
                && let Some(url) = &tarball.url
            {
                paths.entry(kept_path(url)).or_default().push((url, artifact));
            }
        }
        for same in paths.values().filter(|same| same.iter().any(|(url, _)| kept.contains(url.as_str()))) {
            for (url, artifact) in same.iter().filter(|(_, artifact)| artifact.digest != same[0].1.digest) {
                refusals.add(
                    artifact.what.to_string(),
                    format!("{url} and {} have the same path and other contents", same[0].0),
                );
            }
        }
    }
}

/// The path of an address; npm leaves out the query when it asks.
fn kept_path(url: &PackageFileAddress) -> String {
    url.to_url()[url::Position::BeforePath..url::Position::AfterPath].to_owned()
}

/// A text without the byte order mark that editors on Windows put in front of it.
fn without_mark(text: &str) -> &str {
    text.strip_prefix('\u{feff}').unwrap_or(text)
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
