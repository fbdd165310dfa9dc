//! Whether the tests that documents name exist. Knows how they are written there: in one paragraph, list item or row of a
//! table, a file of `crates/` or `tests/` in backticks, and after it, in backticks, names of functions.

/// The documents that name the tests of what they promise.
pub(crate) const DOCUMENTS: [&str; 2] = ["docs/architecture.md", "SECURITY.md"];

/// Names that no function of their file has. `name` is the document's, `read` gives a file's text.
pub(crate) fn check(name: &str, document: &str, read: impl Fn(&str) -> Option<String>) -> Vec<String> {
    let mut blocks: Vec<String> = Vec::new();
    for line in document.lines() {
        if blocks.is_empty() || line.trim().is_empty() || line.starts_with("- ") || line.starts_with('|') {
            blocks.push(String::new());
        }
        if let Some(block) = blocks.last_mut() {
            block.push_str(line);
            block.push('\n');
        }
    }
    blocks.iter().flat_map(|block| check_block(name, block, &read)).collect()
}

fn check_block(document: &str, block: &str, read: &impl Fn(&str) -> Option<String>) -> Vec<String> {
    let mut broken = Vec::new();
    let mut file: Option<(&str, String)> = None;
    for word in block.split('`').skip(1).step_by(2) {
        let is_name =
            word.contains('_') && word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
        if (word.starts_with("crates/") || word.starts_with("tests/")) && word.ends_with(".rs") {
            let text = read(word);
            if text.is_none() {
                broken.push(format!("{document}: there is no `{word}`"));
            }
            file = text.map(|text| (word, text));
        } else if let Some((name, text)) = file.as_ref().filter(|_| is_name)
            && !text.contains(&format!("fn {word}("))
        {
            broken.push(format!("{document}: `{name}` has no test `{word}`"));
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
            check("docs/architecture.md", document, read),
            [
                "docs/architecture.md: `crates/a/tests/a.rs` has no test `is_gone`",
                "docs/architecture.md: there is no `crates/b/src/b.rs`"
            ]
        );
    }
}
