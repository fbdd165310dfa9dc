//! How the HTTP client behaves.

use std::time::Duration;

use crate::{AuthRule, Cancel, Netrc, RetryPolicy, TransferLimits, WaitListener};

/// How the client behaves.
#[derive(Clone, Debug)]
pub struct ClientConfig {
    /// How many files are downloaded at once.
    pub parallel: usize,
    /// How often a request is repeated after a failure that may pass.
    pub retry: RetryPolicy,
    /// How much a server may send, and how slowly.
    pub limits: TransferLimits,
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
    /// Ends everything that the client does.
    pub cancel: Cancel,
    /// Is told when a server has to be waited for.
    pub waits: WaitListener,
    /// How the client names itself.
    pub user_agent: String,
}

impl Default for ClientConfig {
    fn default() -> Self {
        Self {
            parallel: 24,
            retry: RetryPolicy { retries: 5, backoff: Duration::from_millis(250) },
            limits: TransferLimits::default(),
            connect_timeout: Duration::from_secs(15),
            read_timeout: Duration::from_secs(60),
            offline: false,
            netrc: None,
            auth: Vec::new(),
            cancel: Cancel::new(),
            waits: WaitListener::default(),
            user_agent: concat!("akbuild/", env!("CARGO_PKG_VERSION")).to_owned(),
        }
    }
}

impl ClientConfig {
    /// An HTTP client: roots of trust and proxies are the machine's.
    pub(crate) fn http(&self) -> reqwest::ClientBuilder {
        // Another part of the program may have chosen a provider already; then that one serves as well.
        let _ = rustls::crypto::ring::default_provider().install_default();
        reqwest::Client::builder()
            .user_agent(&self.user_agent)
            .connect_timeout(self.connect_timeout)
            .read_timeout(self.read_timeout)
            .redirect(crate::redirect::policy())
            // The query of an address may hold a token, which is not for the next host.
            .referer(false)
            .http2_adaptive_window(true)
    }
}
