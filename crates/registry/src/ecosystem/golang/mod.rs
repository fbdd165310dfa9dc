//! `go.mod` and `go.sum`: which files of modules `go mod vendor` asks a proxy for.
//!
//! `go.sum` also has lines of modules that are not used any more. Needed are the `go.mod` files of the module graph and the
//! zip files of modules that may have imported packages. Since go 1.17 `go.mod` requires all of those; before, they are
//! the selected versions of the whole graph. Parts of the graph are known only when `go.mod` files of dependencies are
//! here, so a caller asks again with each file that it has got. Knows nothing of networks.

mod configuration;
mod graph;
mod mod_file;
mod proxy;
mod sum_file;
mod version;
mod words;

use std::collections::BTreeSet;

use akbuild_names::{Artifact, GoFileKind, GoModuleFile, GoModulePath, GoModuleVersion, NameError, PackageFile};
use akbuild_nar::Digest;

use crate::LockError;
use crate::error::Refusals;

use graph::ModuleGraph;
pub use graph::{GoModSource, GoModText};
use mod_file::{LineProblem, ModFile, ModuleKey, Replacement};
use sum_file::{SumFile, SumLine};

pub(super) use configuration::CLIENT;
pub(super) use proxy::PROTOCOL;

const AGAIN: &str = "correct it, then run `go mod tidy`";
const WRONG_NAMES: &str = "Find out how these lines came into the file; write it again with `go mod tidy`.";

/// The files that a Go module needs.
#[derive(Debug)]
pub struct GoFileSelection {
    /// The files, `go.mod` files first, each kind sorted by module.
    pub artifacts: Vec<Artifact>,
    /// Those of them that go asks for only if it does not find a package in the modules that `go.mod` requires.
    pub optional: BTreeSet<Digest>,
    /// Whether no further file can turn out to be needed once these are here.
    pub is_complete: bool,
}

/// A parsed `go.mod` with its `go.sum`.
#[derive(Debug)]
pub struct GoLock {
    file: String,
    main: ModFile,
    sums: SumFile,
}

impl GoLock {
    /// Reads both files; `file` is the name of the `go.mod`, for messages.
    pub fn parse(go_mod: &str, go_sum: &str, file: &str) -> Result<Self, LockError> {
        let wrong = |file: String| {
            move |(line, problem): LineProblem| LockError::Syntax { file, line, column: 1, problem, advice: AGAIN }
        };
        let main = ModFile::main(go_mod).map_err(wrong(file.to_owned()))?;
        let sums = SumFile::parse(go_sum).map_err(wrong(sum_name(file)))?;
        Ok(Self { file: file.to_owned(), main, sums })
    }

    /// The folders that stand for modules, as `replace` directives name them.
    pub fn replaced_folders(&self) -> impl Iterator<Item = &str> {
        self.main.folders()
    }

    /// The files that `go mod vendor` may ask for, as far as the `go.mod` files in `source` tell.
    ///
    /// # Errors
    /// [`LockError::Refused`] names all required modules of which `go.sum` has no line, and needed lines whose names cannot
    /// be used.
    pub fn needed_files(&self, source: &GoModSource<'_>) -> Result<GoFileSelection, LockError> {
        self.check_required()?;
        let graph = ModuleGraph::load(&self.main, &self.sums, source);
        let zips = self.zips(&graph);
        let sure: BTreeSet<&ModuleKey> = graph.read.iter().chain(&zips).collect();
        let late = graph.read_late.iter().filter(|module| !sure.contains(module));
        let optional = late.filter_map(|module| Some(self.sums.mods.get(module)?.digest)).collect();
        let mods: BTreeSet<&ModuleKey> = sure.into_iter().chain(&graph.read_late).collect();
        let mods = mods.into_iter().filter_map(|module| Some((module, self.sums.mods.get(module)?)));
        let mut refusals = Refusals::default();
        let mut artifacts = Vec::new();
        let mods = mods.map(|(module, line)| (module, line, true));
        let zips = zips.iter().filter_map(|module| Some((module, self.sums.zips.get(module)?, false)));
        for (module, line, is_mod) in mods.chain(zips) {
            match artifact(module, line, is_mod) {
                Ok(artifact) => artifacts.push(artifact),
                Err(error) => refusals.add(format!("line {}", line.line), error.to_string()),
            }
        }
        let selection = GoFileSelection { artifacts, optional, is_complete: graph.is_complete };
        refusals.check(&sum_name(&self.file), WRONG_NAMES, selection)
    }

    /// Every file that `go.sum` names, needed or not; lines whose names cannot be used are left out.
    pub fn pinned_files(&self) -> impl Iterator<Item = Artifact> {
        let mods = self.sums.mods.iter().map(|(module, line)| artifact(module, line, true));
        let zips = self.sums.zips.iter().map(|(module, line)| artifact(module, line, false));
        mods.chain(zips).filter_map(Result::ok)
    }

    fn check_required(&self) -> Result<(), LockError> {
        let mut refusals = Refusals::default();
        for required in self.main.required.iter().filter(|required| !self.main.excluded.contains(required)) {
            let Some(module) = self.after_replacement(required) else { continue };
            if !self.sums.has(module) {
                refusals
                    .add(format!("{}@{}", module.0, module.1), format!("{} has no line for it", sum_name(&self.file)));
            }
        }
        refusals.check(&self.file, "Write the missing lines with `go mod tidy`, and commit go.sum.", ())
    }

    /// Modules of which packages may be imported, after replacement.
    fn zips(&self, graph: &ModuleGraph) -> BTreeSet<ModuleKey> {
        let is_pruned = self.main.go.as_ref().is_some_and(|go| go.is_pruned());
        let selected: Vec<ModuleKey> = match is_pruned {
            true => {
                let selected = |(path, version): &ModuleKey| {
                    let selected = graph.selected.get(path).unwrap_or(version);
                    [(path.clone(), version.clone()), (path.clone(), selected.clone())]
                };
                self.main.required.iter().flat_map(selected).collect()
            }
            // Which versions are selected is not known before.
            false if !graph.is_complete => Vec::new(),
            false => graph.selected.clone().into_iter().collect(),
        };
        let replaced = selected.iter().filter_map(|module| self.after_replacement(module));
        replaced.filter(|module| self.sums.zips.contains_key(*module)).cloned().collect()
    }

    /// What is downloaded in a module's place; `None`: nothing, as a folder stands for it.
    fn after_replacement<'a>(&'a self, module: &'a ModuleKey) -> Option<&'a ModuleKey> {
        match self.main.replacement(module) {
            Some(Replacement::Folder(_)) => None,
            Some(Replacement::Module(module)) => Some(module),
            None => Some(module),
        }
    }
}

/// The folders that `replace` directives of a `go.mod` name; none if the file cannot be read.
pub fn go_replaced_folders(go_mod: &str) -> Vec<String> {
    ModFile::main(go_mod).map(|file| file.folders().map(str::to_owned).collect()).unwrap_or_default()
}

fn artifact((module, version): &ModuleKey, line: &SumLine, is_mod: bool) -> Result<Artifact, NameError> {
    let (module, version): (GoModulePath, GoModuleVersion) = (module.parse()?, version.parse()?);
    let kind = if is_mod { GoFileKind::Mod } else { GoFileKind::Zip };
    let what = PackageFile::Go(GoModuleFile { kind, module, version });
    Ok(Artifact { digest: line.digest, size: None, what })
}

fn sum_name(go_mod: &str) -> String {
    go_mod.strip_suffix("go.mod").map_or_else(|| format!("{go_mod}: go.sum"), |folder| format!("{folder}go.sum"))
}
