//! Where credentials are looked for, and in which order. Knows the files of container tools; not how a registry is
//! shown what is found. Reads no environment and starts no program: both are handed in.

mod file;
mod helper;
mod secret;

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use akbuild_fetch::Machine;

use crate::DistributionError;

use file::{AuthFile, Entry};
pub use helper::HelperAnswer;
use helper::Run;
pub(crate) use secret::Secret;

/// Where credentials are looked for: first what was handed in, then the files that container tools keep, in the
/// order of their names here: `$REGISTRY_AUTH_FILE`, `$XDG_RUNTIME_DIR/containers/auth.json`,
/// `$XDG_CONFIG_HOME/containers/auth.json`, `$DOCKER_CONFIG/config.json`. In each, an entry of `credHelpers` goes
/// before `auths`, and that before `credsStore`. Nothing is read before a registry asks for credentials.
#[derive(Clone, Default)]
pub struct Keyring {
    given: Option<Given>,
    files: Vec<PathBuf>,
    run: Option<Arc<Run>>,
}

#[derive(Clone)]
struct Given {
    from: String,
    secret: Option<Secret>,
}

/// What was found for one repository.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    /// The credentials and where they came from.
    pub(crate) secret: Option<(Secret, String)>,
    /// Where was looked in vain.
    pub(crate) looked: Vec<String>,
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let given = self.given.as_ref().map(|g| &g.from);
        f.debug_struct("Keyring").field("given", &given).field("files", &self.files).finish_non_exhaustive()
    }
}

impl Keyring {
    /// The files that this machine's container tools would read.
    pub fn new(machine: &Machine) -> Self {
        let variable = |name: &str| machine.env.get(name).filter(|v| !v.trim().is_empty()).map(PathBuf::from);
        let below_home = |name: &str| machine.home.as_ref().map(|home| home.join(name));
        let config = variable("XDG_CONFIG_HOME").or_else(|| below_home(".config"));
        let docker = variable("DOCKER_CONFIG").or_else(|| below_home(".docker"));
        let containers = |folder: PathBuf| folder.join("containers/auth.json");
        let files = [
            variable("REGISTRY_AUTH_FILE"),
            variable("XDG_RUNTIME_DIR").map(containers),
            config.map(containers),
            docker.map(|folder| folder.join("config.json")),
        ];
        Self { files: files.into_iter().flatten().collect(), ..Self::default() }
    }

    /// With user and password that go before every file. `from` says where they are, for messages: the names of the
    /// variables, in backticks. `None`: they were looked for there, and are not there.
    pub fn given(mut self, from: &str, pair: Option<(String, String)>) -> Self {
        let secret = pair.map(|(user, password)| Secret::Basic { user, password });
        self.given = Some(Given { from: from.to_owned(), secret });
        self
    }

    /// With something that runs credential helpers: it is called with the name of the program, such as
    /// `docker-credential-pass`, and what to write to its standard input; the argument is always `get`. It may take
    /// its time: it runs on a thread of its own.
    pub fn helpers(mut self, run: impl Fn(&str, &[u8]) -> io::Result<HelperAnswer> + Send + Sync + 'static) -> Self {
        self.run = Some(Arc::new(run));
        self
    }

    /// The credentials for a repository. May read files and run programs.
    pub(crate) fn find(&self, host: &str, name: &str) -> Result<Found, DistributionError> {
        let mut looked = Vec::new();
        if let Some(given) = &self.given {
            match &given.secret {
                Some(secret) => return Ok(Found { secret: Some((secret.clone(), given.from.clone())), looked }),
                None => looked.push(format!("{}: not set", given.from)),
            }
        }
        for path in &self.files {
            let Some(file) = AuthFile::read(path)? else {
                looked.push(format!("{}: is not there", path.display()));
                continue;
            };
            for entry in file.entries(host, name)? {
                let secret = match entry {
                    Entry::Secret(secret) => Some((secret, format!("`{}`", path.display()))),
                    Entry::Helper(program) => {
                        let secret = helper::ask(self.run.as_deref(), &program, host, path)?;
                        secret.map(|secret| (secret, format!("`{program}`, named in `{}`", path.display())))
                    }
                };
                if secret.is_some() {
                    return Ok(Found { secret, looked });
                }
            }
            looked.push(format!("{}: has nothing for {host}", path.display()));
        }
        Ok(Found { secret: None, looked })
    }
}

#[cfg(test)]
mod tests;
