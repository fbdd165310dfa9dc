//! The real uv in projects with files of all origins and with settings that lead elsewhere, set up as a stage has it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use akbuild_nar::Digest;
use akbuild_registry::{BuildChoices, ClientSettings, IndexFile, PythonLock, PythonWant, Upstream, rewrite_project};
use futures::future::BoxFuture;

use crate::clients::{BACKEND, client, misses, python_version, run, wheel};
use crate::http::{Files, tar_gz};

/// A project in a folder of its own.
struct Project {
    dir: tempfile::TempDir,
    uv: PathBuf,
    python: PathBuf,
    files: Files,
    pyproject: String,
    /// Other projects of the source tree: path and text of each `pyproject.toml`.
    locals: Vec<(String, String)>,
}

impl Project {
    /// A project that needs `src`; `settings` end its `pyproject.toml`. `None` where the machine lacks uv or Python.
    fn new(settings: &str) -> Option<Self> {
        let (uv, python) = (client("uv")?, client("python3")?);
        let pyproject = format!(
            "[project]\nname = \"app\"\nversion = \"1.0\"\nrequires-python = \">=3.8\"\ndependencies = [\"src\"]\n{settings}"
        );
        let dir = tempfile::tempdir().unwrap();
        Some(Self { dir, uv, python, files: Files::new(), pyproject, locals: Vec::new() })
    }

    fn write(&self, path: &str, bytes: impl AsRef<[u8]>) {
        let path = self.dir.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }

    /// The lock; `entry` is what it has of `src` after its name.
    fn text(&self, entry: &str) -> String {
        format!(
            "version = 1\nrevision = 3\nrequires-python = \">=3.8\"\n\n[[package]]\nname = \"app\"\nversion = \"1.0\"\n\
             source = {{ virtual = \".\" }}\ndependencies = [\n    {{ name = \"src\" }},\n]\n\n\
             [[package]]\nname = \"src\"\nversion = \"1.0\"\n{entry}"
        )
    }

    fn want(&self) -> PythonWant {
        PythonWant {
            python: python_version(&self.python, self.dir.path()),
            extras: Vec::new(),
            groups: Vec::new(),
            glibc: (2, 28),
            machine: "x86_64".to_owned(),
            git: Default::default(),
        }
    }

    /// Writes the lock as a stage has it.
    fn lock(&self, entry: &str, base: &str) {
        let text = self.text(entry);
        let lock = PythonLock::parse(&text, &self.pyproject, "uv.lock").unwrap();
        let selection = lock.select(&self.want()).unwrap();
        self.write("uv.lock", lock.rewrite(&text, &selection, base).unwrap());
    }

    /// Installs `src`; `settings` are files of settings that uv would prefer to `pyproject.toml`. uv's output follows.
    fn sync(&self, entry: &str, settings: &[(&str, &str)], upstream: Option<Arc<dyn Upstream>>) -> (bool, String) {
        let registry = self.files.serve(upstream);
        let base = format!("http://{}", registry.address);
        self.lock(entry, &base);
        let own = ("pyproject.toml".to_owned(), self.pyproject.clone());
        for (path, text) in self.locals.iter().chain([&own]) {
            let new = rewrite_project(text, path, &base).unwrap();
            self.write(path, new.as_ref().unwrap_or(text));
        }
        settings.iter().for_each(|(name, text)| self.write(name, text));
        let found = settings.iter().copied().chain([("pyproject.toml", self.pyproject.as_str())]);
        self.write("config.toml", ClientSettings::find(found).unwrap().configuration());
        let index = format!("{base}/pypi/simple");
        // Whatever uv asks beside the registry goes to a port where nothing listens.
        let env = [
            ("UV_DEFAULT_INDEX", index.as_str()),
            ("UV_CACHE_DIR", "cache"),
            ("UV_CONFIG_FILE", "config.toml"),
            ("UV_PYTHON", self.python.to_str().unwrap()),
            ("HTTPS_PROXY", "http://127.0.0.1:9"),
            ("UV_HTTP_RETRIES", "0"),
        ];
        let args = ["sync", "--frozen", "--no-install-project", "--no-install-workspace", "--no-editable", "--no-dev"];
        let (ok, output) = run(&self.uv, self.dir.path(), &args, &env);
        (ok, format!("{output}\n{:?}", misses(&registry)))
    }
}

