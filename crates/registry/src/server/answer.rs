//! From a request to its answer: the routes, and the 404 that says what to do.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use akbuild_names::Ecosystem;
use akbuild_nar::Digest;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::header::{self, HeaderValue};
use hyper::{Method, Request, Response, StatusCode};
use serde_json::json;

use super::miss::{Miss, Misses};
use super::upstream::{Remembered, Upstream};
use super::{file, pages};
use crate::{Catalogue, IndexFile, Route, parse_path};

pub(super) type Body = UnsyncBoxBody<Bytes, io::Error>;

const BYTES: &str = "application/octet-stream";
const JSON: &str = "application/json";
const SIMPLE_JSON: &str = "application/vnd.pypi.simple.v1+json";
const HTML: &str = "text/html; charset=utf-8";
/// The time of the upload of a pinned file. Whoever pinned it knew whether it was too new (`exclude-newer`), and uv
/// passes over files without a time if there is such a limit.
const PINNED: &str = "1980-01-01T00:00:00Z";
const TEXT: &str = "text/plain; charset=utf-8";

/// What all connections share.
#[derive(Debug)]
pub(super) struct State {
    catalogue: Arc<Catalogue>,
    upstream: Option<Remembered>,
    pub(super) misses: Misses,
    pub(super) served: AtomicU64,
}

type Answer = Result<Response<Body>, Miss>;

impl State {
    pub(super) fn new(catalogue: Arc<Catalogue>, upstream: Option<Arc<dyn Upstream>>) -> Self {
        let upstream = upstream.map(Remembered::new);
        Self { catalogue, upstream, misses: Misses::default(), served: AtomicU64::new(0) }
    }

    pub(super) async fn answer(&self, request: &Request<Incoming>) -> Response<Body> {
        let head = request.method() == Method::HEAD;
        let uri = request.uri();
        let kept = self.catalogue.npm_kept(uri.path());
        let route = parse_path(uri.path());
        if kept.is_none() && route == Route::NpmService {
            return text(StatusCode::NOT_FOUND, JSON, json!({ "error": "no such service here" }).to_string());
        }
        if !head && request.method() != Method::GET {
            return text(StatusCode::METHOD_NOT_ALLOWED, TEXT, "only GET and HEAD are answered here\n".to_owned());
        }
        let answer = match kept {
            Some(digest) => self.local(&digest, Ecosystem::Npm, &npm_name(uri.path()), BYTES, request).await,
            None => self.route(&route, request).await,
        };
        let mut response = answer.unwrap_or_else(|miss| self.missed(&miss));
        if response.status().is_success() {
            self.served.fetch_add(1, Ordering::Relaxed);
        }
        if head {
            *response.body_mut() = empty();
        }
        response
    }

    async fn route(&self, route: &Route, request: &Request<Incoming>) -> Answer {
        let asked = request.uri().path();
        match route {
            Route::NpmPackument { name } => self.packument(name, request),
            Route::NpmFile { hex, file } => {
                let digest = self.catalogue.npm_file(hex);
                let digest = digest.ok_or_else(|| Miss::unpinned(Ecosystem::Npm, file, asked))?;
                self.local(&digest, Ecosystem::Npm, file, BYTES, request).await
            }
            Route::NpmAddress { path } => Err(Miss::unpinned(Ecosystem::Npm, &npm_name(path), asked)),
            Route::PythonIndex => Ok(text(StatusCode::OK, HTML, pages::index_html(self.catalogue.python_names()))),
            Route::PythonPage { name } => self.python_page(name, request).await,
            Route::PythonFile { hex, file } => self.python_file(hex, file, request).await,
            Route::GoList { module } => {
                let versions = self.catalogue.go_versions(module);
                let versions = versions.ok_or_else(|| Miss::unpinned(Ecosystem::Go, module, asked))?;
                Ok(text(StatusCode::OK, TEXT, pages::go_list(versions)))
            }
            Route::GoInfo { module, version } => {
                self.go(module, version, asked)?;
                Ok(text(StatusCode::OK, JSON, pages::go_info(version).to_string()))
            }
            Route::GoMod { module, version } => {
                let digest = self.go(module, version, asked)?.module_file;
                self.go_file(digest, module, version, TEXT, request).await
            }
            Route::GoZip { module, version } => {
                let digest = self.go(module, version, asked)?.zip;
                self.go_file(digest, module, version, "application/zip", request).await
            }
            Route::GoLatest { .. } | Route::GoSumdb | Route::NpmService | Route::Unknown => {
                Ok(text(StatusCode::NOT_FOUND, TEXT, format!("not found: {asked}\n")))
            }
        }
    }

    fn packument(&self, name: &str, request: &Request<Incoming>) -> Answer {
        let versions = self.catalogue.npm_versions(name);
        let versions = versions.ok_or_else(|| Miss::unpinned(Ecosystem::Npm, name, request.uri().path()))?;
        let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or("127.0.0.1");
        Ok(text(StatusCode::OK, JSON, pages::packument(name, versions, &format!("http://{host}")).to_string()))
    }

