//! Go's configuration: `GOPROXY`, in the environment or in the file that `go env -w` writes.

use std::path::PathBuf;

use akbuild_names::Ecosystem;

use crate::client::configuration::{ClientConfiguration, ConfiguredAddress, ConfiguredRegistries, RegistryClient};
use crate::client::error::ConfigurationError;
use crate::client::machine::{Machine, read_optional};

pub(crate) const CLIENT: ClientConfiguration = ClientConfiguration {
    ecosystem: Ecosystem::Go,
    read,
    split,
    client: Some(RegistryClient { label: "go", program: "go", command: "go env GOPROXY", debian_env: "" }),
};

fn read(machine: &Machine) -> Result<ConfiguredRegistries, ConfigurationError> {
    Ok(ConfiguredRegistries { default: list(machine)?, ..ConfiguredRegistries::default() })
}

/// The list, and where it stands.
fn list(machine: &Machine) -> Result<Option<ConfiguredAddress>, ConfigurationError> {
    if let Some(list) = machine.env("GOPROXY") {
        return Ok(Some((list.to_owned(), "GOPROXY".to_owned())));
    }
    let (path, shown) = match machine.env("GOENV") {
        Some("off") => return Ok(None),
        Some(file) => (PathBuf::from(file), file.to_owned()),
        None => match machine.config_home() {
            Some(config) => (config.join("go/env"), "~/.config/go/env".to_owned()),
            None => return Ok(None),
        },
    };
    let Some(text) = read_optional(&path)? else { return Ok(None) };
    let value = text.lines().rev().find_map(|line| line.trim().strip_prefix("GOPROXY="));
    Ok(value.map(|v| v.trim().trim_matches('"')).filter(|v| !v.is_empty()).map(|v| (v.to_owned(), shown)))
}

/// The addresses in a list; `direct` is passed over and `off` ends it.
fn split(list: &str) -> Vec<&str> {
    let words = list.split([',', '|']).map(str::trim).take_while(|w| *w != "off");
    words.filter(|w| !w.is_empty() && *w != "direct").collect()
}
