//! What a `uv-sync` stage needs of its source beside `uv.lock`: settings files, and packages that are part of the source
//! itself. A stage sees only what `include` matches, so that a package of which it sees nothing would be installed
//! empty; that is an error that names the pattern to add. Knows nothing of which packages a lock selects.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;

use akbuild_names::{PackageFile, PythonDistribution};
use akbuild_nar::{Algo, Digest, Kind};
use akbuild_recipe::plan::{REGISTRY, Subset, TreeRef, UvLock};
use akbuild_registry::{ClientSettings, LocalFile, LocalMember, LockError, PythonSelection, Refused};
use akbuild_tree::TreeDir;
use serde_json::json;

use crate::error::EngineError;
use crate::keys::trees;
use crate::lock_reader::LockReader;

/// Files that describe a project and are no part of its code.
const DESCRIPTIONS: [&str; 6] = ["pyproject.toml", "setup.cfg", "setup.py", "uv.lock", "uv.toml", ".python-version"];

/// The source of a `uv.lock`, and which of its files the stage sees.
pub(super) struct UvSource {
    tree: TreeDir,
    /// The source's name in messages.
    name: String,
    /// The lock's path in the source.
    lock: String,
    /// Where the stage has the source's files.
    at: String,
    subset: Subset,
    /// All files by path; whether the stage sees each, and its SHA-256.
    files: BTreeMap<String, (bool, [u8; 32])>,
}

/// What is wrong with a package of the source, and what to add to `include`.
type Problem = (String, Option<String>);

impl UvSource {
    pub(super) fn open(reader: &LockReader<'_>, lock: &UvLock) -> Result<Self, EngineError> {
        let from = TreeRef::Source(lock.file.source.clone());
        let copy = reader.exec.copies.iter().find(|copy| copy.from == from);
        let copy = copy.ok_or_else(|| EngineError::Bug(format!("a stage does not copy {}", lock.file.path)))?;
        let (store, hash) = (&reader.context.store, reader.source(&lock.file)?);
        let listing = store.listing(hash)?;
        let seen: BTreeSet<&OsStr> =
            trees::select(&listing, "", &copy.subset)?.into_iter().map(|(path, _)| path).collect();
        let file = |entry: &akbuild_nar::Entry| match &entry.kind {
            Kind::File { digest, .. } => {
                Some((entry.path.to_str()?.to_owned(), (seen.contains(entry.path.as_os_str()), *digest)))
            }
            _ => None,
        };
        Ok(Self {
            tree: trees::open(store, &from, hash)?,
            name: trees::title(&from),
            lock: lock.file.path.clone(),
            at: copy.to.clone(),
            subset: copy.subset.clone(),
            files: listing.entries.iter().filter_map(file).collect(),
        })
    }

    fn sees(&self, path: &str) -> bool {
        self.files.get(path).is_some_and(|(seen, _)| *seen)
    }

    fn folder(&self) -> &str {
        self.lock.rsplit_once('/').map_or("", |(folder, _)| folder)
    }

    /// The settings that uv would find, of the files that the stage sees.
    pub(super) fn settings(&self) -> Result<ClientSettings, EngineError> {
        let mut texts = Vec::new();
        let mut folder = Some(self.folder());
        while let Some(at) = folder {
            for name in ["uv.toml", "pyproject.toml"] {
                let path = below(at, name);
                if at == self.folder() && name == "uv.toml" && self.is_forgotten(&path)? {
                    return Err(self.forgotten(path));
                }
                if self.sees(&path) {
                    texts.push((self.tree.read_to_string(&path)?, path));
                }
            }
            folder = (!at.is_empty()).then(|| at.rsplit_once('/').map_or("", |(parent, _)| parent));
        }
        Ok(ClientSettings::find(texts.iter().map(|(text, path)| (path.as_str(), text.as_str())))?)
    }

    /// Whether the source has a file that the stage does not see, and no `exclude` says so.
    fn is_forgotten(&self, path: &str) -> Result<bool, EngineError> {
        let excluded = Subset { exclude: self.subset.exclude.clone(), ..Subset::default() };
        let matcher = excluded.matcher().map_err(|error| EngineError::Glob(error.to_string()))?;
        Ok(self.files.get(path).is_some_and(|(seen, _)| !seen) && matcher.matches(OsStr::new(path)))
    }

    fn forgotten(&self, path: String) -> EngineError {
        let why = format!("the stage does not see these settings of {}, which decide what uv installs", self.name);
        let entries = vec![Refused { name: path.clone(), why }];
        let advice =
            format!("help: write `{}` in the stage, or name the file in its `exclude`", self.include(vec![path]));
        LockError::Refused { file: self.lock.clone(), entries, advice }.into()
    }

    /// Fails if the stage does not see a package of the source, or if a file has another digest than the lock says.
    pub(super) fn check(&self, selection: &PythonSelection) -> Result<(), EngineError> {
        let files = selection.files.iter().filter_map(|file| Some((&file.name, self.file_problem(file)?)));
        let folders = selection.folders.iter().filter_map(|folder| Some((&folder.name, self.folder_problem(folder)?)));
        let (mut entries, mut missing) = (Vec::new(), Vec::new());
        for (name, (why, pattern)) in files.chain(folders) {
            entries.push(Refused { name: name.to_string(), why });
            missing.extend(pattern);
        }
        if entries.is_empty() {
            return Ok(());
        }
        let advice = match missing.is_empty() {
            true => format!(
                "help: let {} be a folder that has all of them, and name the project's folder in it with `folder`; if a file has changed, write the lock again with `uv lock`",
                self.name
            ),
            false => {
                format!("help: write `{}` in the stage, without an `exclude` that matches them", self.include(missing))
            }
        };
        Err(LockError::Refused { file: self.lock.clone(), entries, advice }.into())
    }

