//! Whether crates that handle trees have the rules for them. Knows where the rules are; not what they forbid.

use std::path::{Path, PathBuf};

/// The rules of all crates.
pub(crate) const RULES: &str = "clippy.toml";
/// Those and the rules of crates that handle trees.
pub(crate) const TREE_RULES: &str = "clippy-trees.toml";
/// Crates that handle trees which akbuild has not written itself.
const CRATES: &[&str] = &["engine", "sandbox", "sysroot", "image", "launch", "smoke", "attest", "differ", "export"];

/// Rules that the file of crates with trees lacks, and crates that do not have it. `link` gives a link's target.
pub(crate) fn check(rules: &str, tree_rules: &str, link: impl Fn(&str) -> Option<PathBuf>) -> Vec<String> {
    let is_rule = |line: &&str| !line.trim().is_empty() && !line.starts_with('#');
    let lacks = |line: &&str| !tree_rules.lines().any(|other| other == *line);
    let missing = rules.lines().filter(is_rule).filter(lacks);
    let mut broken: Vec<String> =
        missing.map(|line| format!("{TREE_RULES}: lacks `{}` of {RULES}", line.trim())).collect();
    for name in CRATES {
        let place = format!("crates/{name}/{RULES}");
        if link(&place).as_deref() != Some(Path::new("../../clippy-trees.toml")) {
            broken.push(format!("{place}: is not a link to `../../{TREE_RULES}`, and the crate handles trees"));
        }
    }
    broken
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_and_links_that_are_missing_are_named() {
        let rules = "# text\n\nrules = [\n    \"a\",\n    \"b\",\n]\n";
        let linked = |_: &str| Some(PathBuf::from("../../clippy-trees.toml"));
        assert_eq!(check(rules, "# other\nrules = [\n    \"a\",\n    \"b\",\n    \"c\",\n]\n", linked), [""; 0]);
        assert_eq!(
            check(rules, "rules = [\n    \"b\",\n]\n", |name| linked(name).filter(|_| !name.contains("/smoke/"))),
            [
                "clippy-trees.toml: lacks `\"a\",` of clippy.toml",
                "crates/smoke/clippy.toml: is not a link to `../../clippy-trees.toml`, and the crate handles trees",
            ]
        );
        assert_eq!(check("", "", |_| None).len(), CRATES.len());
    }
}
