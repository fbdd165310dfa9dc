//! Sending one request once. Knows connections, encryption and silence; not what is asked or who asks.

use std::collections::HashMap;
use std::time::Duration;

use akbuild_fetch::{http_reason, redact, refused_redirect};
use futures::StreamExt;
use reqwest::header::{AUTHORIZATION, CONTENT_LENGTH, HeaderValue};
use reqwest::{RequestBuilder, Response, StatusCode, redirect};
use url::Url;

use crate::call::{Body, Call};
use crate::part::Told;
use crate::redirect::redirect_target;
use crate::reference::{is_loopback, without_port};
use crate::trouble::Trouble;
use crate::{ClientConfig, DistributionError};

/// Bytes of a refusal that are read, at most.
const WORDS: usize = 64 << 10;

/// Why there is no answer.
#[derive(Debug)]
pub(crate) enum NoAnswer {
    /// It may come the next time.
    Passing(String),
    /// It will not come.
    Final(String),
    /// What was to be sent cannot be read.
    Fatal(DistributionError),
}

impl NoAnswer {
    /// The same as a trouble with whom was asked.
    pub(crate) fn trouble(self, at: &str) -> Trouble {
        let at = at.to_owned();
        match self {
            NoAnswer::Passing(reason) => Trouble::passing(at, reason),
            NoAnswer::Final(reason) => Trouble::Silent { at, reason },
            NoAnswer::Fatal(error) => Trouble::Fatal(error),
        }
    }
}

/// The connections.
pub(crate) struct Transport {
    /// For the world: through the machine's proxies, if it has some.
    machine: reqwest::Client,
    /// For this machine itself.
    direct: reqwest::Client,
    config: ClientConfig,
    /// Whether registries of this machine want encryption, by their hosts.
    encrypted: tokio::sync::Mutex<HashMap<String, bool>>,
}

