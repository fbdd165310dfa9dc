//! Recipe, lock and overlay: what a person writes, and the plan it resolves to.
//!
//! Written types carry their place in the file and are checked one by one ([`read`],
//! [`read_overlay`], [`Lock::parse`]); [`resolve`] turns all of them into a [`PlanDraft`], which becomes the
//! [`plan::Plan`] that the engine takes as soon as it has sysroots. Knows TOML and what refers to what. Knows no stage kind (those
//! are handed in as [`Kinds`]), no network and no store.

mod error;
mod expand;
mod fields;
mod file;
mod kinds;
mod layers;
mod lock;
mod lock_text;
mod mask;
mod merge;
mod name;
mod order;
mod overlay;
mod pin_error;
mod place;
pub mod plan;
mod plan_draft;
mod program;
mod read;
mod refs;
mod render;
mod resolve;
mod scope;
mod sections;
mod smoke;
mod stale;
mod subset;
mod suggest;
mod value;
mod written;

pub use error::{RecipeError, RecipeErrors};
pub use expand::Vars;
pub use fields::Fields;
pub use file::File;
pub use kinds::Kinds;
pub use lock::{Lock, LockedOrigin, LockedSource, LockedSysroot, LockedTool};
pub use merge::{LockInputs, SourceRequest, SysrootRequest, ToolRequest, Want, lock_inputs};
pub use overlay::{Overlay, OverlayDebian, read_overlay};
pub use pin_error::{OverlayGap, overlay_gaps, wrong_pin};
pub use place::PlaceBelow;
pub use plan_draft::PlanDraft;
pub use program::{Requirement, version_in};
pub use read::read;
pub use render::ErrorPart;
pub use resolve::{Local, draft, resolve};
pub use stale::{LockEntry, Stale, fits as pin_fits, is_current};
pub use subset::SubsetMatcher;
pub use suggest::nearest;
pub use written::{
    Debian, GitRef, Place, Project, ToolSpec, Written, WrittenEdit, WrittenOrigin, WrittenPatch, WrittenSmoke,
    WrittenSource, WrittenSysroot, WrittenTool,
};
