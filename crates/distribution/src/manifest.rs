//! Manifests in a registry: looked at, got and put. Knows their digests and media types; not what they list.

use akbuild_image::{Descriptor, MEDIA_DOCKER_LIST, MEDIA_DOCKER_MANIFEST, MEDIA_INDEX, MEDIA_MANIFEST};
use akbuild_nar::{Algo, Digest, Hasher};
use reqwest::header::{ACCEPT, CONTENT_LENGTH, CONTENT_TYPE, ETAG, HeaderMap, HeaderName, HeaderValue, IF_MATCH};
use reqwest::{Method, Response, StatusCode};
use serde_json::Value;

use crate::call::{Body, Call};
use crate::repository::Repository;
use crate::transport::read_all;
use crate::trouble::Trouble;
use crate::{DistributionError, Refusal};

/// The longest manifest that is read: four times what the specification wants everybody to take.
const LONGEST: usize = 16 << 20;

/// The digest of what an answer holds.
const CONTENT_DIGEST: HeaderName = HeaderName::from_static("docker-content-digest");

/// A manifest or an index, as it came.
#[derive(Clone, Debug)]
pub(crate) struct Manifest {
    pub(crate) bytes: Vec<u8>,
    pub(crate) descriptor: Descriptor,
    /// What names this state of a tag, for a registry that knows such conditions.
    pub(crate) etag: Option<HeaderValue>,
}

/// What comes of asking for something.
pub(crate) enum Have<T> {
    There(T),
    /// It is not there; what the registry says.
    Absent(Refusal),
}

/// What a tag or digest stands for: "Checking if content exists in the registry".
pub(crate) async fn head(repository: &Repository<'_>, which: &str) -> Result<Option<Descriptor>, DistributionError> {
    let call = call(repository, Method::HEAD, which)?;
    let doing = format!("look for `{}`", repository.called(which));
    let head = repository.ask(&call, &doing, async |answer| match answer.status() {
        StatusCode::NOT_FOUND if *answer.url() == call.url => Ok(None),
        status if status.is_success() => Ok(Some(answer.headers().clone())),
        // Some registries know no HEAD here, and some redirect to a server that knows none.
        _ => Ok(Some(HeaderMap::new())),
    });
    let Some(headers) = head.await? else { return Ok(None) };
    let size = headers.get(CONTENT_LENGTH).and_then(|v| v.to_str().ok()?.parse().ok());
    let digest = Digest::from_oci(which).or(content_digest(&headers));
    match (digest, size) {
        (Some(digest), Some(size)) => {
            Ok(Some(Descriptor::new(content_type(&headers).unwrap_or_default(), digest, size)))
        }
        // Registries of before the specification do not say; then it is in what they give.
        _ => match get(repository, which).await? {
            Have::There(manifest) => Ok(Some(manifest.descriptor)),
            Have::Absent(_) => Ok(None),
        },
    }
}

/// "Pulling manifests". What comes has the digest that was asked for, or that the registry gives for it.
pub(crate) async fn get(repository: &Repository<'_>, which: &str) -> Result<Have<Manifest>, DistributionError> {
    let call = call(repository, Method::GET, which)?;
    let doing = format!("get `{}`", repository.called(which));
    repository
        .ask(&call, &doing, async |answer| match answer.status() {
            StatusCode::NOT_FOUND => Ok(Have::Absent(repository.refusal(answer).await)),
            status if status.is_success() => read(repository, answer, which).await.map(Have::There),
            _ => Err(repository.refused(answer).await),
        })
        .await
}

async fn read(repository: &Repository<'_>, mut answer: Response, which: &str) -> Result<Manifest, Trouble> {
    let headers = answer.headers().clone();
    let at = repository.at();
    let bytes = read_all(&mut answer, LONGEST, repository.context.transport.patience());
    let bytes = bytes.await.map_err(|e| e.trouble(&at))?;
    let expected = Digest::from_oci(which).or(content_digest(&headers));
    let mut hasher = Hasher::new(expected.map_or(Algo::Sha256, |e| e.algo()));
    hasher.update(&bytes);
    let digest = hasher.finish();
    if let Some(expected) = expected.filter(|e| *e != digest) {
        return Err(Trouble::Fatal(DistributionError::WrongBytes {
            what: format!("manifest `{}`", repository.called(which)),
            at: repository.name(),
            expected: expected.oci(),
            found: digest.oci(),
        }));
    }
    let media_type = media_type(&headers, &bytes).map_err(|problem| Trouble::Odd { at, problem })?;
    let descriptor = Descriptor::new(media_type, digest, bytes.len() as u64);
    Ok(Manifest { bytes, descriptor, etag: headers.get(ETAG).filter(|etag| is_strong(etag)).cloned() })
}

