//! The format of `uv.lock`, version 1. Knows what an entry says; which entries are wanted is decided
//! in `select`.

use akbuild_names::{PythonFileName, PythonPackageName, PythonPackageVersion, percent_decode};
use toml_span::value::Table;
use toml_span::{Span, Value};

use super::choices::BuildChoices;
use super::client::ClientSettings;
use super::dependency::{Dependency, DependencyLists, Origin, dependencies, dependency_lists, origin};
use super::manifest::{DeclaredNames, WorkspaceManifest, declared, workspace};
use super::project_facts::ProjectFacts;
use super::settings::Settings;
use super::toml::Document;
use crate::LockError;
use crate::error::Refusals;

const WRONG_NAMES: &str = "Find out how these names came into the lock; write it again with `uv lock`.";
pub(crate) const AGAIN: &str = "write the file again with `uv lock`";

/// A parsed `uv.lock`, with the settings of the `pyproject.toml` beside it.
#[derive(Debug)]
pub struct PythonLock {
    pub(crate) file: String,
    pub(crate) packages: Vec<Package>,
    pub(crate) workspace: WorkspaceManifest,
    pub(crate) project: ProjectFacts,
    pub(crate) settings: Settings,
}

/// One `[[package]]`.
#[derive(Debug)]
pub(crate) struct Package {
    pub(crate) name: PythonPackageName,
    pub(crate) version: Option<PythonPackageVersion>,
    pub(crate) origin: Origin,
    pub(crate) markers: Vec<String>,
    pub(crate) dependencies: Vec<Dependency>,
    pub(crate) extras: DependencyLists,
    pub(crate) groups: DependencyLists,
    pub(crate) declared: DeclaredNames,
    pub(crate) sdist: Option<File>,
    pub(crate) wheels: Vec<File>,
    /// Where `sdist = ...` and `wheels = ...` stand, key and all.
    pub(crate) sdist_span: Option<Span>,
    pub(crate) wheels_span: Option<Span>,
    /// Whether the package is a project that uv never installs, only its dependencies.
    pub(crate) is_virtual: bool,
}

/// One wheel or source distribution.
#[derive(Clone, Debug)]
pub(crate) struct File {
    /// The file's name, or why it cannot be used: only a file that is selected has to have one.
    pub(crate) name: Result<PythonFileName, String>,
    pub(crate) url: Option<String>,
    /// Where a file of a local index is, relative to the index.
    pub(crate) path: Option<String>,
    pub(crate) url_span: Option<Span>,
    pub(crate) hash: Option<String>,
    pub(crate) size: Option<u64>,
}

impl PythonLock {
    /// Reads a `uv.lock` and the `pyproject.toml` beside it; `file` is the name of the lock, for
    /// messages.
    pub fn parse(uv_lock: &str, pyproject: &str, file: &str) -> Result<Self, LockError> {
        let beside = beside(file, "pyproject.toml");
        let settings = Settings::parse(pyproject, &beside)?;
        let project = ProjectFacts::parse(pyproject, &beside)?;
        let doc = Document { text: uv_lock, file, advice: AGAIN };
        let value = doc.parse()?;
        let top = doc.table(&value, "uv.lock")?;
        let version = top.get("version").and_then(Value::as_integer);
        if version != Some(1) {
            return Err(LockError::Version {
                file: file.to_owned(),
                field: "version",
                found: version.map_or("(none)".to_owned(), |v| v.to_string()),
                expected: "1",
                advice: "write it again with a uv that writes version 1: `uv lock`",
            });
        }
        let mut wrong = Refusals::default();
        let workspace = workspace(&doc, top, &mut wrong)?;
        let packages = packages(&doc, top, &mut wrong)?;
        let lock = Self { file: file.to_owned(), packages, workspace, project, settings };
        wrong.check(file, WRONG_NAMES, lock)
    }

    /// Takes the choices of wheels and source builds from what uv finds in settings files and in variables, not from the
    /// `pyproject.toml` alone.
    #[must_use]
    pub fn with_choices(mut self, settings: &ClientSettings, variables: &BuildChoices) -> Self {
        self.settings.choices = settings.choices.clone();
        self.settings.choices.add(variables);
        self
    }
}

fn beside(file: &str, name: &str) -> String {
    file.rsplit_once('/').map_or_else(|| name.to_owned(), |(folder, _)| format!("{folder}/{name}"))
}

/// All `[[package]]` entries of a lock, but for those whose names are wrong.
pub(crate) fn packages<'a>(
    doc: &Document<'a>,
    top: &Table<'a>,
    wrong: &mut Refusals,
) -> Result<Vec<Package>, LockError> {
    doc.array(top, "package")?.iter().filter_map(|value| package(doc, value, wrong).transpose()).collect()
}

