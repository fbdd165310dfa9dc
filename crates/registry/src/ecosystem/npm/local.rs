//! What a lock takes from the source itself: linked packages with their manifests and programs, and tarballs.

use serde_json::Value;

use super::entry;
use super::lock::{NpmLock, without_mark};

/// Paths in the source that a lock names, each with the entry that names it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LocalNpmFiles {
    /// Folders of linked packages, such as workspaces.
    pub packages: Vec<(String, String)>,
    /// Tarballs, and patches of packages.
    pub files: Vec<(String, String)>,
}

impl NpmLock {
    /// What the lock takes from the source, by paths relative to the lock's folder as they are written.
    pub fn local_files(&self) -> LocalNpmFiles {
        let mut files = LocalNpmFiles::default();
        for (key, package) in &self.packages {
            if let Some(patch) = package.get("patched").and_then(|patched| entry::text(patched, "path")) {
                files.files.push((patch.to_owned(), key.clone()));
            }
            let Some(resolved) = entry::text(package, "resolved") else { continue };
            if entry::is(package, "link") {
                let path = resolved.strip_prefix("file:").unwrap_or(resolved);
                files.packages.push((path.to_owned(), key.clone()));
            } else if let Some(path) = entry::local_tarball(resolved) {
                files.files.push((path.to_owned(), key.clone()));
            }
        }
        files
    }
}

/// The programs that a `package.json` names: paths of files, and the folder of `directories.bin`, relative to its own
/// folder as they are written. Nothing for what is not a manifest: npm says so.
pub fn package_bins(manifest: &str) -> (Vec<String>, Option<String>) {
    let Ok(manifest) = serde_json::from_str::<Value>(without_mark(manifest)) else { return Default::default() };
    let texts = |value: &Value| value.as_str().map(str::to_owned);
    match manifest.get("bin") {
        Some(Value::Object(bins)) => (bins.values().filter_map(texts).collect(), None),
        Some(bin) if !bin.is_null() => (texts(bin).into_iter().collect(), None),
        _ => (Vec::new(), manifest.get("directories").and_then(|folders| texts(folders.get("bin")?))),
    }
}
