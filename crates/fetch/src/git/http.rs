//! HTTP for git, which reads answers as they come, on a thread that may block. Knows requests and their limits; not
//! git's protocol.

use std::io::{self, Read};

use reqwest::{RequestBuilder, Response};
use tokio::runtime::{Builder, Runtime};

use super::trouble::Trouble;
use crate::error::http_reason;
use crate::miss::MissKind;
use crate::rate_watch::RateWatch;
use crate::{ClientConfig, FetchError, TransferLimits};

/// A server may be busy with a pack for a while before it sends it: the rate is averaged over this many windows.
const WINDOWS: u32 = 5;

/// A connection pool, and what limits its answers.
pub(super) struct GitHttp {
    /// Always there until this is dropped.
    runtime: Option<Runtime>,
    pub(super) http: reqwest::Client,
    config: ClientConfig,
}

impl GitHttp {
    pub(super) fn new(config: &ClientConfig) -> Result<Self, FetchError> {
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|e| FetchError::Setup(e.to_string()))?;
        let http = {
            let _context = runtime.enter();
            config.http().gzip(false).build().map_err(|e| FetchError::Setup(http_reason(e)))?
        };
        Ok(Self { runtime: Some(runtime), http, config: config.clone() })
    }

    /// Waits for something; `None` if it is cancelled.
    pub(super) fn wait<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        let cancel = &self.config.cancel;
        self.runtime.as_ref()?.block_on(async {
            tokio::select! {
                biased;
                () = cancel.thrown() => None,
                done = work => Some(done),
            }
        })
    }

    pub(super) fn send(&self, request: RequestBuilder) -> Result<Response, Trouble> {
        self.wait(async move { request.send().await }).ok_or_else(cancelled)?.map_err(Trouble::sent)
    }

    /// The body of an answer, at most `limit` bytes.
    pub(super) fn body(&self, answer: Response, limit: u64) -> BodyReader<'_> {
        let limits = self.config.limits;
        let rate = RateWatch::new(TransferLimits { rate_window: limits.rate_window * WINDOWS, ..limits });
        BodyReader { http: self, answer, rate, piece: Vec::new(), at: 0, left: limit, limit }
    }

    /// The body of an answer with a pack.
    pub(super) fn pack_body(&self, answer: Response) -> BodyReader<'_> {
        self.body(answer, self.config.limits.max_bytes)
    }
}

impl Drop for GitHttp {
    fn drop(&mut self) {
        // The lookup of a name cannot be cancelled: it must not be waited for.
        self.runtime.take().into_iter().for_each(Runtime::shutdown_background);
    }
}

fn cancelled() -> Trouble {
    Trouble::firm("cancelled")
}

/// An answer's body. Ends with an error when it is cancelled, too long or too slow.
pub(super) struct BodyReader<'a> {
    http: &'a GitHttp,
    answer: Response,
    rate: RateWatch,
    piece: Vec<u8>,
    at: usize,
    left: u64,
    limit: u64,
}

impl BodyReader<'_> {
    fn next_piece(&mut self) -> io::Result<bool> {
        let Self { http, answer, rate, .. } = self;
        let next = http.wait(rate.chunk(answer)).ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "cancelled"));
        let Some(piece) = next?.map_err(|miss| {
            let kind = if miss.kind == MissKind::Network { io::ErrorKind::Other } else { io::ErrorKind::InvalidData };
            io::Error::new(kind, miss.reason)
        })?
        else {
            return Ok(false);
        };
        let Some(left) = self.left.checked_sub(piece.len() as u64) else {
            let reason = format!("the answer is longer than {} bytes, which is the limit", self.limit);
            return Err(io::Error::new(io::ErrorKind::InvalidData, reason));
        };
        (self.piece, self.at, self.left) = (piece.to_vec(), 0, left);
        Ok(true)
    }
}

impl Read for BodyReader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.at == self.piece.len() {
            if !self.next_piece()? {
                return Ok(0);
            }
        }
        let count = buffer.len().min(self.piece.len() - self.at);
        buffer[..count].copy_from_slice(&self.piece[self.at..self.at + count]);
        self.at += count;
        Ok(count)
    }
}
