//! How a stage sees the files of a tree: which of them, and how much of each.
//!
//! Of the Go files of a module only their heads are seen. `go mod vendor` copies the packages of a module that `replace`
//! takes from a folder, so the files of such a module are seen whole. Locks of npm and schemas bring further files of the
//! source. Knows nothing of stages; the ecosystems and `schemarefs` know the formats.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use akbuild_nar::{Digest, Kind, Listing};
use akbuild_recipe::plan::{Subset, View};
use akbuild_tree::TreeDir;

use crate::ecosystem::go::imports;
use crate::ecosystem::npm::project::{self, NpmSight};
use crate::error::EngineError;
use crate::keys::schemarefs;
use crate::keys::trees::{self, Chosen};
use crate::keys::view_problem::ViewProblem;
use crate::relative_path::inside;

/// An entry of a tree that a stage sees.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SelectedEntry<'a> {
    /// Its path relative to where the choice was made.
    pub(crate) path: &'a OsStr,
    /// What it is in the tree.
    pub(crate) kind: &'a Kind,
    /// Whether the view adds it: the subset does not take it.
    pub(crate) is_added: bool,
}

/// A view of one tree.
pub(crate) struct FileView<'a> {
    tree: &'a TreeDir,
    view: View,
    /// Folders with a `go.mod`.
    modules: BTreeSet<PathBuf>,
    /// Folders that stand for modules.
    replacements: BTreeSet<PathBuf>,
}

impl<'a> FileView<'a> {
    pub(crate) fn new(tree: &'a TreeDir, listing: &Listing, view: View) -> Result<Self, EngineError> {
        let mut seen = Self { tree, view, modules: BTreeSet::new(), replacements: BTreeSet::new() };
        if view != View::GoImports {
            return Ok(seen);
        }
        for entry in listing.entries.iter().filter(|entry| matches!(entry.kind, Kind::File { .. })) {
            let path = Path::new(&entry.path);
            if path.file_name() != Some(OsStr::new("go.mod")) {
                continue;
            }
            let folder = path.parent().unwrap_or(Path::new(""));
            seen.modules.insert(folder.to_owned());
            let Ok(text) = String::from_utf8(tree.read(path)?) else { continue };
            let folders = akbuild_registry::go_replaced_folders(&text);
            seen.replacements.extend(folders.iter().filter_map(|replaced| inside(folder, Path::new(replaced))));
        }
        Ok(seen)
    }

    /// The text that is seen of a file; `None` for the whole file. Of what the view adds, it may show less than of what the
    /// subset takes.
    pub(crate) fn text(&self, file: &Path, is_added: bool) -> Result<Option<String>, EngineError> {
        let read = || Ok::<_, EngineError>(String::from_utf8(self.tree.read(file)?).ok());
        match self.view {
            View::GoImports if file.extension() == Some(OsStr::new("go")) && !self.is_vendored(file) => {
                Ok(read()?.as_deref().and_then(imports::head))
            }
            View::NpmProject => match project::sight(file) {
                NpmSight::Whole => Ok(None),
                NpmSight::Empty => Ok(is_added.then(String::new)),
                NpmSight::Rewritten => Ok(read()?.and_then(|text| project::seen(file, &text))),
            },
            View::Whole | View::GoImports | View::OpenApiSchema => Ok(None),
        }
    }

