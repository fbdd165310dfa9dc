//! Sending one local file: whole or a range of it (RFC 9110, section 14), from disk in pieces.

use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::Path;

use futures::stream;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Bytes, Frame};
use hyper::header::{self, HeaderMap, HeaderValue};
use hyper::{Response, StatusCode};

use super::body::{Body, empty};

/// Bytes that are read from disk at a time; a smaller file goes out in one piece.
const PIECE: u64 = 256 * 1024;

/// What of a file a request wants.
#[derive(Debug, PartialEq, Eq)]
enum Part {
    Whole,
    Range(Range<u64>),
    Unsatisfiable,
}

/// The answer with a local file. `tag` names its content.
///
/// # Errors
/// The file cannot be opened or read.
pub(super) async fn send(
    path: &Path,
    tag: &str,
    kind: &'static str,
    headers: &HeaderMap,
    head: bool,
) -> io::Result<Response<Body>> {
    let tag = format!("\"{tag}\"");
    let same = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    if same(header::IF_NONE_MATCH).is_some_and(|list| list.split(',').any(|t| t.trim() == tag || t.trim() == "*")) {
        return Ok(reply(StatusCode::NOT_MODIFIED, &tag, kind, None, empty()));
    }
    let path = path.to_owned();
    let (file, size) = blocking(move || {
        let file = std::fs::File::open(&path)?;
        let size = file.metadata()?.len();
        Ok((file, size))
    })
    .await?;
    let ranged = same(header::IF_RANGE).is_none_or(|t| t == tag);
    let part = same(header::RANGE).filter(|_| ranged).map_or(Part::Whole, |range| part(range, size));
    let (status, range) = match part {
        Part::Whole => (StatusCode::OK, 0..size),
        Part::Range(range) => (StatusCode::PARTIAL_CONTENT, range),
        Part::Unsatisfiable => (StatusCode::RANGE_NOT_SATISFIABLE, 0..0),
    };
    let mut response = reply(status, &tag, kind, Some(range.end - range.start), empty());
    let content_range = match status {
        StatusCode::PARTIAL_CONTENT => Some(format!("bytes {}-{}/{size}", range.start, range.end - 1)),
        StatusCode::RANGE_NOT_SATISFIABLE => Some(format!("bytes */{size}")),
        _ => None,
    };
    if let Some(Ok(value)) = content_range.map(|text| HeaderValue::from_str(&text)) {
        response.headers_mut().insert(header::CONTENT_RANGE, value);
    }
    if !head && status != StatusCode::RANGE_NOT_SATISFIABLE {
        *response.body_mut() = body(file, range).await?;
    }
    Ok(response)
}

fn reply(status: StatusCode, tag: &str, kind: &'static str, length: Option<u64>, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    if let Ok(tag) = HeaderValue::from_str(tag) {
        headers.insert(header::ETAG, tag);
    }
    if let Some(length) = length {
        headers.insert(header::CONTENT_LENGTH, length.into());
    }
    response
}

async fn body(mut file: std::fs::File, range: Range<u64>) -> io::Result<Body> {
    let (file, first) = blocking(move || {
        file.seek(SeekFrom::Start(range.start))?;
        let first = piece(&mut file, range.end - range.start)?;
        Ok(((file, range.end - range.start - first.len() as u64), first))
    })
    .await?;
    let (file, left) = file;
    if left == 0 {
        return Ok(Full::new(first).map_err(|never| match never {}).boxed_unsync());
    }
    let rest = stream::try_unfold((file, left), |(mut file, left)| async move {
        if left == 0 {
            return Ok(None);
        }
        let (file, bytes) = blocking(move || {
            let bytes = piece(&mut file, left)?;
            Ok((file, bytes))
        })
        .await?;
        let left = left - bytes.len() as u64;
        Ok::<_, io::Error>(Some((Frame::data(bytes), (file, left))))
    });
    let first = stream::once(async { Ok(Frame::data(first)) });
    Ok(BodyExt::boxed_unsync(StreamBody::new(futures::StreamExt::chain(first, rest))))
}

/// The next bytes of a file: a whole piece, or `left` if that is less.
fn piece(file: &mut std::fs::File, left: u64) -> io::Result<Bytes> {
    let mut bytes = vec![0; usize::try_from(left.min(PIECE)).unwrap_or_default()];
    file.read_exact(&mut bytes)?;
    Ok(bytes.into())
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(io::Error::other)?
}

/// Reads a `Range`. A list of ranges, or what is not one at all, is answered with the whole file.
fn part(header: &str, size: u64) -> Part {
    let Some((first, last)) = header.trim().strip_prefix("bytes=").and_then(|range| range.split_once('-')) else {
        return Part::Whole;
    };
    let number = |text: &str| text.trim().parse::<u64>().ok();
    let range = match (number(first), number(last)) {
        (Some(start), Some(end)) if start <= end => start..end.saturating_add(1).min(size),
        (Some(start), None) if last.trim().is_empty() => start..size,
        (None, Some(length)) if first.trim().is_empty() => size.saturating_sub(length)..size,
        _ => return Part::Whole,
    };
    if range.is_empty() { Part::Unsatisfiable } else { Part::Range(range) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read_as_http_has_them() {
        for (header, expected) in [
            ("bytes=0-3", Part::Range(0..4)),
            ("bytes=4-", Part::Range(4..10)),
            ("bytes=-3", Part::Range(7..10)),
            ("bytes=-30", Part::Range(0..10)),
            ("bytes=8-99", Part::Range(8..10)),
            ("bytes=0-18446744073709551615", Part::Range(0..10)),
            ("bytes=10-", Part::Unsatisfiable),
            ("bytes=-0", Part::Unsatisfiable),
            ("bytes=3-2", Part::Whole),
            ("bytes=0-1,3-4", Part::Whole),
            ("bytes=-", Part::Whole),
            ("items=0-3", Part::Whole),
        ] {
            assert_eq!(part(header, 10), expected, "{header}");
        }
    }
}
