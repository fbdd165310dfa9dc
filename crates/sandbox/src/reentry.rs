//! How this program knows that it was started again as a sandbox's helper, and whether it looks.

use std::sync::atomic::AtomicBool;

/// The first argument that makes this program the helper.
pub(crate) const MARKER: &str = "akbuild-sandbox";

/// Whether `helper_entry` has been passed: a program without it would start over and over again.
pub(crate) static PREPARED: AtomicBool = AtomicBool::new(false);
