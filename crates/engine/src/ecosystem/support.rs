//! What the engine asks of an ecosystem. Must not depend on one.

use akbuild_attest::Component;
use akbuild_recipe::plan::{LockReference, Plan};

use crate::bill::contents::ImageContents;
use crate::error::EngineError;
use crate::keys::manifest::Manifest;
use crate::lock_reader::{LockContent, LockReader};

/// What the engine knows of an ecosystem.
pub(crate) trait EcosystemSupport {
    /// Reads a lock: the files that it names, and how the stage sees it.
    fn read_lock(&self, _reader: &LockReader<'_>, lock: &LockReference) -> Result<LockContent, EngineError> {
        Err(EngineError::Bug(format!("{} is no lock of {}", lock.file().path, lock.ecosystem().label())))
    }

    /// Sets what the `n`th lock of a stage adds to its key, beyond the files that the stage sees.
    fn set_key_fields(&self, _plan: &Plan, _n: usize, _lock: &LockReference, _manifest: &mut Manifest) {}

    /// The packages that ship in an image.
    fn components(&self, image: &ImageContents<'_>) -> Result<Vec<Component>, EngineError>;

    /// Whether what ships is told by the outputs of the stages that have its locks, also where they do not ship themselves.
    fn is_told_by_outputs(&self) -> bool {
        false
    }
}
