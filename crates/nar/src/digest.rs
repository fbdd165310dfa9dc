//! A digest, and how it is written. Must not depend on how digests are computed.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use data_encoding::{BASE64, HEXLOWER, HEXLOWER_PERMISSIVE};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{Algo, DigestError};

/// A digest of some bytes, written as an SRI string: `sha256-BASE64`. The hashes of `go.sum` are
/// written `h1-zip-BASE64` and `h1-mod-BASE64`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest {
    algo: Algo,
    /// Zero after the algorithm's length.
    bytes: [u8; 64],
}

impl Digest {
    /// A digest of these bytes, which must be as many as the algorithm gives.
    pub fn new(algo: Algo, digest: &[u8]) -> Result<Self, DigestError> {
        if digest.len() != algo.len() {
            return Err(DigestError::Length { algo, expected: algo.len(), found: digest.len() });
        }
        let mut bytes = [0; 64];
        bytes[..digest.len()].copy_from_slice(digest);
        Ok(Self { algo, bytes })
    }

    /// A digest from hex digits of either case.
    pub fn from_hex(algo: Algo, hex: &str) -> Result<Self, DigestError> {
        let decoded = HEXLOWER_PERMISSIVE.decode(hex.as_bytes());
        Self::new(algo, &decoded.map_err(|_| DigestError::Encoding { text: hex.to_owned(), encoding: "base 16" })?)
    }

    /// A digest as registries of images write it, `sha256:HEX`: the form of "Descriptors, Digests" in the OCI image
    /// specification, and the two algorithms that it registers. `None` for anything else.
    pub fn from_oci(text: &str) -> Option<Self> {
        let (algorithm, hex) = text.split_once(':')?;
        let algo = [Algo::Sha256, Algo::Sha512].into_iter().find(|a| a.name() == algorithm)?;
        // Lower case only: `A` and `a` would be two names of one thing.
        let is_lower = !hex.bytes().any(|b| b.is_ascii_uppercase());
        Self::from_hex(algo, hex).ok().filter(|_| is_lower)
    }

    /// The digest as registries of images write it: `sha256:HEX`.
    pub fn oci(&self) -> String {
        format!("{}:{}", self.algo, self.hex())
    }

    /// The algorithm.
    pub fn algo(&self) -> Algo {
        self.algo
    }

    /// The digest's bytes: as many as the algorithm gives.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.algo.len()]
    }

    /// Lower-case hex digits.
    pub fn hex(&self) -> String {
        HEXLOWER.encode(self.as_bytes())
    }

    /// The first of the [strongest digests](Self::all_strongest) of an npm `integrity`.
    pub fn strongest(integrity: &str) -> Result<Self, DigestError> {
        Self::all_strongest(integrity).map(|digests| digests[0])
    }

    /// The digests of the strongest algorithm in an npm `integrity`, in their order, at least one: a file that has any of
    /// them is the right one. Its parts are separated by white space. As subresource integrity (the W3C's SRI, "Parse
    /// metadata") has it, options (`?...`), unknown algorithms and malformed parts are passed over.
    pub fn all_strongest(integrity: &str) -> Result<Vec<Self>, DigestError> {
        let (mut best, mut malformed) = (Vec::<Self>::new(), None);
        for word in integrity.split_ascii_whitespace() {
            match word.split('?').next().unwrap_or(word).parse::<Self>() {
                Ok(d) if matches!(d.algo, Algo::GoMod | Algo::GoZip) || best.contains(&d) => {}
                Ok(d) => match best.first().map(|b| b.algo.cmp(&d.algo)) {
                    None | Some(Ordering::Less) => best = vec![d],
                    Some(Ordering::Equal) => best.push(d),
                    Some(Ordering::Greater) => {}
                },
                Err(DigestError::Algorithm { .. }) => {}
                Err(error) => malformed = malformed.or(Some(error)),
            }
        }
        if best.is_empty() {
            return Err(malformed.unwrap_or_else(|| DigestError::Form { text: integrity.to_owned() }));
        }
        Ok(best)
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.algo, BASE64.encode(self.as_bytes()))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Digest {
    type Err = DigestError;

    fn from_str(text: &str) -> Result<Self, DigestError> {
        for algo in Algo::ALL {
            if let Some(body) = text.strip_prefix(algo.name()).and_then(|rest| rest.strip_prefix('-')) {
                let bytes = BASE64.decode(body.as_bytes());
                let wrong = |_| DigestError::Encoding { text: text.to_owned(), encoding: "base 64" };
                return Self::new(algo, &bytes.map_err(wrong)?);
            }
        }
        let text = text.to_owned();
        Err(if text.contains('-') { DigestError::Algorithm { text } } else { DigestError::Form { text } })
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(d)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}
