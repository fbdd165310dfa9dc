//! Dates as `Release` files write them, in UTC. Knows nothing of time zones.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// Parses `Fri, 30 Oct 2026 08:08:01 UTC` (also with `GMT`, `+0000` or `Z`).
pub(crate) fn parse(text: &str) -> Option<SystemTime> {
    let mut words = text.split_whitespace().skip(1);
    let day: u64 = words.next()?.parse().ok()?;
    let name = words.next()?;
    let month = MONTHS.iter().position(|m| *m == name)? as u64 + 1;
    let year: u64 = words.next()?.parse().ok()?;
    let mut clock = words.next()?.split(':').map(|n| n.parse::<u64>().ok());
    let (hours, minutes, seconds) = (clock.next()??, clock.next()??, clock.next()??);
    let zone = words.next()?;
    let valid = (1..=31).contains(&day) && (1970..=9999).contains(&year) && hours < 24 && minutes < 60 && seconds < 61;
    if !valid || !["UTC", "GMT", "+0000", "Z"].contains(&zone) {
        return None;
    }
    let time = days(year, month, day) * 86400 + hours * 3600 + minutes * 60 + seconds;
    Some(UNIX_EPOCH + Duration::from_secs(time))
}

/// Days from 1970-01-01 to a date of the Gregorian calendar.
fn days(year: u64, month: u64, day: u64) -> u64 {
    // Years start in March here, so that the leap day is a year's last.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    year * 365 + year / 4 - year / 100 + year / 400 + (month * 153 + 2) / 5 + day - 1 - 719_468
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
        assert_eq!(seconds("soon"), None);
    }
}
