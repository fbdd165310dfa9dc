//! Percent-encoding of the paths that the loopback registry announces. Knows no routes.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// The characters that a path must encode (RFC 3986).
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'!')
    .remove(b'$')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')')
    .remove(b'*')
    .remove(b'+')
    .remove(b',')
    .remove(b';')
    .remove(b'=')
    .remove(b':')
    .remove(b'@')
    .remove(b'/');

/// Encodes all but the characters that may stand in a path segment as they are, and `/`.
pub(crate) fn encode(text: &str) -> String {
    utf8_percent_encode(text, ESCAPED).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use akbuild_names::percent_decode;

    #[test]
    fn what_is_encoded_decodes_to_the_same() {
        for text in ["", "a/b-1.0+x!y.whl", "p\u{e4}ck \u{e4}%", "@s/n"] {
            assert_eq!(percent_decode(&encode(text)).as_deref(), Some(text));
        }
        assert_eq!(encode("@s/a b\"%.whl"), "@s/a%20b%22%25.whl");
    }
}
