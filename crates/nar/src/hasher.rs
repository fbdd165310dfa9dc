//! Digests of bytes as they come. Knows the SHA family only.

use sha2::Digest as _;

use crate::{Algo, Digest};

/// A digest in the making: for bytes that are seen once, as they are downloaded.
#[derive(Clone)]
pub struct Hasher(State);

#[derive(Clone)]
enum State {
    Sha1(sha1::Sha1),
    Sha256(sha2::Sha256),
    Sha512(sha2::Sha512),
}

impl Hasher {
    /// Begins a digest.
    ///
    /// # Panics
    /// With an algorithm that is not a plain hash of the bytes ([`Algo::GoZip`], [`Algo::GoMod`]):
    /// use [`Hasher::try_new`] where that may be.
    pub fn new(algo: Algo) -> Self {
        Self::try_new(algo).unwrap_or_else(|| panic!("{algo} is not a hash of a stream"))
    }

    /// Begins a digest; `None` if the algorithm is not a plain hash of the bytes.
    pub fn try_new(algo: Algo) -> Option<Self> {
        match algo {
            Algo::Sha1 => Some(Self(State::Sha1(sha1::Sha1::new()))),
            Algo::Sha256 => Some(Self(State::Sha256(sha2::Sha256::new()))),
            Algo::Sha512 => Some(Self(State::Sha512(sha2::Sha512::new()))),
            Algo::GoZip | Algo::GoMod => None,
        }
    }

    /// Adds bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        match &mut self.0 {
            State::Sha1(s) => s.update(bytes),
            State::Sha256(s) => s.update(bytes),
            State::Sha512(s) => s.update(bytes),
        }
    }

    /// The digest of all bytes added.
    pub fn finish(self) -> Digest {
        let done = |algo, bytes: &[u8]| Digest::new(algo, bytes).expect("a hash has its own length");
        match self.0 {
            State::Sha1(s) => done(Algo::Sha1, &s.finalize()),
            State::Sha256(s) => done(Algo::Sha256, &s.finalize()),
            State::Sha512(s) => done(Algo::Sha512, &s.finalize()),
        }
    }
}
