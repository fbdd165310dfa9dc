//! Which settings of a project's `.npmrc` reach the npm of an `npm-ci` stage: those that decide what is installed where.
//!
//! npm has settings that name registries, proxies, certificates, accounts, ages of packages, other files with settings and
//! places outside the project, and new ones appear with each release. A stage has one registry, and the lock alone
//! decides what comes from it, so everything that is not listed here is left out. `docs/stages.md` has the whole list.

use super::lock::without_mark;

/// Settings that decide what `npm ci` makes of a lock and its packages, sorted.
pub(crate) const PASSED: [&str; 27] = [
    "allow-directory",
    "allow-file",
    "also",
    "bin-links",
    "color",
    "dev",
    "engine-strict",
    "force",
    "global-style",
    "heading",
    "include",
    "install-links",
    "install-strategy",
    "legacy-bundling",
    "legacy-peer-deps",
    "loglevel",
    "node-options",
    "omit",
    "only",
    "optional",
    "prefer-dedupe",
    "production",
    "rebuild-bundle",
    "strict-peer-deps",
    "timing",
    "umask",
    "unicode",
];

/// A `.npmrc` with only the settings that reach the stage. Lines are kept or dropped whole; of a line that could be read
/// in two ways, nothing is kept.
pub fn npm_settings(text: &str) -> String {
    let mut kept = String::new();
    for line in without_mark(text).split(['\r', '\n']) {
        // What follows belongs to a section, in which npm looks for nothing.
        if line.trim_start().starts_with('[') {
            break;
        }
        let key = line.split('=').next().unwrap_or_default().trim();
        if PASSED.contains(&key.strip_suffix("[]").unwrap_or(key)) {
            kept.push_str(line);
            kept.push('\n');
        }
    }
    kept
}
