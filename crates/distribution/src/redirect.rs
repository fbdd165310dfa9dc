//! Redirects: where a request is sent next. Requests with a body keep their method and body, so that an upload can
//! follow a registry to its storage. Sends nothing itself.

use reqwest::header::LOCATION;
use reqwest::{Method, Response, StatusCode};
use url::Url;

/// The address that an answer redirects a request to, if requests of this method follow it.
///
/// 301, 302, 307 and 308 keep the method. 303 names another resource to read, and is no place for a body.
pub(crate) fn redirect_target(method: &Method, answer: &Response) -> Option<Url> {
    let reads = method == Method::GET || method == Method::HEAD;
    let follows = match answer.status() {
        StatusCode::MOVED_PERMANENTLY
        | StatusCode::FOUND
        | StatusCode::TEMPORARY_REDIRECT
        | StatusCode::PERMANENT_REDIRECT => true,
        StatusCode::SEE_OTHER => reads,
        _ => false,
    };
    let location = answer.headers().get(LOCATION).filter(|_| follows)?.to_str().ok()?;
    resolve_location(answer.url(), answer.url(), location)
}

/// The address that a `Location` means, which may be relative to the address that was `asked`.
///
/// A registry behind a proxy often gives its own address as it sees it: without the encryption that the proxy ends, or
/// without the proxy's port. Then the address at which the registry is asked (`own`) is meant.
pub(crate) fn resolve_location(own: &Url, asked: &Url, location: &str) -> Option<Url> {
    let mut url = asked.join(location).ok()?;
    let is_host = url.host() == own.host();
    let lost_encryption = is_host && own.scheme() == "https" && url.scheme() == "http";
    let lost_port = is_host && own.scheme() == url.scheme() && url.port().is_none() && url.path().starts_with("/v2/");
    if lost_encryption || lost_port {
        url.set_scheme(own.scheme()).and_then(|()| url.set_port(own.port())).ok()?;
    }
    Some(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_registry_behind_a_proxy_keeps_its_encryption_and_port() {
        let at = |own: &str, location: &str| {
            let own = Url::parse(own).unwrap();
            let asked = own.join("app/blobs/uploads/").unwrap();
            resolve_location(&own, &asked, location).map(|u| u.to_string())
        };
        let own = "https://registry.example:8443/v2/";
        assert_eq!(at(own, "/x?a=b").as_deref(), Some("https://registry.example:8443/x?a=b"));
        assert_eq!(at(own, "1?a=b").as_deref(), Some("https://registry.example:8443/v2/app/blobs/uploads/1?a=b"));
        assert_eq!(at(own, "http://registry.example/x").as_deref(), Some("https://registry.example:8443/x"));
        let upload = "/v2/app/blobs/uploads/1";
        let whole = format!("https://registry.example:8443{upload}");
        assert_eq!(at(own, &format!("https://registry.example{upload}")), Some(whole));
        assert_eq!(at(own, "https://registry.example/x").as_deref(), Some("https://registry.example/x"));
        assert_eq!(at(own, "http://storage.example/x").as_deref(), Some("http://storage.example/x"));
        assert_eq!(at(own, "http://[").as_deref(), None);
        assert_eq!(at("http://localhost/v2/", "http://localhost/x").as_deref(), Some("http://localhost/x"));
    }
}
