//! What a registry's answer to sent bytes means, by its status and its codes. Knows no upload.

use reqwest::header::{HeaderMap, RANGE};
use reqwest::{Response, StatusCode};

use crate::Refusal;
use crate::repository::Repository;
use crate::trouble::Trouble;

/// What an answer to sent bytes means.
pub(crate) enum Answered {
    /// They have arrived.
    Taken(Response),
    /// The upload is not known any more.
    Lost(Refusal),
    /// The bytes do not follow on those that are there.
    Unfit,
    /// There are no chunks here.
    NoChunks,
    /// The bytes are not those of the digest.
    Damaged(Trouble),
    /// Something else, for good.
    No(Trouble),
}

impl Answered {
    pub(crate) async fn read(repository: &Repository<'_>, answer: Response) -> Self {
        let status = answer.status();
        if status.is_success() {
            return Self::Taken(answer);
        }
        let at = akbuild_fetch::redact(answer.url());
        let refusal = repository.refusal(answer).await;
        let has = |codes: [&str; 2]| codes.iter().any(|code| refusal.has(code));
        match status {
            StatusCode::RANGE_NOT_SATISFIABLE => Self::Unfit,
            StatusCode::METHOD_NOT_ALLOWED | StatusCode::NOT_IMPLEMENTED => Self::NoChunks,
            _ if refusal.has("UNSUPPORTED") => Self::NoChunks,
            StatusCode::NOT_FOUND => Self::Lost(refusal),
            _ if has(["BLOB_UPLOAD_UNKNOWN", "BLOB_UPLOAD_INVALID"]) => Self::Lost(refusal),
            _ if has(["DIGEST_INVALID", "SIZE_INVALID"]) => Self::Damaged(Trouble::Refused { at, refusal }),
            _ => Self::No(Trouble::Refused { at, refusal }),
        }
    }
}

/// Where the bytes that a registry has of an upload end: `Range: 0-1023`.
pub(crate) fn end_of_range(headers: &HeaderMap) -> Option<u64> {
    let range = headers.get(RANGE)?.to_str().ok()?.trim();
    range.strip_prefix("bytes=").unwrap_or(range).split_once('-')?.1.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_come_in_two_forms() {
        let end = |text: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(RANGE, reqwest::header::HeaderValue::from_static(text));
            end_of_range(&headers)
        };
        assert_eq!((end("0-1023"), end("bytes=0-9"), end("0-0")), (Some(1023), Some(9), Some(0)));
        assert_eq!((end("0"), end("0-x"), end_of_range(&HeaderMap::new())), (None, None, None));
    }
}
