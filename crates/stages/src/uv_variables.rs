//! Variables of uv, and what a recipe's `env` may do with each. akbuild decides where packages come from and what is
//! installed where; a variable that would decide otherwise is an error that names the option to use. A variable that
//! this list does not know is an error too: it could lead uv past the loopback registry.
//!
//! The list follows uv's own reference of its environment variables (uv 0.13).

/// What akbuild does with a variable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum VariableRule {
    /// It reaches uv. Those that choose wheels and source distributions are also known to the selection of files.
    Passed,
    /// It is an error; the text says what to do instead.
    Refused(&'static str),
}

use VariableRule::{Passed, Refused};

const INDEX: &str =
    "packages come from the registry of the stage; where akbuild downloads them from is configured in the overlay";
const SETTINGS: &str = "write settings of uv into `pyproject.toml` or `uv.toml` beside `uv.lock`";
const PYTHON: &str = "the option `python` of the stage says which interpreter is used";
const SCRIPT: &str = "the stage runs `uv sync --frozen` without the project and workspace members; another command is a stage of kind `run`";
const GROUPS: &str = "the options `extras` and `groups` of the stage say what is installed";
const CACHE: &str = "the stage has a cache of its own";
const NETWORK: &str = "the stage has no network but its registry";
const SEED: &str = "add what is missing to the dependencies of the project";

