//! Sysroots of a plan: Debian packages, or this machine's own programs in their place. Knows what is pinned of them; makes
//! none.

use std::path::PathBuf;

use akbuild_names::{DebianPackageName, DebianPackageVersion, MirrorFilePath};
use akbuild_nar::Digest;
use serde::{Deserialize, Serialize};

use super::SysrootId;

/// A root file system: a closure of Debian packages.
#[derive(Clone, Debug)]
pub struct Sysroot {
    /// Its name.
    pub id: SysrootId,
    /// The pinned packages, sorted by name; none for a [`HostRoot`].
    pub packages: Vec<DebPin>,
    /// The machine's own programs, if they stand in for the packages.
    pub host: Option<HostRoot>,
    /// Where its packages were looked for, if the lock says; for messages only.
    pub suites: Option<DebianSuites>,
}

/// Suites of a Debian archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DebianSuites {
    /// Their names.
    pub suites: Vec<String>,
    /// The components that are taken of each.
    pub components: Vec<String>,
    /// Debian's name of the architecture.
    pub architecture: String,
}

/// Programs and folders of this machine in the place of a sysroot.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct HostRoot {
    /// The programs asked for, sorted by name.
    pub programs: Vec<HostProgram>,
    /// The version of the C library, if it is glibc.
    pub glibc: Option<(u64, u64)>,
    /// The machine's name for its processor, `x86_64`.
    pub machine: String,
    /// The folders that programs are looked for in, in order; absolute.
    pub path: Vec<String>,
    /// Symbolic links of the root (`bin` to `usr/bin`), and where they lead.
    pub links: Vec<(String, String)>,
    /// What is mounted read-only; one that lies in another stands after it.
    pub mounts: Vec<HostMount>,
}

/// One program of this machine: what it is recognised by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct HostProgram {
    /// The name it is called by.
    pub name: String,
    /// The file, all links followed.
    pub path: PathBuf,
    /// SHA-256 of the file.
    pub digest: Digest,
    /// What it says of its version; may be empty.
    pub version: String,
}

/// A file or folder of this machine that stages see.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct HostMount {
    /// Where they see it, absolute.
    pub at: String,
    /// What it is on this machine.
    pub from: PathBuf,
}

/// One pinned Debian package.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DebPin {
    /// Package name.
    pub name: DebianPackageName,
    /// Debian version.
    pub version: DebianPackageVersion,
    /// Path below a mirror's base address, `pool/...`.
    pub path: MirrorFilePath,
    /// SHA-256 of the `.deb`.
    pub digest: Digest,
    /// Size of the `.deb` in bytes.
    pub size: u64,
    /// The sysroots that contain it, sorted.
    pub sysroots: Vec<String>,
}
