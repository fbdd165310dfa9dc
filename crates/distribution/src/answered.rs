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
    /// The bytes do not follow on those that are there, as far as the registry says.
    Unfit(Trouble),
    /// The body is too large; with the limit, if the registry names one.
    TooLarge(Trouble, Option<u64>),
    /// The bytes are not those of the digest.
    Damaged(Trouble),
    /// Something else, for good.
    No(Trouble),
}

impl Answered {
    /// Reads the answer to a request with a body of `sent` bytes.
    pub(crate) async fn read(repository: &Repository<'_>, answer: Response, sent: u64) -> Self {
        let status = answer.status();
        if status.is_success() {
            return Self::Taken(answer);
        }
        let at = akbuild_fetch::redact(answer.url());
        let refusal = repository.refusal(answer).await;
        let limit = refusal.size_limit(sent);
        let has = |codes: [&str; 2]| codes.iter().any(|code| refusal.has(code));
        let (unknown, damaged) = (["BLOB_UPLOAD_UNKNOWN", "BLOB_UPLOAD_INVALID"], ["DIGEST_INVALID", "SIZE_INVALID"]);
        match status {
            StatusCode::PAYLOAD_TOO_LARGE => Self::TooLarge(Trouble::Refused { at, refusal }, limit),
            StatusCode::RANGE_NOT_SATISFIABLE | StatusCode::BAD_REQUEST if limit.is_some() => {
                Self::TooLarge(Trouble::Refused { at, refusal }, limit)
            }
            StatusCode::RANGE_NOT_SATISFIABLE => Self::Unfit(Trouble::Refused { at, refusal }),
            _ if refusal.has("UNSUPPORTED") => Self::No(Trouble::Refused { at, refusal }),
            StatusCode::NOT_FOUND => Self::Lost(refusal),
            _ if has(unknown) => Self::Lost(refusal),
            _ if has(damaged) => Self::Damaged(Trouble::Refused { at, refusal }),
            _ => Self::No(Trouble::Refused { at, refusal }),
        }
    }
}

/// Where the bytes that a registry has of an upload end: `Range: 0-1023`, also written as a `Content-Range`.
pub(crate) fn end_of_range(headers: &HeaderMap) -> Option<u64> {
    let range = headers.get(RANGE)?.to_str().ok()?.trim();
    let range = range.strip_prefix("bytes").map_or(range, |rest| rest.trim_start_matches(['=', ' ']));
    let (end, _) = range.split_once('/').unwrap_or((range, ""));
    end.split_once('-')?.1.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_come_in_several_forms() {
        let end = |text: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(RANGE, reqwest::header::HeaderValue::from_static(text));
            end_of_range(&headers)
        };
        assert_eq!((end("0-1023"), end("bytes=0-9"), end("0-0")), (Some(1023), Some(9), Some(0)));
        assert_eq!((end("bytes 0-9/20"), end("0-9/*"), end("bytes=0-9 ")), (Some(9), Some(9), Some(9)));
        assert_eq!((end("0"), end("0-x"), end_of_range(&HeaderMap::new())), (None, None, None));
    }
}