/// One entry; `None`: its name or version is wrong.
fn package<'a>(doc: &Document<'a>, value: &Value<'a>, wrong: &mut Refusals) -> Result<Option<Package>, LockError> {
    let table = doc.table(value, "package")?;
    let Some(name) = doc.text(table, "name")? else {
        return Err(doc.wrong(value.span.start, "a package has no name"));
    };
    let Some(origin) = origin(doc, table)? else {
        return Err(doc.wrong(value.span.start, &format!("the package `{name}` has no source")));
    };
    let version = doc.text(table, "version")?;
    let entry = version.as_ref().map_or_else(|| name.clone(), |version| format!("{name}=={version}"));
    let parsed = wrong.parse(&entry, &name);
    let version = version.map(|version| wrong.parse(&entry, &version));
    let (Some(name), false) = (parsed, version == Some(None)) else { return Ok(None) };
    let wheels = doc.array(table, "wheels")?.iter();
    let is_virtual = doc.sub(table, "source")?.is_some_and(|source| source.contains_key("virtual"));
    let span = |key: &str| table.get_key_value(key).map(|(key, value)| Span::new(key.span.start, value.span.end));
    Ok(Some(Package {
        name,
        version: version.flatten(),
        sdist: table.get("sdist").map(|value| file(doc, value, &origin)).transpose()?,
        wheels: wheels.map(|value| file(doc, value, &origin)).collect::<Result<_, _>>()?,
        origin,
        markers: doc.texts(table, "resolution-markers")?,
        dependencies: dependencies(doc, table, "dependencies", &entry, wrong)?,
        extras: dependency_lists(doc, table, "optional-dependencies", &entry, wrong)?,
        groups: dependency_lists(doc, table, "dev-dependencies", &entry, wrong)?,
        declared: declared(doc, table)?,
        sdist_span: span("sdist"),
        wheels_span: span("wheels"),
        is_virtual,
    }))
}

/// A file of a package. Where the entry names none, as that of an archive at an address, the package's source does.
fn file<'a>(doc: &Document<'a>, value: &Value<'a>, origin: &Origin) -> Result<File, LockError> {
    let table = doc.table(value, "file")?;
    let (url, path) = (doc.text(table, "url")?, doc.text(table, "path")?);
    let source = match origin {
        Origin::Url(place) | Origin::Archive(place) => Some(place.as_str()),
        _ => None,
    };
    let filename = doc.text(table, "filename")?;
    let named = url.as_deref().or(filename.as_deref()).or(path.as_deref()).or(source).and_then(file_name);
    let named = match origin {
        Origin::Url(_) | Origin::Archive(_) => named.map(|name| plain_name(&name)),
        _ => named,
    };
    let parse = |name: String| PythonFileName::parse(&name).map_err(|error| error.to_string());
    Ok(File {
        name: named.ok_or_else(|| "it has a file with neither an address nor a name".to_owned()).and_then(parse),
        url_span: table.get("url").map(|value| value.span),
        url,
        path,
        hash: doc.text(table, "hash")?,
        size: table.get("size").and_then(Value::as_integer).and_then(|n| u64::try_from(n).ok()),
    })
}

/// The decoded last segment of an address's path.
fn file_name(url: &str) -> Option<String> {
    let path = url.split(['?', '#']).next()?;
    let name = percent_decode(path.rsplit('/').next()?)?;
    (!name.is_empty()).then(|| name.into_owned())
}

/// The name of an archive that comes from no index, without what a name in an index never has. Such an archive may be
/// called anything; the registry serves it under this name.
fn plain_name(name: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || "._+!-".contains(c) { c } else { '_' };
    name.chars().map(plain).collect::<String>().trim_start_matches(['.', '-']).to_owned()
}

/// The place of every `registry = "..."` or `url = "..."` in the sources of packages and of their dependencies.
pub(crate) fn source_spans(value: &Value<'_>, key: &str, spans: &mut Vec<Span>) {
    if let Some(array) = value.as_array() {
        array.iter().for_each(|value| source_spans(value, key, spans));
    }
    for (name, value) in value.as_table().into_iter().flatten() {
        let source = (name.name == "source").then(|| value.as_table()).flatten();
        match source.and_then(|table| table.get(key)) {
            Some(place) => spans.push(place.span),
            None => source_spans(value, key, spans),
        }
    }
}

/// Whether a registry is at an address; otherwise it is a folder.
pub(super) fn is_address(registry: &str) -> bool {
    registry.contains("://") && !registry.starts_with("file:")
}