    fn file_problem(&self, file: &LocalFile) -> Option<Problem> {
        let Some(path) = inside(self.folder(), &file.path) else {
            return Some((format!("its file `{}` is outside of {}", file.path, self.name), None));
        };
        let Some((seen, digest)) = self.files.get(&path) else {
            return Some((format!("{} has no file `{path}`", self.name), None));
        };
        if !seen {
            return Some((format!("the stage does not see its file `{path}` of {}", self.name), Some(path)));
        }
        let found = Digest::new(Algo::Sha256, digest).ok();
        let wrong = file.digest.filter(|expected| found.as_ref() != Some(expected));
        wrong.map(|expected| {
            let found = found.map_or_else(|| "another".to_owned(), |found| found.to_string());
            (format!("its file `{path}` of {} has the digest {found}, and the lock says {expected}", self.name), None)
        })
    }

    fn folder_problem(&self, member: &LocalMember) -> Option<Problem> {
        let kind = "it is a local package that is not a workspace member, and";
        let Some(path) = inside(self.folder(), &member.path) else {
            return Some((format!("{kind} its folder `{}` is outside of {}", member.path, self.name), None));
        };
        let code = |file: &str| !DESCRIPTIONS.contains(&file.rsplit('/').next().unwrap_or(file));
        let of_it = || self.files.iter().filter(|(file, _)| in_folder(file, &path));
        if of_it().next().is_none() {
            return Some((format!("{kind} {} has no folder `{path}`", self.name), None));
        }
        let mut hidden = of_it().filter(|(file, _)| code(file)).map(|(_, (seen, _))| !*seen).peekable();
        if hidden.peek().is_some() && hidden.all(|hidden| hidden) {
            let why = format!("{kind} the stage does not see the code in its folder `{path}` of {}", self.name);
            return Some((why, Some(below(&path, "**"))));
        }
        None
    }

    /// The `include` of the stage with further patterns.
    fn include(&self, missing: Vec<String>) -> String {
        let mut patterns = self.subset.include.clone();
        patterns.extend(missing);
        patterns.dedup();
        let quoted: Vec<String> = patterns.iter().map(|pattern| json!(pattern).to_string()).collect();
        format!("include = [{}]", quoted.join(", "))
    }

    /// Files that stand in the stage in place of copies, or beside them: the configuration of uv, projects whose indexes
    /// are the loopback registry, and the list of what is installed.
    pub(super) fn written(
        &self,
        lock: &UvLock,
        settings: &ClientSettings,
        selection: &PythonSelection,
    ) -> Result<Vec<(String, String)>, EngineError> {
        let mut written = vec![
            (format!("{}/uv.toml", lock.helpers), settings.configuration()),
            (format!("{}/selected.json", lock.helpers), selected(selection)),
        ];
        let local = selection.members.iter().filter_map(|member| inside(self.folder(), &member.path));
        let projects: BTreeSet<String> = local.chain([self.folder().to_owned()]).collect();
        for project in projects.iter().map(|folder| below(folder, "pyproject.toml")).filter(|path| self.sees(path)) {
            let text = self.tree.read_to_string(&project)?;
            if let Some(new) = akbuild_registry::rewrite_project(&text, &project, REGISTRY)? {
                written.push((format!("{}/{project}", self.at), new));
            }
        }
        Ok(written)
    }
}

/// What the environment has to hold, as the stage's own programs read it.
fn selected(selection: &PythonSelection) -> String {
    let mut all = Vec::new();
    let certain = |name| !selection.uncertain.contains(name);
    for artifact in &selection.artifacts {
        if let PackageFile::Python(PythonDistribution { name, version, url, index, .. }) = &artifact.what {
            let url = url.as_ref().filter(|_| index.is_none()).map(|url| url.as_str());
            let (sha256, certain) = (artifact.digest.hex(), certain(name));
            all.push(
                json!({ "name": &**name, "version": &**version, "url": url, "sha256": sha256, "certain": certain }),
            );
        }
    }
    for file in &selection.files {
        let version = file.version.as_deref();
        all.push(json!({ "name": &*file.name, "version": version, "certain": certain(&file.name) }));
    }
    for git in &selection.git {
        let version = git.version.as_deref();
        all.push(json!({ "name": &*git.name, "version": version, "certain": certain(&git.name) }));
    }
    for folder in &selection.folders {
        all.push(json!({ "name": &*folder.name, "folder": folder.path, "certain": certain(&folder.name) }));
    }
    format!("{:#}\n", serde_json::Value::Array(all))
}

fn in_folder(file: &str, folder: &str) -> bool {
    folder.is_empty() || file.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'))
}

fn below(folder: &str, name: &str) -> String {
    if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") }
}

/// The path in the source that a path relative to a folder of it means; `None`: it leads out.
fn inside(folder: &str, path: &str) -> Option<String> {
    if path.starts_with('/') || path.contains("://") {
        return None;
    }
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()?),
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

#[cfg(test)]
mod tests;
