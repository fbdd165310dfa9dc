//! The lock as the npm of a stage sees it: each package at an address of the loopback registry that its digest names, so
//! that neither hosts and paths of other registries nor settings of the project decide what npm asks for.

use std::collections::BTreeSet;

use akbuild_names::{NpmTarball, PackageFile, PackageFileAddress};
use akbuild_nar::Digest;
use serde_json::{Map, Value};

use super::entry;
use super::lock::{NpmLock, without_mark};

/// Fields of an entry that hold what is asked for of other packages.
const DEPENDENCIES: [&str; 4] = ["dependencies", "devDependencies", "optionalDependencies", "peerDependencies"];

impl NpmLock {
    /// The text that a stage sees; `base` is the address of the loopback registry. What the project and its workspaces
    /// bundle when they are published is installed as everything else.
    pub fn rewrite(&self, base: &str) -> String {
        let kept = self.kept_addresses();
        let mut packages = self.packages.clone();
        for (key, package) in &mut packages {
            let Value::Object(fields) = package else { continue };
            if !entry::is_below_modules(key) {
                remove_bundles(fields);
            } else if self.has_tarball(key, &self.packages[key]) {
                fields.shift_remove("inBundle");
            }
        }
        // Also those for other platforms, so that hosts that stay are those of kept addresses.
        for (key, package) in self.packages.iter().filter(|(key, package)| self.has_tarball(key, package)) {
            let Ok(Some(artifact)) = entry::artifact(key, package) else { continue };
            let PackageFile::Npm(tarball) = &artifact.what else { continue };
            if tarball.url.as_ref().is_some_and(|url| kept.contains(url.as_str())) {
                continue;
            }
            let address = format!("{base}{}", tarball_path(&artifact.digest, tarball));
            if let Some(Value::Object(fields)) = packages.get_mut(key) {
                fields.insert("resolved".to_owned(), address.into());
            }
        }
        let mut root = self.root.clone();
        root.insert("packages".to_owned(), packages.into());
        let text = serde_json::to_string_pretty(&root).expect("what was JSON is JSON");
        format!("{text}\n")
    }

    /// Addresses that stay as they are: npm compares those that a `package.json` asks for with `resolved`. One that does
    /// not look like a registry's may be asked for by an `overrides`, which the lock does not repeat.
    pub(super) fn kept_addresses(&self) -> BTreeSet<&str> {
        let asked =
            |package| DEPENDENCIES.iter().filter_map(move |field| Value::as_object(Value::get(package, field)?));
        let asked = self.packages.values().flat_map(asked).flat_map(|wanted| wanted.values()).filter_map(Value::as_str);
        let resolved = self.packages.values().filter_map(|package| entry::text(package, "resolved"));
        asked.chain(resolved.filter(|url| !url.contains("/-/"))).filter(|url| url.contains("://")).collect()
    }
}

/// A `package.json` as the npm of a stage sees it: without the list of packages that go into the tarball that is published,
/// since npm installs nothing that a workspace bundles. `None`: as it is.
pub fn npm_manifest(text: &str) -> Option<String> {
    let Ok(Value::Object(mut manifest)) = serde_json::from_str(without_mark(text)) else { return None };
    remove_bundles(&mut manifest).then(|| Value::Object(manifest).to_string())
}

/// Removes both spellings of the field; whether there was one.
fn remove_bundles(fields: &mut Map<String, Value>) -> bool {
    let removed = ["bundleDependencies", "bundledDependencies"].map(|field| fields.shift_remove(field).is_some());
    removed.contains(&true)
}

/// Where the loopback registry has a tarball: by its digest, since names and the paths of other registries can
/// coincide with each other and with those of pages.
pub(super) fn tarball_path(digest: &Digest, tarball: &NpmTarball) -> String {
    let name = format!("{}-{}", tarball.name.bare_name(), tarball.version);
    format!("/npm/-/files/{}/{}.tgz", digest.hex(), crate::percent::encode(&name))
}

/// The path of an address; npm leaves out the query when it asks.
pub(super) fn kept_path(url: &PackageFileAddress) -> String {
    url.to_url()[url::Position::BeforePath..url::Position::AfterPath].to_owned()
}
