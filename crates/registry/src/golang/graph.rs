//! The module graph: which `go.mod` files the go command reads, and which version of each module it selects.
//!
//! Follows `readModGraph` of the go command. The graph is pruned where a module's `go.mod` says go 1.17 or later: then its
//! requirements are nodes of the graph, but their `go.mod` files are not read. Files that are not here yet end the walk
//! at that place, and the graph is incomplete.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::mod_file::{ModFile, ModuleKey, Replacement};
use super::sum_file::SumFile;
use super::version::compare;
use super::{GoModSource, GoModText};

/// The graph as far as it is known.
#[derive(Debug)]
pub(super) struct ModuleGraph {
    /// Modules whose `go.mod` is read, after replacement, and which `go.sum` has a hash of.
    pub(super) read: BTreeSet<ModuleKey>,
    /// The highest required version of each module.
    pub(super) selected: BTreeMap<String, String>,
    /// Whether every file that decides the graph was here.
    pub(super) is_complete: bool,
}

/// A module to look at, and whether the requirements of its requirements count.
type Step = (ModuleKey, bool);

impl ModuleGraph {
    pub(super) fn load(main: &ModFile, sums: &SumFile, source: &GoModSource<'_>) -> Self {
        let mut graph = Self { read: BTreeSet::new(), selected: BTreeMap::new(), is_complete: true };
        let is_unpruned = !main.go.as_ref().is_some_and(|go| go.is_pruned());
        let mut seen: BTreeSet<Step> = BTreeSet::new();
        let mut queue: VecDeque<Step> = VecDeque::new();
        let roots = main.required.iter().filter(|root| !main.excluded.contains(root));
        roots.for_each(|root| {
            graph.select(root);
            queue.push_back((root.clone(), is_unpruned));
        });
        while let Some(step) = queue.pop_front() {
            if !seen.insert(step.clone()) {
                continue;
            }
            let (module, unpruned) = step;
            let Some(file) = graph.file_of(&module, main, sums, source) else { continue };
            let deep = unpruned || !file.go.as_ref().is_some_and(|go| go.is_pruned());
            for required in file.required.iter().filter(|required| !main.excluded.contains(required)) {
                graph.select(required);
                if deep {
                    queue.push_back((required.clone(), deep));
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
        module: &ModuleKey,
        main: &ModFile,
        sums: &SumFile,
        source: &GoModSource<'_>,
    ) -> Option<ModFile> {
        let module = match main.replacement(module) {
            Some(Replacement::Folder(folder)) => return ModFile::dependency(&source(GoModText::Folder(folder))?).ok(),
            Some(Replacement::Module(module)) => module,
            None => module,
        };
        let line = sums.mods.get(module)?;
        self.read.insert(module.clone());
        let text = source(GoModText::Pinned(&line.digest));
        self.is_complete &= text.is_some();
        // go itself stops at a `go.mod` that it cannot read, and says why.
        ModFile::dependency(&text?).ok()
    }
}
