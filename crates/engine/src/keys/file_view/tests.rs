//! Tests of what stages see of trees.

#![allow(clippy::disallowed_methods, reason = "a test makes the trees itself")]

use std::fs;

use akbuild_store::{Publish, Store};

use super::*;
use crate::keys::part_digest;

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
    for (path, cut) in [("srv/a.go", true), ("lib/x/a.go", false), ("lib/nested/a.go", true), ("other/a.go", true)] {
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
    let subset = Subset { include: vec![include.to_owned()], ..Subset::default() };
    let digest = part_digest::subset_digest(&store.clone().into(), &tree, "", &subset, view);
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
    assert_eq!(here, of(&[("t/cli.js", "b"), ("t/other.js", "")], "two", "omit=dev\n@s:registry=https://x.invalid/"));
    assert_ne!(here, of(&[], "one", "omit=dev"));
    assert_ne!(here, of(&[("t/cli.js", "a")], "one", "omit=optional"));
}
