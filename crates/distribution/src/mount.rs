//! Opening an upload, or doing without one: "Mounting a blob from another repository". Knows the requests; not how
//! an upload goes on.

use akbuild_nar::Digest;
use reqwest::header::HeaderName;
use reqwest::{Method, Response, StatusCode};
use url::Url;

use crate::DistributionError;
use crate::auth::Want;
use crate::call::{Body, Call};
use crate::manifest::content_digest;
use crate::repository::Repository;
use crate::trouble::Trouble;

/// The smallest chunk that a registry takes.
const MINIMUM: HeaderName = HeaderName::from_static("oci-chunk-min-length");
/// What a registry calls an upload.
const UPLOAD_ID: HeaderName = HeaderName::from_static("docker-upload-uuid");

/// A repository that may have a blob, and what is needed to take it from there.
pub(crate) struct Source {
    pub(crate) name: String,
    pub(crate) want: Want,
}

/// What came of it.
pub(crate) enum Opened {
    /// The registry has the blob now.
    Mounted { from: Option<String> },
    /// The blob is to be sent there.
    At { to: Url, minimum: u64 },
}

impl Source {
    /// The other repositories among these names, which must be ones that a registry can have.
    pub(crate) fn of(repository: &Repository<'_>, names: &[String]) -> Result<Vec<Self>, DistributionError> {
        if let Some(name) = names.iter().find(|name| !crate::reference::is_name(name)) {
            return Err(crate::ReferenceError::Name { text: name.clone(), name: name.clone() }.into());
        }
        let others = names.iter().filter(|name| **name != repository.want.name);
        let source = |name: &String| {
            let mut want = repository.want.clone();
            want.scopes = want.scopes.with(name, &["pull"]);
            Self { name: name.clone(), want }
        };
        Ok(others.map(source).collect())
    }
}

/// Has a blob mounted from where it can be, or an upload opened.
///
/// A mount is an offer: if it fails, for whatever reason and with whatever status, an upload is opened without it.
pub(crate) async fn open(repository: &Repository<'_>, digest: Digest, sources: &[Source]) -> Result<Opened, Trouble> {
    for source in sources {
        let query = [("mount", digest.oci()), ("from", source.name.clone())];
        let Ok(answer) = post(repository, &query, &source.want).await else { continue };
        match is_mounted(&answer, digest) {
            true => return Ok(Opened::Mounted { from: Some(source.name.clone()) }),
            false => abandon(repository, repository.location(&answer).ok().flatten()).await,
        }
    }
    // A registry that finds blobs by itself needs no name; any other one opens an upload.
    if !repository.habits.mounts_fail() {
        match post(repository, &[("mount", digest.oci())], &repository.want).await {
            Ok(answer) if is_mounted(&answer, digest) => return Ok(Opened::Mounted { from: None }),
            Ok(answer) if answer.status() == StatusCode::ACCEPTED => {
                if let Some(opened) = opened(repository, &answer)? {
                    return Ok(opened);
                }
            }
            _ => {}
        }
        repository.habits.note_mounts_fail();
    }
    open_upload(repository).await
}

/// Opens an upload: "Obtain a session id".
pub(crate) async fn open_upload(repository: &Repository<'_>) -> Result<Opened, Trouble> {
    let answer = post(repository, &[], &repository.want).await?;
    if !answer.status().is_success() {
        return Err(repository.refused(answer).await);
    }
    let missing = || Trouble::Odd { at: repository.at(), problem: "does not say where to upload to".to_owned() };
    opened(repository, &answer)?.ok_or_else(missing)
}

/// The upload that an answer opens; `None` if it does not say where that is.
fn opened(repository: &Repository<'_>, answer: &Response) -> Result<Option<Opened>, Trouble> {
    let header = |name: &HeaderName| answer.headers().get(name).and_then(|v| v.to_str().ok());
    let minimum = header(&MINIMUM).and_then(|v| v.trim().parse().ok()).unwrap_or(0);
    let named = header(&UPLOAD_ID).filter(|id| id.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b)));
    let to = match (repository.location(answer)?, named) {
        (Some(to), _) => Some(to),
        (None, Some(id)) => Some(repository.url(&format!("blobs/uploads/{id}")).map_err(Trouble::Fatal)?),
        (None, None) => None,
    };
    Ok(to.map(|to| Opened::At { to, minimum }))
}

async fn post(repository: &Repository<'_>, query: &[(&str, String)], want: &Want) -> Result<Response, Trouble> {
    let mut url = repository.url("blobs/uploads/").map_err(Trouble::Fatal)?;
    if !query.is_empty() {
        url.query_pairs_mut().extend_pairs(query);
    }
    repository.send(&Call::new(Method::POST, url).body(Body::Empty), want, &|_| {}).await
}

/// "Cancel a blob upload": frees what the registry keeps for it. That this may fail does not matter.
pub(crate) async fn abandon(repository: &Repository<'_>, upload: Option<Url>) {
    if let Some(url) = upload {
        let _ = repository.send(&Call::new(Method::DELETE, url).body(Body::Empty), &repository.want, &|_| {}).await;
    }
}

/// Whether an answer says that the registry has mounted this blob.
fn is_mounted(answer: &Response, digest: Digest) -> bool {
    let other = content_digest(answer.headers()).is_some_and(|found| found.algo() == digest.algo() && found != digest);
    answer.status() == StatusCode::CREATED && !other
}
