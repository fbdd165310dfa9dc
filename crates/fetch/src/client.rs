//! The HTTP client: one pool of connections, credentials, and the trying again. Knows addresses and
//! answers; not what an answer is for.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use reqwest::{RequestBuilder, Response, StatusCode};
use url::Url;

use crate::auth::{AuthRule, authorization, host, split_user};
use crate::error::http_reason;
use crate::retry::{backoff, may_pass, retry_after};
use crate::{FetchError, Netrc};

/// How the client behaves.
#[derive(Clone, Debug)]
pub struct ClientConfig {
    /// How many files are downloaded at once.
    pub parallel: usize,
    /// How often a request is repeated after a failure that may pass.
    pub retries: u32,
    /// The wait before the first repetition; each further one waits twice as long, at most 10 s.
    pub backoff: Duration,
    /// How long a connection may take to come about.
    pub connect_timeout: Duration,
    /// How long a server may be silent.
    pub read_timeout: Duration,
    /// Whether nothing may be downloaded.
    pub offline: bool,
    /// The machine's netrc file.
    pub netrc: Option<Netrc>,
    /// Secrets that came with configured addresses ([`crate::Mirrors::auth`]).
    pub auth: Vec<AuthRule>,
    /// How the client names itself.
    pub user_agent: String,
}

impl Default for ClientConfig {
    fn default() -> Self {
        Self {
            parallel: 24,
            retries: 5,
            backoff: Duration::from_millis(250),
            connect_timeout: Duration::from_secs(15),
            read_timeout: Duration::from_secs(60),
            offline: false,
            netrc: None,
            auth: Vec::new(),
            user_agent: concat!("akbuild/", env!("CARGO_PKG_VERSION")).to_owned(),
        }
    }
}

/// The client. Clones share its connections.
#[derive(Clone)]
pub struct Client(Arc<Inner>);

struct Inner {
    config: ClientConfig,
    /// For metadata: answers may be compressed on the way.
    metadata: reqwest::Client,
    /// For artifacts: what comes is the file, byte for byte.
    files: reqwest::Client,
    /// Hosts that did not answer when last asked: they are asked after the others.
    silent: Mutex<HashSet<String>>,
}

/// An answer to [`Client::get`].
#[derive(Clone, Debug)]
pub struct Got {
    /// The body.
    pub bytes: Vec<u8>,
    /// Where it was found in the end; relative links in it are relative to this.
    pub url: Url,
    /// Its `Content-Type`, without parameters.
    pub content_type: Option<String>,
}

/// Why one attempt failed.
#[derive(Clone, Debug)]
pub(crate) struct Miss {
    pub(crate) reason: String,
    pub(crate) kind: MissKind,
}

/// What one failed attempt means for the next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum MissKind {
    /// The address does not have it.
    NotFound,
    /// The server answered something else, for good.
    Http,
    /// The server may answer later.
    Busy(Option<Duration>),
    /// No answer, or it broke off.
    Network,
    /// Other bytes than expected.
    Digest { expected: String, found: String },
    /// The answer is longer than allowed.
    TooLong,
    /// A local error: no address can help.
    Disk,
}

impl Miss {
    pub(crate) fn new(kind: MissKind, reason: impl Into<String>) -> Self {
        Self { kind, reason: reason.into() }
    }

    pub(crate) fn network(error: reqwest::Error) -> Self {
        let kind = if error.is_builder() || error.is_redirect() { MissKind::Http } else { MissKind::Network };
        Self::new(kind, http_reason(error))
    }

    pub(crate) fn may_pass(&self) -> bool {
        matches!(self.kind, MissKind::Busy(_) | MissKind::Network)
    }
}

