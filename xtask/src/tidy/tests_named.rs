//! Whether the tests that `docs/architecture.md` names exist. Knows how they are written there: a file of `crates/` in
//! backticks, and after it, in backticks, names of functions.

/// Where tests are named.
pub(crate) const DOCUMENT: &str = "docs/architecture.md";

/// Names that no function of their file has. `read` gives a file's text.
pub(crate) fn check(document: &str, read: impl Fn(&str) -> Option<String>) -> Vec<String> {
    let mut broken = Vec::new();
    let mut file: Option<(&str, String)> = None;
    for word in document.split('`').skip(1).step_by(2) {
        let is_name =
            word.contains('_') && word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
        if (word.starts_with("crates/") || word.starts_with("tests/")) && word.ends_with(".rs") {
            let text = read(word);
            if text.is_none() {
                broken.push(format!("{DOCUMENT}: there is no `{word}`"));
            }
            file = text.map(|text| (word, text));
        } else if let Some((name, text)) = file.as_ref().filter(|_| is_name)
            && !text.contains(&format!("fn {word}("))
        {
            broken.push(format!("{DOCUMENT}: `{name}` has no test `{word}`"));
        }
    }
    broken
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_test_that_is_gone_is_named() {
        let read = |name: &str| (name == "crates/a/tests/a.rs").then(|| "fn is_there() {}".to_owned());
        let document = "`crates/a/tests/a.rs`: `is_there`, `is_gone`; `--check`; `crates/b/src/b.rs`: `x_y`";
        assert_eq!(
            check(document, read),
            [
                "docs/architecture.md: `crates/a/tests/a.rs` has no test `is_gone`",
                "docs/architecture.md: there is no `crates/b/src/b.rs`"
            ]
        );
    }
}
