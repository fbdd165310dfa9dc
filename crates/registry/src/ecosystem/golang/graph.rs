//! The module graph: which `go.mod` files the go command reads, and which version of each module it selects.
//!
//! Follows `readModGraph` of the go command. The graph is pruned where a module's `go.mod` says go 1.17 or later: then its
//! requirements are nodes of the graph, but their `go.mod` files are not read. Files that are not here yet end the walk
//! at that place, and the graph is incomplete.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use akbuild_nar::Digest;

use super::mod_file::{ModFile, ModuleKey, Replacement};
use super::sum_file::SumFile;
use super::version::compare;

/// A `go.mod` that decides which further files are needed.
#[derive(Clone, Copy, Debug)]
pub enum GoModText<'a> {
    /// That of a module, by the digest in `go.sum`.
    Pinned(&'a Digest),
    /// That in a folder that stands for a module, relative to the folder of the main `go.mod`.
    Folder(&'a str),
}

/// Gives the text of a `go.mod`; `None` if it is not here.
pub type GoModSource<'a> = dyn Fn(GoModText<'_>) -> Option<String> + 'a;

/// The graph as far as it is known.
#[derive(Debug)]
pub(super) struct ModuleGraph {
    /// Modules whose `go.mod` is read in any case, after replacement, and which `go.sum` has a hash of.
    pub(super) read: BTreeSet<ModuleKey>,
    /// Others, whose `go.mod` is read only if something is not found in the modules that the main module requires.
    pub(super) read_late: BTreeSet<ModuleKey>,
    /// The highest required version of each module.
    pub(super) selected: BTreeMap<String, String>,
    /// Whether every file that decides the graph was here.
    pub(super) is_complete: bool,
}

/// A module to look at.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct GraphStep {
    module: ModuleKey,
    /// Whether the requirements of its requirements count.
    is_unpruned: bool,
    /// Whether its `go.mod` is read in any case.
    is_sure: bool,
}

impl ModuleGraph {
    pub(super) fn load(main: &ModFile, sums: &SumFile, source: &GoModSource<'_>) -> Self {
        let mut graph =
            Self { read: BTreeSet::new(), read_late: BTreeSet::new(), selected: BTreeMap::new(), is_complete: true };
        let is_unpruned = !main.go.as_ref().is_some_and(|go| go.is_pruned());
        let mut seen: BTreeSet<GraphStep> = BTreeSet::new();
        let mut queue: VecDeque<GraphStep> = VecDeque::new();
        for root in main.required.iter().filter(|root| !main.excluded.contains(root)) {
            graph.select(root);
            queue.push_back(GraphStep { module: root.clone(), is_unpruned, is_sure: true });
        }
        while let Some(step) = queue.pop_front() {
            if !seen.insert(step.clone()) {
                continue;
            }
            let Some(file) = graph.file_of(&step, main, sums, source) else { continue };
            let is_deep = step.is_unpruned || !file.go.as_ref().is_some_and(|go| go.is_pruned());
            for module in file.required.iter().filter(|required| !main.excluded.contains(required)) {
                graph.select(module);
                if is_deep {
                    queue.push_back(GraphStep { module: module.clone(), is_unpruned: true, is_sure: is_unpruned });
                }
            }
        }
        graph
    }

    fn select(&mut self, (path, version): &ModuleKey) {
        let selected = self.selected.entry(path.clone()).or_insert_with(|| version.clone());
        if compare(version, selected).is_gt() {
            version.clone_into(selected);
        }
    }

    /// The `go.mod` of a module or of what stands for it; `None` if it is not here, or cannot be read.
    fn file_of(
        &mut self,
        step: &GraphStep,
        main: &ModFile,
        sums: &SumFile,
        source: &GoModSource<'_>,
    ) -> Option<ModFile> {
        let module = match main.replacement(&step.module) {
            Some(Replacement::Folder(folder)) => return ModFile::dependency(&source(GoModText::Folder(folder))?).ok(),
            Some(Replacement::Module(module)) => module,
            None => &step.module,
        };
        let line = sums.mods.get(module)?;
        // Those that are read in any case come first.
        if step.is_sure {
            self.read.insert(module.clone());
        } else if !self.read.contains(module) {
            self.read_late.insert(module.clone());
        }
        let text = source(GoModText::Pinned(&line.digest));
        self.is_complete &= text.is_some();
        // go itself stops at a `go.mod` that it cannot read, and says why.
        ModFile::dependency(&text?).ok()
    }
}
