//! The HTTP client: one pool of connections, credentials, and the repetition of requests. Knows addresses and
//! answers; not what an answer is for.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use reqwest::RequestBuilder;
use reqwest::header::{ACCEPT_ENCODING, AUTHORIZATION, HeaderValue};
use url::Url;

use crate::auth::{authorization, host, split_user};
use crate::error::http_reason;
use crate::{ClientConfig, FetchError};

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

    /// A request for a page.
    pub(crate) fn page_request(&self, url: &Url) -> RequestBuilder {
        self.authorised(&self.0.pages, url)
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
