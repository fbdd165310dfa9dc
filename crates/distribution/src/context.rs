//! What every operation of a client shares: its connections and credentials. Must not depend on any operation.

use crate::auth::Auth;
use crate::transport::Transport;
use crate::{ClientConfig, DistributionError, Keyring};

/// The state that all clones of a client share.
pub(crate) struct ClientContext {
    pub(crate) config: ClientConfig,
    pub(crate) transport: Transport,
    pub(crate) auth: Auth,
    /// Lists of referrers are read, changed and written back: one at a time.
    pub(crate) referrers: tokio::sync::Mutex<()>,
}

impl ClientContext {
    /// Roots of trust and proxies are the machine's; loopback hosts are asked directly.
    pub(crate) fn new(config: ClientConfig, keyring: Keyring) -> Result<Self, DistributionError> {
        let transport = Transport::new(&config)?;
        Ok(Self { config, transport, auth: Auth::new(keyring), referrers: <_>::default() })
    }
}
