//! What can go wrong, in the words that the user reads. Knows no logic.

use std::io;
use std::path::PathBuf;

use akbuild_nar::Digest;

/// Why a sysroot could not be locked or unpacked.
#[derive(Debug, thiserror::Error)]
pub enum SysrootError {
    /// A path of the root.
    #[error(transparent)]
    Tree(#[from] akbuild_tree::TreeError),
    /// A file of the archive could not be had.
    #[error("cannot get `{path}` from any configured Debian mirror: {source}")]
    Get {
        /// Path below the mirror's base.
        path: String,
        /// The caller's error.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A keyring could not be read or parsed.
    #[error("cannot use the keyring {}: {why}", path.display())]
    Keyring {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// `InRelease` is not a clear-signed text.
    #[error("`{path}` is not a signed Release file: {why}")]
    NotSigned {
        /// Path below the mirror's base.
        path: String,
        /// What the parser found.
        why: String,
    },
    /// No accepted key made a good signature.
    #[error(
        "the signature of `{path}` is not good: {why}\n  signed by: {signers}\n  accepted keys: {accepted}\n  help: if the archive changed its key, add its keyring to `keyrings` (and its fingerprint, if the recipe lists some); if not, the mirror served a changed file"
    )]
    Signature {
        /// Path below the mirror's base.
        path: String,
        /// Unknown key, a text that does not match its signature, or a signature that does not count.
        why: String,
        /// Fingerprints that the signatures name.
        signers: String,
        /// How many keys were accepted, or which.
        accepted: String,
    },
    /// `Valid-Until` has passed.
    #[error(
        "the index of suite `{suite}` expired on {until}: the mirror has not been updated since {date}\n  help: try a fresher mirror, or accept it as it is with `akbuild lock --allow-expired`"
    )]
    Expired {
        /// The suite.
        suite: String,
        /// `Valid-Until`, as written.
        until: String,
        /// `Date`, as written.
        date: String,
    },
    /// A Release file without something that is needed.
    #[error("the Release file of suite `{suite}` has {what}")]
    Release {
        /// The suite.
        suite: String,
        /// What is wrong with it.
        what: String,
    },
    /// A component or architecture that the suite does not have.
    #[error("suite `{suite}` has no index `{index}`\n  it has the components {components} for {architectures}")]
    NoIndex {
        /// The suite.
        suite: String,
        /// What was looked for, such as `main/binary-amd64/Packages`.
        index: String,
        /// `Components` of the Release file.
        components: String,
        /// `Architectures` of the Release file.
        architectures: String,
    },
    /// An index with other bytes than the Release file says.
    #[error(
        "`{path}` does not match its Release file\n  expected {expected}\n     found {found}\n  help: the mirror is being updated or serves a damaged file: try again later, or another mirror"
    )]
    IndexDigest {
        /// Path below the mirror's base.
        path: String,
        /// The digest that the Release file gives.
        expected: Digest,
        /// The digest of what came.
        found: Digest,
    },
    /// An index that cannot be decompressed or lacks fields.
    #[error(
        "`{path}` is not a package index: {why}\n  help: the mirror serves a damaged or hostile index: try another mirror"
    )]
    Index {
        /// Path below the mirror's base.
        path: String,
        /// What is wrong with it.
        why: String,
    },
    /// A package that no suite has.
    #[error("no package `{package}` in {suites}\n  needed by: {chain}{near}")]
    Missing {
        /// The name that was looked for.
        package: String,
        /// The suites searched.
        suites: String,
        /// Who needs it, from the sysroot down.
        chain: String,
        /// A line with the nearest names, or nothing.
        near: String,
    },
    /// A dependency that nothing in the suites satisfies.
    #[error("cannot satisfy `{relation}` in {suites}\n  needed by: {chain}\n  found: {found}")]
    Unsatisfied {
        /// The dependency as written.
        relation: String,
        /// The suites searched.
        suites: String,
        /// Who needs it, from the sysroot down.
        chain: String,
        /// Versions that there are, or what is already chosen.
        found: String,
    },
    /// Two chosen packages that exclude each other.
    #[error(
        "sysroot `{sysroot}` cannot hold both {first} and {second}: {first} says `{field}: {relation}`\n  {first} is needed by: {first_chain}\n  {second} is needed by: {second_chain}"
    )]
    Conflict {
        /// The sysroot.
        sysroot: String,
        /// The package whose field it is.
        first: String,
        /// `Conflicts` or `Breaks`.
        field: &'static str,
        /// What it says.
        relation: String,
        /// The other package.
        second: String,
        /// Who needs the first.
        first_chain: String,
        /// Who needs the second.
        second_chain: String,
    },
    /// A file that is not a `.deb`, or a damaged one.
    #[error("{package}: {} is not a usable .deb: {why}", path.display())]
    Deb {
        /// Package and version.
        package: String,
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// A member of a package that must not be unpacked.
    #[error("{package}: refusing to unpack `{member}`: {problem}")]
    Member {
        /// Package and version.
        package: String,
        /// The member's name as the archive has it.
        member: String,
        /// What is wrong with it.
        problem: MemberProblem,
    },
    /// Two packages with the same file, and no `Replaces` between them.
    #[error(
        "both {first} and {second} contain `{path}`, and neither replaces the other\n  help: leave one of them out of the sysroot's package list"
    )]
    Overlap {
        /// The file, relative to the root.
        path: String,
        /// The package whose name sorts first.
        first: String,
        /// The other.
        second: String,
    },
    /// The file system did not do what was asked.
    #[error("cannot {what} {}: {source}", path.display())]
    Io {
        /// What was being done.
        what: &'static str,
        /// To what.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
}

/// Why a member of a package is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MemberProblem {
    /// An absolute name.
    #[error("its name is absolute")]
    Absolute,
    /// A name with a `..` component.
    #[error("its name has a `..` component")]
    Parent,
    /// An empty name, or one with a NUL byte.
    #[error("its name is empty or has a NUL byte")]
    Name,
    /// A name below a symbolic link of the package itself or of another one, leading out of the root.
    #[error("a symbolic link on its way leads out of the root")]
    ThroughSymlink,
    /// A hard link to something that is not a file of the same package.
    #[error("it is a hard link to something that is not an earlier file of the package")]
    HardLink,
    /// A device, a FIFO, or a kind of member that is unknown.
    #[error("it is neither a file, a folder nor a link")]
    Kind,
    /// A folder where another package has a file, or the reverse.
    #[error("another member of that name is not of the same kind")]
    Clash,
    /// More data than any package holds.
    #[error("the package unpacks to more than the limit of {} GiB or {} members", crate::deb::MAX_BYTES >> 30, crate::deb::MAX_MEMBERS)]
    TooLarge,
}

impl SysrootError {
    pub(crate) fn io(what: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| SysrootError::Io { what, path, source }
    }
}
