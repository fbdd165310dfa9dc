//! Records that carry their own digest, so that a flipped byte in one is seen. Knows JSON objects as text; not
//! what is in them.
//!
//! The first field of a sealed record is `check`, the SHA-256 (an SRI string) of the record as it would be
//! without that field:
//!
//! ```text
//! {"check":"sha256-...","key":...}          the digest of {"key":...}
//! ```

use akbuild_nar::Digest;

const BEFORE: &str = "{\"check\":\"";
const AFTER: &str = "\",";

/// Seals a JSON object, which has at least one field.
pub(crate) fn seal(json: &str) -> String {
    let fields = json.strip_prefix('{').unwrap_or(json);
    format!("{BEFORE}{}{AFTER}{fields}", Digest::sha256(json.as_bytes()))
}

/// Whether a record is exactly what was sealed. One of before there were seals passes too: it begins with its own
/// first field, which no flipped bit makes of a seal.
pub(crate) fn is_whole(text: &str) -> bool {
    if text.starts_with("{\"key\":") || text.starts_with("{\n  \"id\":") {
        return true;
    }
    let parts = text.strip_prefix(BEFORE).and_then(|rest| rest.split_once(AFTER));
    parts.is_some_and(|(check, fields)| Digest::sha256(format!("{{{fields}").as_bytes()).to_string() == check)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_flipped_bit_is_seen() {
        let sealed = seal("{\"key\":1,\"name\":\"a\"}");
        insta::assert_snapshot!(sealed, @r#"{"check":"sha256-0t2gr0GHGbFuSkI1WB9La5khyFoPC7wybFBFaFLFtiI=","key":1,"name":"a"}"#);
        assert!(is_whole(&sealed));
        assert!(serde_json::from_str::<serde_json::Value>(&sealed).is_ok());
        for (at, bit) in (0..sealed.len()).flat_map(|at| (0..8).map(move |bit| (at, bit))) {
            let mut bytes = sealed.clone().into_bytes();
            bytes[at] ^= 1 << bit;
            assert!(!String::from_utf8(bytes).is_ok_and(|text| is_whole(&text)), "bit {bit} of byte {at}");
        }
        assert!(is_whole("{\"key\":1}") && is_whole("{\n  \"id\": \"1\"}"), "of before there were seals");
        for end in 0..sealed.len() {
            assert!(!is_whole(&sealed[..end]), "cut off after {end} bytes");
        }
    }
}
