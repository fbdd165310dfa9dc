//! Reading `uv.lock`, and the lock that a stage sees.

use akbuild_registry::{PythonLock, PythonSelection, PythonWant};

/// A lock as uv writes it, with `HASH` and a digit for hashes.
const LOCK: &str = r#"version = 1
revision = 3
requires-python = ">=3.13"
resolution-markers = [
    "python_full_version >= '3.14'",
    "python_full_version < '3.14'",
]

[manifest]
members = [
    "app",
    "helper",
    "unused",
]

[[package]]
name = "app"
version = "1.0.0"
source = { editable = "." }
dependencies = [
    { name = "forked", version = "1.0", source = { registry = "https://index.invalid/simple" }, marker = "python_full_version < '3.14'" },
    { name = "forked", version = "2.0", source = { registry = "https://index.invalid/simple" }, marker = "python_full_version >= '3.14'" },
    { name = "fromgit" },
    { name = "helper" },
    { name = "late", marker = "python_full_version >= '3.14.5'" },
    { name = "wheel", extra = ["fast"] },
    { name = "winonly", marker = "sys_platform == 'win32'" },
]

[package.optional-dependencies]
docs = [
    { name = "docsdep" },
]

[package.dev-dependencies]
dev = [
    { name = "devdep" },
]
lint = [
    { name = "lintdep" },
]

[package.metadata]
requires-dist = [{ name = "wheel", extras = ["fast"], specifier = ">=1" }]

[[package]]
name = "devdep"
version = "1.0"
source = { registry = "https://index.invalid/simple" }
sdist = { url = "https://files.invalid/1/devdep-1.0.tar.gz", hash = "sha256:HASH1", size = 10 }

[[package]]
name = "docsdep"
version = "1.0"
source = { registry = "https://index.invalid/simple" }
wheels = [
    { url = "https://files.invalid/2/docsdep-1.0-py3-none-any.whl", hash = "sha256:HASH2" },
]

[[package]]
name = "fastdep"
version = "1.0"
source = { url = "https://files.invalid/3/fastdep-1.0-py3-none-any.whl" }
wheels = [
    { url = "https://files.invalid/3/fastdep-1.0-py3-none-any.whl", hash = "sha256:HASH3" },
]

[[package]]
name = "forked"
version = "1.0"
source = { registry = "https://index.invalid/simple" }
resolution-markers = [
    "python_full_version < '3.14'",
]
wheels = [
    { url = "https://files.invalid/4/forked-1.0-py3-none-any.whl", hash = "sha256:HASH4" },
]

[[package]]
name = "forked"
version = "2.0"
source = { registry = "https://index.invalid/simple" }
resolution-markers = [
    "python_full_version >= '3.14'",
]
wheels = [
    { url = "https://files.invalid/5/forked-2.0-py3-none-any.whl", hash = "sha256:HASH5" },
]

[[package]]
name = "fromgit"
version = "0.1"
source = { git = "https://git.invalid/x/fromgit?rev=abc#abcdefabcdefabcdefabcdefabcdefabcdefabcd" }

[[package]]
name = "helper"
version = "1.0"
source = { editable = "packages/helper" }
dependencies = [
    { name = "srconly" },
]

[[package]]
name = "late"
version = "1.0"
source = { registry = "https://index.invalid/simple" }
wheels = [
    { url = "https://files.invalid/6/late-1.0-py3-none-any.whl", hash = "sha256:HASH6" },
]

[[package]]
name = "lintdep"
version = "1.0"
source = { registry = "https://index.invalid/simple" }
wheels = [
    { url = "https://files.invalid/7/lintdep-1.0-py3-none-any.whl", hash = "sha256:HASH7" },
]

[[package]]
name = "srconly"
version = "1.0"
source = { registry = "https://index.invalid/simple" }
sdist = { url = "https://files.invalid/8/srconly-1.0.tar.gz", hash = "sha256:HASH8", size = 80 }
wheels = [
    { url = "https://files.invalid/8/srconly-1.0-cp314-cp314-win_amd64.whl", hash = "sha256:HASH0", size = 81 },
]

