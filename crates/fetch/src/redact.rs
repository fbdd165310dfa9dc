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

/// The same for text that is perhaps no URL: paths and `host:path` come back as they are.
pub(crate) fn redact_text(text: &str) -> String {
    match Url::parse(text) {
        Ok(url) if text.contains("://") => redact(&url),
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drops_what_may_be_secret() {
        let url = Url::parse("https://me:secret@host.example:8/a/b?token=secret#secret").unwrap();
        assert_eq!(redact(&url), "https://host.example:8/a/b");
        assert_eq!(redact_text("https://me:secret@host.example/x"), "https://host.example/x");
        assert_eq!(redact_text("git@host.example:a/b"), "git@host.example:a/b");
        assert_eq!(redact_text("/srv/mirror"), "/srv/mirror");
    }
}
