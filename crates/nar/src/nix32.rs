//! Nix's base 32: its own alphabet, and the last digit first. Knows bytes only.

const DIGITS: &[u8; 32] = b"0123456789abcdfghijklmnpqrsvwxyz";

/// How many digits `bytes` bytes take.
pub(crate) fn encoded_len(bytes: usize) -> usize {
    (bytes * 8).div_ceil(5)
}

pub(crate) fn encode(bytes: &[u8]) -> String {
    let digit = |n: usize| {
        let (i, j) = (n * 5 / 8, n * 5 % 8);
        let high = bytes.get(i + 1).map_or(0, |b| u16::from(*b) << 8);
        let value = (u16::from(bytes[i]) | high) >> j;
        char::from(DIGITS[usize::from(value & 31)])
    };
    (0..encoded_len(bytes.len())).rev().map(digit).collect()
}

/// Decodes 32 bytes; `None` for other lengths, foreign characters and overflow.
pub(crate) fn decode32(text: &str) -> Option<[u8; 32]> {
    if text.len() != encoded_len(32) {
        return None;
    }
    let mut out = [0u8; 32];
    for (n, c) in text.bytes().rev().enumerate() {
        let digit = u16::try_from(DIGITS.iter().position(|d| *d == c)?).ok()?;
        let (i, j) = (n * 5 / 8, n * 5 % 8);
        let [low, high] = (digit << j).to_le_bytes();
        out[i] |= low;
        match out.get_mut(i + 1) {
            Some(next) => *next |= high,
            None if high != 0 => return None,
            None => {}
        }
    }
    Some(out)
}
