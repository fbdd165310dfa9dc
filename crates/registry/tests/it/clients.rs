//! The real npm, go and uv against the registry, where they are on the machine. Each test makes its
//! own small packages; nothing outside 127.0.0.1 is asked.

use std::path::{Path, PathBuf};
use std::process::Command;

use akbuild_names::{NpmTarball, PythonDistribution};
use akbuild_registry::{NpmLock, PackageFile, Platform, PythonLock, PythonWant, npm_settings};

use crate::http::{Files, Registry, tar_gz, zip};

/// A client on the search path. Where it is missing its tests have nothing to run; in CI that is a failure.
pub(crate) fn client(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let found = std::env::split_paths(&path).map(|dir| dir.join(name)).find(|file| file.is_file());
    assert!(found.is_some() || std::env::var_os("CI").is_none(), "CI has to have `{name}`");
    found
}

/// Runs a client in a folder with only these variables; its output, whether it succeeded or not.
pub(crate) fn run(program: &Path, dir: &Path, args: &[&str], env: &[(&str, &str)]) -> (bool, String) {
    let home = dir.join("home");
    std::fs::create_dir_all(&home).unwrap();
    let mut command = Command::new(program);
    command.current_dir(dir).args(args).env_clear().env("PATH", std::env::var_os("PATH").unwrap());
    command
        .env("HOME", &home)
        .env("NO_PROXY", "127.0.0.1")
        .env("npm_config_update_notifier", "false")
        .envs(env.iter().copied());
    let output = command.output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&text).into_owned())
}

pub(crate) fn misses(registry: &Registry) -> Vec<String> {
    registry.server.misses().iter().map(ToString::to_string).collect()
}

