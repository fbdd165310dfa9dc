//! What is to be locked, and where index files come from. Computes nothing.

use std::error::Error;
use std::path::PathBuf;
use std::time::SystemTime;

use crate::DebPin;

/// Where index files come from.
pub trait Metadata {
    /// The bytes of `<mirror base>/<path>`; tries every configured mirror.
    fn get(&self, path: &str) -> Result<Vec<u8>, Box<dyn Error + Send + Sync>>;
}

/// A suite of a Debian archive.
#[derive(Clone, Debug)]
pub struct Suite {
    /// Suite or code name: the folder below `dists/`.
    pub suite: String,
    /// Its components: `main`.
    pub components: Vec<String>,
    /// Debian's name of the architecture: `amd64`.
    pub arch: String,
}

/// One sysroot's wishes.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// Its name.
    pub name: String,
    /// What it must contain: names, each optionally with a version (`nodejs (>= 24)`).
    pub packages: Vec<String>,
    /// Whether to add all packages marked `Essential`: what build scripts take for granted.
    pub essential: bool,
}

/// What to lock.
pub struct LockRequest<'a> {
    /// The suites, in order of preference between equal versions.
    pub suites: &'a [Suite],
    /// The sysroots.
    pub sysroots: &'a [Wanted],
    /// OpenPGP keyrings, binary or armoured.
    pub keyrings: &'a [PathBuf],
    /// Fingerprints of the keys that may sign; empty: any key of the keyrings.
    pub fingerprints: &'a [String],
    /// The time against which `Valid-Until` is held.
    pub now: SystemTime,
    /// Whether a suite whose `Valid-Until` has passed is accepted, with a warning.
    pub allow_expired: bool,
    /// Whether `Recommends` are followed, where they can be.
    pub recommends: bool,
    /// Packages that are taken before newer ones, if the suites still have them and everything fits together.
    pub prefer: &'a [DebPin],
}
