//! The hash that names a tree. Knows how it is written; nothing of how it is computed.

use std::fmt;
use std::str::FromStr;

use data_encoding::{BASE64, HEXLOWER, HEXLOWER_PERMISSIVE};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{DigestError, nix32};

/// The SHA-256 of a tree's NAR serialisation.
///
/// Written as an SRI string, `sha256-BASE64`, as `nix hash path` prints it. Also read are the other
/// forms that Nix takes: `sha256:` with base 32, base 16 or base 64, and bare base 32 or base 16.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TreeHash([u8; 32]);

impl TreeHash {
    /// The 32 bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// 64 lower-case hex digits.
    pub fn hex(&self) -> String {
        HEXLOWER.encode(&self.0)
    }

    /// The first 12 hex digits, for people.
    pub fn short(&self) -> String {
        HEXLOWER.encode(&self.0[..6])
    }

    /// 52 digits of Nix's base 32, without a prefix.
    pub fn nix32(&self) -> String {
        nix32::encode(&self.0)
    }
}

impl From<[u8; 32]> for TreeHash {
    fn from(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

impl fmt::Display for TreeHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sha256-{}", BASE64.encode(&self.0))
    }
}

impl fmt::Debug for TreeHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for TreeHash {
    type Err = DigestError;

    fn from_str(text: &str) -> Result<Self, DigestError> {
        let decoded = if let Some(body) = text.strip_prefix("sha256-") {
            BASE64.decode(body.as_bytes()).ok()
        } else {
            let body = text.strip_prefix("sha256:").unwrap_or(text);
            match body.len() {
                64 => HEXLOWER_PERMISSIVE.decode(body.as_bytes()).ok(),
                52 => nix32::decode32(body).map(Vec::from),
                44 if body.len() != text.len() => BASE64.decode(body.as_bytes()).ok(),
                _ => None,
            }
        };
        let bytes = decoded.and_then(|b| <[u8; 32]>::try_from(b).ok());
        bytes.map(Self).ok_or_else(|| DigestError::Encoding {
            text: text.to_owned(),
            encoding: "SHA-256 (SRI, Nix's base 32 or base 16)",
        })
    }
}

impl Serialize for TreeHash {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for TreeHash {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(d)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}
