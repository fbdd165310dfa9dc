//! The seam between the engine and the places that keep outputs: [`OutputBackend`].
//!
//! A backend answers three questions: is there an action for this key, is its tree here, and can the tree be brought
//! here. The local [`Store`] is the first backend. Another one, such as a remote cache, implements the same trait, and
//! [`crate::OutputLayers`] asks it for what the local store does not have. The engine knows only the layers.
//!
//! Contract:
//! - All questions take batches, so that a backend needs one round trip for each batch. Answers have the order of the
//!   questions and their number.
//! - "No" is an answer, not an error: an error ([`StoreError::Backend`]) says that the backend itself cannot be asked.
//!   An error of the local store ends the run; any other backend is not asked again in the run, and its nodes run here.
//! - Answers are claims. A tree counts as here only after the local store hashed it, so a backend that lies costs time
//!   and never gives a wrong output: the node runs.
//! - Calls block, also on threads of the engine's runtime. A backend that talks to a network brings a runtime or threads
//!   of its own; `Handle::block_on` panics there.
//!
//! This module must not depend on how a backend stores anything, or on what a stage is.

use akbuild_nar::{Listing, TreeHash};

use crate::{Action, ActionOutput, Key, Store, StoreError};

/// Where a tree is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TreeLocation {
    /// In the local store, and whole.
    Here,
    /// Not in the local store; a backend says that it can bring it.
    Elsewhere,
    /// No backend has it.
    Nowhere,
}

/// A place that keeps outputs and the actions that made them.
pub trait OutputBackend: Send + Sync {
    /// The backend's name in messages.
    fn name(&self) -> &str;

    /// The action of each key, if the backend knows one. Its tree may be gone.
    ///
    /// # Errors
    /// The backend cannot be asked.
    fn find_actions(&self, keys: &[Key]) -> Result<Vec<Option<Action>>, StoreError>;

    /// The same in short, where that is less work.
    ///
    /// # Errors
    /// The backend cannot be asked.
    fn find_outputs(&self, keys: &[Key]) -> Result<Vec<Option<ActionOutput>>, StoreError> {
        Ok(self.find_actions(keys)?.iter().map(|action| action.as_ref().map(Action::in_short)).collect())
    }

    /// Where each tree is, as far as the backend knows.
    ///
    /// # Errors
    /// The backend cannot be asked.
    fn locate_trees(&self, trees: &[TreeHash]) -> Result<Vec<TreeLocation>, StoreError>;

    /// The entries of a tree, without its files being brought. `None` if the backend does not have them.
    ///
    /// # Errors
    /// The backend cannot be asked.
    fn read_listing(&self, tree: &TreeHash) -> Result<Option<Listing>, StoreError>;

    /// Brings trees into the local store, with [`Store::publish`] and the hash that is expected. Says for each tree
    /// whether it is there now: `false` if the backend does not have it, lost it, or has other bytes.
    ///
    /// # Errors
    /// The backend cannot be asked, or the local store cannot be written to.
    fn bring_trees(&self, trees: &[TreeHash], into: &Store) -> Result<Vec<bool>, StoreError>;
}

impl OutputBackend for Store {
    fn name(&self) -> &str {
        "local"
    }

    fn find_actions(&self, keys: &[Key]) -> Result<Vec<Option<Action>>, StoreError> {
        self.read_records(keys)
    }

    fn find_outputs(&self, keys: &[Key]) -> Result<Vec<Option<ActionOutput>>, StoreError> {
        self.action_outputs(keys)
    }

    fn locate_trees(&self, trees: &[TreeHash]) -> Result<Vec<TreeLocation>, StoreError> {
        let location = |is_here| if is_here { TreeLocation::Here } else { TreeLocation::Nowhere };
        Ok(self.has_trees(trees).into_iter().map(location).collect())
    }

    fn read_listing(&self, tree: &TreeHash) -> Result<Option<Listing>, StoreError> {
        match self.listing(tree) {
            Err(StoreError::NoTree { .. }) => Ok(None),
            listing => Ok(Some(listing?)),
        }
    }

    /// The trees that the local store has are here already; it cannot bring any other.
    fn bring_trees(&self, trees: &[TreeHash], _: &Store) -> Result<Vec<bool>, StoreError> {
        Ok(self.has_trees(trees))
    }
}
