//! Which files of a tree a stage sees through a view, and how much of them. Dispatches to what knows the ecosystems.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use akbuild_nar::{Kind, Listing, TreeHash};
use akbuild_recipe::plan::{Subset, View};
use akbuild_store::Store;
use akbuild_tree::TreeDir;

use crate::error::EngineError;
use crate::npmproject::{self, NpmSight};
use crate::trees::Chosen;
use crate::{goimports, schemarefs, trees};

/// Why a view cannot show what a stage needs.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ViewProblem {
    /// A schema that is not there.
    #[error("there is no file `{0}`\n  help: correct `schema` of the stage")]
    NoSchema(String),
    /// A file of a schema that is not there.
    #[error(
        "`{file}` refers to `{reference}`, and there is no file `{target}`\n  help: correct the `$ref`, or add the file to the source"
    )]
    NoReferredFile {
        /// The file with the reference.
        file: String,
        /// The reference.
        reference: String,
        /// Where it leads.
        target: String,
    },
    /// A reference to another host.
    #[error(
        "`{file}` refers to `{reference}`, and a stage has no network\n  help: put that file into the source, and refer to it by a relative path"
    )]
    RemoteReference {
        /// The file with the reference.
        file: String,
        /// The reference.
        reference: String,
    },
    /// A reference that leads out of the source.
    #[error(
        "`{file}` refers to `{reference}`, which is outside of the source\n  help: refer to a file of the source by a relative path"
    )]
    ReferenceOutside {
        /// The file with the reference.
        file: String,
        /// The reference.
        reference: String,
    },
    /// A package, tarball or patch that a lock takes from the source and that is not there.
    #[error(
        "`{lock}` takes `{entry}` from `{path}`, and there is no file `{missing}`\n  help: add it to the source, whose top folder has to contain all local packages, or write the lock again with `npm install --package-lock-only`"
    )]
    NoLockedFile {
        /// The lock.
        lock: String,
        /// The entry of the lock.
        entry: String,
        /// The path in the entry.
        path: String,
        /// The file that is missing.
        missing: String,
    },
}

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

/// The entries at and below `path` that a stage sees through a view: those of the subset, and what the view adds. Sorted.
pub(crate) fn select<'a>(
    store: &Store,
    tree: &TreeHash,
    listing: &'a Listing,
    path: &'a str,
    subset: &Subset,
    view: View,
) -> Result<Vec<SelectedEntry<'a>>, EngineError> {
    let chosen = trees::select(listing, path, subset)?;
    let selected = |is_added| move |(path, kind): Chosen<'a>| SelectedEntry { path, kind, is_added };
    if matches!(view, View::Whole | View::GoImports) || !path.is_empty() {
        return Ok(chosen.into_iter().map(selected(false)).collect());
    }
    let files = TreeDir::open(&store.tree_path(tree), "the tree")?;
    let entry = |path: &str| {
        let at = listing.entries.binary_search_by(|e| e.path.as_bytes().cmp(path.as_bytes())).ok()?;
        Some(&listing.entries[at]).filter(|entry| matches!(entry.kind, Kind::File { .. }))
    };
    let read = |path: &str| {
        let bytes = entry(path).and_then(|entry| files.read(&entry.path).ok())?;
        Some(String::from_utf8_lossy(&bytes).into_owned())
    };
    let below = |folder: &str| {
        let prefix = format!("{folder}/");
        let paths = listing.entries.iter().filter_map(|entry| entry.path.to_str());
        paths.filter(|path| path.starts_with(&prefix) && entry(path).is_some()).map(str::to_owned).collect()
    };
    let start: Vec<String> = chosen.iter().filter_map(|(path, _)| path.to_str().map(str::to_owned)).collect();
    let added: BTreeSet<String> = match view {
        View::NpmProject => {
            let local = npmproject::local_files(&start, read, |path| entry(path).is_some(), below);
            local.map(|files| files.into_iter().collect())
        }
        _ => match subset.include.first() {
            Some(schema) if !trees::has_match(schema, &chosen) => Err(ViewProblem::NoSchema(schema.clone())),
            _ => schemarefs::follow(&start, read),
        },
    }
    .map_err(EngineError::of_view)?;
    let known: BTreeSet<&OsStr> = chosen.iter().map(|(path, _)| *path).collect();
    let missing = added.iter().filter(|path| !known.contains(OsStr::new(path.as_str()))).filter_map(|path| entry(path));
    let missing = missing.map(|entry| (entry.path.as_os_str(), &entry.kind));
    let missing: Vec<SelectedEntry<'a>> = missing.map(selected(true)).collect();
    let mut all: Vec<SelectedEntry<'a>> = chosen.into_iter().map(selected(false)).chain(missing).collect();
    all.sort_by_key(|entry| entry.path.as_bytes());
    Ok(all)
}

