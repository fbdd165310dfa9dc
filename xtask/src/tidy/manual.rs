//! Whether `docs/stages.md` names every kind of stage and every option. Knows how the kinds' files ask for their
//! options; knows no kind.

/// Where the kinds are.
const KINDS: &str = "crates/stages/src/";
/// Where they are described.
pub(crate) const MANUAL: &str = "docs/stages.md";

/// What one file of the kinds has and the manual has not.
pub(crate) fn check(name: &str, text: &str, manual: &str) -> Vec<String> {
    if !name.starts_with(KINDS) {
        return Vec::new();
    }
    let text = text.split("#[cfg(test)]").next().unwrap_or_default();
    let named = |option: &&str| manual.contains(&format!("`{option}`")) || in_braces(manual, option);
    let missing = options(text).into_iter().filter(|option| !named(option));
    missing.map(|option| format!("{name}: `{option}` is not in {MANUAL}")).collect()
}

/// What is asked of a table by an accessor, `fields.string("name")`, and the names of kinds.
fn options(text: &str) -> Vec<&str> {
    let after = |start| text.split(start).skip(1);
    let asked = ["fields.", "table.", "check.", "replace."].into_iter().flat_map(after).filter_map(|rest| {
        let rest = rest.trim_start_matches(|c: char| c.is_ascii_lowercase() || c == '_');
        rest.strip_prefix("(\"")
    });
    asked.chain(after("Kind { name: \"")).filter_map(|rest| rest.split('"').next()).collect()
}

/// Whether the manual has it as a field of an inline table: `{ from, path }`.
fn in_braces(manual: &str, option: &str) -> bool {
    let tables = manual.split("{ ").skip(1).filter_map(|rest| rest.split(" }").next());
    tables.flat_map(|fields| fields.split(", ")).any(|field| field.split(" =").next() == Some(option))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_manual_lacks_is_named() {
        let text =
            "let a = fields.string_or(\"a_b\", \"x\")?;\nlet b = table.tree(\"from\")?;\nlet c = check.text(\"run\")?;";
        assert_eq!(
            check("crates/stages/src/x.rs", text, "| `a_b` | list of `{ from, to }` or `{ run = \"X\" }` |"),
            [""; 0]
        );
        assert_eq!(
            check("crates/stages/src/x.rs", text, "`a_b` { from, to }"),
            ["crates/stages/src/x.rs: `run` is not in docs/stages.md"]
        );
        assert_eq!(check("crates/other/src/x.rs", text, ""), [""; 0]);
    }
}
