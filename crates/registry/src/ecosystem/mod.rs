//! The ecosystems whose packages the loopback registry serves: a folder for each, with its lock reader, and with the paths
//! and pages of its registry. This is the table.

mod golang;
mod npm;
mod python;

use std::fmt;

use crate::protocol::RegistryProtocol;
use crate::requested_path::RequestedPath;

pub use golang::{GoFileSelection, GoLock, GoModSource, GoModText, go_replaced_folders};
pub use npm::{LocalNpmFiles, NPM_LOCK_NAMES, NpmLock, Platform, npm_manifest, npm_settings, package_bins};
pub use python::{
    BuildChoices, ChoiceProblem, ClientSettings, GitDependency, IndexFile, IndexLink, LONGEST_INDEX_PAGE, LocalFile,
    LocalMember, PythonLock, PythonSelection, PythonWant, SourceBuild, Tags, WheelName, index_links, rewrite_project,
    simple,
};

/// The protocols, in no particular order.
pub(crate) static PROTOCOLS: [RegistryProtocol; 3] = [npm::PROTOCOL, python::PROTOCOL, golang::PROTOCOL];

/// What the path of a request asks for, in a form for messages; `None` if it is not understood.
pub fn parse_path(target: &str) -> Option<Box<dyn fmt::Debug>> {
    let path = RequestedPath::parse(target)?;
    (PROTOCOLS.iter().find(|protocol| protocol.folder == path.folder())?.route)(&path)
}