/// The variables by name; `*` stands for any text. Sorted.
const TABLE: &[(&str, VariableRule)] = &[
    ("UV", Refused(SCRIPT)),
    ("UV_ACTIVE", Refused("the option `venv` of the stage says where the environment is")),
    ("UV_AMD_GPU_ARCHITECTURE", Passed),
    ("UV_API_KEY", Refused(NETWORK)),
    ("UV_ASTRAL_MIRROR_URL", Refused(INDEX)),
    ("UV_AUTH_TOKEN", Refused(NETWORK)),
    ("UV_AZURE_ENDPOINT_URL", Refused(INDEX)),
    ("UV_BREAK_SYSTEM_PACKAGES", Passed),
    ("UV_BUILD_CONSTRAINT", Refused("write `build-constraint-dependencies` into `[tool.uv]` of `pyproject.toml`")),
    ("UV_CACHE_DIR", Refused(CACHE)),
    ("UV_COMPILE_BYTECODE", Passed),
    ("UV_COMPILE_BYTECODE_TIMEOUT", Passed),
    ("UV_CONCURRENT_BUILDS", Passed),
    ("UV_CONCURRENT_CACHE_READS", Passed),
    ("UV_CONCURRENT_DOWNLOADS", Passed),
    ("UV_CONCURRENT_INSTALLS", Passed),
    ("UV_CONFIG_FILE", Refused(SETTINGS)),
    ("UV_CONSTRAINT", Refused("write `constraint-dependencies` into `[tool.uv]` of `pyproject.toml`, and lock again")),
    ("UV_CREDENTIALS_DIR", Refused(NETWORK)),
    ("UV_CUDA_DRIVER_VERSION", Passed),
    ("UV_CUSTOM_COMPILE_COMMAND", Passed),
    ("UV_DEFAULT_INDEX", Refused(INDEX)),
    ("UV_DEV", Refused(GROUPS)),
    ("UV_DOWNLOAD_URL", Refused(INDEX)),
    ("UV_ENV_FILE", Refused("write the variables into `env` of the stage")),
    ("UV_EXCLUDE", Refused("write `exclude-dependencies` into `[tool.uv]` of `pyproject.toml`, and lock again")),
    ("UV_EXCLUDE_NEWER", Passed),
    ("UV_EXCLUDE_NEWER_PACKAGE", Passed),
    ("UV_EXTRA", Refused(GROUPS)),
    ("UV_EXTRA_INDEX_URL", Refused(INDEX)),
    ("UV_FIND_LINKS", Refused(INDEX)),
    ("UV_FORK_STRATEGY", Passed),
    ("UV_FROZEN", Refused(SCRIPT)),
    ("UV_GCS_ENDPOINT_URL", Refused(INDEX)),
    ("UV_GITHUB_FAST_PATH_URL", Refused(INDEX)),
    ("UV_GITHUB_TOKEN", Refused(NETWORK)),
    ("UV_GIT_LFS", Passed),
    ("UV_GROUP", Refused(GROUPS)),
    ("UV_HIDE_BUILD_OUTPUT", Passed),
    ("UV_HTTP_CONNECT_TIMEOUT", Passed),
    ("UV_HTTP_RETRIES", Passed),
    ("UV_HTTP_TIMEOUT", Passed),
    ("UV_INDEX", Refused(INDEX)),
    ("UV_INDEX_*", Refused(INDEX)),
    ("UV_INIT_*", Passed),
    ("UV_INSECURE_HOST", Refused(INDEX)),
    ("UV_INSECURE_NO_ZIP_VALIDATION", Passed),
    ("UV_INSTALLER_*", Refused(INDEX)),
    ("UV_INSTALL_DIR", Refused(SCRIPT)),
    ("UV_INTERNAL_*", Refused("uv has it for its own tests")),
    ("UV_ISOLATED", Refused(SETTINGS)),
    ("UV_KEYRING_PROVIDER", Refused(INDEX)),
    ("UV_LEGACY_TAR_BACKEND", Passed),
    ("UV_LIBC", Refused(PYTHON)),
    ("UV_LINK_MODE", Passed),
    ("UV_LOCKED", Refused(SCRIPT)),
    ("UV_LOCK_TIMEOUT", Passed),
    ("UV_LOG_CONTEXT", Passed),
    ("UV_MALWARE_CHECK", Refused(NETWORK)),
    ("UV_MALWARE_CHECK_URL", Refused(NETWORK)),
    ("UV_MANAGED_PYTHON", Refused(PYTHON)),
    ("UV_NATIVE_TLS", Passed),
    ("UV_NO_BINARY", Passed),
    ("UV_NO_BINARY_PACKAGE", Passed),
    ("UV_NO_BUILD", Passed),
    ("UV_NO_BUILD_ISOLATION", Passed),
    ("UV_NO_BUILD_ISOLATION_PACKAGE", Passed),
    ("UV_NO_BUILD_PACKAGE", Passed),
    ("UV_NO_CACHE", Refused(CACHE)),
    ("UV_NO_COLOR", Passed),
    ("UV_NO_CONFIG", Refused(SETTINGS)),
    ("UV_NO_DEFAULT_GROUPS", Refused(GROUPS)),
    ("UV_NO_DEV", Refused(GROUPS)),
    ("UV_NO_EDITABLE", Refused(SCRIPT)),
    ("UV_NO_ENV_FILE", Passed),
    ("UV_NO_GITHUB_FAST_PATH", Passed),
    ("UV_NO_GROUP", Refused(GROUPS)),
    ("UV_NO_HF_TOKEN", Passed),
    ("UV_NO_INDEX", Refused(INDEX)),
    ("UV_NO_INSTALLER_METADATA", Passed),
    ("UV_NO_INSTALL_*", Refused(SCRIPT)),
    ("UV_NO_MANAGED_PYTHON", Refused(PYTHON)),
    ("UV_NO_PROGRESS", Passed),
    ("UV_NO_PROJECT", Refused(SCRIPT)),
    ("UV_NO_SOURCES", Passed),
    ("UV_NO_SOURCES_PACKAGE", Passed),
    ("UV_NO_SYNC", Refused(SCRIPT)),
    ("UV_NO_SYSTEM_CONFIG", Refused(SETTINGS)),
    ("UV_NO_VERIFY_HASHES", Refused("remove it: `uv.lock` has the hash of every file")),
    ("UV_NO_WRAP", Passed),
    ("UV_OFFLINE", Refused(NETWORK)),
    ("UV_ONLY_*", Refused(SCRIPT)),
    ("UV_OVERRIDE", Refused("write `override-dependencies` into `[tool.uv]` of `pyproject.toml`, and lock again")),
    ("UV_PRERELEASE", Passed),
    ("UV_PREVIEW", Passed),
    ("UV_PREVIEW_FEATURES", Passed),
    ("UV_PROJECT", Refused("the option `folder` of the stage says where `uv.lock` is")),
    ("UV_PROJECT_ENVIRONMENT", Refused("the option `venv` of the stage says where the environment is")),
    ("UV_PUBLISH_*", Passed),
    ("UV_PYPY_INSTALL_MIRROR", Refused(PYTHON)),
    ("UV_PYTHON", Refused(PYTHON)),
    ("UV_PYTHON_*", Refused(PYTHON)),
    ("UV_REQUEST_TIMEOUT", Passed),
    ("UV_REQUIRE_BUILD_HASHES", Passed),
    ("UV_REQUIRE_HASHES", Passed),
    ("UV_REQUIRE_METADATA_RANGE_REQUESTS", Refused(INDEX)),
    ("UV_RESOLUTION", Passed),
    ("UV_RUN_*", Passed),
    ("UV_S3_ENDPOINT_URL", Refused(INDEX)),
    ("UV_SHOW_RESOLUTION", Passed),
    ("UV_SKIP_WHEEL_FILENAME_CHECK", Passed),
    ("UV_STACK_SIZE", Passed),
    ("UV_SYSTEM_CERTS", Passed),
    ("UV_SYSTEM_PYTHON", Refused(PYTHON)),
    ("UV_TOOL_*", Passed),
    ("UV_TORCH_BACKEND", Passed),
    ("UV_UPLOAD_HTTP_TIMEOUT", Passed),
    ("UV_VENV_CLEAR", Passed),
    ("UV_VENV_RELOCATABLE", Passed),
    ("UV_VENV_SEED", Refused(SEED)),
    ("UV_WORKING_DIR", Refused("the option `folder` of the stage says where `uv.lock` is")),
    ("UV_WORKING_DIRECTORY", Refused("the option `folder` of the stage says where `uv.lock` is")),
];

