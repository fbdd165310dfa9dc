//! What an npm project looks like to `npm ci`: its lock with addresses of the loopback registry, those of its settings that
//! decide what is installed where, the manifests and tarballs that the lock takes from the source, and of programs of
//! linked packages that they exist. npm reads nothing else when it runs no scripts, so nothing else is in a stage's key.

use std::path::Path;

use akbuild_recipe::plan::REGISTRY;
use akbuild_registry::{NPM_LOCK_NAMES, NpmLock, Platform, npm_settings, package_bins};

use crate::schemarefs::join;
use crate::viewed::ViewProblem;

/// The platform that sysroots and stages are made for.
pub(crate) fn platform() -> Platform {
    Platform::linux_glibc("x64")
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
    /// That it exists.
    Empty,
}

/// How much of a file the stage sees, by its name.
pub(crate) fn sight(path: &Path) -> NpmSight {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    if is_lock(path) || name == ".npmrc" {
        NpmSight::Rewritten
    } else if name == "package.json" || [".tgz", ".tar.gz", ".tar", ".patch"].iter().any(|end| name.ends_with(end)) {
        NpmSight::Whole
    } else {
        NpmSight::Empty
    }
}

/// A lock or settings as the stage sees them; `None` for a lock that cannot be read.
pub(crate) fn seen(path: &Path, text: &str) -> Option<String> {
    if is_lock(path) {
        NpmLock::parse(text, "").ok().map(|lock| lock.rewrite(&platform(), REGISTRY))
    } else {
        Some(npm_settings(text))
    }
}