/// The source distribution of `src`, which is built with this requirement.
fn source(requirement: &str) -> Vec<u8> {
    let needs = format!(
        "[build-system]\nrequires = [\"{requirement}\"]\nbuild-backend = \"backend\"\nbackend-path = [\".\"]\n"
    );
    tar_gz(&[
        ("src-1.0/pyproject.toml", &needs),
        ("src-1.0/backend.py", BACKEND),
        ("src-1.0/PKG-INFO", "Metadata-Version: 2.1\nName: src\nVersion: 1.0\n"),
    ])
}

/// The end of a lock entry with the hash of a source distribution.
fn hashed(source: &str, bytes: &[u8]) -> String {
    format!("source = {{ {source} }}\nsdist = {{ hash = \"sha256:{}\" }}\n", Digest::sha256(bytes).hex())
}

#[test]
fn uv_builds_archives_of_an_address_and_of_the_source_tree() {
    let Some(mut project) = Project::new("") else { return };
    let bytes = source("tool>=2");
    project.files.python("tool", "2.5", "tool-2.5-py3-none-any.whl", &wheel("tool", "2.5", ""));
    project.files.python("src", "1.0", "v1.0.tar.gz", &bytes);
    let address = "https://forge.invalid/src/archive/v1.0.tar.gz?token=x";
    let (ok, output) = project.sync(&hashed(&format!("url = \"{address}\""), &bytes), &[], None);
    assert!(ok && output.contains("+ src==1.0 (from http://127.0.0.1:"), "{output}");
    project.write("vendor/src-1.0.tar.gz", &bytes);
    let (ok, output) = project.sync(&hashed("path = \"vendor/src-1.0.tar.gz\"", &bytes), &[], None);
    assert!(ok && output.contains("src==1.0 (from file:"), "{output}");
}

const SETTINGS: &str = r#"
[[tool.uv.index]]
name = "a"
url = "https://a.invalid/simple"
[[tool.uv.index]]
name = "b"
url = "https://b.invalid/simple"
explicit = true
authenticate = "always"
[[tool.uv.index]]
name = "c"
url = "https://c.invalid/links"
format = "flat"
default = true
[tool.uv]
no-index = true
find-links = ["https://d.invalid/"]
extra-index-url = ["https://e.invalid"]
offline = true
keyring-provider = "subprocess"
index-strategy = "unsafe-best-match"
python-preference = "only-managed"
exclude-newer = "2026-06-01T00:00:00Z"
[tool.uv.pip]
index-url = "https://f.invalid"
"#;

const SETTINGS_FILE: &str = r#"
index-url = "https://g.invalid/simple"
no-index = true
torch-backend = "cpu"
exclude-newer-package = { tool = "2026-06-01T00:00:00Z" }
"#;

/// A package of the source tree whose build requirement comes from an index of its own.
const LOCAL: &str = r#"
[project]
name = "src"
version = "1.0"
[build-system]
requires = ["tool"]
build-backend = "backend"
backend-path = ["."]
[tool.uv.sources]
tool = { index = "own" }
[[tool.uv.index]]
name = "own"
url = "https://own.invalid/simple"
explicit = true
"#;

#[test]
fn no_setting_of_a_project_leads_uv_past_the_registry() {
    for settings in [&[][..], &[("uv.toml", SETTINGS_FILE)]] {
        let Some(mut project) = Project::new(SETTINGS) else { return };
        project.files.python("tool", "2.5", "tool-2.5-py3-none-any.whl", &wheel("tool", "2.5", ""));
        project.write("lib/backend.py", BACKEND);
        project.locals.push(("lib/pyproject.toml".to_owned(), LOCAL.to_owned()));
        let (ok, output) = project.sync("source = { editable = \"lib\" }\n", settings, None);
        assert!(ok && output.contains("+ src==1.0 (from file:"), "{output}");
    }
}

/// An index outside with two versions of a build requirement.
struct DatedIndex(PathBuf);

impl Upstream for DatedIndex {
    fn simple(&self, _: &str) -> BoxFuture<'_, Result<Vec<IndexFile>, String>> {
        let entry = |version: &str, time: &str| IndexFile {
            file: format!("tool-{version}-py3-none-any.whl"),
            sha256: Digest::sha256(&wheel("tool", version, "")).hex(),
            upload_time: Some(time.to_owned()),
            ..IndexFile::default()
        };
        let files = vec![entry("2.5", "2026-05-31T00:00:00Z"), entry("2.6", "2026-06-02T00:00:00Z")];
        Box::pin(async move { Ok(files) })
    }

    fn file(&self, _: &str, index: &IndexFile) -> BoxFuture<'_, Result<PathBuf, String>> {
        let version = index.file.split('-').nth(1).unwrap().to_owned();
        let path = self.0.join(&version);
        std::fs::write(&path, wheel("tool", &version, "")).unwrap();
        Box::pin(async move { Ok(path) })
    }
}

