//! A moment as documents write it. Knows no clock.

use serde::{Serialize, Serializer};

/// A second, UTC, of the years 1970 to 9999. Written as RFC 3339 has it: `2026-11-22T23:22:51Z`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Timestamp(u64);

impl Timestamp {
    /// So many seconds after 1970 began; `None` after the year 9999.
    pub fn unix(seconds: u64) -> Option<Self> {
        (seconds < 253_402_300_800).then_some(Self(seconds))
    }
}

impl std::fmt::Display for Timestamp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (year, month, day) = civil(self.0 / 86_400);
        let time = self.0 % 86_400;
        write!(f, "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z", time / 3600, time / 60 % 60, time % 60)
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

/// Year, month and day, of days since 1970, in the Gregorian calendar. Years begin in March, so that a leap day is a
/// year's last; an era is the 400 years after which the calendar repeats.
fn civil(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let (era, of_era) = (days / 146_097, days % 146_097);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (era * 400 + year + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn written_by_rfc_3339() {
        let written = |seconds| Timestamp::unix(seconds).map(|t| t.to_string());
        assert_eq!(written(0).as_deref(), Some("1970-01-01T00:00:00Z"));
        assert_eq!(written(951_782_400).as_deref(), Some("2000-02-29T00:00:00Z"));
        assert_eq!(written(1_795_389_771).as_deref(), Some("2026-11-22T23:22:51Z"));
        assert_eq!(written(4_107_542_400).as_deref(), Some("2100-03-01T00:00:00Z"));
        assert_eq!(written(253_402_300_799).as_deref(), Some("9999-12-31T23:59:59Z"));
        assert_eq!(written(253_402_300_800), None);
        assert_eq!(written(u64::MAX), None);
    }
}
