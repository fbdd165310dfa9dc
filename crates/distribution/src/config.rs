//! How a client behaves. Must not depend on what it does.

use std::time::Duration;

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
