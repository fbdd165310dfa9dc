//! Files that a `uv.lock` names without an index: archives at an address, archives and folders of the source tree.

use std::collections::BTreeMap;

use akbuild_names::PythonDistribution;
use akbuild_registry::{BuildChoices, ClientSettings, PackageFile, PythonLock, PythonSelection, PythonWant};

fn want() -> PythonWant {
    PythonWant {
        python: "3.14.2".to_owned(),
        extras: Vec::new(),
        groups: Vec::new(),
        glibc: (2, 41),
        machine: "x86_64".to_owned(),
        git: Default::default(),
    }
}

/// A lock of a project that needs `a`, with these entries.
fn lock(entries: &str) -> String {
    format!(
        "version = 1\nrequires-python = \">=3.12\"\n\n[[package]]\nname = \"app\"\nversion = \"1\"\nsource = {{ virtual = \".\" }}\n\
         dependencies = [\n    {{ name = \"a\" }},\n]\n\n{entries}"
    )
    .replace("HASH", &"0a".repeat(32))
}

fn entry(name: &str, source: &str, files: &str) -> String {
    format!("[[package]]\nname = \"{name}\"\nversion = \"1.0\"\nsource = {{ {source} }}\n{files}\n")
}

fn select(text: &str) -> Result<PythonSelection, String> {
    PythonLock::parse(text, "", "uv.lock").and_then(|lock| lock.select(&want())).map_err(|e| e.to_string())
}

/// The selected files, and the lock that a stage sees from the first package on.
fn rewritten(entries: &str) -> (Vec<String>, String) {
    let text = lock(entries);
    let parsed = PythonLock::parse(&text, "", "uv.lock").unwrap();
    let selection = parsed.select(&want()).unwrap();
    let address = |what: &PackageFile| match what {
        PackageFile::Python(PythonDistribution { file, url, .. }) => {
            format!("{file} from {}", url.as_deref().unwrap_or_default())
        }
        _ => String::new(),
    };
    let files = selection.artifacts.iter().map(|artifact| address(&artifact.what)).collect();
    let seen = parsed.rewrite(&text, &selection, "http://127.0.0.1:1").unwrap();
    (files, seen.split_once("\n[[package]]\n").unwrap().1.split_once("\n[[package]]\n").unwrap().1.to_owned())
}

