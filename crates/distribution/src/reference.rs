//! References to images, `HOST[:PORT]/NAME[:TAG][@DIGEST]`. Knows the grammar of "Pulling manifests" in the
//! specification; asks nobody, and has no registry that is meant when none is named.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use akbuild_nar::Digest;

/// The longest that host and name may be together: many clients allow no more.
const LONGEST: usize = 255;
/// The longest that a tag may be.
const LONGEST_TAG: usize = 128;

/// Where an image is in which registry.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Reference {
    host: String,
    name: String,
    tag: Option<String>,
    digest: Option<Digest>,
}

/// Why a text is no reference.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReferenceError {
    /// An address with a scheme.
    #[error(
        "`{text}` is an address, and an image has none\n  help: leave out what stands before the registry's host: `registry.example/app:1.0`"
    )]
    Scheme {
        /// The text, without what may be secret.
        text: String,
    },
    /// Credentials in the reference. The text is not shown.
    #[error("an image's name holds no user and no password\n  help: take out what stands before the `@`")]
    Credentials,
    /// The registry is not named.
    #[error(
        "`{text}` does not say in which registry it is\n  help: write the registry's host in front: `registry.example/{}`", if text.is_empty() { "app:1.0" } else { text }
    )]
    NoHost {
        /// The text.
        text: String,
    },
    /// What stands in front is no host.
    #[error("`{text}`: `{host}` is no host\n  help: write one like `registry.example` or `registry.example:5000`")]
    Host {
        /// The text.
        text: String,
        /// The part that should be the host.
        host: String,
    },
    /// A host alone.
    #[error("`{text}` names a registry and nothing in it\n  help: write one like `registry.example/app:1.0`")]
    NoName {
        /// The text.
        text: String,
    },
    /// Upper case in the name.
    #[error("`{text}`: the name `{name}` has upper-case letters, which registries do not allow\n  help: write `{}`", name.to_lowercase())]
    UpperCase {
        /// The text.
        text: String,
        /// The name.
        name: String,
    },
    /// The name is none.
    #[error(
        "`{text}`: `{name}` is no name of a repository\n  help: names are parts with `/` between; a part is lower-case letters and digits, with `.`, `_`, `__` or `-` between them"
    )]
    Name {
        /// The text.
        text: String,
        /// The name.
        name: String,
    },
    /// The tag is none.
    #[error(
        "`{text}`: `{tag}` is no tag\n  help: a tag is up to 128 letters, digits, `_`, `.` and `-`, and begins with a letter, a digit or `_`"
    )]
    Tag {
        /// The text.
        text: String,
        /// The tag.
        tag: String,
    },
    /// The digest is none.
    #[error("`{text}`: `{digest}` is no digest: expected `sha256:` and 64 hex digits\n  help: copy the whole digest")]
    Digest {
        /// The text.
        text: String,
        /// The digest.
        digest: String,
    },
    /// Longer than clients allow.
    #[error(
        "`{text}`: host and name have {found} characters, and most clients allow {LONGEST}\n  help: take a shorter name"
    )]
    Long {
        /// The text.
        text: String,
        /// How many there are.
        found: usize,
    },
}

impl Reference {
    /// The registry's host in lower case, with its port if it has one.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The repository's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The tag, if there is one.
    pub fn tag(&self) -> Option<&str> {
        self.tag.as_deref()
    }

    /// The digest, if there is one.
    pub fn digest(&self) -> Option<Digest> {
        self.digest
    }

    /// The repository alone: `registry.example/app`.
    pub fn repository(&self) -> String {
        format!("{}/{}", self.host, self.name)
    }

    /// The same repository, by this digest.
    pub fn at(&self, digest: Digest) -> Self {
        Self { tag: None, digest: Some(digest), ..self.clone() }
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.host, self.name)?;
        self.tag.as_ref().map_or(Ok(()), |tag| write!(f, ":{tag}"))?;
        self.digest.map_or(Ok(()), |digest| write!(f, "@{}", digest.oci()))
    }
}

impl FromStr for Reference {
    type Err = ReferenceError;

