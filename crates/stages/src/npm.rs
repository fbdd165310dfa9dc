//! What the npm kinds share: an environment in which npm is silent, unprivileged and offline, and a small program that
//! checks what npm did.

use std::collections::BTreeMap;

use akbuild_recipe::plan::WrittenFile;
use akbuild_recipe::{Fields, RecipeError};

/// How the small program is run.
pub(crate) const HELPER: &str = "node /tmp/akbuild-npm.cjs";

/// The small program.
pub(crate) fn helper() -> WrittenFile {
    WrittenFile { path: "/tmp/akbuild-npm.cjs".into(), text: include_str!("npm.cjs").into(), executable: false }
}

/// The environment of an npm stage, with the recipe's `env` over it.
pub(crate) fn env(fields: &mut Fields<'_>) -> Result<BTreeMap<String, String>, RecipeError> {
    let fixed = [
        ("npm_config_audit", "false"),
        ("npm_config_cache", "/tmp/npm"),
        ("npm_config_fund", "false"),
        ("npm_config_update_notifier", "false"),
    ];
    let mut env: BTreeMap<String, String> = fixed.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    env.extend(fields.variables("env")?);
    Ok(env)
}

/// Settings that `npm-ci` gives to npm itself, as npm names them, sorted: a stage has one registry, installs all of a lock, for one
/// platform, and runs no scripts.
const FIXED: [&str; 27] = [
    "allow-remote",
    "before",
    "ca",
    "cafile",
    "cpu",
    "dry-run",
    "global",
    "globalconfig",
    "https-proxy",
    "ignore-scripts",
    "include-workspace-root",
    "libc",
    "location",
    "min-release-age",
    "noproxy",
    "offline",
    "os",
    "package-lock-only",
    "prefer-offline",
    "prefer-online",
    "prefix",
    "proxy",
    "registry",
    "replace-registry-host",
    "userconfig",
    "workspace",
    "workspaces",
];

/// The setting of npm that a variable stands for and that a recipe cannot change, as npm reads names of variables.
pub(crate) fn fixed_setting(variable: &str) -> Option<String> {
    let lower = variable.to_ascii_lowercase();
    let name = lower.strip_prefix("npm_config_")?;
    let setting = name.replace('_', "-");
    (name.contains(':') || FIXED.contains(&setting.as_str())).then_some(setting)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_that_lead_npm_elsewhere_are_fixed_in_any_spelling() {
        assert!(FIXED.is_sorted());
        for variable in [
            "npm_config_registry",
            "NPM_CONFIG_REPLACE_REGISTRY_HOST",
            "npm_config_replace-registry-host",
            "npm_config_@s:registry",
        ] {
            assert!(fixed_setting(variable).is_some(), "{variable}");
        }
        for variable in ["npm_config_legacy_peer_deps", "NODE_ENV", "registry", "npm_config_omit"] {
            assert_eq!(fixed_setting(variable), None, "{variable}");
        }
    }
}
