//! A text file with a name, and positions in it. Knows bytes, lines and columns; nothing of TOML.

use toml_span::Span;

/// A file that was read, kept so that errors can show the line they speak of.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct File {
    /// The name as it is shown, `akbuild.toml`.
    pub name: String,
    /// All of its text.
    pub text: String,
    /// The byte offset of each line's end.
    ends: Vec<usize>,
}

/// A piece of one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Spot {
    /// Counted from 1.
    pub(crate) line: usize,
    /// In characters, counted from 1.
    pub(crate) column: usize,
    /// In characters, at least 1; never past the end of the line.
    pub(crate) width: usize,
    /// The line without its end.
    pub(crate) text: String,
}

impl File {
    pub(crate) fn new(name: &str, text: &str) -> Self {
        let ends = text.bytes().enumerate().filter(|(_, b)| *b == b'\n').map(|(at, _)| at).collect();
        Self { name: name.to_owned(), text: text.to_owned(), ends }
    }

    /// Line (from 1) of a byte offset.
    pub(crate) fn line(&self, offset: usize) -> usize {
        1 + self.ends.partition_point(|end| *end < offset)
    }

    /// `akbuild.toml:12`.
    pub(crate) fn at(&self, span: Span) -> String {
        format!("{}:{}", self.name, self.line(span.start))
    }

    /// The first line that a span touches. Any span will do, also one that lies outside the text or
    /// cuts a character.
    pub(crate) fn spot(&self, span: Span) -> Spot {
        let start = self.boundary(span.start);
        let begin = self.text[..start].rfind('\n').map_or(0, |i| i + 1);
        let end = self.text[start..].find('\n').map_or(self.text.len(), |i| start + i);
        let line = self.text[begin..end].trim_end_matches('\r');
        let stop = self.boundary(span.end).clamp(start, end.max(start));
        let width = self.text[start..stop].trim_end().chars().count().max(1);
        Spot {
            line: self.line(start),
            column: self.text[begin..start].chars().count() + 1,
            width,
            text: line.to_owned(),
        }
    }

    fn boundary(&self, offset: usize) -> usize {
        let mut at = offset.min(self.text.len());
        while !self.text.is_char_boundary(at) {
            at -= 1;
        }
        at
    }
}