    async fn python_page(&self, name: &str, request: &Request<Incoming>) -> Answer {
        let asked = request.uri().path();
        let locked = self.catalogue.python_files(name).into_iter().flatten();
        let entry = |(file, digest): (&String, &Digest)| {
            let (file, sha256, upload_time) = (file.clone(), digest.hex(), Some(PINNED.to_owned()));
            IndexFile { file, sha256, upload_time, ..IndexFile::default() }
        };
        let mut files: Vec<IndexFile> = locked.map(entry).collect();
        if let Some(upstream) = &self.upstream {
            match upstream.page(name).await {
                Ok(outside) => files = pages::merged(files, &outside),
                Err(error) => return Ok(self.failed(name, asked, &error)),
            }
        }
        if files.is_empty() {
            return Err(Miss::unpinned(Ecosystem::Python, name, asked));
        }
        let accept = request.headers().get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
        if accept.flat_map(|list| list.split(',')).any(|kind| kind.trim().starts_with(SIMPLE_JSON)) {
            return Ok(text(StatusCode::OK, SIMPLE_JSON, pages::simple_json(name, &files).to_string()));
        }
        Ok(text(StatusCode::OK, HTML, pages::simple_html(name, &files)))
    }

    async fn python_file(&self, hex: &str, file: &str, request: &Request<Incoming>) -> Answer {
        let asked = request.uri().path();
        if let Some(digest) = self.catalogue.python_file(hex, file) {
            return self.local(&digest, Ecosystem::Python, file, BYTES, request).await;
        }
        let outside = match &self.upstream {
            Some(upstream) => upstream.file(hex, file).await,
            None => None,
        };
        match outside {
            None => Err(Miss::unpinned(Ecosystem::Python, file, asked)),
            Some(Err(error)) => Ok(self.failed(file, asked, &error)),
            Some(Ok(path)) => send(&path, hex, Ecosystem::Python, file, BYTES, request).await,
        }
    }

    fn go(&self, module: &str, version: &str, asked: &str) -> Result<&crate::catalogue::GoFiles, Miss> {
        let files = self.catalogue.go_version(module, version);
        files.ok_or_else(|| Miss::unpinned(Ecosystem::Go, &format!("{module}@{version}"), asked))
    }

    async fn go_file(
        &self,
        digest: Option<Digest>,
        module: &str,
        version: &str,
        kind: &'static str,
        request: &Request<Incoming>,
    ) -> Answer {
        let name = format!("{module}@{version}");
        let digest = digest.ok_or_else(|| Miss::unpinned(Ecosystem::Go, &name, request.uri().path()))?;
        self.local(&digest, Ecosystem::Go, &name, kind, request).await
    }

    async fn local(
        &self,
        digest: &Digest,
        ecosystem: Ecosystem,
        name: &str,
        kind: &'static str,
        request: &Request<Incoming>,
    ) -> Answer {
        let path = self.catalogue.local(digest);
        let path = path.ok_or_else(|| Miss::unpinned(ecosystem, name, request.uri().path()))?;
        send(path, &digest.hex(), ecosystem, name, kind, request).await
    }

    /// The 404 for what is not there; npm prints the `error` of a JSON body.
    fn missed(&self, miss: &Miss) -> Response<Body> {
        self.misses.add(miss);
        match miss.ecosystem {
            Ecosystem::Npm => text(StatusCode::NOT_FOUND, JSON, json!({ "error": miss.advice }).to_string()),
            _ => text(StatusCode::NOT_FOUND, TEXT, format!("{}\n", miss.advice)),
        }
    }

    /// The answer where the index outside could not be asked.
    fn failed(&self, name: &str, asked: &str, error: &str) -> Response<Body> {
        let advice = format!("the package index could not be asked for {name}: {error}");
        let (name, request) = (name.to_owned(), asked.to_owned());
        self.misses.add(&Miss { ecosystem: Ecosystem::Python, name, request, advice: advice.clone() });
        text(StatusCode::BAD_GATEWAY, TEXT, format!("{advice}\n"))
    }
}

async fn send(
    path: &Path,
    tag: &str,
    ecosystem: Ecosystem,
    name: &str,
    kind: &'static str,
    request: &Request<Incoming>,
) -> Answer {
    let head = request.method() == Method::HEAD;
    let sent = file::send(path, tag, kind, request.headers(), head).await;
    sent.map_err(|error| Miss::unreadable(ecosystem, name, request.uri().path(), &error))
}

/// `left-pad@1.3.0` of `/left-pad/-/left-pad-1.3.0.tgz`; the path itself where it is not such a one.
fn npm_name(path: &str) -> String {
    let path = path.strip_prefix("/npm").filter(|rest| rest.starts_with('/')).unwrap_or(path);
    let named = path.split_once("/-/").and_then(|(name, file)| {
        let name = name.trim_start_matches('/');
        let short = name.rsplit('/').next()?;
        let version = file.strip_suffix(".tgz")?.strip_prefix(short)?.strip_prefix('-')?;
        Some(format!("{name}@{version}"))
    });
    named.unwrap_or_else(|| path.to_owned())
}

pub(super) fn empty() -> Body {
    Full::new(Bytes::new()).map_err(|never| match never {}).boxed_unsync()
}

fn text(status: StatusCode, kind: &'static str, body: String) -> Response<Body> {
    let length = body.len();
    let mut response = Response::new(Full::new(Bytes::from(body)).map_err(|never| match never {}).boxed_unsync());
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    response.headers_mut().insert(header::CONTENT_LENGTH, length.into());
    response
}
