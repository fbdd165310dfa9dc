//! How bytes, sizes and times are said. Knows the wording; nothing of formats.

/// Text that is safe to show: what is not UTF-8 becomes `�`, control characters but tabs are escaped.
pub(crate) fn clean(bytes: &[u8]) -> String {
    let mut out = String::new();
    for c in String::from_utf8_lossy(bytes).chars() {
        if c.is_control() && c != '\t' { out.extend(c.escape_default()) } else { out.push(c) }
    }
    out
}

/// At most some `width` bytes of a text, with what is at `at` among them, cleaned.
pub(crate) fn around(bytes: &[u8], at: usize, width: usize) -> String {
    if bytes.len() <= width {
        return clean(bytes);
    }
    let inside = |i: &usize| bytes.get(*i).is_some_and(|b| b & 0xc0 == 0x80);
    let back = |from: usize| (from.saturating_sub(3)..=from).rev().find(|i| !inside(i)).unwrap_or(from);
    let start = back(at.saturating_sub(width / 3).min(bytes.len() - width));
    let end = back(start + width).min(bytes.len());
    let dots = |yes| if yes { "..." } else { "" };
    format!("{}{}{}", dots(start > 0), clean(&bytes[start..end]), dots(end < bytes.len()))
}

/// `9 B`, `1.2 kB`, `21.4 MB`, `1.3 GB`: powers of 1000.
pub(crate) fn size(bytes: u64) -> String {
    // 999,950 bytes would be rounded to 1000.0 kB.
    let (scale, unit) = match bytes {
        0..1000 => return format!("{bytes} B"),
        1000..999_950 => (1e3, "kB"),
        999_950..999_950_000 => (1e6, "MB"),
        _ => (1e9, "GB"),
    };
    format!("{:.1} {unit}", bytes as f64 / scale)
}

/// `1 member`, `2 members`.
pub(crate) fn count(number: usize, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}

/// `a`, `a and b`, `a, b and c`.
pub(crate) fn list(words: &[&str]) -> String {
    match words {
        [] => String::new(),
        [one] => (*one).to_string(),
        [most @ .., last] => format!("{} and {last}", most.join(", ")),
    }
}

/// Seconds since 1970 as `2026-01-01 00:00:02`, in UTC; the number where no calendar has a date for it.
pub(crate) fn date(seconds: i64) -> String {
    match jiff::Timestamp::from_second(seconds) {
        Ok(time) => time.strftime("%F %T").to_string(),
        Err(_) => format!("{seconds} s after 1970"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates() {
        let all = [0, 951_782_399, 951_782_400, 1_767_225_602, -1, 4_102_444_800, 951_868_799, i64::MAX].map(date);
        insta::assert_snapshot!(all.join("\n"), @"
        1970-01-01 00:00:00
        2000-02-28 23:59:59
        2000-02-29 00:00:00
        2026-01-01 00:00:02
        1969-12-31 23:59:59
        2100-01-01 00:00:00
        2000-02-29 23:59:59
        9223372036854775807 s after 1970
        ");
    }

    #[test]
    fn nothing_controls_the_terminal() {
        insta::assert_snapshot!(clean(b"a\x1b[31m\tb\r\n\xff\xc2\x9b"), @r"a\u{1b}[31m	b\r\n�\u{9b}");
    }

    #[test]
    fn a_long_line_is_shown_where_it_matters() {
        let line = "0123456789".repeat(30);
        let all = [0, 150, 299, 5000].map(|at| around(line.as_bytes(), at, 20));
        insta::assert_snapshot!(all.join("\n"), @"
        01234567890123456789...
        ...45678901234567890123...
        ...01234567890123456789
        ...01234567890123456789
        ");
        insta::assert_snapshot!(around("äöü".repeat(9).as_bytes(), 9, 9), @"...äöüä...");
    }

    #[test]
    fn sizes_and_lists() {
        let all = [0, 999, 1000, 999_949, 999_950, 21_400_000, 1_300_000_000].map(size).join(", ");
        insta::assert_snapshot!(all, @"0 B, 999 B, 1.0 kB, 999.9 kB, 1.0 MB, 21.4 MB, 1.3 GB");
        insta::assert_snapshot!(list(&["times", "modes", "order"]), @"times, modes and order");
    }
}
