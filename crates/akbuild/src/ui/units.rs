//! Times and sizes as people read them; `docs/style.md` says how.

use std::time::Duration;

use akbuild_store::scaled;
pub(crate) use akbuild_store::size;

/// `12.3 s`, `2 min 05 s`, `1 h 02 min`.
pub(crate) fn seconds(seconds: f64) -> String {
    let tenths = (seconds.max(0.0) * 10.0).round() as u64;
    if tenths < 600 { format!("{}.{} s", tenths / 10, tenths % 10) } else { whole((tenths + 5) / 10) }
}

/// As [`seconds`], but without tenths: for what is still running.
pub(crate) fn elapsed(time: Duration) -> String {
    whole(time.as_secs())
}

/// As [`elapsed`], in its largest unit only: for where there is little room.
pub(crate) fn brief(time: Duration) -> String {
    match time.as_secs() {
        seconds @ 0..60 => format!("{seconds} s"),
        seconds @ 60..3600 => format!("{} min", seconds / 60),
        seconds => format!("{} h", seconds / 3600),
    }
}

/// The beginning of a tree's hash, enough to compare and to search for.
pub(crate) fn digest(hash: &akbuild_nar::TreeHash) -> String {
    format!("{}...", &hash.to_string()[..17])
}

/// An age: `12 s`, `5 min`, `3 h`, `9 d`.
pub(crate) fn ago(seconds: f64) -> String {
    let days = |seconds: u64| seconds / 86_400;
    match seconds.max(0.0) as u64 {
        seconds if days(seconds) >= 2 => format!("{} d", days(seconds)),
        seconds => brief(Duration::from_secs(seconds)),
    }
}

fn whole(seconds: u64) -> String {
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} min {:02} s", seconds / 60, seconds % 60),
        _ => format!("{} h {:02} min", seconds / 3600, seconds / 60 % 60),
    }
}

/// `48.2/91.0 MB`: both in the unit of the second.
pub(crate) fn size_of(bytes: u64, total: u64) -> String {
    let (done, _) = scaled(bytes, total);
    let (total, unit) = scaled(total, total);
    format!("{done}/{total} {unit}")
}

/// `1 file`, `2 files`.
pub(crate) fn count(number: usize, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times() {
        let all = [0.0, 0.04, 12.34, 59.94, 59.95, 125.4, 3599.4, 3599.5, 3725.0].map(seconds).join(", ");
        insta::assert_snapshot!(all, @"0.0 s, 0.0 s, 12.3 s, 59.9 s, 1 min 00 s, 2 min 05 s, 59 min 59 s, 1 h 00 min, 1 h 02 min");
        insta::assert_snapshot!([59, 60, 3599, 7300].map(Duration::from_secs).map(brief).join(", "), @"59 s, 1 min, 59 min, 2 h");
        insta::assert_snapshot!(elapsed(Duration::from_millis(12_900)), @"12 s");
    }

    #[test]
    fn sizes() {
        let all = [0, 999, 1000, 1234, 999_949, 999_950, 21_400_000, 1_300_000_000, 5_000_000_000_000].map(size);
        insta::assert_snapshot!(all.join(", "), @"0 B, 999 B, 1.0 kB, 1.2 kB, 999.9 kB, 1.0 MB, 21.4 MB, 1.3 GB, 5000.0 GB");
        insta::assert_snapshot!(size_of(482_000, 91_000_000), @"0.5/91.0 MB");
        insta::assert_snapshot!(size_of(3, 9), @"3/9 B");
    }

    #[test]
    fn nouns() {
        assert_eq!((count(1, "file"), count(0, "file")), ("1 file".to_owned(), "0 files".to_owned()));
    }
}