#[test]
fn an_archive_at_an_address_has_its_name_from_there() {
    let address = "https://files.invalid/x/a%2B1.tar.gz?token=1";
    let source =
        entry("a", &format!("url = \"{address}\", subdirectory = \"sub\""), "sdist = { hash = \"sha256:HASH\" }");
    let (files, seen) = rewritten(&source);
    assert_eq!(files, [format!("a+1.tar.gz from {address}")]);
    insta::assert_snapshot!(seen, @r#"
    name = "a"
    version = "1.0"
    source = { url = "http://127.0.0.1:1/pypi/files/0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a/a+1.tar.gz", subdirectory = "sub" }
    sdist = { hash = "sha256:0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a" }
    "#);
    for (address, name) in [
        ("https://forge.invalid/a/archive/refs/heads/feature%20x%23.zip", "feature_x_.zip"),
        ("https://forge.invalid/a/archive/v1.0.tar.gz#sha256=00", "v1.0.tar.gz"),
        ("https://forge.invalid/-a.tar.bz2", "a.tar.bz2"),
        ("https://forge.invalid/a.tgz", "a.tgz"),
    ] {
        let source = entry("a", &format!("url = \"{address}\""), "sdist = { hash = \"sha256:HASH\" }");
        assert_eq!(rewritten(&source).0, [format!("{name} from {address}")]);
    }
}

#[test]
fn a_wheel_at_an_address_and_a_dependency_that_names_it_move_together() {
    let url = "https://files.invalid/a-1.0-py3-none-any.whl";
    let wheels = format!("wheels = [\n    {{ url = \"{url}\", hash = \"sha256:HASH\" }},\n]");
    let other =
        "[[package]]\nname = \"b\"\nversion = \"1\"\nsource = { registry = \"https://index.invalid/simple\" }\n";
    let needs =
        format!("dependencies = [\n    {{ name = \"a\", version = \"1.0\", source = {{ url = \"{url}\" }} }},\n]\n");
    let (files, seen) = rewritten(&format!("{}{other}{needs}", entry("a", &format!("url = \"{url}\""), &wheels)));
    assert_eq!(files, [format!("a-1.0-py3-none-any.whl from {url}")]);
    assert!(!seen.contains("files.invalid") && !seen.contains("index.invalid"), "{seen}");
    assert_eq!(seen.matches("/a-1.0-py3-none-any.whl\"").count(), 3, "{seen}");
}

#[test]
fn files_of_the_source_tree_are_listed_and_stay_where_they_are() {
    let local = |source: &str, files: &str| {
        let (text, seen) = (lock(&entry("a", source, files)), rewritten(&entry("a", source, files)));
        assert!(seen.1.contains(source) && seen.0.is_empty(), "{seen:?}");
        let files = select(&text).unwrap().files;
        assert_eq!(files.len(), 1);
        (files[0].path.clone(), files[0].digest.is_some())
    };
    let hash = "sdist = { hash = \"sha256:HASH\" }";
    assert_eq!(local("path = \"vendor/a-1.0.tar.gz\"", hash), ("vendor/a-1.0.tar.gz".to_owned(), true));
    assert_eq!(local("path = \"my files/a 1.0.zip\"", hash).0, "my files/a 1.0.zip");
    let wheel = "wheels = [\n    { filename = \"a-1.0-py3-none-any.whl\", hash = \"sha256:HASH\" },\n]";
    assert_eq!(local("path = \"../a-1.0-py3-none-any.whl\"", wheel), ("../a-1.0-py3-none-any.whl".to_owned(), true));
    let flat = "sdist = { path = \"a-1.0.tar.gz\" }\nwheels = [\n    { path = \"a-1.0-py3-none-any.whl\" },\n]";
    assert_eq!(local("registry = \"./wheels\"", flat), ("./wheels/a-1.0-py3-none-any.whl".to_owned(), false));
}

#[test]
fn an_entry_that_is_not_selected_refuses_nothing() {
    let index = "registry = \"https://index.invalid/simple\"";
    let good = entry("a", index, "sdist = { url = \"https://files.invalid/a-1.0.tar.gz\", hash = \"sha256:HASH\" }");
    for (source, files, why) in [
        ("moon = \"x\"", "", "its source is of a kind that akbuild does not know: moon"),
        (index, "sdist = { hash = \"sha256:HASH\" }", "it has a file with neither an address nor a name"),
        (
            index,
            "sdist = { url = \"https://files.invalid/b.exe\", hash = \"sha256:HASH\" }",
            "`b.exe` is not the name of a wheel or of a source distribution: its ending is not known",
        ),
        (
            index,
            "sdist = { url = \"https://files.invalid/..%2fb.zip\", hash = \"sha256:HASH\" }",
            "`../b.zip` is not the name of a wheel or of a source distribution: it starts with `.` or `-`",
        ),
        (index, "sdist = { path = \"b-1.0.tar.gz\" }", "its file b-1.0.tar.gz has no address"),
        (index, "sdist = { url = \"https://files.invalid/b-1.zip\" }", "its file b-1.zip has no hash"),
        (
            "url = \"https://files.invalid/b-1.zip\"",
            "sdist = { hash = \"md5:00\" }",
            "its file b-1.zip has the hash `md5:00`, expected sha256:HEX",
        ),
        (
            "path = \"b-1.exe\"",
            "sdist = { hash = \"sha256:HASH\" }",
            "`b-1.exe` is not the name of a wheel or of a source distribution: its ending is not known",
        ),
        ("git = \"https://forge.invalid/b\"", "", "its git source `https://forge.invalid/b` names no commit"),
        (index, "", "no wheel fits CPython 3.14 here, and it has no source distribution"),
    ] {
        let text = lock(&format!("{good}\n{}", entry("b", source, files)));
        assert_eq!(select(&text).map(|selection| selection.artifacts.len()), Ok(1), "{source} {files}");
        let refused = select(&text.replace("{ name = \"a\" }", "{ name = \"b\" }")).unwrap_err();
        assert!(refused.contains(why), "{why}\n{refused}");
        let parsed = PythonLock::parse(&text, "", "uv.lock").unwrap();
        let selection = parsed.select(&want()).unwrap();
        assert!(parsed.rewrite(&text, &selection, "http://127.0.0.1:1").is_ok(), "{source} {files}");
    }
}

#[test]
fn path_dependencies_are_what_is_local_and_no_member() {
    let folders = |members: &str, source: &str| {
        let text = lock(&entry("a", source, "")).replacen("\n\n", &format!("\n{members}\n"), 1);
        let selection = select(&text).unwrap();
        assert!(selection.members.iter().any(|member| *member.name == *"a"));
        selection.folders.iter().map(|folder| folder.path.clone()).collect::<Vec<_>>()
    };
    assert_eq!(folders("", "directory = \"lib\""), ["lib"]);
    assert_eq!(folders("", "editable = \"../lib\""), ["../lib"]);
    assert_eq!(folders("[manifest]\nmembers = [\"app\", \"other\"]", "editable = \"lib\""), ["lib"]);
    assert!(folders("[manifest]\nmembers = [\"app\", \"a\"]", "editable = \"lib\"").is_empty());
    assert!(folders("", "virtual = \"lib\"").is_empty());
}

#[test]
fn variables_and_settings_files_choose_files_as_pyproject_does() {
    let files = "sdist = { url = \"https://files.invalid/a-1.0.tar.gz\", hash = \"sha256:HASH\" }\n\
        wheels = [\n    { url = \"https://files.invalid/a-1.0-py3-none-any.whl\", hash = \"sha256:HASH\" },\n]";
    let text = lock(&entry("a", "registry = \"https://index.invalid/simple\"", files));
    let built = |settings: &str, variables: &[(&str, &str)]| {
        let variables: BTreeMap<String, String> =
            variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let settings = ClientSettings::find([("uv.toml", settings)]).unwrap();
        let parsed = PythonLock::parse(&text, "[tool.uv]\nno-binary = true\n", "uv.lock").unwrap();
        let parsed = parsed.with_choices(&settings, &BuildChoices::from_variables(&variables));
        parsed.select(&want()).map(|selection| !selection.sdists.is_empty()).map_err(|e| e.to_string())
    };
    // A `uv.toml` takes the place of `[tool.uv]`.
    assert_eq!(built("", &[]), Ok(false));
    assert_eq!(built("no-binary-package = [\"A\"]", &[]), Ok(true));
    assert_eq!(built("", &[("UV_NO_BINARY_PACKAGE", "x A")]), Ok(true));
    assert_eq!(built("", &[("UV_NO_BINARY", "true")]), Ok(true));
    assert_eq!(built("no-build = true", &[("UV_NO_BUILD_PACKAGE", "x")]), Ok(false));
    assert!(built("no-build-package = [\"a\"]", &[("UV_NO_BINARY_PACKAGE", "a")]).unwrap_err().contains("no-build"));
}

#[test]
fn packages_of_some_releases_only_are_named() {
    let index = "registry = \"https://index.invalid/simple\"";
    let file = "sdist = { url = \"https://files.invalid/b-1.0.tar.gz\", hash = \"sha256:HASH\" }";
    let text = lock(&format!("{}\n{}", entry("a", index, file), entry("b", index, file)));
    let late = "    { name = \"a\" },\n    { name = \"b\", marker = \"python_full_version >= '3.14.1'\" },\n";
    let text = text.replace("    { name = \"a\" },\n", late);
    let uncertain = |python: &str| {
        let want = PythonWant { python: python.to_owned(), ..want() };
        let selection = PythonLock::parse(&text, "", "uv.lock").unwrap().select(&want).unwrap();
        selection.uncertain.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(uncertain("3.14"), ["b"]);
    assert!(uncertain("3.14.2").is_empty());
}
