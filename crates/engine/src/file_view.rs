//! How a stage sees the files of a tree: whole, or of the Go files of a module only their heads.
//!
//! `go mod vendor` copies the packages of a module that `replace` takes from a folder, so the files of such a module are
//! seen whole. Knows nothing of stages.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use akbuild_nar::{Digest, Kind, Listing};
use akbuild_recipe::plan::{Subset, View};
use akbuild_tree::TreeDir;

use crate::error::EngineError;
use crate::go_modules::inside;
use crate::goimports;
use crate::trees::{self, Chosen};

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
        if view == View::Whole {
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

    /// The text that is seen of a file; `None` for the whole file.
    pub(crate) fn text(&self, file: &Path, _is_added: bool) -> Result<Option<String>, EngineError> {
        if self.view == View::Whole || file.extension() != Some(OsStr::new("go")) || self.is_vendored(file) {
            return Ok(None);
        }
        let bytes = self.tree.read(file)?;
        Ok(std::str::from_utf8(&bytes).ok().and_then(goimports::head))
    }

    /// The entries at and below `path` that a stage sees: those of the subset, and all files of modules that are vendored
    /// from folders, but for what the subset excludes. Sorted by path.
    pub(crate) fn select<'l>(
        &self,
        listing: &'l Listing,
        path: &'l str,
        subset: &Subset,
    ) -> Result<Vec<SelectedEntry<'l>>, EngineError> {
        let chosen = trees::select(listing, path, subset)?;
        let selected = |is_added| move |(path, kind): Chosen<'l>| SelectedEntry { path, kind, is_added };
        if self.replacements.is_empty() {
            return Ok(chosen.into_iter().map(selected(false)).collect());
        }
        let asked_for: BTreeSet<&OsStr> = chosen.iter().map(|(relative, _)| *relative).collect();
        let all = Subset { exclude: subset.exclude.clone(), ..Subset::default() };
        let added = trees::select(listing, path, &all)?.into_iter().filter(|(relative, kind)| {
            let is_file = !matches!(kind, Kind::Dir);
            is_file && !asked_for.contains(relative) && self.is_vendored(Path::new(&trees::join(path, relative)))
        });
        let mut seen: Vec<_> = added.map(selected(true)).chain(chosen.into_iter().map(selected(false))).collect();
        seen.sort_by_key(|entry| entry.path.as_bytes());
        Ok(seen)
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

fn sha256(bytes: &[u8]) -> [u8; 32] {
    Digest::sha256(bytes).as_bytes().try_into().expect("SHA-256 has 32 bytes")
}

#[cfg(test)]
#[allow(clippy::disallowed_methods, reason = "a test makes the trees itself")]
mod tests {
    use super::*;

    #[test]
    fn files_of_modules_that_are_vendored_are_seen_whole() {
        let dir = tempfile::tempdir().unwrap();
        let go = "package a\n\nfunc f() {}\n";
        let files = [
            ("srv/go.mod", "module srv\nreplace (\n\ta.invalid/lib => ../lib\n\ta.invalid/out => ../../out\n)\n"),
            ("srv/a.go", go),
            ("lib/go.mod", "module lib\n"),
            ("lib/x/a.go", go),
            ("lib/x/data.txt", "embedded"),
            ("lib/README.md", ""),
            ("lib/nested/go.mod", "module nested\n"),
            ("lib/nested/a.go", go),
            ("other/a.go", go),
        ];
        for (path, text) in files {
            std::fs::create_dir_all(dir.path().join(path).parent().unwrap()).unwrap();
            std::fs::write(dir.path().join(path), text).unwrap();
        }
        let options = akbuild_nar::HashOptions { listing: true, ..Default::default() };
        let listing = akbuild_nar::hash_tree(dir.path(), &options).unwrap().listing.unwrap();
        let tree = TreeDir::open(dir.path(), "the tree").unwrap();
        let seen = |view, path: &str| FileView::new(&tree, &listing, view).unwrap().text(Path::new(path), false).unwrap();
        for (path, cut) in [("srv/a.go", true), ("lib/x/a.go", false), ("lib/nested/a.go", true), ("other/a.go", true)]
        {
            assert_eq!(seen(View::GoImports, path).is_some(), cut, "{path}");
            assert_eq!(seen(View::Whole, path), None, "{path}");
        }
        assert_eq!(seen(View::GoImports, "lib/go.mod"), None);
        let subset = Subset { include: vec!["srv/**".to_owned()], exclude: vec!["**/*.md".to_owned()], by_kind: false };
        let view = FileView::new(&tree, &listing, View::GoImports).unwrap();
        let found = view.select(&listing, "", &subset).unwrap();
        let found: Vec<_> = found.iter().map(|entry| entry.path.to_str().unwrap()).collect();
        assert_eq!(found, ["lib/go.mod", "lib/x/a.go", "lib/x/data.txt", "srv/a.go", "srv/go.mod"]);
    }
}
