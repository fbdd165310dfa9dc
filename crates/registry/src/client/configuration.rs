//! A client whose configuration names mirrors: each ecosystem's own file makes one [`ClientConfiguration`]. Must not depend on a variable, a file or an address.

use std::collections::BTreeMap;

use akbuild_names::Ecosystem;

use super::error::ConfigurationError;
use super::machine::Machine;
use super::secret::AuthRule;

/// A written address and where it stands.
pub type ConfiguredAddress = (String, String);

/// How an ecosystem's client is configured, and how to ask it for its default.
#[derive(Debug)]
pub struct ClientConfiguration {
    /// The ecosystem.
    pub ecosystem: Ecosystem,
    /// Reads variables and files.
    pub read: fn(&Machine) -> Result<ConfiguredRegistries, ConfigurationError>,
    /// The addresses in the text of a default.
    pub split: fn(&str) -> Vec<&str>,
    /// The client that knows a default where nothing configures one.
    pub client: Option<RegistryClient>,
}

/// What a client's variables and files say.
#[derive(Debug, Default)]
pub struct ConfiguredRegistries {
    /// The registry of all packages. Where there is none, the client is asked.
    pub default: Option<ConfiguredAddress>,
    /// Registries to try after it.
    pub extra: Vec<ConfiguredAddress>,
    /// Registries of single npm scopes.
    pub scopes: BTreeMap<String, ConfiguredAddress>,
    /// Secrets.
    pub auth: Vec<AuthRule>,
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

/// A default that is one address.
pub(crate) fn one_address(text: &str) -> Vec<&str> {
    vec![text]
}
