//! The variables and configuration files of a machine. Must not depend on a client.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::error::ConfigurationError;

/// What was read of the machine, handed in so that the library reads no environment itself.
#[derive(Clone, Debug, Default)]
pub struct Machine {
    /// The environment.
    pub env: BTreeMap<String, String>,
    /// The home folder, if there is one.
    pub home: Option<PathBuf>,
    /// `/etc`.
    pub etc: PathBuf,
    /// The recipe's folder, for a project's own `.npmrc` and `uv.toml`.
    pub project: PathBuf,
}

impl Machine {
    /// A variable; `None` if it is empty.
    pub(crate) fn env(&self, name: &str) -> Option<&str> {
        self.env.get(name).map(String::as_str).filter(|v| !v.trim().is_empty())
    }

    /// The folder of configuration files of the person.
    pub(crate) fn config_home(&self) -> Option<PathBuf> {
        let xdg = self.env("XDG_CONFIG_HOME").map(PathBuf::from);
        xdg.or_else(|| self.home.as_ref().map(|h| h.join(".config")))
    }
}

/// The text of a file; `None` if it is not there.
pub fn read_optional(path: &Path) -> Result<Option<String>, ConfigurationError> {
    match std::fs::read(path) {
        Ok(bytes) => match String::from_utf8(bytes) {
            Ok(text) => Ok(Some(text)),
            Err(_) => Err(ConfigurationError::Syntax {
                file: path.display().to_string(),
                line: 0,
                expected: "text in UTF-8".to_owned(),
            }),
        },
        Err(e) if matches!(e.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory | ErrorKind::IsADirectory) => {
            Ok(None)
        }
        Err(e) => Err(ConfigurationError::io(path)(e)),
    }
}
