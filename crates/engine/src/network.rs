//! Where downloads come from, found out when the first one is wanted: reading configuration and
//! asking client programs takes time that a run with nothing to download does not spend.

use std::path::Path;
use std::sync::{Arc, Mutex};

use akbuild_fetch::{Client, ClientConfig, FetchError, Machine, Mirrors, Overrides, discover};
use akbuild_names::Ecosystem;

/// How to find mirrors, and to whom to talk.
pub struct Network {
    machine: Machine,
    overrides: Overrides,
    config: ClientConfig,
    host: Box<dyn Host>,
    found: Mutex<Option<(Arc<Mirrors>, Client)>>,
}

/// The client programs of the machine itself.
pub trait Host: Send + Sync {
    /// Whether a program of an ecosystem is there that could answer.
    fn can_answer(&self, ecosystem: Ecosystem) -> bool;
    /// Asks it for the registry that it uses.
    fn ask(&self, ecosystem: Ecosystem) -> Option<String>;
}

impl Network {
    /// Finds out nothing yet.
    pub fn new(machine: Machine, overrides: Overrides, config: ClientConfig, host: Box<dyn Host>) -> Self {
        Self { machine, overrides, config, host, found: Mutex::new(None) }
    }

    /// How requests are made.
    pub fn config(&self) -> &ClientConfig {
        &self.config
    }

    /// Whether neither configuration nor a client on this machine names a registry, so that the
    /// clients in a sysroot have to be asked.
    pub fn needs_sysroot(&self) -> Result<bool, FetchError> {
        let mut needs = false;
        discover(&self.machine, &self.overrides, &mut |ecosystem| {
            needs |= !self.host.can_answer(ecosystem);
            None
        })?;
        Ok(needs && !self.overrides.mirrors_only)
    }

    /// The mirrors and the client that talks to them. `ask` is for what nothing on the machine answers;
    /// the answers are kept unless there was nobody to ask.
    pub fn get(&self, sysroots: &[impl AsRef<Path>]) -> Result<(Arc<Mirrors>, Client), FetchError> {
        let mut found = self.found.lock().unwrap_or_else(|e| e.into_inner());
        if let Some((mirrors, client)) = &*found {
            return Ok((mirrors.clone(), client.clone()));
        }
        let mut complete = true;
        let mirrors = discover(&self.machine, &self.overrides, &mut |ecosystem| {
            if self.overrides.mirrors_only {
                return None;
            }
            let answer = self.host.ask(ecosystem);
            let answer = answer.or_else(|| {
                sysroots.iter().find_map(|root| crate::ask::sysroot(root.as_ref(), ecosystem, &self.config.cancel))
            });
            complete &= answer.is_some();
            answer
        })?;
        let config = ClientConfig { auth: mirrors.auth.clone(), netrc: mirrors.netrc.clone(), ..self.config.clone() };
        let pair = (Arc::new(mirrors), Client::new(config)?);
        if complete {
            *found = Some(pair.clone());
        }
        Ok(pair)
    }
}
