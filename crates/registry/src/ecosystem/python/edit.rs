//! Edits of a text at places that a parser has found. Everything else stays as it is, byte by byte.

use toml_span::Span;

/// The text with something else at each place. No two places overlap.
pub(super) fn apply(text: &str, mut edits: Vec<(Span, String)>) -> String {
    edits.sort_by_key(|(span, _)| span.start);
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    for (span, new) in edits {
        out.push_str(&text[at..span.start]);
        out.push_str(&new);
        at = span.end;
    }
    out.push_str(&text[at..]);
    out
}
