//! Licences in people's words. Knows what is clear: a `BSD` or an `Apache` could be several.

/// In lower case without punctuation, with single spaces, and SPDX's identifier.
const WORDS: [(&str, &str); 26] = [
    ("apache 2", "Apache-2.0"),
    ("apache 2 0", "Apache-2.0"),
    ("apache 2 0 license", "Apache-2.0"),
    ("apache license 2 0", "Apache-2.0"),
    ("apache license version 2 0", "Apache-2.0"),
    ("apache software license 2 0", "Apache-2.0"),
    ("2 clause bsd", "BSD-2-Clause"),
    ("bsd 2 clause", "BSD-2-Clause"),
    ("bsd 2 clause license", "BSD-2-Clause"),
    ("simplified bsd license", "BSD-2-Clause"),
    ("3 clause bsd", "BSD-3-Clause"),
    ("3 clause bsd license", "BSD-3-Clause"),
    ("bsd 3 clause", "BSD-3-Clause"),
    ("bsd 3 clause license", "BSD-3-Clause"),
    ("modified bsd license", "BSD-3-Clause"),
    ("new bsd license", "BSD-3-Clause"),
    ("gplv2+", "GPL-2.0-or-later"),
    ("gplv3+", "GPL-3.0-or-later"),
    ("lgplv3+", "LGPL-3.0-or-later"),
    ("isc license", "ISC"),
    ("mit license", "MIT"),
    ("the mit license", "MIT"),
    ("the mit license mit", "MIT"),
    ("mozilla public license 2 0", "MPL-2.0"),
    ("mozilla public license 2 0 mpl 2 0", "MPL-2.0"),
    ("mpl 2 0", "MPL-2.0"),
];

/// A longer text is no name.
const LONGEST: usize = 100;

/// SPDX's identifier of a licence that is written in words.
pub(super) fn id(text: &str) -> Option<&'static str> {
    if text.len() > LONGEST {
        return None;
    }
    let lower = text.to_ascii_lowercase();
    let words = lower.split(|c: char| !c.is_ascii_alphanumeric() && c != '+').filter(|word| !word.is_empty());
    let text = words.collect::<Vec<_>>().join(" ");
    WORDS.iter().find(|(known, _)| *known == text).map(|(_, id)| *id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spdx_has_what_is_mapped_to() {
        for (words, mapped) in WORDS {
            assert_eq!(crate::spdx::id(mapped), Some(mapped));
            assert_eq!(id(words), Some(mapped));
        }
    }

    #[test]
    fn words_are_read_as_people_write_them() {
        assert_eq!(id("The MIT License (MIT)"), Some("MIT"));
        assert_eq!(id("Apache License, Version 2.0"), Some("Apache-2.0"));
        assert_eq!(id("BSD 3-Clause"), Some("BSD-3-Clause"));
        for unclear in ["GPL", "BSD", "Apache License", "MIT-style", "", "MIT License or another"] {
            assert_eq!(id(unclear), None, "{unclear}");
        }
    }
}
