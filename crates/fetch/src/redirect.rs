//! Which redirects are followed: the only redirect policy of the program.

use reqwest::Response;
use reqwest::header::LOCATION;
use reqwest::redirect::{Action, Attempt, Policy};
use url::Url;

use crate::redact;

/// How many redirects are followed.
const LONGEST_CHAIN: usize = 10;

/// Why a redirect is not followed.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
enum RefusedRedirect {
    #[error("it redirects more than {LONGEST_CHAIN} times")]
    TooMany,
    #[error("it redirects to {to}, which is neither http nor https")]
    Scheme { to: String },
    #[error("it redirects to {to}, which is not encrypted")]
    Plain { to: String },
}

/// Follows redirects between http and https addresses, but not from https to http.
pub(crate) fn policy() -> Policy {
    Policy::custom(|attempt| follow_redirect(attempt, may_be_plain))
}

/// A chain of redirects that was encrypted once stays so.
fn may_be_plain(previous: &[Url], _next: &Url) -> bool {
    previous.iter().all(|url| url.scheme() != "https")
}

/// Follows a redirect to an https address, and to an http address where `may_be_plain` says so of the previous addresses
/// and the next.
///
/// reqwest removes credentials when the host or the port changes.
fn follow_redirect(attempt: Attempt<'_>, may_be_plain: impl Fn(&[Url], &Url) -> bool) -> Action {
    match refusal(attempt.previous(), attempt.url(), may_be_plain) {
        None => attempt.follow(),
        Some(refused) => attempt.error(refused),
    }
}

/// Says why a redirect to `next` is not followed; `None` if it is. `previous` are the addresses that were asked so far.
///
/// For callers that follow redirects themselves because they send a body again.
pub fn refused_redirect(previous: &[Url], next: &Url, may_be_plain: impl Fn(&[Url], &Url) -> bool) -> Option<String> {
    refusal(previous, next, may_be_plain).map(|refused| refused.to_string())
}

/// Why an answer is a redirect that was not followed. reqwest itself passes over addresses that it has no protocol for.
pub(crate) fn not_followed(answer: &Response) -> Option<String> {
    let location = answer.headers().get(LOCATION).filter(|_| answer.status().is_redirection())?;
    let next = answer.url().join(location.to_str().ok()?).ok()?;
    refusal(std::slice::from_ref(answer.url()), &next, may_be_plain).map(|refused| refused.to_string())
}

fn refusal(previous: &[Url], next: &Url, may_be_plain: impl Fn(&[Url], &Url) -> bool) -> Option<RefusedRedirect> {
    match next.scheme() {
        _ if previous.len() > LONGEST_CHAIN => Some(RefusedRedirect::TooMany),
        "https" => None,
        "http" if may_be_plain(previous, next) => None,
        "http" => Some(RefusedRedirect::Plain { to: redact(next) }),
        _ => Some(RefusedRedirect::Scheme { to: redact(next) }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(previous: &[&str], next: &str) -> String {
        let url = |text: &str| Url::parse(text).unwrap();
        let previous: Vec<Url> = previous.iter().map(|text| url(text)).collect();
        let refused = refusal(&previous, &url(next), may_be_plain);
        refused.map_or_else(String::new, |refused| refused.to_string())
    }

    #[test]
    fn redirects_stay_encrypted_and_on_the_web() {
        assert_eq!(refused(&["http://a.example/"], "https://b.example/"), "");
        assert_eq!(refused(&["http://a.example/"], "http://b.example/"), "");
        insta::assert_snapshot!(refused(&["https://a.example/"], "http://me:hunter2@b.example/x?token=t"), @"it redirects to http://b.example/x, which is not encrypted");
        insta::assert_snapshot!(refused(&["https://a.example/", "https://b.example/"], "http://c.example/"), @"it redirects to http://c.example/, which is not encrypted");
        insta::assert_snapshot!(refused(&["http://a.example/"], "file:///etc/passwd"), @"it redirects to file:///etc/passwd, which is neither http nor https");
        insta::assert_snapshot!(refused(&["http://a.example/"], "ftp://a.example/"), @"it redirects to ftp://a.example/, which is neither http nor https");
        insta::assert_snapshot!(refused(&["http://a.example/"; 11], "http://a.example/"), @"it redirects more than 10 times");
    }
}
