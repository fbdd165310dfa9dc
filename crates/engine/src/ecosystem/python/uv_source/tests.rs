//! What is said of packages of the source that a stage does not see.

use akbuild_recipe::plan::SourceId;

use super::*;

const CODE: [u8; 32] = [7; 32];

/// A source with these files; the stage sees those that start with `+`.
fn source(lock: &str, files: &[&str]) -> UvSource {
    let file = |text: &&str| {
        let seen = text.strip_prefix('+');
        (seen.unwrap_or(text).to_owned(), (seen.is_some(), CODE))
    };
    let home = tempfile::tempdir().unwrap();
    UvSource {
        tree: TreeDir::open(home.path(), "source `app`").unwrap(),
        name: trees::title(&TreeRef::Source(SourceId::new("app"))),
        lock: lock.into(),
        at: "/build".into(),
        subset: Subset { include: vec!["uv.lock".into(), "pyproject.toml".into()], exclude: vec![], by_kind: false },
        files: files.iter().map(file).collect(),
    }
}

fn file(path: &str, digest: Option<[u8; 32]>) -> PythonSelection {
    let digest = digest.map(|digest| Digest::new(Algo::Sha256, &digest).unwrap());
    let (name, version) = ("docopt".parse().unwrap(), None);
    let files = vec![LocalFile { name, version, path: path.into(), digest }];
    PythonSelection { files, ..PythonSelection::default() }
}

fn folder(path: &str) -> PythonSelection {
    let folders = vec![LocalMember { name: "mylib".parse().unwrap(), path: path.into() }];
    PythonSelection { folders, ..PythonSelection::default() }
}

fn said(source: &UvSource, selection: &PythonSelection) -> String {
    source.check(selection).map_or_else(|error| error.to_string(), |()| "fine".into())
}

#[test]
fn a_file_that_the_stage_does_not_see_is_named_with_the_pattern_to_add() {
    let path = "vendor/docopt-0.6.2.tar.gz";
    assert_eq!(said(&source("uv.lock", &[&format!("+{path}")]), &file(path, Some(CODE))), "fine");
    insta::assert_snapshot!(said(&source("uv.lock", &[path]), &file(path, Some(CODE))), @r#"
    uv.lock: 1 entry cannot be used:
      docopt: the stage does not see its file `vendor/docopt-0.6.2.tar.gz` of source `app`
    help: write `include = ["uv.lock", "pyproject.toml", "vendor/docopt-0.6.2.tar.gz"]` in the stage, without an `exclude` that matches them
    "#);
    let wrong = said(&source("uv.lock", &[&format!("+{path}")]), &file(path, Some([8; 32])));
    insta::assert_snapshot!(wrong, @r"
    uv.lock: 1 entry cannot be used:
      docopt: its file `vendor/docopt-0.6.2.tar.gz` of source `app` has the digest sha256-BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=, and the lock says sha256-CAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAg=
    help: let source `app` be a folder that has all of them, and name the project's folder in it with `folder`; if a file has changed, write the lock again with `uv lock`
    ");
    for outside in ["../../x.tar.gz", "/x.tar.gz", "file:///x.tar.gz"] {
        assert!(said(&source("a/uv.lock", &[]), &file(outside, None)).contains("is outside of source `app`"));
    }
    assert!(said(&source("a/uv.lock", &["+x.whl"]), &file("../x.whl", None)) == "fine");
    assert!(said(&source("a/uv.lock", &[]), &file("../x.whl", None)).contains("source `app` has no file `x.whl`"));
}

#[test]
fn a_path_dependency_whose_code_is_hidden_is_refused() {
    let hidden = source("app/uv.lock", &["+lib/pyproject.toml", "lib/mylib/__init__.py", "lib2/x.py"]);
    insta::assert_snapshot!(said(&hidden, &folder("../lib")), @r#"
    app/uv.lock: 1 entry cannot be used:
      mylib: it is a local package that is not a workspace member, and the stage does not see the code in its folder `lib` of source `app`
    help: write `include = ["uv.lock", "pyproject.toml", "lib/**"]` in the stage, without an `exclude` that matches them
    "#);
    for seen in [&["+lib/pyproject.toml", "+lib/mylib.py", "lib/test.py"][..], &["+lib/pyproject.toml"]] {
        assert_eq!(said(&source("app/uv.lock", seen), &folder("../lib")), "fine");
    }
    assert!(said(&hidden, &folder("../../lib")).contains("its folder `../../lib` is outside of source `app`"));
    assert!(said(&hidden, &folder("../li")).contains("source `app` has no folder `li`"));
}

#[test]
fn settings_that_an_include_leaves_out_are_named() {
    let said = |source: &UvSource| source.settings().map_or_else(|error| error.to_string(), |_| "fine".into());
    let mut hidden = source("a/uv.lock", &["a/uv.toml"]);
    insta::assert_snapshot!(said(&hidden), @r#"
    a/uv.lock: 1 entry cannot be used:
      a/uv.toml: the stage does not see these settings of source `app`, which decide what uv installs
    help: write `include = ["uv.lock", "pyproject.toml", "a/uv.toml"]` in the stage, or name the file in its `exclude`
    "#);
    hidden.subset.exclude.push("a/uv.toml".into());
    assert_eq!(said(&hidden), "fine");
    assert_eq!(said(&source("a/uv.lock", &["uv.toml", "b/uv.toml"])), "fine");
}
