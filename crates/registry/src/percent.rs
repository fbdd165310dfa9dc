//! Percent-encoding of URL paths (RFC 3986). Knows no routes.

use std::borrow::Cow;

use data_encoding::HEXLOWER_PERMISSIVE;

/// Decodes `%XX`; `None` where that is malformed, or the outcome is not UTF-8.
pub(crate) fn decode(text: &str) -> Option<Cow<'_, str>> {
    if !text.contains('%') {
        return Some(Cow::Borrowed(text));
    }
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, tail)) = rest.split_first() {
        if byte == b'%' {
            out.extend(HEXLOWER_PERMISSIVE.decode(tail.get(..2)?).ok()?);
            rest = &tail[2..];
        } else {
            out.push(byte);
            rest = tail;
        }
    }
    String::from_utf8(out).ok().map(Cow::Owned)
}

/// Encodes all but the characters that may stand in a path segment as they are, and `/`.
pub(crate) fn encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~!$'()*+,;=:@/".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decodes_what_it_encodes_and_refuses_what_is_malformed() {
        for text in ["", "a/b-1.0+x!y.whl", "päck ä%", "@s/n"] {
            assert_eq!(decode(&encode(text)).as_deref(), Some(text));
        }
        assert_eq!(decode("@s%2fn%2Fm").as_deref(), Some("@s/n/m"));
        for bad in ["%", "%4", "a%zz", "%ff"] {
            assert_eq!(decode(bad), None, "{bad}");
        }
    }
}