/// The text that a view shows of a file; `None` for the whole file. Of what the view itself adds, it may show less than of what
/// the subset takes.
pub(crate) fn text(tree: &TreeDir, file: &Path, is_added: bool, view: View) -> Result<Option<String>, EngineError> {
    let read = || Ok::<_, EngineError>(String::from_utf8(tree.read(file)?).ok());
    match view {
        View::GoImports if file.extension() == Some(OsStr::new("go")) => {
            Ok(read()?.as_deref().and_then(goimports::head))
        }
        View::NpmProject => match npmproject::sight(file) {
            NpmSight::Whole => Ok(None),
            NpmSight::Empty => Ok(is_added.then(String::new)),
            NpmSight::Rewritten => Ok(read()?.and_then(|text| npmproject::seen(file, &text))),
        },
        View::Whole | View::GoImports | View::OpenApiSchema => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use akbuild_store::Publish;

    use super::*;

    /// The digest of what a stage sees of a tree of these files.
    fn digest(files: &[(&str, &str)], include: &str, view: View) -> Result<Option<String>, String> {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(&dir.path().join("home")).unwrap();
        let tree = dir.path().join("tree");
        for (path, text) in files {
            fs::create_dir_all(tree.join(path).parent().unwrap()).unwrap();
            fs::write(tree.join(path), text).unwrap();
        }
        let tree = store.publish(&tree, &Publish::default()).unwrap().hash;
        let subset = Subset { include: vec![include.to_owned()], exclude: Vec::new() };
        let digest = trees::subset_digest(&store, &tree, "", &subset, view);
        digest.map_err(|error| error.in_stage("client", "source `app`").to_string())
    }

    #[test]
    fn a_schema_changes_with_its_files_and_with_no_other() {
        let of = |models: &str, other: &str| {
            let files = [("api/s.yml", "$ref: ./m.yml"), ("api/m.yml", models), ("api/other.yml", other)];
            digest(&files, "api/s.yml", View::OpenApiSchema).unwrap().unwrap()
        };
        assert_eq!(of("a: 1", "x"), of("a: 1", "y"));
        assert_ne!(of("a: 1", "x"), of("a: 2", "x"));
        let missing = digest(&[("api/s.yml", "$ref: ./m.yml")], "api/s.yml", View::OpenApiSchema).unwrap_err();
        insta::assert_snapshot!(missing, @"
        stage `client` cannot use source `app`: `api/s.yml` refers to `./m.yml`, and there is no file `api/m.yml`
          help: correct the `$ref`, or add the file to the source
        ");
        insta::assert_snapshot!(digest(&[("a", "")], "api/s.yml", View::OpenApiSchema).unwrap_err(), @"
        stage `client` cannot use source `app`: there is no file `api/s.yml`
          help: correct `schema` of the stage
        ");
    }

    #[test]
    fn an_npm_project_changes_with_programs_that_appear_and_not_with_their_text() {
        let of = |bin: &[(&str, &str)], host: &str, settings: &str| {
            let lock = format!(
                r#"{{"lockfileVersion": 3, "packages": {{"node_modules/t": {{"resolved": "t", "link": true}},
                "node_modules/a": {{"version": "1.0.0", "resolved": "https://{host}.invalid/a/-/a-1.0.0.tgz", "integrity": "sha512-z4PhNX7vuL3xVChQ1m2AB9Yg5AULVxXcg/SpIdNs6c5H0NE8XYXysP+DGNKHfuwvY7kxvUdBeoGlODJ6+SfaPg=="}}}}}}"#
            );
            let files = [
                &[("package-lock.json", &*lock), ("t/package.json", r#"{"bin": "cli.js"}"#), (".npmrc", settings)][..],
                bin,
            ];
            digest(&files.concat(), "{package-lock.json,.npmrc}", View::NpmProject).unwrap().unwrap()
        };
        let here = of(&[("t/cli.js", "a")], "one", "omit=dev");
        assert_eq!(
            here,
            of(&[("t/cli.js", "b"), ("t/other.js", "")], "two", "omit=dev\n@s:registry=https://x.invalid/")
        );
        assert_ne!(here, of(&[], "one", "omit=dev"));
        assert_ne!(here, of(&[("t/cli.js", "a")], "one", "omit=optional"));
    }
}
