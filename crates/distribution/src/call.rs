//! A request as it is kept until it has succeeded: it may have to be sent more than once. Knows HTTP; not who asks.

use std::time::Duration;

use reqwest::Method;
use reqwest::header::{HeaderName, HeaderValue};
use url::Url;

use crate::part::Part;

/// A request.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) method: Method,
    pub(crate) url: Url,
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
    pub(crate) body: Body,
    /// How long the answer may take after everything was sent; `None`: as long as any silence.
    pub(crate) patience: Option<Duration>,
}

/// What is sent with it.
#[derive(Clone, Debug)]
pub(crate) enum Body {
    /// Nothing, and nothing is said about it.
    None,
    /// Nothing, and the registry is told so: `Content-Length: 0`.
    Empty,
    /// These bytes.
    Bytes(Vec<u8>),
    /// A part of a blob.
    Part(Part),
}

impl Call {
    pub(crate) fn new(method: Method, url: Url) -> Self {
        Self { method, url, headers: Vec::new(), body: Body::None, patience: None }
    }

    /// A header whose value is known to be one: media types, numbers, digests.
    pub(crate) fn header(mut self, name: HeaderName, value: &str) -> Self {
        // What is none is left out: the registry says then what it misses.
        self.headers.extend(HeaderValue::from_str(value).ok().map(|value| (name, value)));
        self
    }

    pub(crate) fn body(mut self, body: Body) -> Self {
        self.body = body;
        self
    }

    pub(crate) fn patience(mut self, patience: Duration) -> Self {
        self.patience = Some(patience);
        self
    }
}
