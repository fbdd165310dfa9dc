//! The file in which container tools keep credentials: `auth.json` of the tools around podman, `config.json` of
//! Docker; containers-auth.json(5). Knows its form; its messages say nothing of its content.

use std::path::{Path, PathBuf};

use data_encoding::BASE64;
use serde_json::{Map, Value};

use super::Secret;
use crate::DistributionError;

/// A file that was read.
pub(super) struct AuthFile {
    path: PathBuf,
    root: Map<String, Value>,
}

/// What a file has for a repository.
pub(super) enum Entry {
    /// The credentials.
    Secret(Secret),
    /// The name of a program that may have them.
    Helper(String),
}

impl AuthFile {
    /// `None` if it is not there.
    pub(super) fn read(path: &Path) -> Result<Option<Self>, DistributionError> {
        let wrong = |problem| DistributionError::AuthFile { file: path.to_owned(), problem };
        let text = match std::fs::read(path) {
            Ok(text) => text,
            Err(error) if is_absent(&error) => return Ok(None),
            Err(error) => return Err(wrong(format!("cannot be read: {error}"))),
        };
        // What the parser says may hold a piece of the file; where it is does not.
        let root: Value = serde_json::from_slice(&text)
            .map_err(|e| wrong(format!("is no JSON: line {}, column {}", e.line(), e.column())))?;
        match root {
            Value::Object(root) => Ok(Some(Self { path: path.to_owned(), root })),
            _ => Err(wrong("holds no table".to_owned())),
        }
    }

    /// What the file has for a repository, in the order in which it is tried.
    pub(super) fn entries(&self, host: &str, name: &str) -> Result<Vec<Entry>, DistributionError> {
        let mut entries = Vec::new();
        if let Some(helper) = self.table("credHelpers")?.and_then(|t| t.get(host)) {
            entries.push(Entry::Helper(self.helper("credHelpers", helper)?));
        }
        if let Some(auths) = self.table("auths")? {
            for key in keys(auths, host, name) {
                entries.extend(self.secret(key, &auths[key])?.map(Entry::Secret));
            }
        }
        if let Some(helper) = self.root.get("credsStore").filter(|v| !v.is_null() && *v != "") {
            entries.push(Entry::Helper(self.helper("credsStore", helper)?));
        }
        Ok(entries)
    }

    fn wrong(&self, problem: String) -> DistributionError {
        DistributionError::AuthFile { file: self.path.clone(), problem }
    }

    fn table(&self, name: &str) -> Result<Option<&Map<String, Value>>, DistributionError> {
        match self.root.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Object(table)) => Ok(Some(table)),
            Some(_) => Err(self.wrong(format!("`{name}` is no table by host"))),
        }
    }

    /// The program that is meant: only a name, so that no path can be slipped in.
    fn helper(&self, field: &str, value: &Value) -> Result<String, DistributionError> {
        let is_name = |n: &&str| !n.is_empty() && n.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b));
        match value.as_str().filter(is_name) {
            Some(name) => Ok(format!("docker-credential-{name}")),
            None => Err(self.wrong(format!("`{field}` names no credential helper: expected a name like `pass`"))),
        }
    }

    /// `None`: an empty entry, which says only that something is kept elsewhere.
    fn secret(&self, key: &str, entry: &Value) -> Result<Option<Secret>, DistributionError> {
        let text = |name: &str| entry.get(name).and_then(Value::as_str).map(str::trim).filter(|t| !t.is_empty());
        if let Some(token) = text("identitytoken") {
            return Ok(Some(Secret::Identity(token.to_owned())));
        }
        if let (Some(user), Some(password)) = (text("username"), text("password")) {
            return Ok(Some(Secret::of_pair(user, password)));
        }
        let Some(auth) = text("auth") else { return Ok(None) };
        let decoded = BASE64.decode(auth.as_bytes()).ok().and_then(|bytes| String::from_utf8(bytes).ok());
        let pair = decoded.as_deref().and_then(|pair| pair.split_once(':'));
        let (user, password) =
            pair.ok_or_else(|| self.wrong(format!("`auth` of `{key}` in `auths` is not `USER:PASSWORD` in base 64")))?;
        // Docker fills short passwords up with zero bytes.
        Ok(Some(Secret::of_pair(user, password.trim_end_matches('\0'))))
    }
}

fn is_absent(error: &std::io::Error) -> bool {
    matches!(error.kind(), std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory)
}

/// The keys that mean a repository, the most special first: `host/team/app`, `host/team`, `host`; then the older form
/// with a scheme and `/v1/`.
fn keys<'a>(auths: &'a Map<String, Value>, host: &str, name: &str) -> Vec<&'a str> {
    let whole = format!("{host}/{name}");
    let prefixes = std::iter::successors(Some(whole.as_str()), |at| at.rsplit_once('/').map(|(before, _)| before));
    let exact = prefixes.filter_map(|prefix| auths.keys().find(|key| *key == prefix));
    let older = auths.keys().filter(|key| *key != host && host_of(key) == Some(host));
    exact.chain(older).map(String::as_str).collect()
}

/// The host of a key in the older form: `https://host/v1/`, `host/v2/`.
fn host_of(key: &str) -> Option<&str> {
    let bare = key.strip_prefix("https://").or_else(|| key.strip_prefix("http://"));
    match bare {
        Some(rest) => rest.split('/').next(),
        None => {
            key.split_once('/').filter(|(_, path)| matches!(path.trim_end_matches('/'), "" | "v1" | "v2")).map(|k| k.0)
        }
    }
}
