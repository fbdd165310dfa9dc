//! The events of locking, for whoever shows progress. Must not depend on how they are worded.

use akbuild_recipe::ToolSpec;
use akbuild_recipe::plan::{SourceId, ToolId};

/// One event of an attempt to lock.
#[derive(Debug, Clone, Copy)]
pub enum LockEvent<'a> {
    /// A source is fetched whose commit or archive only the overlay pins, to find its hash.
    OverlaySource(&'a SourceId),
    /// A source is fetched to be pinned.
    Source(&'a SourceId),
    /// The suites are read, and the packages of sysroots resolved.
    Sysroots,
    /// The state of a suite that sysroots were resolved with.
    Suite {
        /// Its name, such as `forky`.
        suite: &'a str,
        /// The date of its `Release` file, as written there.
        date: &'a str,
        /// The fingerprint of the key that signed it.
        signed_by: &'a str,
    },
    /// A tool is looked up in its registry.
    Tool {
        /// Its name in the recipe.
        id: &'a ToolId,
        /// The package and version that the recipe asks for.
        spec: &'a ToolSpec,
    },
    /// Source distributions are built, to find their build requirements.
    BuildRequirements,
    /// The build requirements that are pinned of these projects do not fit any more; they are pinned anew.
    UnfitPins(&'a [String]),
    /// Something that the user should know, and that stops nothing.
    Warning(&'a str),
}
