//! How an image is launched: a process of it becomes a sandbox.
//!
//! [`ImageProcess`] is the one definition of what such a process gets: its arguments, environment, user and working
//! folder, as a container runtime gives them. Two kinds of images are launched by it. An [`UnpackedImage`] was packed
//! and is unpacked again, for a smoke test. An [`AssembledImage`] is not packed: its tree is mounted over its sysroot,
//! for `akbuild run`.
//!
//! Knows images, folders and mounts. Must not depend on stores, stages or terminals: it is given folders, and returns
//! a sandbox that the caller starts.

#![cfg_attr(test, allow(clippy::disallowed_methods, reason = "tests make the trees that they look at"))]

mod assembled;
mod error;
mod files;
mod parts;
mod process;
mod sysroot;
mod unpacked;

pub use assembled::{AssembledImage, LaunchOptions};
pub use error::{LaunchError, LaunchProblem};
pub use process::ImageProcess;
pub use sysroot::{DEFAULT_PATH, MountedSysroot};
pub use unpacked::{ProcessSetup, UnpackedImage};
