//! Times, sizes and dates as people read them; `docs/style.md` says how.

/// `12.3 s`, `2 min 05 s`, `1 h 02 min`.
pub(crate) fn seconds(seconds: f64) -> String {
    let tenths = (seconds.max(0.0) * 10.0).round() as u64;
    let whole = (tenths + 5) / 10;
    match tenths {
        0..600 => format!("{}.{} s", tenths / 10, tenths % 10),
        _ if whole < 3600 => format!("{} min {:02} s", whole / 60, whole % 60),
        _ => format!("{} h {:02} min", whole / 3600, whole / 60 % 60),
    }
}

/// `9 B`, `1.2 kB`, `21.4 MB`, `1.3 GB`: powers of 1000.
pub(crate) fn size(bytes: u64) -> String {
    // 999,950 bytes would be rounded to 1000.0 kB.
    match bytes {
        0..1000 => format!("{bytes} B"),
        1000..999_950 => format!("{:.1} kB", bytes as f64 / 1e3),
        999_950..999_950_000 => format!("{:.1} MB", bytes as f64 / 1e6),
        _ => format!("{:.1} GB", bytes as f64 / 1e9),
    }
}

/// `1 file`, `2 files`.
pub(crate) fn count(number: u64, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}

/// `2026-11-22 23:22:51 UTC`, of seconds since 1970; the number where no calendar has a date for it.
pub(crate) fn date(unix: f64) -> String {
    let seconds = unix.max(0.0) as i64;
    match jiff::Timestamp::from_second(seconds) {
        Ok(time) => time.strftime("%F %T UTC").to_string(),
        Err(_) => format!("{seconds} s after 1970"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times() {
        let all = [-1.0, 0.04, 12.34, 59.94, 59.95, 125.4, 3599.5, 3725.0].map(seconds).join(", ");
        insta::assert_snapshot!(all, @"0.0 s, 0.0 s, 12.3 s, 59.9 s, 1 min 00 s, 2 min 05 s, 1 h 00 min, 1 h 02 min");
    }

    #[test]
    fn sizes() {
        let all = [0, 999, 1000, 999_949, 999_950, 21_400_000, 999_950_000, 5_000_000_000_000].map(size).join(", ");
        insta::assert_snapshot!(all, @"0 B, 999 B, 1.0 kB, 999.9 kB, 1.0 MB, 21.4 MB, 1.0 GB, 5000.0 GB");
        assert_eq!((count(1, "file"), count(0, "file")), ("1 file".to_owned(), "0 files".to_owned()));
    }

    #[test]
    fn dates() {
        let all =
            [0.0, 951_782_400.0, 951_868_799.9, 951_868_800.0, 1_795_389_771.0, 4_107_542_400.0].map(date).join("\n");
        insta::assert_snapshot!(all, @"
        1970-01-01 00:00:00 UTC
        2000-02-29 00:00:00 UTC
        2000-02-29 23:59:59 UTC
        2000-03-01 00:00:00 UTC
        2026-11-22 23:22:51 UTC
        2100-03-01 00:00:00 UTC
        ");
    }
}