fn names(folder: &Path) -> Vec<String> {
    std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

#[test]
fn build_requirements_are_not_newer_than_the_project_allows() {
    for (settings, version) in [("[tool.uv]\nexclude-newer = \"2026-06-01T00:00:00Z\"\n", "2.5"), ("", "2.6")] {
        let Some(project) = Project::new(settings) else { return };
        let outside = tempfile::tempdir().unwrap();
        let bytes = source("tool");
        project.write("src-1.0.tar.gz", &bytes);
        let upstream = Arc::new(DatedIndex(outside.path().to_owned()));
        let (ok, output) = project.sync(&hashed("path = \"src-1.0.tar.gz\"", &bytes), &[], Some(upstream));
        assert!(ok, "{output}");
        assert_eq!(names(outside.path()), [version], "{output}");
    }
}

#[test]
fn every_setting_of_uv_is_known() {
    let Some(project) = Project::new("") else { return };
    project.write("config.toml", "unknown-to-uv = 1\n");
    let (_, output) = run(&project.uv, project.dir.path(), &["sync", "--config-file", "config.toml"], &[]);
    let list = output.split_once("expected one of").map(|(_, list)| list.to_owned());
    let list = list.unwrap_or_else(|| panic!("uv lists its settings: {output}"));
    let settings: Vec<&str> = list.split('`').skip(1).step_by(2).collect();
    assert!(settings.len() > 50, "{settings:?}");
    for setting in settings {
        let found = ClientSettings::find([("uv.toml", format!("{setting} = []\n").as_str())]);
        let message = found.err().map_or_else(String::new, |error| error.to_string());
        assert!(!message.contains("does not know"), "{message}");
    }
}

/// Settings and variables that say the same of `src`, or of all packages, or of another package.
const CHOICES: [(&str, &str, &str); 7] = [
    ("", "", ""),
    ("no-binary = true", "UV_NO_BINARY", "1"),
    ("no-binary-package = [\"src\"]", "UV_NO_BINARY_PACKAGE", "other src"),
    ("no-binary-package = [\"other\"]", "UV_NO_BINARY_PACKAGE", "other"),
    ("no-build = true", "UV_NO_BUILD", "true"),
    ("no-build-package = [\"src\"]", "UV_NO_BUILD_PACKAGE", "Src"),
    ("no-build-package = [\"other\"]", "UV_NO_BUILD_PACKAGE", "other"),
];

#[test]
fn settings_and_variables_choose_the_files_that_uv_chooses() {
    let Some(project) = Project::new("") else { return };
    project.write("pyproject.toml", &project.pyproject);
    let hash = "0a".repeat(32);
    let sdist = format!("sdist = {{ url = \"https://files.invalid/src-1.0.tar.gz\", hash = \"sha256:{hash}\" }}\n");
    let wheel = format!(
        "wheels = [\n    {{ url = \"https://files.invalid/src-1.0-py3-none-any.whl\", hash = \"sha256:{hash}\" }},\n]\n"
    );
    let (mut differences, want) = (Vec::new(), project.want());
    for files in [&sdist, &wheel] {
        let text = project.text(&format!("source = {{ registry = \"https://index.invalid/simple\" }}\n{files}"));
        project.write("uv.lock", &text);
        for (setting, _, _) in CHOICES {
            for second in CHOICES {
                let (config, variable) = (format!("{setting}\n"), (second.1, second.2));
                let env =
                    [("UV_CONFIG_FILE", "config.toml"), ("UV_PYTHON", project.python.to_str().unwrap()), variable];
                let env = if second.1.is_empty() { &env[..2] } else { &env[..] };
                project.write("config.toml", &config);
                let args =
                    ["sync", "--frozen", "--dry-run", "--offline", "--no-install-project", "--cache-dir", "cache"];
                let (theirs, output) = run(&project.uv, project.dir.path(), &args, env);
                let settings = ClientSettings::find([("uv.toml", config.as_str())]).unwrap();
                let variables = [(second.1.to_owned(), second.2.to_owned())].into();
                let lock = PythonLock::parse(&text, &project.pyproject, "uv.lock").unwrap();
                let lock = lock.with_choices(&settings, &BuildChoices::from_variables(&variables));
                if lock.select(&want).is_ok() != theirs {
                    differences.push(format!("{files}{setting} and {variable:?}: {output}"));
                }
            }
        }
    }
    assert!(differences.is_empty(), "{} differences: {}", differences.len(), differences.join("\n"));
}
