//! Upstream lock files, and the loopback registry that serves what they name.
//!
//! Knows the formats of `package-lock.json`, `uv.lock`, `go.mod` and `go.sum`, and what npm, uv and
//! go ask a registry for. Downloads nothing, and knows of the store only that a digest has a local
//! file.

mod artifact;
mod catalogue;
mod error;
mod golang;
mod index_page;
mod npm;
mod percent;
mod platform;
mod python;
mod route;
mod server;
pub mod simple;

pub use artifact::{Artifact, What};
pub use catalogue::Catalogue;
pub use error::{LockError, Refused};
pub use golang::{GoFileSelection, GoLock, GoModSource, GoModText, go_replaced_folders};
pub use index_page::{IndexLink, LONGEST_INDEX_PAGE, index_links};
pub use npm::{LocalNpmFiles, NPM_LOCK_NAMES, NpmLock, npm_manifest, npm_settings, package_bins};
pub use platform::Platform;
pub use python::{
    BuildChoices, ChoiceProblem, ClientSettings, GitDependency, LocalFile, LocalMember, PythonLock, PythonSelection,
    PythonWant, SourceBuild, Tags, WheelName, rewrite_project,
};
pub use route::{Route, parse_path};
pub use server::{Miss, Server, Upstream};
pub use simple::IndexFile;