impl Transport {
    pub(crate) fn new(config: &ClientConfig) -> Result<Self, DistributionError> {
        // Another part of the program may have chosen a provider already; then that one serves as well.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let build = |direct: bool| {
            let builder = reqwest::Client::builder()
                .user_agent(&config.user_agent)
                .connect_timeout(config.connect_timeout)
                // They are followed here: a body has to be sent again.
                .redirect(redirect::Policy::none())
                .referer(false)
                .http2_adaptive_window(true)
                .gzip(false);
            let builder = if direct { builder.no_proxy() } else { builder };
            builder.build().map_err(|e| DistributionError::Setup(http_reason(e)))
        };
        let (machine, direct) = (build(false)?, build(true)?);
        Ok(Self { machine, direct, config: config.clone(), encrypted: <_>::default() })
    }

    /// The address of a registry's host. One of this machine may speak plainly or not: it is asked, once.
    pub(crate) async fn base(&self, host: &str) -> String {
        let plain = match is_plain(host, &self.config.plain_http) {
            true if is_loopback(host) => !self.wants_encryption(host).await,
            plain => plain,
        };
        let scheme = if plain { "http" } else { "https" };
        format!("{scheme}://{host}/v2/")
    }

    /// Whether a server of this machine refuses plain HTTP, as those of Go, nginx and Apache do: in words.
    async fn wants_encryption(&self, host: &str) -> bool {
        let mut known = self.encrypted.lock().await;
        if let Some(known) = known.get(host) {
            return *known;
        }
        let answer = self.direct.get(format!("http://{host}/v2/")).timeout(self.config.connect_timeout).send().await;
        // What else is wrong is told of by the request that is wanted.
        let Ok(mut answer) = answer else { return false };
        let refused = answer.status() == StatusCode::BAD_REQUEST;
        let text =
            if refused { read_all(&mut answer, WORDS, self.patience()).await.unwrap_or_default() } else { vec![] };
        let text = String::from_utf8_lossy(&text).to_ascii_lowercase();
        *known.entry(host.to_owned()).or_insert(["https", "ssl"].iter().any(|word| text.contains(word)))
    }

    /// Whether something may be sent to that address: it is encrypted, or its host need not be.
    pub(crate) fn is_allowed(&self, url: &Url) -> bool {
        is_allowed(url, &self.config.plain_http)
    }

    /// How long whoever answers may be silent.
    pub(crate) fn patience(&self) -> Duration {
        self.config.read_timeout
    }

    /// Sends a request, and sends it again where redirects lead. `sent` is called with the number of bytes of the body
    /// that are gone, which begins again with each redirect.
    ///
    /// Credentials are for the host of the call: once a redirect has led to another one, they are left out.
    pub(crate) async fn send(
        &self,
        call: &Call,
        authorization: Option<&HeaderValue>,
        sent: &(dyn Fn(u64) + Send + Sync),
    ) -> Result<Response, NoAnswer> {
        let mut trail = vec![call.url.clone()];
        loop {
            let url = trail.last().unwrap_or(&call.url);
            let is_own = trail.iter().all(|url| url.origin() == call.url.origin());
            let answer = self.send_once(call, url, authorization.filter(|_| is_own), sent).await?;
            let Some(next) = redirect_target(&call.method, &answer) else { return Ok(answer) };
            if let Some(refused) = refused_redirect(&trail, &next, |_, url| self.is_allowed(url)) {
                return Err(NoAnswer::Final(refused));
            }
            if trail.contains(&next) {
                return Err(NoAnswer::Final(format!("it redirects in a circle, to {} again", redact(&next))));
            }
            trail.push(next);
        }
    }

    async fn send_once(
        &self,
        call: &Call,
        url: &Url,
        authorization: Option<&HeaderValue>,
        sent: &(dyn Fn(u64) + Send + Sync),
    ) -> Result<Response, NoAnswer> {
        let client = if is_loopback(&host(url)) { &self.direct } else { &self.machine };
        let mut request = client.request(call.method.clone(), url.clone());
        for (name, value) in &call.headers {
            request = request.header(name, value);
        }
        if let Some(value) = authorization {
            request = request.header(AUTHORIZATION, value);
        }
        let (request, mut told) = with_body(request, &call.body);
        let silence = call.patience.unwrap_or(self.config.read_timeout);
        let mut answer = std::pin::pin!(request.send());
        let mut gone = 0;
        loop {
            tokio::select! {
                biased;
                Some(next) = next(&mut told) => {
                    gone += next.map_err(NoAnswer::Fatal)?;
                    sent(gone);
                }
                answer = &mut answer => return answer.map_err(|error| unanswered(error, told)),
                () = tokio::time::sleep(silence) => {
                    return Err(NoAnswer::Passing(format!("it was silent for {} s", silence.as_secs_f64())));
                }
            }
        }
    }
}

