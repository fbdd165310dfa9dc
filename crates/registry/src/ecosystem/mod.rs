//! The ecosystems: a folder for each, with its lock reader, with the paths
//! and pages of its registry, and with the configuration of its client. This is the table.

mod debian;
mod golang;
mod npm;
mod python;

use std::fmt;

use akbuild_names::Ecosystem;

use crate::client::configuration::{ClientConfiguration, RegistryClient};
use crate::protocol::RegistryProtocol;
use crate::requested_path::RequestedPath;

pub use golang::{GoFileSelection, GoLock, GoModSource, GoModText, go_replaced_folders};
pub use npm::{
    LocalNpmFiles, NPM_LOCK_NAMES, NpmLock, Platform, ShippedNpmError, ShippedNpmPackage, npm_manifest, npm_settings,
    package_bins,
};
pub use python::{
    BuildChoices, ChoiceProblem, ClientSettings, GitDependency, IndexFile, IndexLink, LONGEST_INDEX_PAGE, LocalFile,
    LocalMember, PythonLock, PythonSelection, PythonWant, SourceBuild, Tags, WheelName, index_links, rewrite_project,
    simple,
};

/// The protocols, in no particular order.
pub(crate) static PROTOCOLS: [RegistryProtocol; 3] = [npm::PROTOCOL, python::PROTOCOL, golang::PROTOCOL];

impl ClientConfiguration {
    /// All clients, in the order of [`Ecosystem::ALL`].
    pub const ALL: [Self; Ecosystem::ALL.len()] = [npm::CLIENT, python::CLIENT, golang::CLIENT, debian::CLIENT];
}

/// The client that can be asked for an ecosystem's default registry.
pub fn registry_client(ecosystem: Ecosystem) -> Option<RegistryClient> {
    ClientConfiguration::ALL.into_iter().find(|configuration| configuration.ecosystem == ecosystem)?.client
}

/// Parses the path of a request, for messages and tests; `None` if no protocol has such a path.
pub fn parse_path(target: &str) -> Option<Box<dyn fmt::Debug>> {
    let path = RequestedPath::parse(target)?;
    (PROTOCOLS.iter().find(|protocol| protocol.folder == path.folder())?.route)(&path)
}