    fn from_str(text: &str) -> Result<Self, ReferenceError> {
        let shown = || text.to_owned();
        let (host, rest) = split_host(text)?;
        let (rest, digest) = match rest.split_once('@') {
            Some((rest, digest)) => (rest, Some(digest)),
            None => (rest, None),
        };
        let (name, tag) = match rest.rsplit_once(':') {
            Some((name, tag)) => (name, Some(tag)),
            None => (rest, None),
        };
        if name.is_empty() {
            return Err(ReferenceError::NoName { text: shown() });
        }
        check_name(text, name)?;
        if let Some(tag) = tag.filter(|tag| !is_tag(tag)) {
            return Err(ReferenceError::Tag { text: shown(), tag: tag.to_owned() });
        }
        let digest = digest.map(|digest| {
            Digest::from_oci(digest).ok_or_else(|| ReferenceError::Digest { text: shown(), digest: digest.to_owned() })
        });
        let found = host.len() + 1 + name.len();
        if found > LONGEST {
            return Err(ReferenceError::Long { text: shown(), found });
        }
        let tag = tag.map(str::to_owned);
        Ok(Self { host: host.to_lowercase(), name: name.to_owned(), tag, digest: digest.transpose()? })
    }
}

/// The host, and what follows the `/` behind it.
fn split_host(text: &str) -> Result<(&str, &str), ReferenceError> {
    if let Some((_, rest)) = text.split_once("://") {
        let rest = rest.rsplit_once('@').map_or(rest, |(_, rest)| rest);
        return Err(ReferenceError::Scheme { text: format!("…{rest}") });
    }
    let (host, rest) = text.split_once('/').unwrap_or((text, ""));
    let after_at = |part: &str| part.split_once('@').is_some_and(|(_, after)| !after.starts_with("sha"));
    if after_at(host) || !is_host(host) && after_at(text) {
        return Err(ReferenceError::Credentials);
    }
    let named = match text.contains('/') {
        true => host.contains(['.', ':']) || is_loopback(host),
        // What stands alone is a host only if it cannot be a name with a tag.
        false => is_host(text) && (text.contains('.') || is_loopback(text)),
    };
    match (named, is_host(host)) {
        (false, _) => Err(ReferenceError::NoHost { text: text.to_owned() }),
        (true, false) => Err(ReferenceError::Host { text: text.to_owned(), host: host.to_owned() }),
        (true, true) => Ok((host, rest)),
    }
}

/// `registry.example`, `127.0.0.1:5000` or `[::1]:5000`.
fn is_host(text: &str) -> bool {
    let (host, port) = match (text.rsplit_once(':'), text.ends_with(']')) {
        (Some((host, port)), false) => (host, Some(port)),
        _ => (text, None),
    };
    if port.is_some_and(|port| !port.bytes().all(|b| b.is_ascii_digit()) || port.parse::<u16>().is_err()) {
        return false;
    }
    if let Some(inner) = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        return inner.parse::<Ipv6Addr>().is_ok();
    }
    let is_part = |part: &str| {
        let inside = part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        !part.is_empty() && inside && !part.starts_with('-') && !part.ends_with('-')
    };
    host.split('.').all(is_part)
}

/// The host without its port.
pub(crate) fn without_port(host: &str) -> &str {
    match (host.rsplit_once(':'), host.ends_with(']')) {
        (Some((bare, _)), false) => bare,
        _ => host,
    }
}

/// Whether a host, with or without a port, is this machine itself.
pub(crate) fn is_loopback(host: &str) -> bool {
    let bare = without_port(host);
    match bare.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        Some(inner) => inner.parse::<Ipv6Addr>().is_ok_and(|a| a.is_loopback()),
        None => bare.eq_ignore_ascii_case("localhost") || bare.parse::<Ipv4Addr>().is_ok_and(|a| a.is_loopback()),
    }
}

fn check_name(text: &str, name: &str) -> Result<(), ReferenceError> {
    let (text, wrong) = (text.to_owned(), name.to_owned());
    match () {
        () if is_name(name) => Ok(()),
        () if is_name(&name.to_lowercase()) => Err(ReferenceError::UpperCase { text, name: wrong }),
        () => Err(ReferenceError::Name { text, name: wrong }),
    }
}

/// `[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*`, with `/` between.
pub(crate) fn is_name(name: &str) -> bool {
    let is_word = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let is_separator = |s: &str| matches!(s, "" | "." | "_" | "__") || s.bytes().all(|b| b == b'-');
    name.split('/').all(|part| {
        let ends = part.bytes().next().is_some_and(is_word) && part.bytes().last().is_some_and(is_word);
        ends && part.split(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit()).all(is_separator)
    })
}

/// `[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}`.
fn is_tag(tag: &str) -> bool {
    let first = tag.bytes().next().is_some_and(|b| b.is_ascii_alphanumeric() || b == b'_');
    first && tag.len() <= LONGEST_TAG && tag.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
}

#[cfg(test)]
mod tests;
