//! Dates as `Release` files write them, in UTC. Knows nothing of time zones.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use jiff::civil::DateTime;
use jiff::tz::Offset;

/// Parses `Fri, 30 Oct 2026 08:08:01 UTC` (also with `GMT`, `+0000` or `Z`). Nobody checks the day of the week.
pub(crate) fn parse(text: &str) -> Option<SystemTime> {
    let (_, date) = text.trim().split_once(char::is_whitespace)?;
    let (date, zone) = date.trim().rsplit_once(char::is_whitespace)?;
    if !["UTC", "GMT", "+0000", "Z"].contains(&zone) {
        return None;
    }
    let time = Offset::UTC.to_timestamp(DateTime::strptime("%d %b %Y %H:%M:%S", date.trim()).ok()?).ok()?;
    Some(UNIX_EPOCH + Duration::from_secs(u64::try_from(time.as_second()).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_dates() {
        let seconds = |t| parse(t).map(|d| d.duration_since(UNIX_EPOCH).unwrap().as_secs());
        assert_eq!(seconds("Thu, 01 Jan 1970 00:00:00 UTC"), Some(0));
        assert_eq!(seconds("Fri, 30 Oct 2026 08:08:01 UTC"), Some(1_793_347_681));
        assert_eq!(seconds("Thu, 29 Feb 2024 23:59:59 +0000"), Some(1_709_251_199));
        assert_eq!(seconds("Thu, 29 Foo 2024 23:59:59 UTC"), None);
        assert_eq!(seconds("Thu, 29 Feb 2024 23:59:59 CET"), None);
        assert_eq!(seconds("Thu,  1 Jan 1970 00:00:10 GMT"), Some(10));
        assert_eq!(seconds("Thu, 30 Feb 2024 23:59:59 UTC"), None);
        assert_eq!(seconds("Wed, 31 Dec 1969 23:59:59 UTC"), None);
        assert_eq!(seconds("soon"), None);
    }
}