[[package]]
name = "unused"
version = "1.0"
source = { virtual = "packages/unused" }
dependencies = [
    { name = "docsdep" },
]

[[package]]
name = "wheel"
version = "1.0"
source = { registry = "https://index.invalid/simple" }
sdist = { url = "https://files.invalid/9/wheel-1.0.tar.gz", hash = "sha256:HASHa", size = 90 }
wheels = [
    { url = "https://files.invalid/9/wheel-1.0-cp313-cp313-manylinux_2_28_x86_64.whl", hash = "sha256:HASHb", size = 91 },
    { url = "https://files.invalid/9/wheel-1.0-cp314-cp314-manylinux_2_28_x86_64.whl", hash = "sha256:HASHc", size = 92, upload-time = "2026-01-01T00:00:00Z" },
]

[package.optional-dependencies]
fast = [
    { name = "fastdep" },
]

[[package]]
name = "winonly"
version = "1.0"
source = { registry = "https://index.invalid/simple" }
wheels = [
    { url = "https://files.invalid/d/winonly-1.0-py3-none-any.whl", hash = "sha256:HASHd" },
]
"#;

const PYPROJECT: &str = "[project]\nname = \"app\"\nversion = \"1.0.0\"\n";

fn text() -> String {
    "0123456789abcd"
        .chars()
        .fold(LOCK.to_owned(), |text, c| text.replace(&format!("HASH{c}"), &c.to_string().repeat(64)))
}

fn want(python: &str) -> PythonWant {
    PythonWant {
        python: python.to_owned(),
        extras: Vec::new(),
        groups: Vec::new(),
        glibc: (2, 41),
        machine: "x86_64".to_owned(),
        git: ["fromgit".to_owned()].into(),
    }
}

fn select(text: &str, pyproject: &str, want: &PythonWant) -> Result<PythonSelection, String> {
    let lock = PythonLock::parse(text, pyproject, "uv.lock").map_err(|e| e.to_string())?;
    lock.select(want).map_err(|e| e.to_string())
}

fn files(selection: &PythonSelection) -> Vec<String> {
    selection.artifacts.iter().map(|artifact| artifact.what.to_string()).collect()
}

