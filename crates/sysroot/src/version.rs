//! The order of Debian versions, as deb-version(7) gives it. Knows nothing else.

use std::cmp::Ordering;

/// Compares two Debian versions: epoch, upstream version, revision. A version that does not follow
/// the syntax is compared as far as it goes, as dpkg does.
pub fn compare_versions(a: &str, b: &str) -> Ordering {
    let (a, b) = (split(a), split(b));
    a.0.cmp(&b.0).then_with(|| compare_part(a.1, b.1)).then_with(|| compare_part(a.2, b.2))
}

/// Epoch, upstream version and revision; an absent epoch is 0 and an absent revision empty, which
/// is equal to "0".
fn split(version: &str) -> (u64, &str, &str) {
    let version = version.trim();
    let (epoch, rest) = match version.split_once(':') {
        Some((epoch, rest)) => (epoch.parse().unwrap_or(0), rest),
        None => (0, version),
    };
    match rest.rsplit_once('-') {
        Some((upstream, revision)) => (epoch, upstream, revision),
        None => (epoch, rest, ""),
    }
}

/// Compares runs of non-digits (by `order`) and runs of digits (as numbers) in turn.
fn compare_part(a: &str, b: &str) -> Ordering {
    let (mut a, mut b) = (a.as_bytes(), b.as_bytes());
    while !a.is_empty() || !b.is_empty() {
        loop {
            let (x, y) = (a.first().filter(|c| !c.is_ascii_digit()), b.first().filter(|c| !c.is_ascii_digit()));
            if x.is_none() && y.is_none() {
                break;
            }
            match order(a.first()).cmp(&order(b.first())) {
                Ordering::Equal => (a, b) = (&a[1..], &b[1..]),
                different => return different,
            }
        }
        let (x, y);
        (x, a) = digits(a);
        (y, b) = digits(b);
        match x.len().cmp(&y.len()).then_with(|| x.cmp(y)) {
            Ordering::Equal => {}
            different => return different,
        }
    }
    Ordering::Equal
}

/// The leading digits without their leading zeros, and the rest.
fn digits(text: &[u8]) -> (&[u8], &[u8]) {
    let end = text.iter().position(|c| !c.is_ascii_digit()).unwrap_or(text.len());
    let zeros = text[..end].iter().position(|c| *c != b'0').unwrap_or(end);
    (&text[zeros..end], &text[end..])
}

/// A tilde sorts before the end, the end and digits before letters, letters before all else.
fn order(c: Option<&u8>) -> i32 {
    match c {
        None => 0,
        Some(b'~') => -1,
        Some(c) if c.is_ascii_digit() => 0,
        Some(c) if c.is_ascii_alphabetic() => i32::from(*c),
        Some(c) => i32::from(*c) + 256,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn golden() {
        let ascending = [
            "0~~",
            "0~",
            "0",
            "0a",
            "0+",
            "1.0~rc1-1",
            "1.0-1",
            "1.0-1+b1",
            "1.0-1.1",
            "1.0-2",
            "1.0.1",
            "1.2",
            "1.10",
            "2.0a-1",
            "2.0b-1",
            "2.0+dfsg-1",
            "9:0~1",
            "10:0",
        ];
        for (i, a) in ascending.iter().enumerate() {
            for (j, b) in ascending.iter().enumerate() {
                assert_eq!(compare_versions(a, b), i.cmp(&j), "{a} against {b}");
            }
        }
        for (a, b) in [("1.0", "1.0-0"), ("0:1", "1"), ("1.00", "1.0"), ("1.0-0", "1.0-00")] {
            assert_eq!(compare_versions(a, b), Ordering::Equal, "{a} against {b}");
        }
    }

    /// The sign of a comparison by the real dpkg; `None` on a machine without it, which CI is not.
    #[allow(clippy::disallowed_methods, reason = "a test against the real program")]
    fn dpkg(a: &str, b: &str) -> Option<Ordering> {
        let holds = |op| {
            let status = std::process::Command::new("dpkg").args(["--compare-versions", a, op, b]).status();
            status.ok().map(|s| s.success())
        };
        assert!(holds("lt").is_some() || std::env::var_os("CI").is_none(), "CI has to have dpkg");
        Some(match (holds("lt")?, holds("gt")?) {
            (true, _) => Ordering::Less,
            (_, true) => Ordering::Greater,
            _ => Ordering::Equal,
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]
        #[test]
        fn agrees_with_dpkg(a in "([0-2]:)?[0-9][0-9a-c.+~]{0,6}(-[0-9a-c+.~]{1,4})?", b in "([0-2]:)?[0-9][0-9a-c.+~]{0,6}(-[0-9a-c+.~]{1,4})?") {
            if let Some(theirs) = dpkg(&a, &b) {
                prop_assert_eq!(compare_versions(&a, &b), theirs);
            }
            prop_assert_eq!(compare_versions(&a, &b), compare_versions(&b, &a).reverse());
        }
    }
}
