//! Paragraphs of Debian control files (deb822): `Field: value`, with continuation lines. Knows no
//! field's meaning.

use std::collections::BTreeMap;
use std::io::{self, BufRead, Read};

/// The greatest length of a paragraph in a long file, in bytes. Real ones have some kilobytes.
const LONGEST_PARAGRAPH: usize = 4 << 20;

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

/// Hands each paragraph of a long file to `each`, with only the fields that `wanted` (lower case). Fails at a paragraph
/// that is too long, of which no more is kept in memory.
pub(crate) fn each_paragraph(
    mut reader: impl BufRead,
    wanted: &dyn Fn(&str) -> bool,
    mut each: impl FnMut(Paragraph),
) -> io::Result<()> {
    let (mut paragraph, mut last, mut line, mut left) = (Paragraph::default(), None, Vec::new(), LONGEST_PARAGRAPH);
    loop {
        line.clear();
        let length = reader.by_ref().take(left as u64 + 1).read_until(b'\n', &mut line)?;
        left = left.checked_sub(length).ok_or_else(too_long)?;
        let ended = length == 0;
        let text = String::from_utf8_lossy(&line);
        let text = text.trim_end_matches(['\n', '\r']);
        if text.is_empty() {
            (last, left) = (None, LONGEST_PARAGRAPH);
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

fn too_long() -> io::Error {
    let mebibytes = LONGEST_PARAGRAPH >> 20;
    io::Error::new(io::ErrorKind::InvalidData, format!("a paragraph is longer than {mebibytes} MiB"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a file that goes on like this is refused with. It is as long as several paragraphs may be.
    fn refusal(of: &[u8]) -> Option<String> {
        let text = of.repeat(3 * LONGEST_PARAGRAPH / of.len());
        each_paragraph(&text[..], &|_| false, drop).err().map(|error| error.to_string())
    }

    #[test]
    fn a_paragraph_that_does_not_end_is_refused_and_many_paragraphs_are_not() {
        let too_long = Some("a paragraph is longer than 4 MiB".to_owned());
        assert_eq!(refusal(b"x"), too_long);
        assert_eq!(refusal(b"Field: value\n continued\n"), too_long);
        assert_eq!(refusal(b"Field: value\n\n"), None);
    }

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
