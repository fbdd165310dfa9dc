//! Showing a registry who asks: challenges answered with tokens or passwords, and both kept for the next request.
//! Knows nothing of what is asked for.

mod challenge;
mod scope;
mod token;

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use reqwest::header::{HeaderMap, HeaderValue};

use crate::keyring::{Found, Secret};
use crate::transport::Transport;
use crate::trouble::Trouble;
use crate::{DistributionError, Keyring, Refusal};

use challenge::Challenge;
pub(crate) use scope::Scopes;
use token::{Granted, TokenServer};

/// What an operation needs to be allowed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Want {
    /// The registry.
    pub(crate) host: String,
    /// The repository, for credentials that are kept by namespace.
    pub(crate) name: String,
    /// What it is to be allowed.
    pub(crate) scopes: Scopes,
}

/// What a request shows. Each that was got has its own number.
#[derive(Clone)]
pub(crate) struct Pass {
    pub(crate) header: HeaderValue,
    number: u64,
    kind: Kind,
}

#[derive(Clone)]
enum Kind {
    Password,
    Token { server: TokenServer, scopes: Scopes, until: Instant },
}

/// What is known of who asks.
pub(crate) struct Auth {
    keyring: Keyring,
    /// Held while a token is got, so that many requests at once get one.
    passes: tokio::sync::Mutex<Passes>,
    found: Mutex<HashMap<(String, String), Arc<Found>>>,
}

#[derive(Default)]
struct Passes {
    by_want: BTreeMap<Want, Pass>,
    count: u64,
}

impl Passes {
    fn put(&mut self, want: &Want, header: HeaderValue, kind: Kind) -> Pass {
        self.count += 1;
        let pass = Pass { header, number: self.count, kind };
        self.by_want.insert(want.clone(), pass.clone());
        pass
    }
}

impl Auth {
    pub(crate) fn new(keyring: Keyring) -> Self {
        Self { keyring, passes: tokio::sync::Mutex::default(), found: Mutex::default() }
    }

    /// What a request shows at first: nothing, as long as the registry has not asked. A token that ends soon is
    /// replaced before it is refused in the middle of an upload.
    pub(crate) async fn pass(&self, transport: &Transport, want: &Want) -> Result<Option<Pass>, Trouble> {
        let mut passes = self.passes.lock().await;
        let Some(pass) = passes.by_want.get(want) else { return Ok(None) };
        let Kind::Token { server, scopes, until } = pass.kind.clone() else { return Ok(Some(pass.clone())) };
        if Instant::now() < until {
            return Ok(Some(pass.clone()));
        }
        self.get_token(transport, want, server, scopes, &mut passes).await.map(Some)
    }

    /// What to show after the registry has refused what was shown.
    pub(crate) async fn renew(
        &self,
        transport: &Transport,
        want: &Want,
        shown: Option<&Pass>,
        headers: &HeaderMap,
        refusal: &Refusal,
    ) -> Result<Pass, Trouble> {
        let mut passes = self.passes.lock().await;
        if let Some(pass) = passes.by_want.get(want).filter(|p| shown.is_none_or(|s| s.number != p.number)) {
            // Another request was faster.
            return Ok(pass.clone());
        }
        match Challenge::read(headers) {
            Some(Challenge::Bearer { realm, service, scopes }) => {
                let scopes = want.scopes.clone().union(scopes);
                self.get_token(transport, want, TokenServer { realm, service }, scopes, &mut passes).await
            }
            Some(Challenge::Basic) => {
                let found = self.credentials(want).await?;
                match &found.secret {
                    Some((Secret::Basic { user, password }, _)) if shown.is_none() => {
                        Ok(passes.put(want, Secret::header(user, password), Kind::Password))
                    }
                    _ => Err(self.rejected(want, refusal)),
                }
            }
            None => {
                let problem = "is 401 and does not say how to log in".to_owned();
                Err(Trouble::Odd { at: want.host.clone(), problem })
            }
        }
    }

    /// Gets a token with what credentials there are.
    async fn get_token(
        &self,
        transport: &Transport,
        want: &Want,
        server: TokenServer,
        scopes: Scopes,
        passes: &mut Passes,
    ) -> Result<Pass, Trouble> {
        let found = self.credentials(want).await?;
        let secret = found.secret.as_ref().map(|(secret, _)| secret);
        match server.token(transport, &scopes, secret).await? {
            Granted::Token(token) => {
                let kind = Kind::Token { server, scopes, until: token.until };
                Ok(passes.put(want, token.header, kind))
            }
            Granted::Denied(refusal) => Err(self.rejected(want, &refusal)),
        }
    }

    /// The credentials for a repository; looked for once.
    async fn credentials(&self, want: &Want) -> Result<Arc<Found>, Trouble> {
        let key = (want.host.clone(), want.name.clone());
        if let Some(found) = self.known(&key) {
            return Ok(found);
        }
        let (keyring, (host, name)) = (self.keyring.clone(), key.clone());
        // A credential helper may ask a person for a passphrase.
        let found = crate::blocking::run(move || keyring.find(&host, &name)).await;
        let found = Arc::new(found.map_err(Trouble::Fatal)?);
        self.found.lock().unwrap_or_else(PoisonError::into_inner).insert(key, Arc::clone(&found));
        Ok(found)
    }

    fn known(&self, key: &(String, String)) -> Option<Arc<Found>> {
        self.found.lock().unwrap_or_else(PoisonError::into_inner).get(key).cloned()
    }

    /// Where the credentials for a repository came from, if any were asked for.
    pub(crate) fn from(&self, want: &Want) -> Option<String> {
        let found = self.known(&(want.host.clone(), want.name.clone()))?;
        found.secret.as_ref().map(|(_, from)| from.clone())
    }

    /// The registry has refused all that there is to show.
    pub(crate) fn rejected(&self, want: &Want, refusal: &Refusal) -> Trouble {
        let (host, name) = (want.host.clone(), want.name.clone());
        let found = self.known(&(host.clone(), name.clone()));
        Trouble::Fatal(match found.as_deref() {
            Some(Found { secret: Some((_, from)), .. }) => {
                DistributionError::Rejected { host, name, from: from.clone(), said: refusal.line() }
            }
            found => {
                let looked = found.map(|f| f.looked.clone()).unwrap_or_default();
                DistributionError::NoCredentials { host, name, looked }
            }
        })
    }
}
