//! What an npm project looks like to `npm ci`: its lock with addresses of the loopback registry, those of its settings that
//! decide what is installed where, the manifests and tarballs that the lock takes from the source, and of programs of
//! linked packages that they exist. npm reads nothing else when it runs no scripts, so nothing else is in a stage's key.

use std::ffi::OsStr;
use std::path::Path;

use akbuild_recipe::plan::REGISTRY;
use akbuild_registry::{NPM_LOCK_NAMES, NpmLock, Platform, npm_manifest, npm_settings, package_bins};

use crate::keys::schemarefs::join;
use crate::keys::view_problem::ViewProblem;

/// The platform that sysroots and stages are made for.
pub(crate) fn platform() -> Platform {
    Platform::linux_glibc(akbuild_names::BUILD_ARCHITECTURE.node())
}

/// The files of the source that the project needs beside the chosen ones. `read` gives the text of a file, `files` all
/// files below a folder.
pub(crate) fn local_files(
    chosen: &[String],
    read: impl Fn(&str) -> Option<String>,
    exists: impl Fn(&str) -> bool,
    files: impl Fn(&str) -> Vec<String>,
) -> Result<Vec<String>, ViewProblem> {
    let mut found = Vec::new();
    // What cannot be read as a lock is refused where its downloads are looked up.
    for lock in locks(chosen) {
        let Some(Ok(parsed)) = read(lock).map(|text| NpmLock::parse(&text, lock)) else { continue };
        let local = parsed.local_files();
        for (path, entry) in &local.packages {
            let place = |missing: &str| missing_file(lock, entry, path, missing);
            let manifest = join(lock, &format!("{path}/package.json")).ok_or_else(|| place(path))?;
            let text = read(&manifest).ok_or_else(|| place(&manifest))?;
            let (bins, folder) = package_bins(&text);
            found.extend(bins.iter().filter_map(|bin| join(&manifest, bin)).filter(|bin| exists(bin)));
            found.extend(folder.iter().filter_map(|folder| join(&manifest, folder)).flat_map(|folder| files(&folder)));
            found.push(manifest);
        }
        for (path, entry) in &local.files {
            let place = |missing: &str| missing_file(lock, entry, path, missing);
            let file = join(lock, path).ok_or_else(|| place(path))?;
            found.push(Some(&file).filter(|file| exists(file)).ok_or_else(|| place(&file))?.clone());
        }
    }
    Ok(found)
}

fn missing_file(lock: &str, entry: &str, path: &str, missing: &str) -> ViewProblem {
    let (lock, entry, path, missing) = (lock.to_owned(), entry.to_owned(), path.to_owned(), missing.to_owned());
    ViewProblem::NoLockedFile { lock, entry, path, missing }
}

/// The locks of the project itself: those that lie nearest to the top. Others belong to fixtures and examples.
fn locks(chosen: &[String]) -> Vec<&str> {
    let depth = |path: &str| path.matches('/').count();
    let all: Vec<&str> = chosen.iter().map(String::as_str).filter(|path| is_lock(Path::new(path))).collect();
    let nearest = all.iter().map(|path| depth(path)).min();
    all.into_iter().filter(|path| Some(depth(path)) == nearest).collect()
}

fn is_lock(path: &Path) -> bool {
    path.file_name().and_then(|name| name.to_str()).is_some_and(|name| NPM_LOCK_NAMES.contains(&name))
}

/// How much of a file the stage sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NpmSight {
    /// All of it.
    Whole,
    /// What [`seen`] makes of it.
    Rewritten,
    /// That it exists, unless the stage includes it itself.
    Empty,
}

/// How much of a file the stage sees, by its name.
pub(crate) fn sight(path: &Path) -> NpmSight {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    if is_lock(path) || [".npmrc", "package.json"].contains(&name) {
        NpmSight::Rewritten
    } else if [".tgz", ".tar.gz", ".tar", ".patch"].iter().any(|end| name.ends_with(end)) {
        NpmSight::Whole
    } else {
        NpmSight::Empty
    }
}

/// A lock, settings or a manifest as the stage sees them; `None`: as they are.
pub(crate) fn seen(path: &Path, text: &str) -> Option<String> {
    if is_lock(path) {
        NpmLock::parse(text, "").ok().map(|lock| lock.rewrite(REGISTRY))
    } else if path.file_name() == Some(OsStr::new("package.json")) {
        npm_manifest(text)
    } else {
        Some(npm_settings(text))
    }
}

