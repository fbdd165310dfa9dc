//! Credentials for git over HTTP. Knows where a machine keeps them; not what is fetched with them.
//!
//! Order: the address's own user, rules of the configured mirrors, a token in a file, netrc, and,
//! when a server has asked for more, git's credential helpers.

use std::path::PathBuf;

use git2::{Config, ConfigLevel, CredentialHelper};
use url::Url;

use crate::auth::header;
use crate::auth::{authorization, host};
use crate::{AuthRule, FetchError, Machine, Netrc, Secret};

/// The user that goes with a token. Forges look at the token only.
const TOKEN_USER: &str = "oauth2";

/// Where to find users and passwords for repositories.
#[derive(Clone, Debug, Default)]
pub struct Credentials {
    /// `~/.netrc`.
    pub netrc: Option<Netrc>,
    /// Secrets that came with configured addresses.
    pub rules: Vec<AuthRule>,
    /// Files that hold a token, by host (`forge.example`, with `:port` where it has one).
    pub tokens: Vec<(String, PathBuf)>,
    /// git configuration files whose `credential.helper` is asked, in rising order of weight.
    pub git_config: Vec<PathBuf>,
}

impl Credentials {
    /// netrc and git's own configuration files of the machine.
    pub fn read(machine: &Machine) -> Result<Self, FetchError> {
        let mut git_config = vec![machine.etc.join("gitconfig")];
        if let Some(home) = &machine.home {
            let xdg = machine.env.get("XDG_CONFIG_HOME").filter(|v| !v.is_empty()).map(PathBuf::from);
            git_config.push(xdg.unwrap_or_else(|| home.join(".config")).join("git/config"));
            git_config.push(home.join(".gitconfig"));
        }
        Ok(Self { netrc: Netrc::read(machine)?, git_config, ..Self::default() })
    }

    /// The header to send unasked. A token file that cannot be read is an error: it was named on purpose.
    pub(super) fn header(&self, url: &Url) -> Result<Option<String>, String> {
        if let Some(header) = authorization(url, &self.rules, None) {
            return Ok(Some(header));
        }
        let host = host(url);
        if let Some((_, file)) = self.tokens.iter().find(|(h, _)| *h == host) {
            let token = std::fs::read_to_string(file)
                .map_err(|e| format!("cannot read the token for {host} from {}: {e}", file.display()))?;
            return Ok(Some(header(&Secret::Basic(TOKEN_USER.into(), token.trim().into()))));
        }
        Ok(authorization(url, &[], self.netrc.as_ref()))
    }

    /// Asks git's credential helpers. `None` if there are none or they know nothing.
    pub(super) fn ask_helpers(&self, url: &Url) -> Option<String> {
        let mut config = Config::new().ok()?;
        let levels = [ConfigLevel::System, ConfigLevel::XDG, ConfigLevel::Global, ConfigLevel::App];
        for (file, level) in self.git_config.iter().zip(levels).filter(|(f, _)| f.exists()) {
            if let Err(error) = config.add_file(file, level, false) {
                tracing::warn!(file = %file.display(), error = error.message(), "cannot read git configuration");
            }
        }
        let mut helper = CredentialHelper::new(url.as_str());
        helper.config(&config);
        helper.execute().map(|(user, password)| header(&Secret::Basic(user, password)))
    }
}
