//! Which secret goes with which address. Knows hosts and path prefixes; not where a secret was read.

use akbuild_registry::{AuthRule, Secret};
use data_encoding::BASE64;
use url::Url;

use crate::Netrc;

/// The value of an `Authorization` header.
pub(crate) fn header(secret: &Secret) -> String {
    match secret {
        Secret::Basic(user, password) => {
            format!("Basic {}", BASE64.encode(format!("{user}:{password}").as_bytes()))
        }
        Secret::Encoded(text) => format!("Basic {text}"),
        Secret::Bearer(token) => format!("Bearer {token}"),
    }
}

/// Whether a rule is for that address.
fn covers(rule: &AuthRule, url: &Url) -> bool {
    host(url) == rule.host && (url.path().starts_with(&rule.path) || format!("{}/", url.path()) == rule.path)
}

/// Host, and the port where the address names one that is not its scheme's own.
pub(crate) fn host(url: &Url) -> String {
    match (url.host_str(), url.port()) {
        (Some(host), Some(port)) => format!("{host}:{port}"),
        (Some(host), None) => host.to_owned(),
        (None, _) => String::new(),
    }
}

/// Splits user and password off an address.
pub(crate) fn split_user(url: &Url) -> (Url, Option<Secret>) {
    if url.username().is_empty() && url.password().is_none() {
        return (url.clone(), None);
    }
    let secret = Secret::Basic(unescape(url.username()), unescape(url.password().unwrap_or("")));
    let mut bare = url.clone();
    // Cannot fail: the address had a user or a password just now.
    let _ = bare.set_username("");
    let _ = bare.set_password(None);
    (bare, Some(secret))
}

/// `%41` to `A`. Bytes that are not UTF-8 are replaced.
fn unescape(text: &str) -> String {
    percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned()
}

/// The header for an address: its own user first, then the longest rule, then netrc.
pub(crate) fn authorization(url: &Url, rules: &[AuthRule], netrc: Option<&Netrc>) -> Option<String> {
    if let (_, Some(secret)) = split_user(url) {
        return Some(header(&secret));
    }
    let rule = rules.iter().filter(|rule| covers(rule, url)).max_by_key(|r| r.path.len());
    if let Some(rule) = rule {
        return Some(header(&rule.secret));
    }
    let (user, password) = netrc?.find(url.host_str()?)?;
    Some(header(&Secret::Basic(user.to_owned(), password.to_owned())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    #[test]
    fn the_longest_path_wins_and_other_hosts_get_nothing() {
        let rule = |path: &str, token: &str| AuthRule {
            host: "host.example:8".into(),
            path: path.into(),
            secret: Secret::Bearer(token.into()),
        };
        let rules = [rule("/", "all"), rule("/npm/", "npm")];
        let header = |u: &str| authorization(&url(u), &rules, None);
        assert_eq!(header("http://host.example:8/npm/x").as_deref(), Some("Bearer npm"));
        assert_eq!(header("http://host.example:8/npmx").as_deref(), Some("Bearer all"));
        assert_eq!(header("http://host.example/npm/x"), None);
        assert_eq!(header("http://other.example:8/npm/x"), None);
    }

    #[test]
    fn a_user_in_the_address_is_unescaped_and_taken_out() {
        let (bare, secret) = split_user(&url("https://me:p%40ss@host.example/x"));
        assert_eq!(bare.as_str(), "https://host.example/x");
        assert_eq!(secret, Some(Secret::Basic("me".into(), "p@ss".into())));
        assert_eq!(format!("{secret:?}"), "Some(Basic(..))");
    }

    #[test]
    fn netrc_comes_last() {
        let netrc = Netrc::parse("machine host.example login a password b", "netrc").unwrap();
        assert_eq!(authorization(&url("https://host.example/"), &[], Some(&netrc)).as_deref(), Some("Basic YTpi"));
    }
}
