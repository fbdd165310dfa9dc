//! The algorithms of digests, by name and length. Computes nothing.

use std::fmt;

/// A way to digest a file. Ordered by strength, the Go module ones aside.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Algo {
    /// SHA-1: only where an upstream lock file has nothing better.
    Sha1,
    /// SHA-256.
    Sha256,
    /// SHA-512.
    Sha512,
    /// The `h1:` hash that `go.sum` gives of a module's zip file: the SHA-256 over the sorted list
    /// of the SHA-256 and name of each file in it.
    GoZip,
    /// The `h1:` hash that `go.sum` gives of a module's `go.mod`.
    GoMod,
}

impl Algo {
    /// All of them.
    pub const ALL: [Algo; 5] = [Algo::Sha1, Algo::Sha256, Algo::Sha512, Algo::GoZip, Algo::GoMod];

    /// How many bytes a digest has.
    #[expect(clippy::len_without_is_empty, reason = "no digest is empty")]
    pub fn len(self) -> usize {
        match self {
            Algo::Sha1 => 20,
            Algo::Sha512 => 64,
            Algo::Sha256 | Algo::GoZip | Algo::GoMod => 32,
        }
    }

    /// The name in front of a written digest: `sha256`, `h1-zip`.
    pub fn name(self) -> &'static str {
        match self {
            Algo::Sha1 => "sha1",
            Algo::Sha256 => "sha256",
            Algo::Sha512 => "sha512",
            Algo::GoZip => "h1-zip",
            Algo::GoMod => "h1-mod",
        }
    }
}

impl fmt::Display for Algo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
