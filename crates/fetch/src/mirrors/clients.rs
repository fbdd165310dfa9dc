//! The table of the clients whose configuration names mirrors: one row for each ecosystem, made in the ecosystem's own
//! file. Knows no variable, no file and no address.

use std::collections::BTreeMap;

use akbuild_names::Ecosystem;

use super::{Machine, Written, apt, golang, npmrc, python};
use crate::FetchError;
use crate::auth::AuthRule;

/// How an ecosystem's client is configured, and how to ask it for its default.
pub(super) struct ClientConfiguration {
    pub(super) ecosystem: Ecosystem,
    /// Reads variables and files.
    pub(super) read: fn(&Machine) -> Result<ConfiguredRegistries, FetchError>,
    /// The addresses in the text of a default.
    pub(super) split: fn(&str) -> Vec<&str>,
    /// The client that knows a default where nothing configures one.
    pub(super) client: Option<RegistryClient>,
}

/// What a client's variables and files say.
#[derive(Default)]
pub(super) struct ConfiguredRegistries {
    /// The registry of all packages. Where there is none, the client is asked.
    pub(super) default: Option<Written>,
    /// Registries to try after it.
    pub(super) extra: Vec<Written>,
    /// Registries of single npm scopes.
    pub(super) scopes: BTreeMap<String, Written>,
    /// Secrets.
    pub(super) auth: Vec<AuthRule>,
}

/// A client program that knows a default registry by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RegistryClient {
    /// Its name in messages.
    pub label: &'static str,
    /// The program that must be there.
    pub program: &'static str,
    /// The shell command that prints the address.
    pub command: &'static str,
    /// Assignments before the command where Debian's packages are installed.
    pub debian_env: &'static str,
}

/// All clients, in the order of [`Ecosystem::ALL`].
pub(super) const CLIENTS: [ClientConfiguration; Ecosystem::ALL.len()] =
    [npmrc::CLIENT, python::CLIENT, golang::CLIENT, apt::CLIENT];

/// The client that can be asked for an ecosystem's default registry.
pub fn registry_client(ecosystem: Ecosystem) -> Option<RegistryClient> {
    CLIENTS.into_iter().find(|configuration| configuration.ecosystem == ecosystem)?.client
}

/// A default that is one address.
pub(super) fn one_address(text: &str) -> Vec<&str> {
    vec![text]
}
