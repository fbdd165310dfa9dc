//! What the npm kinds share: an environment in which npm is silent, unprivileged and offline.

use std::collections::BTreeMap;

use akbuild_recipe::{Fields, RecipeError};

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
