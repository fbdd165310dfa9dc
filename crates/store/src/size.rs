//! Sizes as people read them. Knows numbers only.

/// `9 B`, `1.2 kB`, `21.4 MB`, `1.3 GB`: powers of 1000, one decimal.
pub fn size(bytes: u64) -> String {
    let (number, unit) = scaled(bytes, bytes);
    format!("{number} {unit}")
}

/// A number of bytes in the unit that suits `like`, and that unit.
pub fn scaled(bytes: u64, like: u64) -> (String, &'static str) {
    if like < 1000 {
        return (bytes.to_string(), "B");
    }
    // 999,950 bytes would be rounded to 1000.0 kB.
    let (unit, scale) = match like {
        0..999_950 => ("kB", 1e3),
        999_950..999_950_000 => ("MB", 1e6),
        _ => ("GB", 1e9),
    };
    (format!("{:.1}", bytes as f64 / scale), unit)
}
