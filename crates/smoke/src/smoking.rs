//! A smoke test as a value: what is to be done, and what is told meanwhile. Knows neither the order in which things
//! happen nor how.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;

use akbuild_launch::UnpackedImage;
use akbuild_recipe::plan::{Smoke, SysrootId};
use akbuild_sandbox::Spec;
use tokio::runtime::Handle;

use crate::SmokeError;
use crate::report::Done;

/// Makes the sandbox of a script in a sysroot, with these variables.
type Scripts<'a> = &'a dyn Fn(&SysrootId, &str, &BTreeMap<String, String>) -> Result<Spec, SmokeError>;

/// What happens.
#[derive(Clone, Copy, Debug)]
pub enum Event<'a> {
    /// Something is begun that may take a while.
    Begin(&'a str),
    /// It went well.
    Done(&'a Done),
}

/// What it takes to make a smoke test.
pub struct Smoking<'a> {
    /// What is to be done.
    pub plan: &'a Smoke,
    /// The image.
    pub image: &'a UnpackedImage,
    /// An image that makes the database first, as the one that ran before this one.
    pub previous: Option<&'a UnpackedImage>,
    /// An empty folder for what is written.
    pub scratch: &'a Path,
    /// The sandbox of a script in a sysroot.
    pub script: Scripts<'a>,
    /// A new log.
    pub log: &'a dyn Fn(&str) -> Result<File, SmokeError>,
    /// Is told what happens.
    pub event: &'a dyn Fn(Event<'_>),
    /// Whether to go on.
    pub go_on: &'a dyn Fn() -> bool,
    /// Where connections are passed on.
    pub runtime: Handle,
}
