//! Locking: pins everything that a recipe and upstream's own locks leave open, so that a build reads nothing that can
//! change. A pin that still fits stays as it is, unless the caller asks for it anew.
//!
//! [`LockAttempt`] takes the steps in order: the recipe and its stages are checked, then come sources and everything that
//! can be said of stages from them alone; sysroots; tools; and last the build requirements of source distributions, which
//! are found by building those in the sandbox with everything else pinned. The caller's [`LockHost`] writes the lock after
//! each step, so that the next attempt goes on where one failed.
//!
//! This crate must not depend on the command line: [`LockEvent`] carries facts, and the caller words them.

mod attempt;
mod build_requirements;
mod error;
mod event;
mod host;
mod input;
mod recorder;
mod source_pin;
mod sysroot_pins;
mod tool_pin;

pub use attempt::LockAttempt;
pub use error::{LockError, ToolPinError};
pub use event::LockEvent;
pub use host::LockHost;
pub use input::{LockInput, LockStep, RenewedPins};