#[cfg(test)]
mod differential;

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn added(files: &[(&str, &str)], chosen: &[&str]) -> Result<String, String> {
        let texts: BTreeMap<&str, &str> = files.iter().copied().collect();
        let chosen: Vec<String> = chosen.iter().map(|path| (*path).to_owned()).collect();
        let below = |folder: &str| {
            let below = texts.keys().filter(|path| path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/')));
            below.map(|path| (*path).to_owned()).collect()
        };
        let read = |path: &str| texts.get(path).map(|text| (*text).to_owned());
        let found = local_files(&chosen, read, |path| texts.contains_key(path), below);
        found.map(|found| found.join(" ")).map_err(|problem| problem.to_string())
    }

    fn lock(entries: &str) -> String {
        format!("\u{feff}{{\"lockfileVersion\": 3, \"packages\": {{{entries}}}}}")
    }

    #[test]
    fn manifests_programs_and_tarballs_of_the_lock_are_added() {
        let entries = r#""node_modules/a": {"resolved": "packages/a", "link": true}, "node_modules/b": {"resolved": "../b", "link": true},
            "node_modules/c": {"resolved": "packages/c", "link": true}, "node_modules/d": {"version": "1.0.0", "resolved": "file:d.tgz"}"#;
        let files = [
            ("web/package-lock.json", &*lock(entries)),
            ("web/packages/a/package.json", r#"{"bin": {"x": "./cli.js", "y": "built/later.js"}}"#),
            ("web/packages/a/cli.js", "long"),
            ("web/packages/a/other.js", "long"),
            ("b/package.json", r#"{"bin": "run"}"#),
            ("b/run", ""),
            ("web/packages/c/package.json", r#"{"directories": {"bin": "./programs/"}}"#),
            ("web/packages/c/programs/deep/z", ""),
            ("web/d.tgz", ""),
            ("web/test/package-lock.json", &*lock(r#""node_modules/e": {"resolved": "absent", "link": true}"#)),
        ];
        let found = added(&files, &["web/package-lock.json", "web/test/package-lock.json"]).unwrap();
        let mut found: Vec<&str> = found.split(' ').collect();
        found.sort_unstable();
        insta::assert_snapshot!(found.join("\n"), @"
        b/package.json
        b/run
        web/d.tgz
        web/packages/a/cli.js
        web/packages/a/package.json
        web/packages/c/package.json
        web/packages/c/programs/deep/z
        ");
    }

    #[test]
    fn what_the_source_lacks_is_named_with_the_entry() {
        let of = |path: &str| {
            let entries = format!(r#""node_modules/a": {{"resolved": "{path}", "link": true}}"#);
            added(&[("web/package-lock.json", &lock(&entries))], &["web/package-lock.json"]).unwrap_err()
        };
        insta::assert_snapshot!(of("../shared/a"), @"
        `web/package-lock.json` takes `node_modules/a` from `../shared/a`, and there is no file `shared/a/package.json`
          help: add it to the source, whose top folder has to contain all local packages, or write the lock again with `npm install --package-lock-only`
        ");
        insta::assert_snapshot!(of("../../a"), @"
        `web/package-lock.json` takes `node_modules/a` from `../../a`, and there is no file `../../a`
          help: add it to the source, whose top folder has to contain all local packages, or write the lock again with `npm install --package-lock-only`
        ");
        let tarball = r#""node_modules/a": {"version": "1.0.0", "resolved": "file:a.tgz"}"#;
        insta::assert_snapshot!(added(&[("package-lock.json", &lock(tarball))], &["package-lock.json"]).unwrap_err(), @"
        `package-lock.json` takes `node_modules/a` from `a.tgz`, and there is no file `a.tgz`
          help: add it to the source, whose top folder has to contain all local packages, or write the lock again with `npm install --package-lock-only`
        ");
    }

    #[test]
    fn of_sources_only_names_are_seen() {
        let sights =
            ["a/package.json", "package-lock.json", "npm-shrinkwrap.json", ".npmrc", "a.tgz", "src/a.js", "yarn.lock"];
        let sights: Vec<String> = sights.iter().map(|path| format!("{path} {:?}", sight(Path::new(path)))).collect();
        insta::assert_snapshot!(sights.join("\n"), @"
        a/package.json Rewritten
        package-lock.json Rewritten
        npm-shrinkwrap.json Rewritten
        .npmrc Rewritten
        a.tgz Whole
        src/a.js Empty
        yarn.lock Empty
        ");
    }
}