#[test]
fn selects_what_uv_sync_installs() {
    let selection = select(&text(), PYPROJECT, &want("3.14.2")).unwrap();
    insta::assert_debug_snapshot!((files(&selection), &selection.git, &selection.members, &selection.sdists), @r#"
(
    [
        "fastdep==1.0 (fastdep-1.0-py3-none-any.whl)",
        "forked==2.0 (forked-2.0-py3-none-any.whl)",
        "srconly==1.0 (srconly-1.0.tar.gz)",
        "wheel==1.0 (wheel-1.0-cp314-cp314-manylinux_2_28_x86_64.whl)",
    ],
    [
        GitDependency {
            name: "fromgit",
            version: Some(
                "0.1",
            ),
            url: "https://git.invalid/x/fromgit",
            rev: "abcdefabcdefabcdefabcdefabcdefabcdefabcd",
        },
    ],
    [
        LocalMember {
            name: "app",
            path: ".",
        },
        LocalMember {
            name: "helper",
            path: "packages/helper",
        },
    ],
    [
        SourceBuild {
            name: "srconly",
            version: "1.0",
        },
    ],
)
"#);
}

#[test]
fn a_python_without_its_third_number_selects_for_any_release() {
    let late =
        |python| files(&select(&text(), PYPROJECT, &want(python)).unwrap()).iter().any(|f| f.starts_with("late"));
    assert!(!late("3.14.2"));
    assert!(late("3.14.5"));
    assert!(late("3.14"));
}

#[test]
fn forks_follow_their_markers() {
    let selection = select(&text(), PYPROJECT, &want("3.13.1")).unwrap();
    let files = files(&selection);
    assert!(files.contains(&"forked==1.0 (forked-1.0-py3-none-any.whl)".to_owned()), "{files:?}");
    assert!(!files.iter().any(|file| file.starts_with("forked==2.0")), "{files:?}");
    assert!(files.contains(&"wheel==1.0 (wheel-1.0-cp313-cp313-manylinux_2_28_x86_64.whl)".to_owned()), "{files:?}");
}

#[test]
fn extras_and_groups_are_added() {
    let added = |extras: &[&str], groups: &[&str], pyproject: &str| {
        let mut want = want("3.14.2");
        want.extras = extras.iter().map(|name| (*name).to_owned()).collect();
        want.groups = groups.iter().map(|name| (*name).to_owned()).collect();
        let found = files(&select(&text(), pyproject, &want).unwrap());
        ["docsdep", "devdep", "lintdep"]
            .into_iter()
            .filter(|name| found.iter().any(|f| f.starts_with(name)))
            .collect::<Vec<_>>()
    };
    assert!(added(&[], &[], PYPROJECT).is_empty());
    assert_eq!(added(&["Docs"], &[], PYPROJECT), ["docsdep"]);
    assert_eq!(added(&[], &["dev"], PYPROJECT), ["devdep"]);
    assert_eq!(added(&[], &["lint"], PYPROJECT), ["lintdep"]);
    let groups = "[dependency-groups]\nlint = []\n[tool.uv]\ndefault-groups =";
    assert_eq!(added(&[], &[], &format!("{PYPROJECT}{groups} [\"dev\", \"lint\"]\n")), ["lintdep"]);
    assert_eq!(added(&[], &[], &format!("{PYPROJECT}{groups} \"all\"\n")), ["lintdep"]);
}

#[test]
fn a_root_that_is_no_project_means_all_members() {
    let text = text().replace("{ editable = \".\" }", "{ editable = \"packages/app\" }");
    let found = files(&select(&text, "[tool.uv.workspace]\n", &want("3.14.2")).unwrap());
    assert!(found.iter().any(|file| file.starts_with("docsdep")), "{found:?}");
}

#[test]
fn no_binary_takes_the_source() {
    let pyproject = format!("{PYPROJECT}[tool.uv]\nno-binary-package = [\"Wheel\"]\n");
    let selection = select(&text(), &pyproject, &want("3.14.2")).unwrap();
    assert!(files(&selection).contains(&"wheel==1.0 (wheel-1.0.tar.gz)".to_owned()), "{selection:?}");
    assert_eq!(selection.sdists.iter().map(|built| built.name.as_str()).collect::<Vec<_>>(), ["srconly", "wheel"]);
    insta::assert_snapshot!(select(&text(), &format!("{PYPROJECT}[tool.uv]\nno-binary = true\n"), &want("3.14.2")).unwrap_err(), @r"
uv.lock: 2 entries cannot be used:
  fastdep==1.0: `no-binary` forbids its wheels, and it has no source distribution
  forked==2.0: `no-binary` forbids its wheels, and it has no source distribution
Correct pyproject.toml or the choices named above, and write the lock file again with `uv lock`.
");
}

#[test]
fn a_package_that_fits_nowhere_is_refused() {
    let mut want = want("3.14.2");
    want.machine = "aarch64".to_owned();
    let text = text().replace("forked-2.0-py3-none-any", "forked-2.0-cp314-cp314-win_amd64");
    insta::assert_snapshot!(select(&text, PYPROJECT, &want).unwrap_err(), @r"
uv.lock: 1 entry cannot be used:
  forked==2.0: no wheel fits CPython 3.14 here, and it has no source distribution
Correct pyproject.toml or the choices named above, and write the lock file again with `uv lock`.
");
}

#[test]
fn a_dependency_without_an_entry_or_with_a_broken_marker_is_refused() {
    let text =
        text().replace("{ name = \"srconly\" }", "{ name = \"nowhere\" }").replace("sys_platform ==", "colour ==");
    insta::assert_snapshot!(select(&text, PYPROJECT, &want("3.14.2")).unwrap_err(), @r"
uv.lock: 2 entries cannot be used:
  nowhere: something needs it and the lock has no entry for it
  winonly: `colour == 'win32'` is not a marker: unknown variable `colour`
Correct pyproject.toml or the choices named above, and write the lock file again with `uv lock`.
");
}

#[test]
fn refuses_everything_in_one_message() {
    let text = text()
        .replace(&format!("hash = \"sha256:{}\"", "5".repeat(64)), "size = 5")
        .replace(&format!("sha256:{}", "3".repeat(64)), "md5:00");
    let mut want = want("3.14.2");
    want.git.clear();
    let pyproject = format!("{PYPROJECT}[tool.uv]\nno-build-package = [\"srconly\"]\nno-binary-package = [\"late\"]\n");
    insta::assert_snapshot!(select(&text, &pyproject, &want).unwrap_err(), @r"
uv.lock: 4 entries cannot be used:
  fastdep==1.0: its file fastdep-1.0-py3-none-any.whl has the hash `md5:00`, expected sha256:HEX
  forked==2.0: its file forked-2.0-py3-none-any.whl has no hash
  fromgit: it comes from git (https://git.invalid/x/fromgit at abcdefabcdefabcdefabcdefabcdefabcdefabcd) and no source stands for it: add that commit as a source, and name it under `git` of the stage
  srconly==1.0: no wheel may be used, and `no-build` forbids to build it
Correct pyproject.toml or the choices named above, and write the lock file again with `uv lock`.
");
    want.python = "3.12".to_owned();
    insta::assert_snapshot!(select(&text, PYPROJECT, &want).unwrap_err(), @r"
uv.lock: 1 entry cannot be used:
  python 3.12: the lock is for `>=3.13`
Correct pyproject.toml or the choices named above, and write the lock file again with `uv lock`.
");
    want.python = "three".to_owned();
    insta::assert_snapshot!(select(&text, PYPROJECT, &want).unwrap_err(), @r"
uv.lock: 1 entry cannot be used:
  python three: it is not a version of Python, expected for example 3.14
Correct pyproject.toml or the choices named above, and write the lock file again with `uv lock`.
");
}

#[test]
fn refuses_what_is_no_lock() {
    let wrong = |text: &str, pyproject: &str| PythonLock::parse(text, pyproject, "b/uv.lock").unwrap_err().to_string();
    insta::assert_snapshot!(wrong("version = 2", ""), @"b/uv.lock: version 2 is not supported, expected 1; write it again with a uv that writes version 1: `uv lock`");
    insta::assert_snapshot!(wrong("", ""), @"b/uv.lock: version (none) is not supported, expected 1; write it again with a uv that writes version 1: `uv lock`");
    insta::assert_snapshot!(wrong("version = 1\nx =", ""), @"b/uv.lock:2:4: unexpected eof encountered; write the file again with `uv lock`");
    insta::assert_snapshot!(wrong("version = 1\n[[package]]\nversion = '1'", ""), @"b/uv.lock:2:1: a package has no name; write the file again with `uv lock`");
    insta::assert_snapshot!(wrong("version = 1\n[[package]]\nname = 'a'", ""), @"b/uv.lock:2:1: the package `a` has no source; write the file again with `uv lock`");
    insta::assert_snapshot!(wrong("version = 1\n[[package]]\nname = 1", ""), @"b/uv.lock:3:8: `name`: expected a string, found integer; write the file again with `uv lock`");
    insta::assert_snapshot!(wrong("version = 1", "[tool.uv]\nno-build = 1"), @"b/pyproject.toml:2:12: `no-build`: expected true or false, found integer; correct it");
}

#[test]
fn the_rewritten_lock_leaves_one_file_of_each_selected_package() {
    let text = text();
    let lock = PythonLock::parse(&text, PYPROJECT, "uv.lock").unwrap();
    let selection = lock.select(&want("3.14.2")).unwrap();
    let rewritten = lock.rewrite(&text, &selection, "http://127.0.0.1:1234/").unwrap();
    assert!(!rewritten.contains("files.invalid") && !rewritten.contains("index.invalid"));
    insta::assert_snapshot!(rewritten);
    // What is rewritten is a lock again, and selects the same.
    let again = PythonLock::parse(&rewritten, PYPROJECT, "uv.lock").unwrap().select(&want("3.14.2")).unwrap();
    assert_eq!(files(&again), files(&selection));
}

#[test]
fn names_all_entries_with_wrong_names() {
    let package = |name: &str, version: &str, file: &str| {
        format!(
            "[[package]]\nname = \"{name}\"\nversion = \"{version}\"\nsource = {{ registry = \"https://index.invalid/simple\" }}\n\
             sdist = {{ url = \"{file}\", hash = \"sha256:x\" }}\n"
        )
    };
    let lock = [
        "version = 1\n".to_owned(),
        package("../a", "1.0", "https://files.invalid/a-1.0.tar.gz"),
        package("b", "1.0/../..", "https://files.invalid/b-1.0.tar.gz"),
        package("Zope.Interface", "1.0", "https://files.invalid/z-1.0.tar.gz"),
        "[[package]]\nname = \"e\"\nversion = \"1\"\nsource = { virtual = \".\" }\ndependencies = [{ name = \"//x\" }]\n".to_owned(),
    ];
    insta::assert_snapshot!(PythonLock::parse(&lock.concat(), "", "app/uv.lock").unwrap_err(), @r"
app/uv.lock: 3 entries cannot be used:
  ../a==1.0: `../a` is not the name of a Python project: only letters, digits, `-`, `_` and `.` are allowed
  b==1.0/../..: `1.0/../..` is not the version of a Python project: expected a version as PEP 440 describes it
  e==1: `//x` is not the name of a Python project: only letters, digits, `-`, `_` and `.` are allowed
Find out how these names came into the lock; write it again with `uv lock`.
");
}

#[test]
fn an_address_that_is_no_address_of_a_file_is_refused() {
    let lock = |source: &str, file: &str| {
        let text = format!(
            "version = 1\n[manifest]\nmembers = [\"e\"]\n[[package]]\nname = \"e\"\nversion = \"1\"\nsource = {{ virtual = \".\" }}\n\
             dependencies = [{{ name = \"a\" }}]\n[[package]]\nname = \"a\"\nversion = \"1\"\nsource = {source}\n{file}\n"
        );
        PythonLock::parse(&text, "", "uv.lock").unwrap().select(&want("3.14")).unwrap_err().to_string()
    };
    let hash = "0a".repeat(32);
    let file = format!("sdist = {{ url = \"file:///etc/a-1.tar.gz\", hash = \"sha256:{hash}\" }}");
    insta::assert_snapshot!(lock("{ registry = \"https://index.invalid/simple\" }", &file), @r"
uv.lock: 1 entry cannot be used:
  a==1: `file:///etc/a-1.tar.gz` is not the address of a package's file: expected http or https
Correct pyproject.toml or the choices named above, and write the lock file again with `uv lock`.
");
    insta::assert_snapshot!(lock("{ git = \"ext::sh#0123\" }", ""), @r"
uv.lock: 1 entry cannot be used:
  a: `ext::sh` is not the address of a git repository: expected https, http, ssh or git
Correct pyproject.toml or the choices named above, and write the lock file again with `uv lock`.
");
    insta::assert_snapshot!(lock("{ git = \"https://forge.invalid/a#main\" }", ""), @r"
uv.lock: 1 entry cannot be used:
  a: `main` is not a git commit: expected 40 or 64 lower-case hex digits
Correct pyproject.toml or the choices named above, and write the lock file again with `uv lock`.
");
}
