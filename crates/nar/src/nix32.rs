//! Nix's base 32: its own alphabet, and the last digit first. Knows bytes only.

use std::sync::LazyLock;

use data_encoding::{BitOrder, Encoding, Specification};

/// Digits of five bits, the least significant first; Nix writes them in reverse.
static DIGITS: LazyLock<Encoding> = LazyLock::new(|| {
    let mut specification = Specification::new();
    specification.symbols.push_str("0123456789abcdfghijklmnpqrsvwxyz");
    specification.bit_order = BitOrder::LeastSignificantFirst;
    specification.encoding().expect("32 different symbols are an encoding")
});

pub(crate) fn encode(bytes: &[u8]) -> String {
    DIGITS.encode(bytes).chars().rev().collect()
}

/// Decodes 32 bytes; `None` for other lengths, foreign characters and overflow.
pub(crate) fn decode32(text: &str) -> Option<[u8; 32]> {
    let digits: Vec<u8> = text.bytes().rev().collect();
    DIGITS.decode(&digits).ok()?.try_into().ok()
}
