//! Addresses as messages may show them. Knows what in a URL can be secret; nothing else.

use url::Url;

/// The address without what may be secret in it: user, password, query and fragment.
pub fn redact(url: &Url) -> String {
    let mut shown = url.clone();
    // Both fail only for addresses that cannot have a user, and then there is none.
    let _ = shown.set_username("");
    let _ = shown.set_password(None);
    shown.set_query(None);
    shown.set_fragment(None);
    shown.to_string()
}

/// The same for text that may not be a URL, or not the URL that was meant: `https://me:12#4@host/` has the host `me`.
/// Everything from the scheme to the last `@` is left out, and the query and fragment. An `@` at the beginning of a
/// path segment is part of the path.
pub fn redact_text(text: &str) -> String {
    let text = text.trim();
    let (scheme, rest) = match text.split_once("://") {
        Some((scheme, rest)) => (format!("{scheme}://"), rest),
        None => (String::new(), text),
    };
    let ends_user = |(at, _): &(usize, &str)| *at == 0 || !rest[..*at].ends_with('/');
    let rest = rest.rmatch_indices('@').find(ends_user).map_or(rest, |(at, _)| &rest[at + 1..]);
    let rest = rest.split(['?', '#']).next().unwrap_or_default();
    // `https://me:secret`, where the host is missing.
    let authority = rest.split('/').next().unwrap_or_default();
    let is_port = |tail: &str| tail.chars().all(|c| c.is_ascii_digit());
    let whole = authority.starts_with('[') || authority.rsplit_once(':').is_none_or(|(_, tail)| is_port(tail));
    let rest = if whole || scheme.is_empty() { rest } else { "" };
    // A scheme that is part of what is left out, as in `me:secret://@host`.
    let known = |scheme: &str| scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c));
    match known(scheme.trim_end_matches("://")) {
        true => format!("{scheme}{rest}"),
        false => rest.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drops_what_may_be_secret() {
        let url = Url::parse("https://me:secret@host.example:8/a/b?token=secret#secret").unwrap();
        assert_eq!(redact(&url), "https://host.example:8/a/b");
        assert_eq!(redact_text("https://host.example/@scope/a"), "https://host.example/@scope/a");
        assert_eq!(redact_text("https://host.example/x?token=secret"), "https://host.example/x");
        assert_eq!(redact_text("/srv/mirror"), "/srv/mirror");
    }

    #[test]
    fn drops_it_from_text_that_is_not_an_address() {
        let texts = [
            "https://me:secret@host.example/x",
            " https://me:sec/ret@host.example/x",
            "https://me:12#secret@host.example/x",
            "https://me:12/secret@host.example/x",
            "https://me:sec?ret@host.example/x",
            "https//me:secret@host.example/x",
            "me:secret@host.example/x",
            "me:secret://@host.example/x",
            "https://me:sec@ret@host.example/x",
            "https://me:secret@[host.example/x",
        ];
        for text in texts {
            let shown = redact_text(text);
            assert!(shown.ends_with("host.example/x"), "{shown}");
            assert!(!shown.contains("me:") && !shown.contains("ret"), "{shown}");
        }
        assert_eq!(redact_text("https://me:secret"), "https://");
        assert_eq!(redact_text("https://me:secret/x"), "https://");
        assert_eq!(redact_text("https://[::1]:8/x"), "https://[::1]:8/x");
        assert_eq!(redact_text("git@host.example:a/b"), "host.example:a/b");
    }
}
