//! Paragraphs of Debian control files (deb822): `Field: value`, with continuation lines. Knows no
//! field's meaning.

use std::collections::BTreeMap;
use std::io::{self, BufRead};

/// One paragraph: field names in lower case, values with their continuation lines.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Paragraph(BTreeMap<String, String>);

impl Paragraph {
    /// Parses a text that holds one paragraph.
    pub(crate) fn parse(text: &str) -> Self {
        let mut paragraph = Paragraph::default();
        let mut last = None;
        for line in text.lines() {
            paragraph.line(line, &mut last, &|_| true);
        }
        paragraph
    }

    /// A field's value, or an empty text.
    pub(crate) fn get(&self, field: &str) -> &str {
        self.0.get(field).map_or("", |v| v.as_str())
    }

    fn line(&mut self, line: &str, last: &mut Option<String>, wanted: &dyn Fn(&str) -> bool) {
        if line.starts_with([' ', '\t']) {
            if let Some(value) = last.as_ref().and_then(|l| self.0.get_mut(l)) {
                value.push('\n');
                value.push_str(line.trim());
            }
        } else if let Some((field, value)) = line.split_once(':') {
            let field = field.to_ascii_lowercase();
            *last = wanted(&field).then(|| field.clone());
            if last.is_some() {
                self.0.insert(field, value.trim().to_owned());
            }
        }
    }
}

/// Hands each paragraph of a long file to `each`, with only the fields that `wanted` (lower case).
pub(crate) fn each_paragraph(
    mut reader: impl BufRead,
    wanted: &dyn Fn(&str) -> bool,
    mut each: impl FnMut(Paragraph),
) -> io::Result<()> {
    let (mut paragraph, mut last, mut line) = (Paragraph::default(), None, Vec::new());
    loop {
        line.clear();
        let ended = reader.read_until(b'\n', &mut line)? == 0;
        let text = String::from_utf8_lossy(&line);
        let text = text.trim_end_matches(['\n', '\r']);
        if text.is_empty() {
            last = None;
            let whole = std::mem::take(&mut paragraph);
            if !whole.0.is_empty() {
                each(whole);
            }
        } else {
            paragraph.line(text, &mut last, wanted);
        }
        if ended {
            return Ok(());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paragraphs_and_continuations() {
        let text = "Package: a\nDescription: x\n more\nDepends: b,\n c\n\n\nPackage: d\n";
        let mut seen = Vec::new();
        each_paragraph(text.as_bytes(), &|f| f != "description", |p| seen.push(p)).unwrap();
        assert_eq!(seen.len(), 2);
        assert_eq!(seen[0].get("depends"), "b,\nc");
        assert_eq!(seen[0].get("description"), "");
        assert_eq!(seen[1].get("package"), "d");
        assert_eq!(Paragraph::parse("Description: x\n more\n").get("description"), "x\nmore");
    }
}
