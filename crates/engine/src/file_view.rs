//! How a stage sees the files of a tree: whole, or of the Go files of a module only their heads.
//!
//! `go mod vendor` copies the packages of a module that `replace` takes from a folder, so the files of such a module are
//! seen whole. Knows nothing of stages.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use akbuild_nar::{Kind, Listing};
use akbuild_recipe::plan::{Subset, View};
use akbuild_tree::TreeDir;

use crate::error::EngineError;
use crate::go_modules::inside;
use crate::goimports;
use crate::trees::{self, Chosen};

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
    pub(crate) fn text(&self, file: &Path) -> Result<Option<String>, EngineError> {
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
    ) -> Result<Vec<Chosen<'l>>, EngineError> {
        let chosen = trees::select(listing, path, subset)?;
        if self.replacements.is_empty() {
            return Ok(chosen);
        }
        let asked_for: BTreeSet<&OsStr> = chosen.iter().map(|(relative, _)| *relative).collect();
        let all = Subset { exclude: subset.exclude.clone(), ..Subset::default() };
        let mut seen = trees::select(listing, path, &all)?;
        seen.retain(|(relative, kind)| {
            let is_file = !matches!(kind, Kind::Dir);
            asked_for.contains(relative) || is_file && self.is_vendored(Path::new(&trees::join(path, relative)))
        });
        Ok(seen)
    }

    /// Whether a file belongs to a module that a folder stands for.
    fn is_vendored(&self, file: &Path) -> bool {
        let module = file.ancestors().skip(1).find(|folder| self.modules.contains(*folder));
        module.is_some_and(|folder| self.replacements.contains(folder))
    }
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
        let seen = |view, path: &str| FileView::new(&tree, &listing, view).unwrap().text(Path::new(path)).unwrap();
        for (path, cut) in [("srv/a.go", true), ("lib/x/a.go", false), ("lib/nested/a.go", true), ("other/a.go", true)]
        {
            assert_eq!(seen(View::GoImports, path).is_some(), cut, "{path}");
            assert_eq!(seen(View::Whole, path), None, "{path}");
        }
        assert_eq!(seen(View::GoImports, "lib/go.mod"), None);
        let subset = Subset { include: vec!["srv/**".to_owned()], exclude: vec!["**/*.md".to_owned()], by_kind: false };
        let view = FileView::new(&tree, &listing, View::GoImports).unwrap();
        let found = view.select(&listing, "", &subset).unwrap();
        let found: Vec<_> = found.iter().map(|(path, _)| path.to_str().unwrap()).collect();
        assert_eq!(found, ["lib/go.mod", "lib/x/a.go", "lib/x/data.txt", "srv/a.go", "srv/go.mod"]);
    }
}
