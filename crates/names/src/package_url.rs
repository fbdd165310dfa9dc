//! Package URLs of packages, by the purl specification (ECMA-427). Must not depend on where packages are.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// The characters that are encoded in a name, a version or a plain value: all but letters, digits and `.-_~`.
const PART: &AsciiSet = &NON_ALPHANUMERIC.remove(b'.').remove(b'-').remove(b'_').remove(b'~');

/// A package URL without qualifiers. `kind` is the type, with the namespace that all its packages share: `npm`,
/// `deb/debian`; a `/` in the name stays.
pub fn package_url(kind: &str, name: &str, version: &str) -> String {
    let name: Vec<String> = name.split('/').map(encode_url_part).collect();
    format!("pkg:{kind}/{}@{}", name.join("/"), encode_url_part(version))
}

/// A name, a version or the value of a qualifier, encoded.
pub fn encode_url_part(text: &str) -> String {
    utf8_percent_encode(text, PART).to_string()
}
