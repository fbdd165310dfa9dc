//! From a request to its answer: the shelf of the ecosystem answers, and this module writes the answer as HTTP. Must not
//! depend on an ecosystem.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::header::{self, HeaderValue};
use hyper::{Method, Request, Response, StatusCode};

use super::body::{Body, empty};
use super::file;
use super::miss::{Miss, Misses};
use crate::Catalogue;
use crate::protocol::{BYTES, PackageShelf, RegistryProtocol, RegistryReply, RegistryRequest, TEXT};
use crate::requested_path::RequestedPath;
use crate::upstream::{Remembered, Upstream};

/// What all connections share.
#[derive(Debug)]
pub(super) struct State {
    catalogue: Arc<Catalogue>,
    upstream: Option<Remembered>,
    pub(super) misses: Misses,
    pub(super) served: AtomicU64,
}

impl State {
    pub(super) fn new(catalogue: Arc<Catalogue>, upstream: Option<Arc<dyn Upstream>>) -> Self {
        let upstream = upstream.map(Remembered::new);
        Self { catalogue, upstream, misses: Misses::default(), served: AtomicU64::new(0) }
    }

    pub(super) async fn answer(&self, request: &Request<Incoming>) -> Response<Body> {
        let is_read = matches!(*request.method(), Method::GET | Method::HEAD);
        let path = RequestedPath::parse(request.uri().path());
        let asked = asked(request, path.as_ref(), self.upstream.as_ref());
        let mut response = match self.catalogue.shelf(request.uri().path(), path.as_ref()) {
            Some((protocol, shelf)) if shelf.is_service(&asked) => refusal(protocol, "no such service here"),
            _ if !is_read => {
                text(StatusCode::METHOD_NOT_ALLOWED, TEXT, "only GET and HEAD are answered here\n".to_owned())
            }
            Some((protocol, shelf)) => self.read(protocol, shelf, &asked, request).await,
            None => unknown(request),
        };
        if response.status().is_success() {
            self.served.fetch_add(1, Ordering::Relaxed);
        }
        if request.method() == Method::HEAD {
            *response.body_mut() = empty();
        }
        response
    }

    async fn read(
        &self,
        protocol: &RegistryProtocol,
        shelf: &dyn PackageShelf,
        asked: &RegistryRequest<'_>,
        request: &Request<Incoming>,
    ) -> Response<Body> {
        let path = request.uri().path();
        let sent = match shelf.answer(asked).await {
            RegistryReply::Page(kind, body) => Ok(text(StatusCode::OK, kind, body)),
            RegistryReply::Locked { digest, name, kind } => match self.catalogue.local(&digest) {
                Some(file) => send(file, &digest.hex(), (protocol, &name), kind, request).await,
                None => Err(Miss::unpinned(protocol, &name, path)),
            },
            RegistryReply::Fetched { path, hex, name } => send(&path, &hex, (protocol, &name), BYTES, request).await,
            RegistryReply::Unpinned { name } => Err(Miss::unpinned(protocol, &name, path)),
            RegistryReply::Failed { name, error } => Ok(self.failed(protocol, &name, path, &error)),
            RegistryReply::Unknown => Ok(unknown(request)),
        };
        sent.unwrap_or_else(|miss| {
            self.misses.add(&miss);
            refusal(protocol, &miss.advice)
        })
    }

    /// The answer where the index outside could not be asked.
    fn failed(&self, protocol: &RegistryProtocol, name: &str, asked: &str, error: &str) -> Response<Body> {
        let advice = format!("the package index could not be asked for {name}: {error}");
        let (ecosystem, name, request) = (protocol.ecosystem, name.to_owned(), asked.to_owned());
        self.misses.add(&Miss { ecosystem, name, request, advice: advice.clone() });
        text(StatusCode::BAD_GATEWAY, TEXT, format!("{advice}\n"))
    }
}

fn asked<'a>(
    request: &'a Request<Incoming>,
    path: Option<&'a RequestedPath>,
    outside: Option<&'a Remembered>,
) -> RegistryRequest<'a> {
    let headers = request.headers();
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or("127.0.0.1");
    let accept = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let accepts = accept.flat_map(|list| list.split(',')).map(str::trim).collect();
    RegistryRequest { raw: request.uri().path(), path, base: format!("http://{host}"), accepts, outside }
}

async fn send(
    path: &Path,
    tag: &str,
    (protocol, name): (&RegistryProtocol, &str),
    kind: &'static str,
    request: &Request<Incoming>,
) -> Result<Response<Body>, Miss> {
    let head = request.method() == Method::HEAD;
    let sent = file::send(path, tag, kind, request.headers(), head).await;
    sent.map_err(|error| Miss::unreadable(protocol, name, request.uri().path(), &error))
}

/// The 404 of an ecosystem, in the form that its client prints.
fn refusal(protocol: &RegistryProtocol, message: &str) -> Response<Body> {
    let (kind, body) = (protocol.error_body)(message);
    text(StatusCode::NOT_FOUND, kind, body)
}

fn unknown(request: &Request<Incoming>) -> Response<Body> {
    text(StatusCode::NOT_FOUND, TEXT, format!("not found: {}\n", request.uri().path()))
}

fn text(status: StatusCode, kind: &'static str, body: String) -> Response<Body> {
    let length = body.len();
    let mut response = Response::new(Full::new(Bytes::from(body)).map_err(|never| match never {}).boxed_unsync());
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    response.headers_mut().insert(header::CONTENT_LENGTH, length.into());
    response
}
