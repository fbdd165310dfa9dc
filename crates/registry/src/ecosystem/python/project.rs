//! A `pyproject.toml` as a stage sees it: `[tool.uv.sources]` of a package that uv builds in the stage may name an
//! index for a build requirement, and uv takes the address of that index from the file itself. Each address is that of
//! the loopback registry there.

use toml_span::{Span, Value};

use super::edit::apply;
use super::toml::Document;
use crate::LockError;

/// The text with every index of `[tool.uv]` at `{base}/pypi/simple`; `None` if it has none.
///
/// # Errors
/// It is not TOML.
pub fn rewrite_project(text: &str, file: &str, base: &str) -> Result<Option<String>, LockError> {
    let doc = Document { text, file, advice: "correct it" };
    let value = doc.parse()?;
    let Some(indexes) = value.pointer("/tool/uv/index").and_then(Value::as_array) else { return Ok(None) };
    let simple = format!("{}/pypi/simple", base.trim_end_matches('/'));
    let mut edits: Vec<(Span, String)> = Vec::new();
    for index in indexes.iter().filter_map(Value::as_table) {
        // A page of links and an index that asks for credentials are neither, once the registry stands for them.
        for (key, new) in [("url", simple.as_str()), ("format", "simple"), ("authenticate", "auto")] {
            edits.extend(index.get(key).map(|value| (value.span, new.to_owned())));
        }
    }
    Ok(Some(apply(text, edits)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_index_is_the_registry() {
        let rewritten = |text| rewrite_project(text, "pyproject.toml", "http://127.0.0.1:4873/").unwrap();
        assert_eq!(rewritten("[project]\nname = \"a\"\n"), None);
        let text = "[[tool.uv.index]]\nname = \"a\" # own\nurl = \"https://index.invalid/simple\"\nexplicit = true\n\
            [[tool.uv.index]]\nname = \"b\"\nurl = './wheels'\nformat = \"flat\"\nauthenticate = \"always\"\n";
        insta::assert_snapshot!(rewritten(text).unwrap(), @r#"
        [[tool.uv.index]]
        name = "a" # own
        url = "http://127.0.0.1:4873/pypi/simple"
        explicit = true
        [[tool.uv.index]]
        name = "b"
        url = 'http://127.0.0.1:4873/pypi/simple'
        format = "simple"
        authenticate = "auto"
        "#);
    }
}
