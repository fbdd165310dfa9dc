//! The backends of a run in the order in which they are asked: the local store, then the others.
//!
//! A backend is asked only for what none before it has, so nothing but the local store is asked while it has everything.
//! A backend that fails is reported once and not asked again in the run. A tree that a backend promised and did not bring
//! is not expected from it again. Must not depend on what a backend is, or on what the outputs are for.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use akbuild_nar::{Listing, TreeHash};

use crate::backend::{OutputBackend, TreeLocation};
use crate::{Action, ActionOutput, Key, Store, StoreError};

/// Receives the name and the error of a backend that is not asked any more.
pub type BackendReport = dyn Fn(&str, &StoreError) + Send + Sync;

/// The local store, and the backends behind it.
pub struct OutputLayers {
    local: Store,
    others: Vec<FarLayer>,
    /// Trees that were promised and not brought.
    lost: Mutex<HashSet<TreeHash>>,
    report: Box<BackendReport>,
}

/// A backend that is not the local store, and whether it is still asked.
struct FarLayer {
    backend: Arc<dyn OutputBackend>,
    is_off: AtomicBool,
}

impl OutputLayers {
    /// The local store with `others` behind it, the first of which is asked first.
    pub fn new(local: Store, others: Vec<Arc<dyn OutputBackend>>, report: Box<BackendReport>) -> Self {
        let layer = |backend| FarLayer { backend, is_off: AtomicBool::new(false) };
        Self { local, others: others.into_iter().map(layer).collect(), lost: Mutex::default(), report }
    }

    /// The local store.
    pub fn local(&self) -> &Store {
        &self.local
    }

    /// The output of one key.
    ///
    /// # Errors
    /// The local store cannot be read.
    pub fn find_output(&self, key: &Key) -> Result<Option<ActionOutput>, StoreError> {
        Ok(self.find_outputs(std::slice::from_ref(key))?.pop().flatten())
    }

    /// Where one tree is.
    ///
    /// # Errors
    /// The local store cannot be read.
    pub fn locate_tree(&self, tree: &TreeHash) -> Result<TreeLocation, StoreError> {
        Ok(self.locate_trees(std::slice::from_ref(tree))?.pop().unwrap_or(TreeLocation::Nowhere))
    }

    /// The entries of a tree that is here or elsewhere.
    ///
    /// # Errors
    /// [`StoreError::NoTree`] if no backend has it.
    pub fn listing(&self, tree: &TreeHash) -> Result<Listing, StoreError> {
        self.read_listing(tree)?.ok_or(StoreError::NoTree { hash: *tree })
    }

    /// Brings one tree into the local store, if it is not there. Says whether it is there now.
    ///
    /// # Errors
    /// The local store cannot be read or written to.
    pub fn bring_tree(&self, tree: &TreeHash) -> Result<bool, StoreError> {
        Ok(self.bring_trees(std::slice::from_ref(tree), &self.local)?.pop().unwrap_or(false))
    }