/// Reads an answer that is small; one that is longer than `limit` is none.
pub(crate) async fn read_all(answer: &mut Response, limit: usize, patience: Duration) -> Result<Vec<u8>, NoAnswer> {
    let mut bytes = Vec::new();
    while let Some(chunk) = chunk(answer, patience).await? {
        if bytes.len() + chunk.len() > limit {
            return Err(NoAnswer::Final(format!("the answer is longer than {limit} bytes")));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

/// What comes next of an answer; `None` at its end.
pub(crate) async fn chunk(
    answer: &mut Response,
    patience: Duration,
) -> Result<Option<impl AsRef<[u8]> + std::ops::Deref<Target = [u8]> + use<>>, NoAnswer> {
    match tokio::time::timeout(patience, answer.chunk()).await {
        Ok(chunk) => chunk.map_err(|e| NoAnswer::Passing(http_reason(e))),
        Err(_) => Err(NoAnswer::Passing(format!("it was silent for {} s", patience.as_secs_f64()))),
    }
}

/// What is told next; `None` if nothing is.
async fn next(told: &mut Option<Told>) -> Option<Result<u64, DistributionError>> {
    told.as_mut()?.next().await
}

/// The request with its body, and what is told while that is sent.
fn with_body(request: RequestBuilder, body: &Body) -> (RequestBuilder, Option<Told>) {
    match body {
        Body::None => (request, None),
        Body::Empty => (request.header(CONTENT_LENGTH, 0), None),
        Body::Bytes(bytes) => (request.body(bytes.clone()), None),
        Body::Part(part) => {
            let (stream, told) = part.stream();
            // Without a length it would be sent in HTTP's own chunks, which some registries refuse.
            let request = request.header(CONTENT_LENGTH, part.bytes);
            (request.body(reqwest::Body::wrap_stream(stream)), Some(told))
        }
    }
}

fn is_allowed(url: &Url, plain: &[String]) -> bool {
    url.scheme() == "https" || url.scheme() == "http" && is_plain(&host(url), plain)
}

/// Whether a host is spoken to without encryption: it is this machine, or listed with or without its port.
fn is_plain(host: &str, plain: &[String]) -> bool {
    let bare = without_port(host);
    is_loopback(host) || plain.iter().any(|p| p.eq_ignore_ascii_case(host) || p.eq_ignore_ascii_case(bare))
}

/// Host, and the port where the address names one that is not its scheme's own.
pub(crate) fn host(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or(host.to_owned(), |port| format!("{host}:{port}"))
}

fn unanswered(error: reqwest::Error, told: Option<Told>) -> NoAnswer {
    // A body that cannot be read breaks the request off: then that is the reason.
    if let Some(Err(cause)) = told.and_then(|mut told| std::iter::from_fn(|| told.try_recv().ok()).find(Result::is_err))
    {
        return NoAnswer::Fatal(cause);
    }
    let stays = error.is_builder();
    let reason = http_reason(error);
    if reason.contains("InvalidContentType") {
        return NoAnswer::Final("it does not speak TLS; if it speaks plain HTTP, list it as such".to_owned());
    }
    if stays || reason.contains("certificate") { NoAnswer::Final(reason) } else { NoAnswer::Passing(reason) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_this_machine_and_listed_hosts_are_spoken_to_plainly() {
        let config =
            ClientConfig { plain_http: vec!["plain.example".into(), "one.example:81".into()], ..<_>::default() };
        let transport = Transport::new(&config).unwrap();
        assert_eq!(transport.base("registry.example:5000").await, "https://registry.example:5000/v2/");
        assert_eq!(transport.base("localhost:1").await, "http://localhost:1/v2/");
        assert_eq!(transport.base("[::1]:1").await, "http://[::1]:1/v2/");
        assert_eq!(transport.base("plain.example:80").await, "http://plain.example:80/v2/");
        assert_eq!(transport.base("one.example").await, "https://one.example/v2/");
        let allowed = |url: &str| transport.is_allowed(&Url::parse(url).unwrap());
        assert!(allowed("http://one.example:81/x") && allowed("https://any.example/"));
        assert!(!allowed("http://one.example/x") && !allowed("http://any.example/") && !allowed("ftp://localhost/"));
    }

    #[tokio::test]
    async fn a_host_that_does_not_speak_tls_is_not_asked_again() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = Url::parse(&format!("https://{}/", listener.local_addr().unwrap())).unwrap();
        let transport = Transport::new(&ClientConfig::default()).unwrap();
        let call = Call::new(reqwest::Method::GET, url);
        let answer = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            tokio::io::AsyncWriteExt::write_all(&mut stream, b"HTTP/1.1 400 Bad Request\r\n\r\n").await.unwrap();
            // The connection stays open until the other side has read.
            let _ = tokio::io::AsyncReadExt::read_to_end(&mut stream, &mut Vec::new()).await;
        };
        let (answer, ()) = tokio::join!(transport.send(&call, None, &|_| {}), answer);
        let Err(NoAnswer::Final(reason)) = answer else { panic!("{answer:?}") };
        insta::assert_snapshot!(reason, @"it does not speak TLS; if it speaks plain HTTP, list it as such");
    }
}