    /// The entries at and below `path` that a stage sees: those of the subset, and what the view adds. Sorted by path.
    pub(crate) fn select<'l>(
        &self,
        listing: &'l Listing,
        path: &'l str,
        subset: &Subset,
    ) -> Result<Vec<SelectedEntry<'l>>, EngineError> {
        let chosen = trees::select(listing, path, subset)?;
        let selected = |is_added| move |(path, kind): Chosen<'l>| SelectedEntry { path, kind, is_added };
        let added = match self.view {
            View::GoImports if !self.replacements.is_empty() => self.vendored_files(listing, path, subset, &chosen)?,
            View::NpmProject | View::OpenApiSchema if path.is_empty() => {
                self.referred_files(listing, subset, &chosen)?
            }
            _ => Vec::new(),
        };
        let mut seen: Vec<_> =
            chosen.into_iter().map(selected(false)).chain(added.into_iter().map(selected(true))).collect();
        seen.sort_by_key(|entry| entry.path.as_bytes());
        Ok(seen)
    }

    /// All files of modules that are vendored from folders, but for what the subset excludes.
    fn vendored_files<'l>(
        &self,
        listing: &'l Listing,
        path: &'l str,
        subset: &Subset,
        chosen: &[Chosen<'l>],
    ) -> Result<Vec<Chosen<'l>>, EngineError> {
        let known: BTreeSet<&OsStr> = chosen.iter().map(|(relative, _)| *relative).collect();
        let all = Subset { exclude: subset.exclude.clone(), ..Subset::default() };
        let mut files = trees::select(listing, path, &all)?;
        files.retain(|(relative, kind)| {
            let is_file = !matches!(kind, Kind::Dir);
            is_file && !known.contains(relative) && self.is_vendored(Path::new(&trees::join(path, relative)))
        });
        Ok(files)
    }

    /// The files to which chosen locks or schemas refer.
    fn referred_files<'l>(
        &self,
        listing: &'l Listing,
        subset: &Subset,
        chosen: &[Chosen<'l>],
    ) -> Result<Vec<Chosen<'l>>, EngineError> {
        let file = |path: &str| {
            let at = listing.entries.binary_search_by(|e| e.path.as_bytes().cmp(path.as_bytes())).ok()?;
            Some(&listing.entries[at]).filter(|entry| matches!(entry.kind, Kind::File { .. }))
        };
        let read = |path: &str| {
            let bytes = file(path).and_then(|entry| self.tree.read(&entry.path).ok())?;
            Some(String::from_utf8_lossy(&bytes).into_owned())
        };
        let below = |folder: &str| {
            let prefix = format!("{folder}/");
            let paths = listing.entries.iter().filter_map(|entry| entry.path.to_str());
            paths.filter(|path| path.starts_with(&prefix) && file(path).is_some()).map(str::to_owned).collect()
        };
        let start: Vec<String> = chosen.iter().filter_map(|(path, _)| path.to_str().map(str::to_owned)).collect();
        let referred: BTreeSet<String> = match self.view {
            View::NpmProject => {
                let local = project::local_files(&start, read, |path| file(path).is_some(), below);
                local.map(|files| files.into_iter().collect())
            }
            _ => match subset.include.first() {
                Some(schema) if !has_match(schema, chosen)? => Err(ViewProblem::NoSchema(schema.clone())),
                _ => schemarefs::follow(&start, read),
            },
        }
        .map_err(EngineError::of_view)?;
        let known: BTreeSet<&OsStr> = chosen.iter().map(|(path, _)| *path).collect();
        let missing = referred.iter().filter(|path| !known.contains(OsStr::new(path.as_str())));
        Ok(missing.filter_map(|path| file(path)).map(|entry| (entry.path.as_os_str(), &entry.kind)).collect())
    }

    /// What an entry at and below `path` is, as it is seen: what the digest of a subset covers, and what explanations
    /// compare.
    pub(crate) fn kind(&self, path: &str, entry: SelectedEntry<'_>) -> Result<Kind, EngineError> {
        let Kind::File { exec, .. } = entry.kind else { return Ok(entry.kind.clone()) };
        let file = trees::join(path, entry.path);
        Ok(match self.text(Path::new(&file), entry.is_added)? {
            None => entry.kind.clone(),
            Some(text) => Kind::File { exec: *exec, size: text.len() as u64, digest: sha256(text.as_bytes()) },
        })
    }

    /// Whether a file belongs to a module that a folder stands for.
    fn is_vendored(&self, file: &Path) -> bool {
        let module = file.ancestors().skip(1).find(|folder| self.modules.contains(*folder));
        module.is_some_and(|folder| self.replacements.contains(folder))
    }
}

/// Whether a pattern matches one of these entries.
fn has_match(pattern: &str, chosen: &[Chosen<'_>]) -> Result<bool, EngineError> {
    let alone = Subset { include: vec![pattern.to_owned()], ..Subset::default() };
    let matcher = alone.matcher().map_err(|error| EngineError::Glob(error.to_string()))?;
    Ok(chosen.iter().any(|(path, _)| matcher.matches(path)))
}

fn sha256(bytes: &[u8]) -> [u8; 32] {
    Digest::sha256(bytes).as_bytes().try_into().expect("SHA-256 has 32 bytes")
}

#[cfg(test)]
mod tests;
