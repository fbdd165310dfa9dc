//! What is sent of a blob in one request: a chunk, all of it, or the end of an upload. Knows the requests of the
//! specification; not what is sent next.

use std::time::Duration;

use reqwest::Method;
use reqwest::header::{CONTENT_RANGE, CONTENT_TYPE};
use url::Url;

use crate::Blob;
use crate::call::{Body, Call};
use crate::part::Part;

/// The bytes of a blob that are sent in one request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct UploadPiece {
    pub(crate) from: u64,
    pub(crate) end: u64,
    /// It is the only request, with all bytes.
    pub(crate) whole: bool,
    /// It is the last request, with all bytes or with none.
    pub(crate) closes: bool,
}

impl UploadPiece {
    pub(crate) fn bytes(&self) -> u64 {
        self.end - self.from
    }

    /// The request that sends it. `commit`: how long the registry may take to put the complete blob in its place.
    pub(crate) fn call(&self, blob: &Blob, to: &Url, commit: Duration) -> Call {
        let part = Part { content: blob.content.clone(), from: self.from, bytes: self.bytes() };
        if !self.closes {
            let range = format!("{}-{}", self.from, self.end - 1);
            let call = Call::new(Method::PATCH, to.clone()).header(CONTENT_RANGE, &range);
            return call.header(CONTENT_TYPE, "application/octet-stream").body(Body::Part(part));
        }
        let mut url = to.clone();
        url.query_pairs_mut().append_pair("digest", &blob.descriptor.digest.oci());
        let call = Call::new(Method::PUT, url).patience(commit);
        match self.whole {
            true => call.header(CONTENT_TYPE, "application/octet-stream").body(Body::Part(part)),
            false => call.body(Body::Empty),
        }
    }
}
