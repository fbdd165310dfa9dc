//! Sizes and ages, as they are written on the command line.

use std::time::Duration;

/// Bytes in each unit; without one, bytes are meant.
const SIZES: [(&str, u64); 9] = [
    ("kB", 1000),
    ("MB", 1000 * 1000),
    ("GB", 1000 * 1000 * 1000),
    ("TB", 1000 * 1000 * 1000 * 1000),
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("TiB", 1 << 40),
    ("B", 1),
];

/// Seconds in each unit.
const AGES: [(&str, u64); 5] = [("s", 1), ("min", 60), ("h", 3600), ("d", 86_400), ("w", 604_800)];

/// `500MB`, `1.5 GiB`, `0`: bytes.
pub(crate) fn size(text: &str) -> Result<u64, String> {
    let (number, unit) = split(text);
    let scale = if unit.is_empty() { Some(1) } else { scale(&SIZES, unit) };
    let wrong = || "expected a size such as 500MB, 2GB or 1.5GiB (units: B, kB, MB, GB, TB, KiB, MiB, GiB, TiB)".into();
    scale.and_then(|scale| times(number, scale)).ok_or_else(wrong)
}

/// `12h`, `30d`, `2w`: a time.
pub(crate) fn age(text: &str) -> Result<Duration, String> {
    let (number, unit) = split(text);
    let seconds = scale(&AGES, unit).and_then(|scale| times(number, scale));
    seconds
        .map(Duration::from_secs)
        .ok_or_else(|| "expected an age such as 12h, 30d or 2w (units: s, min, h, d, w)".into())
}

fn split(text: &str) -> (&str, &str) {
    let at = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    (&text[..at], text[at..].trim())
}

fn scale(units: &[(&str, u64)], unit: &str) -> Option<u64> {
    units.iter().find(|(name, _)| name.eq_ignore_ascii_case(unit)).map(|(_, scale)| *scale)
}

fn times(number: &str, scale: u64) -> Option<u64> {
    let product = number.parse::<f64>().ok()? * scale as f64;
    (product < u64::MAX as f64).then_some(product as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes() {
        let all = ["0", "12", "12B", "500MB", "2gb", "1.5 GiB", "3kib"].map(|text| size(text).unwrap());
        assert_eq!(all, [0, 12, 12, 500_000_000, 2_000_000_000, 3 << 29, 3 << 10]);
        for text in ["", "MB", "-1", "1.2.3GB", "2 GBs", "1e3", "9999999999TB"] {
            insta::allow_duplicates! {
                insta::assert_snapshot!(size(text).unwrap_err(), @"expected a size such as 500MB, 2GB or 1.5GiB (units: B, kB, MB, GB, TB, KiB, MiB, GiB, TiB)");
            }
        }
    }

    #[test]
    fn ages() {
        let all = ["90s", "5min", "12h", "1.5d", "2 w"].map(|text| age(text).unwrap().as_secs());
        assert_eq!(all, [90, 300, 43_200, 129_600, 1_209_600]);
        for text in ["", "12", "1y", "d", "-1d"] {
            insta::allow_duplicates! {
                insta::assert_snapshot!(age(text).unwrap_err(), @"expected an age such as 12h, 30d or 2w (units: s, min, h, d, w)");
            }
        }
    }
}
