//! Whether all that a tree's programs and libraries need to be loaded will be found where the tree will run: the loader,
//! the libraries, and the versions of their symbols.
//!
//! Follows ld.so(8): for an object's `NEEDED` entry, its `RPATH` (unless it has a `RUNPATH`), then
//! its `RUNPATH`, with `$ORIGIN` and `$LIB` expanded, then `/etc/ld.so.conf` and the default folders. Three things
//! of the dynamic linker are left out: `LD_LIBRARY_PATH`, which nothing here sets; libraries that some
//! other object has loaded before, which would make the answer depend on import order; and `dlopen`, whose names are in no
//! table. Who has what is missing is for `provider` to find out.

mod need;
mod object;
mod place;
mod provider;
mod report;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use akbuild_launch::MountedSysroot;
use akbuild_tree::EntryKind;

pub(crate) use self::need::words;
use self::object::ElfNeeds;
use self::place::PlacedTree;
pub(crate) use self::provider::providers;
pub(crate) use self::report::ElfReport;
use crate::error::EngineError;
use crate::unmet_need::{ElfNeed, UnmetNeed};

/// Checks `tree`, which will live at `at` in a system whose other files are those of `sysroot`.
pub(crate) fn check(tree: &Path, at: &str, sysroot: &MountedSysroot) -> Result<ElfReport, EngineError> {
    let place = PlacedTree::open(tree, at, sysroot)?;
    let defaults = place.default_folders();
    let mut report = ElfReport::default();
    let mut folders = vec![PathBuf::new()];
    while let Some(folder) = folders.pop() {
        for (name, kind) in place.tree.entries(&folder)? {
            let path = folder.join(name);
            match kind {
                EntryKind::Folder => folders.push(path),
                EntryKind::File { executable, .. } => {
                    let Some((kind, needs)) = object::read(&place.tree, &path, executable)? else { continue };
                    *report.kinds.entry(kind).or_default() += 1;
                    check_needs(&place, &path, &needs, &defaults, &mut report);
                }
                _ => {}
            }
        }
    }
    report.unmet.sort();
    Ok(report)
}

fn check_needs(place: &PlacedTree, file: &Path, needs: &ElfNeeds, defaults: &BTreeSet<String>, report: &mut ElfReport) {
    let lives = place.at.join(file);
    let origin = lives.parent().unwrap_or(Path::new("/"));
    let searched: Vec<String> = needs.searched.iter().map(|path| expand(path, origin)).collect();
    let mut unmet = |need| {
        report.unmet.push(UnmetNeed { file: lives.display().to_string(), need, searched: searched.clone() });
    };
    report.libraries += needs.libraries.len();
    report.others += usize::from(needs.interpreter.is_some()) + needs.versions.len();
    if let Some(path) = needs.interpreter.as_ref().filter(|path| !place.exists(Path::new(path))) {
        unmet(ElfNeed::Loader(path.clone()));
    }
    let mut found = BTreeMap::new();
    for name in &needs.libraries {
        let paths = if name.contains('/') {
            vec![PathBuf::from(name)]
        } else {
            searched.iter().chain(defaults).map(|folder| Path::new(folder).join(name)).collect()
        };
        match paths.into_iter().find_map(|path| Some((place.library(&path)?, path))) {
            Some(library) => drop(found.insert(name, library)),
            None => unmet(ElfNeed::Library(name.clone())),
        }
    }
    for (name, version) in &needs.versions {
        let Some((defined, path)) = found.get(name) else { continue };
        // The loader takes a library without any versions for each of them.
        if !defined.is_empty() && !defined.contains(version) {
            let (library, version, path) = (name.clone(), version.clone(), path.display().to_string());
            unmet(ElfNeed::Version { library, newest: need::newest_like(&version, defined), version, path });
        }
    }
}

fn expand(path: &str, origin: &Path) -> String {
    let origin = origin.to_string_lossy();
    let mut path = path.to_owned();
    for (name, value) in
        [("ORIGIN", &*origin), ("LIB", "lib"), ("PLATFORM", akbuild_names::BUILD_ARCHITECTURE.machine())]
    {
        path = path.replace(&format!("${{{name}}}"), value).replace(&format!("${name}"), value);
    }
    path
}

#[cfg(test)]
mod tests;