/// "Pushing Manifests". With `only_if`, only if the tag still has that state; `None` if the
/// registry refuses because of that condition.
pub(crate) async fn put(
    repository: &Repository<'_>,
    which: &str,
    media_type: &str,
    bytes: &[u8],
    only_if: Option<&HeaderValue>,
) -> Result<Option<HeaderMap>, DistributionError> {
    let url = repository.url(&format!("manifests/{which}"))?;
    let call = Call::new(Method::PUT, url).header(CONTENT_TYPE, media_type).body(Body::Bytes(bytes.to_vec()));
    let call = match only_if.and_then(|v| v.to_str().ok()) {
        Some(etag) => call.header(IF_MATCH, etag),
        None => call,
    };
    let call = call.patience(repository.context.config.commit_timeout);
    let doing = format!("push the manifest `{}`", repository.called(which));
    repository
        .ask(&call, &doing, async |answer| match answer.status() {
            // The condition is not met, or the registry does not take one.
            StatusCode::PRECONDITION_FAILED | StatusCode::BAD_REQUEST | StatusCode::NOT_IMPLEMENTED
                if only_if.is_some() =>
            {
                Ok(None)
            }
            status if status.is_success() => {
                same_digest(
                    repository,
                    &answer,
                    &format!("manifest `{}`", repository.called(which)),
                    Digest::sha256(bytes),
                )?;
                Ok(Some(answer.headers().clone()))
            }
            _ => Err(repository.refused(answer).await),
        })
        .await
}

/// A registry may say which digest it has given to what was pushed: then it must be the right one.
pub(crate) fn same_digest(
    repository: &Repository<'_>,
    answer: &Response,
    what: &str,
    expected: Digest,
) -> Result<(), Trouble> {
    let found = content_digest(answer.headers()).filter(|found| found.algo() == expected.algo());
    match found.filter(|found| *found != expected) {
        None => Ok(()),
        Some(found) => Err(Trouble::Fatal(DistributionError::WrongBytes {
            what: what.to_owned(),
            at: repository.name(),
            expected: expected.oci(),
            found: found.oci(),
        })),
    }
}

fn call(repository: &Repository<'_>, method: Method, which: &str) -> Result<Call, DistributionError> {
    let accept = [MEDIA_MANIFEST, MEDIA_INDEX, MEDIA_DOCKER_MANIFEST, MEDIA_DOCKER_LIST].join(", ");
    Ok(Call::new(method, repository.url(&format!("manifests/{which}"))?).header(ACCEPT, &accept))
}

/// The digest that a registry gives for what its answer is about.
pub(crate) fn content_digest(headers: &HeaderMap) -> Option<Digest> {
    Digest::from_oci(headers.get(CONTENT_DIGEST)?.to_str().ok()?)
}

/// Whether an entity tag can be a condition for `If-Match`, which compares strongly (RFC 9110, section 13.1.1).
fn is_strong(etag: &HeaderValue) -> bool {
    etag.as_bytes().starts_with(b"\"")
}

/// `Content-Type` without parameters.
fn content_type(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(CONTENT_TYPE)?.to_str().ok()?;
    Some(value.split(';').next()?.trim().to_ascii_lowercase()).filter(|v| !v.is_empty())
}

/// The media type that an answer has: the header and the manifest itself must not disagree.
fn media_type(headers: &HeaderMap, bytes: &[u8]) -> Result<String, String> {
    let header = content_type(headers);
    let body: Value = serde_json::from_slice(bytes).map_err(|e| format!("is no JSON: {e}"))?;
    // It may be shown, and is whatever somebody has written.
    let own = body.get("mediaType").and_then(Value::as_str).map(|m| m.to_ascii_lowercase().escape_debug().to_string());
    // Some registries call every manifest `application/json` or the like.
    let generic = |h: &String| !h.starts_with("application/vnd.");
    match (header.filter(|h| !generic(h)), own) {
        (Some(header), Some(own)) if header != own => Err(format!("comes as `{header}` and calls itself `{own}`")),
        (Some(found), _) | (None, Some(found)) => Ok(found),
        (None, None) if body.get("manifests").is_some() => Ok(MEDIA_INDEX.to_owned()),
        (None, None) if body.get("config").is_some() => Ok(MEDIA_MANIFEST.to_owned()),
        (None, None) => Err("is neither a manifest nor an index".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(header: &'static str, body: &str) -> Result<String, String> {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(header));
        media_type(&headers, body.as_bytes())
    }

    #[test]
    fn header_and_manifest_must_agree() {
        let own = format!(r#"{{"mediaType": "{MEDIA_MANIFEST}"}}"#);
        assert_eq!(found(MEDIA_MANIFEST, &own).as_deref(), Ok(MEDIA_MANIFEST));
        assert_eq!(found("application/json; charset=utf-8", &own).as_deref(), Ok(MEDIA_MANIFEST));
        assert_eq!(found(MEDIA_DOCKER_MANIFEST, "{}").as_deref(), Ok(MEDIA_DOCKER_MANIFEST));
        assert_eq!(found("text/plain", r#"{"manifests": []}"#).as_deref(), Ok(MEDIA_INDEX));
        assert_eq!(found("", r#"{"config": {}}"#).as_deref(), Ok(MEDIA_MANIFEST));
        insta::assert_snapshot!(found(MEDIA_INDEX, &own).unwrap_err(), @"comes as `application/vnd.oci.image.index.v1+json` and calls itself `application/vnd.oci.image.manifest.v1+json`");
        insta::assert_snapshot!(found("", r#"{"mediaType": "\u001b[2Jx"}"#).unwrap(), @r"\u{1b}[2jx");
        insta::assert_snapshot!(found("", "{}").unwrap_err(), @"is neither a manifest nor an index");
        insta::assert_snapshot!(found("", "<html>").unwrap_err(), @"is no JSON: expected value at line 1 column 1");
    }
}