fn npm_package(name: &str, version: &str) -> Vec<u8> {
    tar_gz(&[
        ("package/package.json", &format!(r#"{{"name": "{name}", "version": "{version}"}}"#)),
        ("package/index.js", ""),
    ])
}

/// An entry of a lock for a file that is served.
fn npm_entry(files: &Files, at: usize, key: &str, more: &str) -> String {
    let PackageFile::Npm(NpmTarball { name, version, url }) = &files.artifacts[at].what else { unreachable!() };
    let resolved = url.as_ref().map(|url| format!(r#""resolved": "{url}", "#)).unwrap_or_default();
    let digest = files.artifacts[at].digest;
    format!(r#""{key}": {{"name": "{name}", "version": "{version}", {resolved}"integrity": "{digest}"{more}}}"#)
}

/// Runs `npm ci` as a stage does, in a project with this manifest and these entries of the lock.
fn npm_ci(npm: &Path, files: &Files, manifest: &str, entries: &[String], settings: &str) -> tempfile::TempDir {
    let registry = files.serve(None);
    let dir = tempfile::tempdir().unwrap();
    let lock = format!(
        r#"{{"name": "root", "version": "1.0.0", "lockfileVersion": 3, "requires": true, "packages": {{"": {manifest}, {}}}}}"#,
        entries.join(", ")
    );
    let parsed = NpmLock::parse(&lock, "package-lock.json").unwrap();
    let platform = Platform::linux_glibc("x64");
    parsed.artifacts(&platform).unwrap();
    let base = format!("http://{}", registry.address);
    for (name, text) in
        [("package.json", manifest), ("package-lock.json", &parsed.rewrite(&base)), (".npmrc", &npm_settings(settings))]
    {
        std::fs::write(dir.path().join(name), text).unwrap();
    }
    let env = [
        ("npm_config_registry", &*format!("{base}/npm/")),
        ("npm_config_replace_registry_host", "always"),
        ("npm_config_allow_remote", "all"),
    ];
    let args = ["ci", "--ignore-scripts", "--cache", "cache", "--fetch-retries=0"];
    let (ok, output) = run(npm, dir.path(), &args, &env);
    assert!(ok, "{output}\n{:?}", misses(&registry));
    assert_eq!(misses(&registry), [""; 0]);
    dir
}

#[test]
fn npm_ci_installs_with_and_without_addresses_in_the_lock() {
    let Some(npm) = client("npm") else { return };
    let mut files = Files::new();
    files.npm("@s/a", "1.0.0", Some("https://r.invalid/@s/a/-/a-1.0.0.tgz"), &npm_package("@s/a", "1.0.0"));
    files.npm("b", "2.0.0", None, &npm_package("b", "2.0.0"));
    files.npm("c", "3.0.0", Some("https://files.invalid/npm/deep/c.tgz"), &npm_package("c", "3.0.0"));
    files.npm("d", "4.0.0", Some("https://files.invalid/d?file=d.tgz"), &npm_package("d", "4.0.0"));
    let dependencies =
        r#"{"@s/a": "1.0.0", "b": "2.0.0", "alias": "npm:c@3.0.0", "d": "https://files.invalid/d?file=d.tgz"}"#;
    let manifest = format!(r#"{{"name": "root", "version": "1.0.0", "dependencies": {dependencies}}}"#);
    let keys = ["node_modules/@s/a", "node_modules/b", "node_modules/alias", "node_modules/d"];
    let entries: Vec<String> = keys.iter().enumerate().map(|(at, key)| npm_entry(&files, at, key, "")).collect();
    let dir = npm_ci(&npm, &files, &manifest, &entries, "");
    for path in ["@s/a", "b", "alias", "d"] {
        assert!(dir.path().join("node_modules").join(path).join("index.js").exists(), "{path}");
    }
}

#[test]
fn npm_ci_installs_packages_whose_paths_are_those_of_the_registry_itself() {
    let Some(npm) = client("npm") else { return };
    let mut files = Files::new();
    let names = ["npm", "pypi", "go", "@npm/npm", "files"];
    for name in names {
        let file = name.rsplit('/').next().unwrap();
        files.npm(
            name,
            "1.0.0",
            Some(&format!("https://r.invalid/{name}/-/{file}-1.0.0.tgz")),
            &npm_package(name, "1.0.0"),
        );
    }
    // The same path on another host, and another file.
    files.npm("npm", "1.0.1", Some("https://other.invalid/npm/-/npm-1.0.0.tgz"), &npm_package("npm", "1.0.1"));
    let dependencies = names.map(|name| format!(r#""{name}": "1.0.0""#)).join(", ");
    let manifest = format!(
        r#"{{"name": "root", "version": "1.0.0", "dependencies": {{{dependencies}, "alias": "npm:npm@1.0.1"}}}}"#
    );
    let mut entries: Vec<String> =
        names.iter().enumerate().map(|(at, name)| npm_entry(&files, at, &format!("node_modules/{name}"), "")).collect();
    entries.push(npm_entry(&files, names.len(), "node_modules/alias", ""));
    let dir = npm_ci(&npm, &files, &manifest, &entries, "");
    for path in names.into_iter().chain(["alias"]) {
        assert!(dir.path().join("node_modules").join(path).join("index.js").exists(), "{path}");
    }
    let alias = std::fs::read_to_string(dir.path().join("node_modules/alias/package.json")).unwrap();
    assert!(alias.contains("1.0.1"), "{alias}");
}

#[test]
fn npm_ci_installs_what_the_project_itself_bundles() {
    let Some(npm) = client("npm") else { return };
    let mut files = Files::new();
    files.npm("a", "1.0.0", Some("https://r.invalid/a/-/a-1.0.0.tgz"), &npm_package("a", "1.0.0"));
    files.npm("b", "1.0.0", Some("https://r.invalid/b/-/b-1.0.0.tgz"), &npm_package("b", "1.0.0"));
    for bundled in [r#"["a"]"#, "true"] {
        let manifest = format!(
            r#"{{"name": "root", "version": "1.0.0", "dependencies": {{"a": "1.0.0"}}, "bundleDependencies": {bundled}}}"#
        );
        let entries = [
            npm_entry(&files, 0, "node_modules/a", r#", "inBundle": true, "dependencies": {"b": "1.0.0"}"#),
            npm_entry(&files, 1, "node_modules/b", r#", "inBundle": true"#),
        ];
        let dir = npm_ci(&npm, &files, &manifest, &entries, "");
        for path in ["a", "b"] {
            assert!(dir.path().join("node_modules").join(path).join("index.js").exists(), "{path} of {bundled}");
        }
    }
}

/// Settings that would lead npm to hosts that do not exist, to other files, or to older versions.
const ELSEWHERE: &str = "\u{feff}@s:registry=https://scoped.invalid/\r\nregistry = https://other.invalid/\r\n\
    \"@s:registry\"=https://quoted.invalid/\nproxy=http://proxy.invalid:3128/\nhttps-proxy=http://proxy.invalid:3128/\n\
    //scoped.invalid/:_authToken=${AKBUILD_UNDEFINED}\n_auth=eDp5\nalways-auth=true\nbefore=2001-01-01\nmin-release-age=9999\n\
    cafile=absent.pem\nuserconfig=./absent\nglobalconfig=./absent\ncache=/absent/cache\noffline=true\nprefer-offline=true\n\
    package-lock=false\nshrinkwrap=false\ndry-run=true\nglobal=true\nlocation=global\nprefix=/absent\nreplace-registry-host=never\n\
    allow-remote=none\nos=win32\ncpu=arm64\nlibc=musl\nworkspaces=false\nworkspace=absent\nstrict-npmrc=true\nunknown-setting=1\n\
    omit[]=dev\nlegacy-peer-deps=true\n[section]\nomit=optional\n";

#[test]
fn npm_ci_asks_nobody_else_whatever_the_project_sets() {
    let Some(npm) = client("npm") else { return };
    let mut files = Files::new();
    files.npm("@s/a", "1.0.0", Some("https://scoped.invalid/@s/a/-/a-1.0.0.tgz"), &npm_package("@s/a", "1.0.0"));
    files.npm("@s/b", "1.0.0", None, &npm_package("@s/b", "1.0.0"));
    files.npm("c", "1.0.0", Some("https://other.invalid/c/-/c-1.0.0.tgz"), &npm_package("c", "1.0.0"));
    files.npm("d", "1.0.0", Some("https://other.invalid/d/-/d-1.0.0.tgz"), &npm_package("d", "1.0.0"));
    let manifest = r#"{"name": "root", "version": "1.0.0", "dependencies": {"@s/a": "1.0.0", "@s/b": "^1.0.0", "c": "latest"}, "devDependencies": {"d": "*"}}"#;
    let keys = ["node_modules/@s/a", "node_modules/@s/b", "node_modules/c", "node_modules/d"];
    let more = ["", "", "", r#", "dev": true"#];
    let entries: Vec<String> = (0..4).map(|at| npm_entry(&files, at, keys[at], more[at])).collect();
    let dir = npm_ci(&npm, &files, manifest, &entries, ELSEWHERE);
    for path in ["@s/a", "@s/b", "c"] {
        assert!(dir.path().join("node_modules").join(path).join("index.js").exists(), "{path}");
    }
    assert!(!dir.path().join("node_modules/d").exists(), "`omit` is the project's own choice");
}

#[test]
fn settings_that_reach_a_stage() {
    insta::assert_snapshot!(npm_settings(ELSEWHERE), @r"
    omit[]=dev
    legacy-peer-deps=true
    ");
}

#[test]
fn npm_shows_what_a_miss_says() {
    let Some(npm) = client("npm") else { return };
    let registry = Files::new().serve(None);
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("package.json"), r#"{"name": "root", "dependencies": {"absent": "1.0.0"}}"#)
        .unwrap();
    let base = format!("http://{}/npm/", registry.address);
    let (ok, output) = run(&npm, dir.path(), &["install", "--registry", &base, "--cache", "cache"], &[]);
    assert!(!ok && output.contains("akbuild lock"), "{output}");
    assert_eq!(misses(&registry).len(), 1);
}

#[test]
fn go_mod_vendor_takes_everything_from_the_registry() {
    let Some(go) = client("go") else { return };
    let mut files = Files::new();
    let go_mod = "module a.invalid/Upper/x\n\ngo 1.20\n";
    let inside = "a.invalid/Upper/x@v1.0.0";
    let archive = zip(&[(&format!("{inside}/go.mod"), go_mod), (&format!("{inside}/x.go"), "package x\n")]);
    files.go("a.invalid/Upper/x", "v1.0.0", go_mod, &archive);
    let registry = files.serve(None);
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("main.go"), "package main\n\nimport _ \"a.invalid/Upper/x\"\n\nfunc main() {}\n")
        .unwrap();
    std::fs::write(dir.path().join("go.mod"), "module m\n\ngo 1.20\n\nrequire a.invalid/Upper/x v1.0.0\n").unwrap();
    let h1 = |n: usize| {
        files.artifacts[n].digest.to_string().split_once('-').unwrap().1.split_once('-').unwrap().1.to_owned()
    };
    let sum = format!("a.invalid/Upper/x v1.0.0 h1:{}\na.invalid/Upper/x v1.0.0/go.mod h1:{}\n", h1(1), h1(0));
    std::fs::write(dir.path().join("go.sum"), &sum).unwrap();
    let (proxy, cache) = (format!("http://{}/go", registry.address), dir.path().join("cache"));
    let env = [
        ("GOPROXY", proxy.as_str()),
        ("GOMODCACHE", cache.to_str().unwrap()),
        ("GOFLAGS", "-modcacherw"),
        ("GOTOOLCHAIN", "local"),
    ];
    let (ok, output) = run(&go, dir.path(), &["mod", "vendor"], &env);
    assert!(ok, "{output}\n{:?}", misses(&registry));
    assert!(dir.path().join("vendor/a.invalid/Upper/x/x.go").exists());
    assert_eq!(misses(&registry), [""; 0]);

    std::fs::write(dir.path().join("go.mod"), "module m\n\ngo 1.20\n\nrequire a.invalid/Upper/x v1.1.0\n").unwrap();
    let (ok, output) = run(&go, dir.path(), &["mod", "download"], &env);
    assert!(!ok && output.contains("a.invalid/Upper/x@v1.1.0") && output.contains("akbuild lock"), "{output}");
    assert_eq!(misses(&registry).len(), 1);
}

pub(crate) fn wheel(name: &str, version: &str, requires: &str) -> Vec<u8> {
    let info = format!("{name}-{version}.dist-info");
    let metadata = format!("Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{requires}");
    let tags = "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n";
    let record = format!("{name}/__init__.py,,\n{info}/METADATA,,\n{info}/WHEEL,,\n{info}/RECORD,,\n");
    zip(&[
        (&format!("{name}/__init__.py"), ""),
        (&format!("{info}/METADATA"), &metadata),
        (&format!("{info}/WHEEL"), tags),
        (&format!("{info}/RECORD"), &record),
    ])
}

/// The version of the machine's Python, `3.11.7`.
pub(crate) fn python_version(python: &Path, dir: &Path) -> String {
    let (ok, output) = run(python, dir, &["-c", "import platform; print(platform.python_version())"], &[]);
    assert!(ok, "{output}");
    output.trim().to_owned()
}

/// A build backend of a few lines, so that a source distribution has a build requirement.
pub(crate) const BACKEND: &str = r#"
import zipfile
def build_wheel(where, config_settings=None, metadata_directory=None):
    name = "src-1.0-py3-none-any.whl"
    info = "src-1.0.dist-info/"
    with zipfile.ZipFile(where + "/" + name, "w") as z:
        z.writestr("src.py", "")
        z.writestr(info + "METADATA", "Metadata-Version: 2.1\nName: src\nVersion: 1.0\n")
        z.writestr(info + "WHEEL", "Wheel-Version: 1.0\nGenerator: b\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        z.writestr(info + "RECORD", "src.py,,\n" + info + "METADATA,,\n" + info + "WHEEL,,\n" + info + "RECORD,,\n")
    return name
"#;

#[test]
fn uv_sync_takes_the_selected_files_and_pinned_build_requirements() {
    let (Some(uv), Some(python)) = (client("uv"), client("python3")) else { return };
    let mut files = Files::new();
    files.python("pure", "1.0", "pure-1.0-py3-none-any.whl", &wheel("pure", "1.0", ""));
    let needs = "[build-system]\nrequires = [\"tool>=2\"]\nbuild-backend = \"backend\"\nbackend-path = [\".\"]\n";
    let source = [
        ("src-1.0/pyproject.toml", needs),
        ("src-1.0/backend.py", BACKEND),
        ("src-1.0/PKG-INFO", "Metadata-Version: 2.1\nName: src\nVersion: 1.0\n"),
    ];
    files.python("src", "1.0", "src-1.0.tar.gz", &tar_gz(&source));
    files.python("tool", "2.5", "tool-2.5-py3-none-any.whl", &wheel("tool", "2.5", "Requires-Dist: part\n"));
    files.python("part", "1.0", "part-1.0-py3-none-any.whl", &wheel("part", "1.0", ""));
    let registry = files.serve(None);
    let dir = tempfile::tempdir().unwrap();
    let pyproject = "[project]\nname = \"app\"\nversion = \"1.0\"\nrequires-python = \">=3.8\"\ndependencies = [\"pure\", \"src\"]\n";
    std::fs::write(dir.path().join("pyproject.toml"), pyproject).unwrap();
    let entry = |n: usize| {
        let PackageFile::Python(PythonDistribution { file, .. }) = &files.artifacts[n].what else { unreachable!() };
        format!("{{ url = \"https://files.invalid/{file}\", hash = \"sha256:{}\" }}", files.artifacts[n].digest.hex())
    };
    let text = format!(
        "version = 1\nrevision = 3\nrequires-python = \">=3.8\"\n\n\
        [[package]]\nname = \"app\"\nversion = \"1.0\"\nsource = {{ virtual = \".\" }}\ndependencies = [\n    {{ name = \"pure\" }},\n    {{ name = \"src\" }},\n]\n\n\
        [package.metadata]\nrequires-dist = [\n    {{ name = \"pure\" }},\n    {{ name = \"src\" }},\n]\n\n\
        [[package]]\nname = \"pure\"\nversion = \"1.0\"\nsource = {{ registry = \"https://index.invalid/simple\" }}\n\
        sdist = {{ url = \"https://files.invalid/pure-1.0.tar.gz\", hash = \"sha256:00\" }}\nwheels = [\n    {},\n]\n\n\
        [[package]]\nname = \"src\"\nversion = \"1.0\"\nsource = {{ registry = \"https://index.invalid/simple\" }}\nsdist = {}\n",
        entry(0),
        entry(1)
    );
    let want = PythonWant {
        python: python_version(&python, dir.path()),
        extras: Vec::new(),
        groups: Vec::new(),
        glibc: (2, 28),
        machine: "x86_64".to_owned(),
        git: Default::default(),
    };
    let lock = PythonLock::parse(&text, pyproject, "uv.lock").unwrap();
    let selection = lock.select(&want).unwrap();
    let base = format!("http://{}", registry.address);
    std::fs::write(dir.path().join("uv.lock"), lock.rewrite(&text, &selection, &base).unwrap()).unwrap();
    let index = format!("{base}/pypi/simple");
    let env =
        [("UV_DEFAULT_INDEX", index.as_str()), ("UV_CACHE_DIR", "cache"), ("UV_PYTHON", python.to_str().unwrap())];
    let args = ["sync", "--frozen", "--no-install-project", "--no-dev", "--no-python-downloads"];
    let (ok, output) = run(&uv, dir.path(), &args, &env);
    assert!(ok, "{output}\n{:?}", misses(&registry));
    for built in ["+ pure==1.0", "+ src==1.0"] {
        assert!(output.contains(built), "{output}");
    }
    assert_eq!(misses(&registry), [""; 0]);
    assert!(registry.server.served() >= 4, "the build requirements came from the registry too");
}
