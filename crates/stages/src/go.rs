//! What the Go kinds share: an environment in which the tool neither looks for another toolchain nor for a network.

use std::collections::BTreeMap;

use akbuild_recipe::{Fields, RecipeError};

/// The environment of a Go stage, with the recipe's `env` over it.
pub(crate) fn env(fields: &mut Fields<'_>, proxy: &str) -> Result<BTreeMap<String, String>, RecipeError> {
    let fixed = [
        ("GOCACHE", "/tmp/go-cache"),
        ("GOFLAGS", "-modcacherw"),
        ("GOPATH", "/tmp/go"),
        ("GOPROXY", proxy),
        ("GOSUMDB", "off"),
        ("GOTELEMETRY", "off"),
        ("GOTOOLCHAIN", "local"),
    ];
    let mut env: BTreeMap<String, String> = fixed.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    env.extend(fields.variables("env")?);
    Ok(env)
}
