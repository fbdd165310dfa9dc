//! npm's configuration (npmrc(5)). Knows its keys and how npm orders its sources.

use std::collections::BTreeMap;
use std::path::PathBuf;

use akbuild_names::Ecosystem;
use data_encoding::BASE64;

use crate::client::configuration::{ClientConfiguration, ConfiguredRegistries, RegistryClient, one_address};
use crate::client::error::ConfigurationError;
use crate::client::ini;
use crate::client::machine::{Machine, read_optional};
use crate::client::secret::{AuthRule, Secret};

pub(crate) const CLIENT: ClientConfiguration = ClientConfiguration {
    ecosystem: Ecosystem::Npm,
    read,
    split: one_address,
    client: Some(RegistryClient { label: "npm", program: "npm", command: "npm config get registry", debian_env: "" }),
};

/// Variables, then the project's file, the person's, the machine's; of each key the first wins.
fn read(machine: &Machine) -> Result<ConfiguredRegistries, ConfigurationError> {
    let mut npm = ConfiguredRegistries::default();
    let mut passwords = Passwords::default();
    for (name, value) in &machine.env {
        if name.len() > 11 && name[..11].eq_ignore_ascii_case("npm_config_") && !value.is_empty() {
            npm.set(&name[11..].to_lowercase(), value, name, &mut passwords);
        }
    }
    for (path, shown) in files(machine) {
        let Some(text) = read_optional(&path)? else { continue };
        let settings = ini::parse(&text).map_err(|line| ConfigurationError::Syntax {
            file: shown.clone(),
            line,
            expected: "`key = value`, a comment or a `[section]`".to_owned(),
        })?;
        for setting in settings.iter().filter(|s| s.section.is_empty()) {
            npm.set(&setting.key, &expand(&setting.value, machine), &shown, &mut passwords);
        }
    }
    passwords.into_rules(&mut npm.auth);
    Ok(npm)
}

fn files(machine: &Machine) -> Vec<(PathBuf, String)> {
    let mut files = vec![(machine.project.join(".npmrc"), ".npmrc".to_owned())];
    let named = |lower: &str, upper: &str| machine.env(lower).or_else(|| machine.env(upper)).map(str::to_owned);
    match (named("npm_config_userconfig", "NPM_CONFIG_USERCONFIG"), &machine.home) {
        (Some(file), _) => files.push((PathBuf::from(&file), file)),
        (None, Some(home)) => files.push((home.join(".npmrc"), "~/.npmrc".to_owned())),
        (None, None) => {}
    }
    match named("npm_config_globalconfig", "NPM_CONFIG_GLOBALCONFIG") {
        Some(file) => files.push((PathBuf::from(&file), file)),
        None => files.push((machine.etc.join("npmrc"), "/etc/npmrc".to_owned())),
    }
    files
}

/// `${NAME}` by the environment; what is not set stays as it stands, as in npm.
fn expand(value: &str, machine: &Machine) -> String {
    let mut out = String::new();
    let mut rest = value;
    while let Some(start) = rest.find("${") {
        let Some(end) = rest[start..].find('}') else { break };
        let name = rest[start + 2..start + end].trim_end_matches('?');
        out.push_str(&rest[..start]);
        match machine.env.get(name) {
            Some(value) => out.push_str(value),
            None => out.push_str(&rest[start..=start + end]),
        }
        rest = &rest[start + end + 1..];
    }
    out + rest
}

/// `username` and `_password` come as two keys.
#[derive(Default)]
struct Passwords(BTreeMap<(String, String), (Option<String>, Option<String>)>);

impl Passwords {
    fn into_rules(self, rules: &mut Vec<AuthRule>) {
        for ((host, path), both) in self.0 {
            if let (Some(user), Some(password)) = both {
                let password = BASE64.decode(password.as_bytes()).ok().and_then(|b| String::from_utf8(b).ok());
                rules.extend(password.map(|p| AuthRule { host, path, secret: Secret::Basic(user, p) }));
            }
        }
    }
}

impl ConfiguredRegistries {
    fn set(&mut self, key: &str, value: &str, from: &str, passwords: &mut Passwords) {
        let written = (value.to_owned(), from.to_owned());
        if key == "registry" {
            self.default.get_or_insert(written);
        } else if let Some(scope) = key.strip_suffix(":registry").filter(|s| s.starts_with('@')) {
            self.scopes.entry(scope.to_owned()).or_insert(written);
        } else if let Some((place, name)) = key.strip_prefix("//").and_then(|k| k.rsplit_once(':')) {
            self.set_auth(place, name, value, passwords);
        }
    }

    fn set_auth(&mut self, place: &str, name: &str, value: &str, passwords: &mut Passwords) {
        let (host, path) = place.split_once('/').unwrap_or((place, ""));
        let path = format!("/{path}{}", if path.is_empty() || path.ends_with('/') { "" } else { "/" });
        let host = host.to_lowercase();
        let secret = match name {
            "_authToken" | "_authtoken" => Secret::Bearer(value.to_owned()),
            "_auth" => Secret::Encoded(value.to_owned()),
            "username" | "_password" => {
                let both = passwords.0.entry((host, path)).or_default();
                let slot = if name == "username" { &mut both.0 } else { &mut both.1 };
                slot.get_or_insert_with(|| value.to_owned());
                return;
            }
            _ => return,
        };
        if !self.auth.iter().any(|r| r.host == host && r.path == path) {
            self.auth.push(AuthRule { host, path, secret });
        }
    }
}
