//! The interface between the engine and an ecosystem. Must not depend on an ecosystem.

use akbuild_attest::Component;
use akbuild_recipe::plan::{LockReference, Plan};

use crate::bill::contents::ImageContents;
use crate::error::EngineError;
use crate::keys::manifest::Manifest;
use crate::lock_reader::{LockContent, LockReader};

/// The engine's part of an ecosystem.
pub(crate) trait EcosystemSupport {
    /// Reads a lock: the files that it names, and the texts that the stage sees in its place.
    fn read_lock(&self, _reader: &LockReader<'_>, lock: &LockReference) -> Result<LockContent, EngineError> {
        Err(EngineError::Bug(format!("{} is no lock of {}", lock.file().path, lock.ecosystem().label())))
    }

    /// Sets the fields that the `n`th lock of a stage adds to its key, beyond the files that the stage sees.
    fn set_key_fields(&self, _plan: &Plan, _n: usize, _lock: &LockReference, _manifest: &mut Manifest) {}

    /// The packages that ship in an image.
    fn components(&self, image: &ImageContents<'_>) -> Result<Vec<Component>, EngineError>;

    /// Whether [`Self::components`] reads the outputs of all stages that have its locks, and not only of those that ship.
    fn reads_locked_stages(&self) -> bool {
        false
    }
}
