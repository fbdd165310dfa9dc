//! Small pages and files, into memory. Must not depend on their contents.

use std::io::Read;

use reqwest::header::{ACCEPT, CONTENT_TYPE};
use url::Url;

use crate::local::open_regular;
use crate::miss::{Miss, MissKind, checked, local_path, missing};
use crate::rate_watch::RateWatch;
use crate::tries::Tries;
use crate::{Client, DownloadAddress, FetchError};

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
        match self.config().offline {
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
            Wish::Page(None) => self.page_request(url),
            Wish::Page(Some(accept)) => self.page_request(url).header(ACCEPT, accept),
            Wish::File => self.file_request(url),
        };
        let mut response = checked(request.send().await.map_err(Miss::network)?)?;
        let content_type = response.headers().get(CONTENT_TYPE).and_then(|v| v.to_str().ok());
        let content_type = content_type.and_then(|v| v.split(';').next()).map(|v| v.trim().to_lowercase());
        let found = response.url().clone();
        let (mut bytes, mut rate) = (Vec::new(), RateWatch::new(self.config().limits));
        while let Some(chunk) = rate.chunk(&mut response).await? {
            if (bytes.len() + chunk.len()) as u64 > limit {
                return Err(Miss::new(MissKind::TooLong, "too long"));
            }
            bytes.extend_from_slice(&chunk);
        }
        self.answered(url);
        Ok(Got { bytes, url: found, content_type })
    }
}