    /// Records actions of another backend here, so that the next run finds them without it. Paths and builds of their
    /// records are those of another home, and so may be their lists of downloads.
    fn adopt<'a>(&self, actions: impl Iterator<Item = &'a Action>) -> Result<(), StoreError> {
        for action in actions.filter(|_| self.local.is_writable()) {
            let artifacts = match action.artifacts {
                Some(list) if self.local.artifacts(&list)?.is_some() => Some(list),
                _ => None,
            };
            self.local.record_action(&Action { log: None, build: None, artifacts, ..action.clone() })?;
        }
        Ok(())
    }

    /// What the other backends know of keys that are unknown here. It is recorded here.
    fn find_elsewhere(&self, keys: &[Key]) -> Result<Vec<Option<Action>>, StoreError> {
        let found = self.complete(
            keys,
            vec![None; keys.len()],
            |_, action| action.is_none(),
            |far, keys| {
                let is_of = |key: &Key, action: &Action| action.key == *key;
                let actions = keys.iter().zip(far.find_actions(keys)?);
                Ok(actions.map(|(key, action)| action.filter(|action| is_of(key, action))).collect())
            },
        );
        self.adopt(found.iter().flatten())?;
        Ok(found)
    }

    /// Puts what other backends know into the places of the keys that are unknown here.
    fn fill<T>(
        &self,
        keys: &[Key],
        mut here: Vec<Option<T>>,
        part: impl Fn(&Action) -> T,
    ) -> Result<Vec<Option<T>>, StoreError> {
        if self.others.is_empty() {
            return Ok(here);
        }
        let open: Vec<usize> = (0..keys.len()).filter(|at| here[*at].is_none()).collect();
        let unknown: Vec<Key> = open.iter().map(|at| keys[*at]).collect();
        for (at, action) in open.into_iter().zip(self.find_elsewhere(&unknown)?) {
            here[at] = action.as_ref().map(&part);
        }
        Ok(here)
    }

    fn switch_off(&self, layer: &FarLayer, error: &StoreError) {
        if !layer.is_off.swap(true, Ordering::Relaxed) {
            (self.report)(layer.backend.name(), error);
        }
    }

    /// Completes the local answers: the backends are asked in turn for what is still open.
    fn complete<Q: Copy, A>(
        &self,
        questions: &[Q],
        mut answers: Vec<A>,
        is_open: impl Fn(&Q, &A) -> bool,
        question: impl Fn(&dyn OutputBackend, &[Q]) -> Result<Vec<A>, StoreError>,
    ) -> Vec<A> {
        for layer in &self.others {
            let places = 0..questions.len();
            let open: Vec<usize> = places.filter(|at| is_open(&questions[*at], &answers[*at])).collect();
            if open.is_empty() {
                break;
            }
            if layer.is_off.load(Ordering::Relaxed) {
                continue;
            }
            let asked: Vec<Q> = open.iter().map(|at| questions[*at]).collect();
            match question(&*layer.backend, &asked) {
                Ok(found) => open.into_iter().zip(found).for_each(|(at, answer)| answers[at] = answer),
                Err(error) => self.switch_off(layer, &error),
            }
        }
        answers
    }

    fn lost(&self) -> MutexGuard<'_, HashSet<TreeHash>> {
        self.lost.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

impl From<Store> for OutputLayers {
    /// Nothing but the local store.
    fn from(local: Store) -> Self {
        Self::new(local, Vec::new(), Box::new(|_, _| ()))
    }
}

impl OutputBackend for OutputLayers {
    fn name(&self) -> &str {
        self.local.name()
    }

    fn find_actions(&self, keys: &[Key]) -> Result<Vec<Option<Action>>, StoreError> {
        let here = self.local.find_actions(keys)?;
        self.fill(keys, here, Action::clone)
    }

    fn find_outputs(&self, keys: &[Key]) -> Result<Vec<Option<ActionOutput>>, StoreError> {
        let here = self.local.find_outputs(keys)?;
        self.fill(keys, here, |action| action.in_short())
    }

    fn locate_trees(&self, trees: &[TreeHash]) -> Result<Vec<TreeLocation>, StoreError> {
        let here = self.local.locate_trees(trees)?;
        let is_open = |tree: &TreeHash, at: &TreeLocation| *at == TreeLocation::Nowhere && !self.lost().contains(tree);
        let located = |far: &dyn OutputBackend, trees: &[TreeHash]| {
            let elsewhere = |at| if at == TreeLocation::Nowhere { at } else { TreeLocation::Elsewhere };
            Ok(far.locate_trees(trees)?.into_iter().map(elsewhere).collect())
        };
        Ok(self.complete(trees, here, is_open, located))
    }

    fn read_listing(&self, tree: &TreeHash) -> Result<Option<Listing>, StoreError> {
        let here = self.local.read_listing(tree)?;
        let found = self.complete(
            std::slice::from_ref(tree),
            vec![here],
            |_, listing| listing.is_none(),
            |far, trees| trees.iter().map(|tree| far.read_listing(tree)).collect(),
        );
        Ok(found.into_iter().flatten().next())
    }

    fn bring_trees(&self, trees: &[TreeHash], into: &Store) -> Result<Vec<bool>, StoreError> {
        let here = self.local.has_trees(trees);
        if self.others.is_empty() || !self.local.is_writable() {
            return Ok(here);
        }
        let is_open = |tree: &TreeHash, is_here: &bool| !is_here && !self.lost().contains(tree);
        let brought = self.complete(trees, here, is_open, |far, trees| {
            // What a backend says that it brought is looked for.
            far.bring_trees(trees, into)?;
            Ok(into.has_trees(trees))
        });
        self.lost().extend(trees.iter().zip(&brought).filter(|(_, brought)| !**brought).map(|(tree, _)| tree));
        Ok(brought)
    }
}
