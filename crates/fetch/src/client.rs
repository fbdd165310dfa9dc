//! The HTTP client: one pool of connections, credentials, and the repetition of requests. Knows addresses and
//! answers; not what an answer is for.

use std::collections::HashSet;
use std::io::Read;
use std::sync::{Arc, Mutex, PoisonError};

use reqwest::RequestBuilder;
use reqwest::header::{ACCEPT, ACCEPT_ENCODING, AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use url::Url;

use crate::auth::{authorization, host, split_user};
use crate::error::http_reason;
use crate::local::open_regular;
use crate::rate_watch::RateWatch;
use crate::tries::{Miss, MissKind, Tries, checked, local_path, missing};
use crate::{ClientConfig, DownloadAddress, FetchError};

/// The client. Clones share its connections.
#[derive(Clone)]
pub struct Client(Arc<Inner>);

struct Inner {
    config: ClientConfig,
    /// For pages: answers may be compressed on the way.
    pages: reqwest::Client,
    /// For files: the body is the file, byte for byte.
    files: reqwest::Client,
    /// Hosts that did not answer when last asked: they are asked after the others.
    silent: Mutex<HashSet<String>>,
}

/// An answer to [`Client::get`] and [`Client::get_file`].
#[derive(Clone, Debug)]
pub struct Got {
    /// The body.
    pub bytes: Vec<u8>,
    /// Where it was found in the end; relative links in it are relative to this.
    pub url: Url,
    /// Its `Content-Type`, without parameters.
    pub content_type: Option<String>,
}

/// What is asked for.
#[derive(Clone, Copy)]
enum Wish<'a> {
    /// A page, with the `Accept` header.
    Page(Option<&'a str>),
    /// A file as it lies on the server.
    File,
}

impl Client {
    /// Sets the client up: roots of trust and proxies are the machine's.
    pub fn new(config: ClientConfig) -> Result<Self, FetchError> {
        let build = |gzip: bool| {
            let builder = config.http().pool_max_idle_per_host(config.parallel.max(1)).gzip(gzip);
            builder.build().map_err(|e| FetchError::Setup(http_reason(e)))
        };
        let (pages, files) = (build(true)?, build(false)?);
        Ok(Self(Arc::new(Inner { config, pages, files, silent: Mutex::default() })))
    }

    pub(crate) fn config(&self) -> &ClientConfig {
        &self.0.config
    }

    /// Gets a small page, such as an index, into memory. Tries each address in turn, and again after what may
    /// pass (no answer, 429, 5xx). `accept` is the `Accept` header. An answer over `limit_bytes` is an error.
    pub async fn get(
        &self,
        addresses: &[DownloadAddress],
        accept: Option<&str>,
        limit_bytes: u64,
    ) -> Result<Got, FetchError> {
        self.unless_cancelled(self.get_wish(addresses, Wish::Page(accept), limit_bytes)).await
    }

    /// Gets a small file into memory, byte for byte as it lies on the server.
    pub async fn get_file(&self, addresses: &[DownloadAddress], limit_bytes: u64) -> Result<Got, FetchError> {
        self.unless_cancelled(self.get_wish(addresses, Wish::File, limit_bytes)).await
    }

    /// The outcome of `work`, or an error as soon as the client is cancelled.
    pub(crate) async fn unless_cancelled<T>(
        &self,
        work: impl Future<Output = Result<T, FetchError>>,
    ) -> Result<T, FetchError> {
        tokio::select! {
            biased;
            () = self.0.config.cancel.thrown() => Err(FetchError::Cancelled),
            done = work => done,
        }
    }

    async fn get_wish(&self, addresses: &[DownloadAddress], wish: Wish<'_>, limit: u64) -> Result<Got, FetchError> {
        let mut tries = self.tries(addresses)?;
        loop {
            for address in tries.round(self) {
                match self.get_once(&address, wish, limit).await {
                    Ok(got) => return Ok(got),
                    Err(miss) if miss.kind == MissKind::TooLong => {
                        return Err(FetchError::TooLarge { url: address.url().clone(), limit });
                    }
                    Err(miss) => tries.missed(self, &address, miss),
                }
            }
            let Some(wait) = tries.wait(self) else { return Err(tries.into_error()) };
            tokio::time::sleep(wait).await;
        }
    }

    /// The attempts at these addresses, if anything may be asked at all.
    pub(crate) fn tries(&self, addresses: &[DownloadAddress]) -> Result<Tries, FetchError> {
        let first = addresses.first().ok_or(FetchError::NoMirror)?;
        match self.0.config.offline {
            true => Err(FetchError::Offline { what: crate::redact(first.url()) }),
            false => Ok(Tries::new(addresses)),
        }
    }

    async fn get_once(&self, address: &DownloadAddress, wish: Wish<'_>, limit: u64) -> Result<Got, Miss> {
        let url = address.url();
        if let Some(path) = local_path(address) {
            let mut bytes = Vec::new();
            let file = open_regular(&path?).map_err(|e| missing(&e))?;
            file.take(limit.saturating_add(1)).read_to_end(&mut bytes).map_err(|e| missing(&e))?;
            return match bytes.len() as u64 > limit {
                true => Err(Miss::new(MissKind::TooLong, "too long")),
                false => Ok(Got { bytes, url: url.clone(), content_type: None }),
            };
        }
        let request = match wish {
            Wish::Page(None) => self.authorised(&self.0.pages, url),
            Wish::Page(Some(accept)) => self.authorised(&self.0.pages, url).header(ACCEPT, accept),
            Wish::File => self.file_request(url),
        };
        let mut response = checked(request.send().await.map_err(Miss::network)?)?;
        let content_type = response.headers().get(CONTENT_TYPE).and_then(|v| v.to_str().ok());
        let content_type = content_type.and_then(|v| v.split(';').next()).map(|v| v.trim().to_lowercase());
        let found = response.url().clone();
        let (mut bytes, mut rate) = (Vec::new(), RateWatch::new(self.0.config.limits));
        while let Some(chunk) = rate.chunk(&mut response).await? {
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
        self.authorised(&self.0.files, url).header(ACCEPT_ENCODING, "identity")
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
        self.silent(|hosts| hosts.remove(&host(url)));
    }

    /// Looks at or changes the list of hosts that did not answer.
    pub(crate) fn silent<T>(&self, act: impl FnOnce(&mut HashSet<String>) -> T) -> T {
        act(&mut self.0.silent.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
