//! Addresses: those that upstream writes, parsed, and those that are made of a base and names.

use std::borrow::Cow;

use url::Url;

use crate::PythonPackageName;
use crate::text::parsed_text;

parsed_text! {
    /// The address of a package's file: `http` or `https`, with a host.
    PackageFileAddress, "the address of a package's file", file_address
}
parsed_text! {
    /// The address of a git repository that a lock names: `https`, `http`, `ssh` or `git`, with a host.
    GitRepositoryAddress, "the address of a git repository", repository_address
}
parsed_text! {
    /// A commit, whole: 40 or 64 hex digits.
    GitCommit, "a git commit", commit
}

impl PackageFileAddress {
    /// The address, taken apart.
    pub fn to_url(&self) -> Url {
        // Parsed once before: `file_address` keeps what `Url` has made of it.
        Url::parse(self).expect("a parsed address is an address")
    }
}

/// The address of `segments` below `base`: the same scheme, user, host and port, and a path that begins with that of the
/// base. Nothing in a segment can change that: `/`, `?`, `#` and `%` are escaped, and `.` and `..` are refused, as are
/// empty segments. `None` for those, and for a base that has no path.
pub fn join_below<'a>(base: &Url, segments: impl IntoIterator<Item = &'a str>) -> Option<Url> {
    let mut joined = base.clone();
    joined.set_query(None);
    joined.set_fragment(None);
    {
        let mut path = joined.path_segments_mut().ok()?;
        path.pop_if_empty();
        for segment in segments {
            if matches!(segment, "" | "." | "..") || segment.contains(['\t', '\n', '\r']) {
                return None;
            }
            path.push(segment);
        }
    }
    Some(joined)
}

/// The page of a project on a Python index, below the base of its simple API.
pub fn index_page(base: &Url, name: &PythonPackageName) -> Option<Url> {
    let mut page = join_below(base, [name.as_str()])?;
    page.path_segments_mut().ok()?.push("");
    Some(page)
}

/// Decodes `%XX`; `None` if an escape is malformed or the outcome is not UTF-8.
pub fn percent_decode(text: &str) -> Option<Cow<'_, str>> {
    let escapes = text.split('%').skip(1);
    let sound = escapes.into_iter().all(|rest| rest.len() >= 2 && rest.bytes().take(2).all(|b| b.is_ascii_hexdigit()));
    if sound { percent_encoding::percent_decode_str(text).decode_utf8().ok() } else { None }
}

fn file_address(text: &str) -> Result<String, &'static str> {
    with_host(text, &["http", "https"], "expected http or https")
}

fn repository_address(text: &str) -> Result<String, &'static str> {
    with_host(text, &["https", "http", "ssh", "git"], "expected https, http, ssh or git").map(|_| text.to_owned())
}

fn with_host(text: &str, schemes: &[&str], expected: &'static str) -> Result<String, &'static str> {
    let url = Url::parse(text).map_err(|_| "it is not a URL")?;
    if !schemes.contains(&url.scheme()) {
        return Err(expected);
    }
    if url.host_str().is_none_or(str::is_empty) {
        return Err("it has no host");
    }
    if text.contains(char::is_whitespace) || text.contains(char::is_control) {
        return Err("it has white space");
    }
    Ok(text.to_owned())
}

fn commit(text: &str) -> Result<String, &'static str> {
    let hex = text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
    if hex && matches!(text.len(), 40 | 64) {
        Ok(text.to_owned())
    } else {
        Err("expected 40 or 64 lower-case hex digits")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn segments_are_appended() {
        let base = |text: &str| Url::parse(text).unwrap();
        let joined = |b: &str, s: &[&str]| join_below(&base(b), s.iter().copied()).map(String::from);
        assert_eq!(
            joined("https://h.example/npm/", &["@s", "a", "-", "a-1.0.0+b.tgz"]).as_deref(),
            Some("https://h.example/npm/@s/a/-/a-1.0.0+b.tgz")
        );
        assert_eq!(joined("https://h.example/npm", &["a"]).as_deref(), Some("https://h.example/npm/a"));
        assert_eq!(
            joined("https://u:p@h.example:8/?t=1#f", &["a:b", "!c"]).as_deref(),
            Some("https://u:p@h.example:8/a:b/!c")
        );
        assert_eq!(
            joined("https://h.example/", &["a/b?c#d%2f\\"]).as_deref(),
            Some("https://h.example/a%2Fb%3Fc%23d%252f%5C")
        );
        for refused in ["", ".", "..", "a\nb"] {
            assert_eq!(joined("https://h.example/", &[refused]), None, "{refused:?}");
        }
        let page = index_page(&base("https://h.example/simple"), &"A.b".parse().unwrap()).unwrap();
        assert_eq!(page.as_str(), "https://h.example/simple/a-b/");
        assert_eq!(joined("mailto:a@example.invalid", &["a"]), None);
    }

    #[test]
    fn addresses_have_a_host_and_a_known_scheme() {
        assert!(PackageFileAddress::parse("https://h.example/a.tgz").is_ok());
        assert!(GitRepositoryAddress::parse("ssh://git@forge.example/a.git").is_ok());
        for text in [
            "",
            "file:///etc/passwd",
            "/etc/passwd",
            "//h.example/a",
            "ftp://h.example/a",
            "data:,",
            "https:",
            "https://h.example/a\nb",
        ] {
            assert!(PackageFileAddress::parse(text).is_err(), "{text:?}");
            assert!(GitRepositoryAddress::parse(text).is_err(), "{text:?}");
        }
        insta::assert_snapshot!(PackageFileAddress::parse("file:///etc/passwd").unwrap_err(), @"`file:///etc/passwd` is not the address of a package's file: expected http or https");
        insta::assert_snapshot!(GitRepositoryAddress::parse("ext::sh -c id").unwrap_err(), @"`ext::sh -c id` is not the address of a git repository: expected https, http, ssh or git");
        insta::assert_snapshot!(GitCommit::parse("main").unwrap_err(), @"`main` is not a git commit: expected 40 or 64 lower-case hex digits");
        assert!(GitCommit::parse(&"0a".repeat(20)).is_ok());
    }

    #[test]
    fn malformed_escapes_are_refused() {
        assert_eq!(percent_decode("%40s%2Fa+b").as_deref(), Some("@s/a+b"));
        assert_eq!(percent_decode("plain").as_deref(), Some("plain"));
        for text in ["%", "%4", "%zz", "%+F", "%ff", "a%2"] {
            assert_eq!(percent_decode(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_segment_leaves_the_base(segments in proptest::collection::vec(any::<String>(), 1..4)) {
            let base = Url::parse("https://user@h.example:8443/a/b/").unwrap();
            if let Some(joined) = join_below(&base, segments.iter().map(String::as_str)) {
                prop_assert_eq!(&joined[..url::Position::BeforePath], &base[..url::Position::BeforePath]);
                prop_assert!(joined.path().starts_with("/a/b/"));
                prop_assert_eq!(joined.path().split('/').count(), 3 + segments.len());
                prop_assert!(joined.query().is_none() && joined.fragment().is_none());
                let again = Url::parse(joined.as_str()).unwrap();
                prop_assert_eq!(again, joined);
            }
        }
    }
}