/// Variables of other programs that uv reads for its connections.
const PROXIES: [&str; 3] = ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"];

/// What to do instead of setting a variable; `None` if it may be set.
pub(crate) fn refusal(name: &str) -> Option<&'static str> {
    if PROXIES.contains(&name.to_ascii_uppercase().as_str()) {
        return Some(NETWORK);
    }
    if name != "UV" && !name.starts_with("UV_") {
        return None;
    }
    let fits = |pattern: &str| match pattern.strip_suffix('*') {
        Some(start) => name.starts_with(start),
        None => name == pattern,
    };
    match TABLE.iter().find(|(pattern, _)| *pattern == name).or_else(|| TABLE.iter().find(|(pattern, _)| fits(pattern)))
    {
        Some((_, Passed)) => None,
        Some((_, Refused(help))) => Some(help),
        None => Some("akbuild does not know this variable of uv; remove it"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_and_names_each_variable_once() {
        assert!(TABLE.windows(2).all(|pair| pair[0].0.replace('*', "\0") < pair[1].0.replace('*', "\0")));
    }

    #[test]
    fn variables_that_contradict_the_stage_are_refused() {
        for name in [
            "UV_INDEX",
            "UV_DEFAULT_INDEX",
            "UV_INDEX_URL",
            "UV_EXTRA_INDEX_URL",
            "UV_FIND_LINKS",
            "UV_NO_INDEX",
            "UV_INDEX_INTERNAL_PASSWORD",
            "UV_CONFIG_FILE",
            "UV_FROZEN",
            "UV_OFFLINE",
            "UV_PYTHON",
            "UV_PYTHON_PREFERENCE",
            "UV_PROJECT_ENVIRONMENT",
            "UV_CACHE_DIR",
            "UV_NO_INSTALL_PROJECT",
            "UV_ONLY_INSTALL_LOCAL",
            "UV_SOMETHING_NEW",
            "https_proxy",
            "ALL_PROXY",
        ] {
            assert!(refusal(name).is_some(), "{name}");
        }
        for name in
            ["UV_NO_BINARY_PACKAGE", "UV_EXCLUDE_NEWER", "UV_HTTP_TIMEOUT", "CFLAGS", "UVICORN_PORT", "NO_PROXY"]
        {
            assert_eq!(refusal(name), None, "{name}");
        }
    }
}
