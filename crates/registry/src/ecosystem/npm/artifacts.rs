//! The tarballs that a lock names for a platform. Must not depend on the requests of npm.

use std::collections::{BTreeMap, BTreeSet};

use akbuild_names::{Artifact, PackageFile, PackageFileAddress};
use akbuild_nar::Digest;
use serde_json::Value;

use super::entry;
use super::lock::NpmLock;
use super::platform::Platform;
use super::rewrite::kept_path;
use crate::LockError;
use crate::error::Refusals;

const ADVICE: &str = "Write the lock file again with `npm install --package-lock-only`, against a registry that gives \
     sha512 integrity; replace git dependencies and copied folders by published packages.";

impl NpmLock {
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
