//! The real npm, go and uv against the registry, where they are on the machine. Each test makes its
//! own small packages; nothing outside 127.0.0.1 is asked.

use std::path::{Path, PathBuf};
use std::process::Command;

use akbuild_registry::{PythonLock, PythonWant, What};

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
    command.env("HOME", &home).env("NO_PROXY", "127.0.0.1").envs(env.iter().copied());
    let output = command.output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&text).into_owned())
}

fn misses(registry: &Registry) -> Vec<String> {
    registry.server.misses().iter().map(ToString::to_string).collect()
}

fn npm_package(name: &str, version: &str) -> Vec<u8> {
    tar_gz(&[
        ("package/package.json", &format!(r#"{{"name": "{name}", "version": "{version}"}}"#)),
        ("package/index.js", ""),
    ])
}

#[test]
fn npm_ci_installs_with_and_without_addresses_in_the_lock() {
    let Some(npm) = client("npm") else { return };
    let mut files = Files::new();
    files.npm("@s/a", "1.0.0", Some("https://r.invalid/@s/a/-/a-1.0.0.tgz"), &npm_package("@s/a", "1.0.0"));
    files.npm("b", "2.0.0", None, &npm_package("b", "2.0.0"));
    files.npm("c", "3.0.0", Some("https://files.invalid/npm/deep/c.tgz"), &npm_package("c", "3.0.0"));
    let registry = files.serve(None);
    let dir = tempfile::tempdir().unwrap();
    let dependencies = r#"{"@s/a": "1.0.0", "b": "2.0.0", "alias": "npm:c@3.0.0"}"#;
    let manifest = format!(r#"{{"name": "root", "version": "1.0.0", "dependencies": {dependencies}}}"#);
    std::fs::write(dir.path().join("package.json"), &manifest).unwrap();
    let lock = format!(
        r#"{{"name": "root", "version": "1.0.0", "lockfileVersion": 3, "requires": true, "packages": {{
        "": {manifest},
        "node_modules/@s/a": {{"version": "1.0.0", "resolved": "https://r.invalid/@s/a/-/a-1.0.0.tgz", "integrity": "{}"}},
        "node_modules/b": {{"version": "2.0.0", "integrity": "{}"}},
        "node_modules/alias": {{"name": "c", "version": "3.0.0", "resolved": "https://files.invalid/npm/deep/c.tgz", "integrity": "{}"}}
        }}}}"#,
        files.artifacts[0].digest, files.artifacts[1].digest, files.artifacts[2].digest
    );
    std::fs::write(dir.path().join("package-lock.json"), lock).unwrap();
    let base = format!("http://{}/npm/", registry.address);
    let args = ["ci", "--ignore-scripts", "--replace-registry-host=always", "--registry", &base, "--cache", "cache"];
    let (ok, output) = run(&npm, dir.path(), &args, &[]);
    assert!(ok, "{output}\n{:?}", misses(&registry));
    for path in ["@s/a", "b", "alias"] {
        assert!(dir.path().join("node_modules").join(path).join("index.js").exists(), "{path}");
    }
    assert_eq!(misses(&registry), [""; 0]);
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

fn wheel(name: &str, version: &str, requires: &str) -> Vec<u8> {
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
const BACKEND: &str = r#"
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
        let What::Python { file, .. } = &files.artifacts[n].what else { unreachable!() };
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
