//! The client: what every operation shares. Knows how it is set up; each operation is in a file of its own.

use std::sync::Arc;
use std::time::Duration;

use reqwest::Method;

use crate::auth::Auth;
use crate::call::{Body, Call};
use crate::repository::{Access, Repository};
use crate::transport::Transport;
use crate::{DistributionError, Keyring, Reference};

/// How the client behaves.
#[derive(Clone, Debug)]
pub struct ClientConfig {
    /// How often a request is repeated after a failure that may pass, without any progress in between.
    pub retries: u32,
    /// The wait before the first repetition; each further one waits twice as long, at most 10 s.
    pub backoff: Duration,
    /// How long a connection may take to come about.
    pub connect_timeout: Duration,
    /// How long a registry may be silent: send nothing, and take nothing.
    pub read_timeout: Duration,
    /// How long a registry may take to put a complete upload in its place.
    pub commit_timeout: Duration,
    /// Hosts, with or without a port, that are spoken to without encryption. Loopback hosts are too, if they let one.
    pub plain_http: Vec<String>,
    /// How the client names itself.
    pub user_agent: String,
}

impl Default for ClientConfig {
    fn default() -> Self {
        Self {
            retries: 8,
            backoff: Duration::from_millis(250),
            connect_timeout: Duration::from_secs(15),
            read_timeout: Duration::from_secs(60),
            commit_timeout: Duration::from_secs(600),
            plain_http: Vec::new(),
            user_agent: concat!("akbuild/", env!("CARGO_PKG_VERSION")).to_owned(),
        }
    }
}

/// A client of registries. Clones share its connections and what it has been told of credentials.
#[derive(Clone)]
pub struct Client(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) config: ClientConfig,
    pub(crate) transport: Transport,
    pub(crate) auth: Auth,
    /// Lists of referrers are read, changed and written back: one at a time.
    pub(crate) referrers: tokio::sync::Mutex<()>,
}

impl Client {
    /// Sets the client up. Roots of trust and proxies are the machine's; loopback hosts are asked directly.
    pub fn new(config: ClientConfig, keyring: Keyring) -> Result<Self, DistributionError> {
        let transport = Transport::new(&config)?;
        let referrers = tokio::sync::Mutex::default();
        Ok(Self(Arc::new(Inner { config, transport, auth: Auth::new(keyring), referrers })))
    }

    /// Finds out whether the registry answers, and lets something be pushed: an upload is begun and given up again. To
    /// be asked before anything is built; that anybody may read says nothing about that.
    pub async fn may_push(&self, what: &Reference) -> Result<(), DistributionError> {
        let repository = Repository::new(self, what, Access::Push, &|_| {}).await;
        let call = Call::new(Method::POST, repository.url("blobs/uploads/")?).body(Body::Empty);
        let doing = format!("begin an upload to {}", repository.name());
        let begun = repository.ask(&call, &doing, async |answer| match answer.status().is_success() {
            true => repository.location(&answer),
            false => Err(repository.refused(answer).await),
        });
        let begun = begun.await?;
        repository.abandon(begun).await;
        Ok(())
    }
}