impl Client {
    /// Sets the client up: roots of trust and proxies are the machine's.
    pub fn new(config: ClientConfig) -> Result<Self, FetchError> {
        // Another part of the program may have chosen a provider already; then that one serves as well.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let build = |gzip: bool| {
            reqwest::Client::builder()
                .user_agent(&config.user_agent)
                .connect_timeout(config.connect_timeout)
                .read_timeout(config.read_timeout)
                .pool_max_idle_per_host(config.parallel.max(1))
                .http2_adaptive_window(true)
                .gzip(gzip)
                .build()
                .map_err(|e| FetchError::Setup(http_reason(e)))
        };
        let (metadata, files) = (build(true)?, build(false)?);
        Ok(Self(Arc::new(Inner { config, metadata, files, silent: Mutex::default() })))
    }

    pub(crate) fn config(&self) -> &ClientConfig {
        &self.0.config
    }

    /// Gets something small, such as an index. Tries each address in turn, and again after what may
    /// pass (no answer, 429, 5xx). `accept` is the `Accept` header. An answer over `limit_bytes` is an error.
    pub async fn get(&self, urls: &[Url], accept: Option<&str>, limit_bytes: u64) -> Result<Got, FetchError> {
        let first = urls.first().ok_or(FetchError::NoMirror)?;
        if self.0.config.offline {
            return Err(FetchError::Offline { what: crate::redact(first) });
        }
        let mut tries = Tries::new(urls);
        loop {
            for url in tries.round(self) {
                match self.get_once(&url, accept, limit_bytes).await {
                    Ok(got) => return Ok(got),
                    Err(miss) if miss.kind == MissKind::TooLong => {
                        return Err(FetchError::TooLarge { url, limit: limit_bytes });
                    }
                    Err(miss) => tries.missed(self, &url, miss),
                }
            }
            let Some(wait) = tries.wait(self) else { break };
            tokio::time::sleep(wait).await;
        }
        let absent = tries.misses.iter().all(|(_, m)| m.kind == MissKind::NotFound);
        let tried = tries.tried();
        Err(if absent { FetchError::NotFound { tried } } else { FetchError::Unreachable { tried } })
    }

    async fn get_once(&self, url: &Url, accept: Option<&str>, limit: u64) -> Result<Got, Miss> {
        if let Some(file) = local_file(url) {
            let bytes = std::fs::read(file?).map_err(|e| missing(&e))?;
            return Ok(Got { bytes, url: url.clone(), content_type: None });
        }
        let mut request = self.authorised(&self.0.metadata, url);
        if let Some(accept) = accept {
            request = request.header(ACCEPT, accept);
        }
        let mut response = checked(request.send().await.map_err(Miss::network)?)?;
        let content_type = response.headers().get(CONTENT_TYPE).and_then(|v| v.to_str().ok());
        let content_type = content_type.and_then(|v| v.split(';').next()).map(|v| v.trim().to_lowercase());
        let found = response.url().clone();
        let mut bytes = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(Miss::network)? {
            if (bytes.len() + chunk.len()) as u64 > limit {
                return Err(Miss::new(MissKind::TooLong, "too long"));
            }
            bytes.extend_from_slice(&chunk);
        }
        self.answered(url);
        Ok(Got { bytes, url: found, content_type })
    }

    /// A request for a file as it lies on the server.
    pub(crate) fn file_request(&self, url: &Url) -> RequestBuilder {
        self.authorised(&self.0.files, url)
    }

    fn authorised(&self, client: &reqwest::Client, url: &Url) -> RequestBuilder {
        let header = authorization(url, &self.0.config.auth, self.0.config.netrc.as_ref());
        let request = client.get(split_user(url).0);
        match header.and_then(|h| HeaderValue::from_str(&h).ok()) {
            Some(mut value) => {
                value.set_sensitive(true);
                request.header(AUTHORIZATION, value)
            }
            None => request,
        }
    }

    pub(crate) fn answered(&self, url: &Url) {
        self.0.silent.lock().unwrap_or_else(PoisonError::into_inner).remove(&host(url));
    }
}

/// The path that a `file:` address means; `None` for any other address.
pub(crate) fn local_file(url: &Url) -> Option<Result<std::path::PathBuf, Miss>> {
    let no_path = || Miss::new(MissKind::Http, "is no path of this machine");
    (url.scheme() == "file").then(|| url.to_file_path().map_err(|()| no_path()))
}

/// What it means that a file of a local mirror cannot be read.
pub(crate) fn missing(error: &std::io::Error) -> Miss {
    let kind = if error.kind() == std::io::ErrorKind::NotFound { MissKind::NotFound } else { MissKind::Http };
    Miss::new(kind, error.to_string())
}

/// An answer that is no error.
pub(crate) fn checked(response: Response) -> Result<Response, Miss> {
    let status = response.status();
    let kind = match status {
        StatusCode::NOT_FOUND | StatusCode::GONE => MissKind::NotFound,
        s if s.is_success() => return Ok(response),
        s if may_pass(s) => MissKind::Busy(retry_after(response.headers())),
        _ => MissKind::Http,
    };
    Err(Miss::new(kind, status.to_string()))
}

/// The addresses of one thing, and what came of each so far.
pub(crate) struct Tries {
    left: Vec<Url>,
    pub(crate) misses: Vec<(Url, Miss)>,
    attempt: u32,
}

impl Tries {
    pub(crate) fn new(urls: &[Url]) -> Self {
        let mut left: Vec<Url> = Vec::new();
        for url in urls {
            if !left.contains(url) {
                left.push(url.clone());
            }
        }
        Self { left, misses: Vec::new(), attempt: 0 }
    }

    /// The addresses of the next round: those of hosts that were silent last time come last.
    pub(crate) fn round(&self, client: &Client) -> Vec<Url> {
        let silent = client.0.silent.lock().unwrap_or_else(PoisonError::into_inner);
        let mut urls = self.left.clone();
        urls.sort_by_key(|u| silent.contains(&host(u)));
        urls
    }

    pub(crate) fn missed(&mut self, client: &Client, url: &Url, miss: Miss) {
        if miss.kind == MissKind::Network {
            client.0.silent.lock().unwrap_or_else(PoisonError::into_inner).insert(host(url));
        }
        if !miss.may_pass() {
            self.left.retain(|u| u != url);
        }
        match self.misses.iter_mut().find(|(u, _)| u == url) {
            Some((_, last)) => *last = miss,
            None => self.misses.push((url.clone(), miss)),
        }
    }

    /// How long to wait before another round; `None` if there is to be none.
    pub(crate) fn wait(&mut self, client: &Client) -> Option<Duration> {
        if self.left.is_empty() || self.attempt >= client.0.config.retries {
            return None;
        }
        self.attempt += 1;
        let asked = self.misses.iter().filter(|(u, _)| self.left.contains(u)).filter_map(|(_, m)| match m.kind {
            MissKind::Busy(wait) => wait,
            _ => None,
        });
        Some(asked.min().unwrap_or_default().max(backoff(client.0.config.backoff, self.attempt)))
    }

    /// Which repetition comes next, from 1, and why.
    pub(crate) fn next(&self) -> (u32, String) {
        let last = self.misses.iter().rfind(|(u, _)| self.left.contains(u));
        (self.attempt, last.map(|(u, m)| format!("{}: {}", crate::redact(u), m.reason)).unwrap_or_default())
    }

    pub(crate) fn tried(self) -> Vec<(Url, String)> {
        self.misses.into_iter().map(|(url, miss)| (url, miss.reason)).collect()
    }
}
