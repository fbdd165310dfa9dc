//! Digests as registries write them: `sha256:` and hex digits. Knows the two algorithms that the OCI image
//! specification registers; not what is digested.

use std::fmt;
use std::str::FromStr;

use akbuild_nar::{Algo, Hasher};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A digest of content, by "Descriptors, Digests" of the image specification: SHA-256 or SHA-512. Written in the
/// registry's form, `sha256:HEX`, since it is compared with what other tools show.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest(akbuild_nar::Digest);

impl Digest {
    /// A digest that was made elsewhere; `None` if no registry knows its algorithm.
    pub fn new(digest: akbuild_nar::Digest) -> Option<Self> {
        matches!(digest.algo(), Algo::Sha256 | Algo::Sha512).then_some(Self(digest))
    }

    /// The SHA-256 of these bytes.
    pub fn sha256(bytes: &[u8]) -> Self {
        Self(akbuild_nar::Digest::sha256(bytes))
    }

    /// The same in the form of the rest of the program.
    pub fn get(&self) -> akbuild_nar::Digest {
        self.0
    }

    /// `sha256` or `sha512`: also the name of a folder in a layout.
    pub fn algorithm(&self) -> &'static str {
        self.0.algo().name()
    }

    /// The hex digits: also the name of a file in a layout.
    pub fn hex(&self) -> String {
        self.0.hex()
    }

    /// Begins a digest of the same algorithm.
    pub(crate) fn hasher(&self) -> Hasher {
        Hasher::new(self.0.algo())
    }

    /// What the digest of the same algorithm over these bytes is.
    pub(crate) fn same_of(&self, bytes: &[u8]) -> Self {
        let mut hasher = self.hasher();
        hasher.update(bytes);
        Self(hasher.finish())
    }

    /// What it is over what is left in a reader.
    pub(crate) fn same_of_reader(&self, reader: impl std::io::Read) -> std::io::Result<Self> {
        akbuild_nar::Digest::of_reader(self.0.algo(), reader).map(Self)
    }

    /// A digest that [`Digest::hasher`] ends with.
    pub(crate) fn finish(hasher: Hasher) -> Self {
        Self(hasher.finish())
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.algorithm(), self.hex())
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Why a text is no digest.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected `sha256:` and 64 hex digits")]
pub struct NoDigest;

impl FromStr for Digest {
    type Err = NoDigest;

    fn from_str(text: &str) -> Result<Self, NoDigest> {
        let (algorithm, hex) = text.split_once(':').ok_or(NoDigest)?;
        let algo = [Algo::Sha256, Algo::Sha512].into_iter().find(|a| a.name() == algorithm).ok_or(NoDigest)?;
        // The specification allows lower case only: `A` and `a` would be two names of one thing.
        if hex.bytes().any(|b| b.is_ascii_uppercase()) {
            return Err(NoDigest);
        }
        akbuild_nar::Digest::from_hex(algo, hex).map(Self).map_err(|_| NoDigest)
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = String::deserialize(d)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_written_as_registries_write_it() {
        let text = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(Digest::sha256(b"").to_string(), text);
        assert_eq!(text.parse(), Ok(Digest::sha256(b"")));
        let long = format!("sha512:{}", "ab".repeat(64));
        assert_eq!(long.parse::<Digest>().unwrap().to_string(), long);
    }

    #[test]
    fn other_forms_are_refused() {
        let upper = format!("sha256:{}", "AB".repeat(32));
        for text in ["", "sha256", "sha256:ab", "sha1:da39a3ee5e6b4b0d3255bfef95601890afd80709", upper.as_str()] {
            assert_eq!(text.parse::<Digest>(), Err(NoDigest), "{text}");
        }
        assert_eq!(Digest::new(akbuild_nar::Digest::new(Algo::Sha1, &[0; 20]).unwrap()), None);
    }
}
