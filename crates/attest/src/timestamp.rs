//! A moment as documents write it. Knows no clock.

use serde::{Serialize, Serializer};

/// A second, UTC, from the year 1970 to the end of the year 9999. Written as RFC 3339 has it: `2026-11-22T23:22:51Z`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Timestamp(jiff::Timestamp);

impl Timestamp {
    /// So many seconds after 1970 began; `None` from the last day but one of the year 9999.
    pub fn unix(seconds: u64) -> Option<Self> {
        jiff::Timestamp::from_second(i64::try_from(seconds).ok()?).ok().map(Self)
    }
}

impl std::fmt::Display for Timestamp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
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
        assert_eq!(written(253_402_207_200).as_deref(), Some("9999-12-30T22:00:00Z"));
        assert_eq!(written(253_402_300_800), None);
        assert_eq!(written(u64::MAX), None);
    }
}
