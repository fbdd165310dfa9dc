//! Whether a repository has a blob: "Checking if content exists in the registry", for registries whose answer to HEAD
//! comes from somewhere else, or says something else than it should. Knows the requests; uploads nothing.

use akbuild_image::Descriptor;
use reqwest::header::{CONTENT_LENGTH, CONTENT_RANGE, HeaderMap, RANGE};
use reqwest::{Method, StatusCode};

use crate::call::Call;
use crate::manifest::content_digest;
use crate::repository::Repository;
use crate::trouble::Trouble;

/// Whether the repository has a blob. In doubt it has not: then the blob is uploaded, which is always right.
///
/// A registry may redirect HEAD to a storage that does not know HEAD, or whose signed address is for GET. Then GET
/// for one byte tells whether the blob is there.
pub(crate) async fn has_blob(repository: &Repository<'_>, blob: &Descriptor) -> Result<bool, Trouble> {
    let url = repository.url(&format!("blobs/{}", blob.name())).map_err(Trouble::Fatal)?;
    match repository.send(&Call::new(Method::HEAD, url.clone()), &repository.want, &|_| {}).await {
        Ok(answer) if answer.status().is_success() && agrees(answer.headers(), blob) => Ok(true),
        Ok(answer) if answer.status() == StatusCode::NOT_FOUND && *answer.url() == url => Ok(false),
        Ok(_) => gives_blob(repository, blob).await,
        Err(Trouble::Passing { refusal: Some(refusal), .. }) if refusal.status >= 500 => {
            gives_blob(repository, blob).await
        }
        Err(trouble) => Err(trouble),
    }
}

/// Whether the registry begins to send a blob of the right size.
async fn gives_blob(repository: &Repository<'_>, blob: &Descriptor) -> Result<bool, Trouble> {
    let url = repository.url(&format!("blobs/{}", blob.name())).map_err(Trouble::Fatal)?;
    let call = Call::new(Method::GET, url).header(RANGE, "bytes=0-0");
    // The rest of the answer is not read: it may be the whole blob.
    let answer = repository.send(&call, &repository.want, &|_| {}).await?;
    let size = match answer.status() {
        StatusCode::PARTIAL_CONTENT => whole_size(answer.headers()),
        status if status.is_success() => answer.content_length(),
        _ => None,
    };
    Ok(size == Some(blob.size))
}

/// Whether an answer to HEAD is about this blob, by the size and the digest that it gives.
fn agrees(headers: &HeaderMap, blob: &Descriptor) -> bool {
    let size: Option<u64> = headers.get(CONTENT_LENGTH).and_then(|v| v.to_str().ok()?.parse().ok());
    let digest = content_digest(headers).filter(|found| found.algo() == blob.digest.algo());
    size.is_none_or(|size| size == blob.size) && digest.is_none_or(|digest| digest == blob.digest)
}

/// The size of the whole, of which a part comes: `Content-Range: bytes 0-0/123`.
fn whole_size(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_RANGE)?.to_str().ok()?.rsplit_once('/')?.1.trim().parse().ok()
}
