//! What can go wrong when something is looked up or fetched. Knows the words of the messages only.

use std::io;
use std::path::{Path, PathBuf};

use akbuild_registry::ConfigurationError;
use url::Url;

use crate::{ArchiveError, RefusedAddress, redact};

/// Why configuration could not be read, or metadata, a repository or a tree not be had.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FetchError {
    /// A configuration file of the machine that cannot be read.
    #[error(transparent)]
    Configuration(#[from] ConfigurationError),
    /// A configured address that cannot be used.
    #[error("{from}: {error}")]
    Address {
        /// Where it is configured.
        from: String,
        /// What is wrong with it.
        error: RefusedAddress,
    },
    /// Something would have to be downloaded, and that is switched off.
    #[error("{what} is not there and downloading is switched off; run the same again without --offline")]
    Offline {
        /// What is missing.
        what: String,
    },
    /// The operation was cancelled.
    #[error("the download was cancelled; run the same again")]
    Cancelled,
    /// An address that may not be downloaded from.
    #[error(transparent)]
    Refused(#[from] RefusedAddress),
    /// No address was given to ask.
    #[error("no address to ask for; configure a mirror in the ecosystem's own client or in akbuild.local.toml")]
    NoMirror,
    /// Every address says that it has no such file.
    #[error("not found on any mirror:{}", list(tried))]
    NotFound {
        /// Addresses and what each said.
        tried: Vec<(Url, String)>,
    },
    /// No address gave an answer that can be used.
    #[error(
        "no mirror gave an answer:{}\ncheck the connection, the proxy variables and the credentials, then run the same again",
        list(tried)
    )]
    Unreachable {
        /// Addresses and what each said.
        tried: Vec<(Url, String)>,
    },
    /// An answer over the limit.
    #[error("{}: the answer is longer than {limit} bytes, which is the limit", redact(url))]
    TooLarge {
        /// The address.
        url: Url,
        /// The limit in bytes.
        limit: u64,
    },
    /// A file of unknown size over the limit.
    #[error(
        "{}: the file is longer than {limit} bytes, which is the limit\n  help: if it is the right file, raise \
         `download_limit_mib` in akbuild.local.toml",
        redact(url)
    )]
    FileTooLarge {
        /// The address.
        url: Url,
        /// The limit in bytes.
        limit: u64,
    },
    /// The HTTP client could not be set up.
    #[error("cannot set up the HTTP client: {0}; check the CA bundle (SSL_CERT_FILE) and the proxy variables")]
    Setup(String),
    /// Every address of a repository failed.
    #[error("cannot fetch {what} from any of the given repositories:{}\n{next}", lines(tried))]
    Git {
        /// `tag v1 (commit 8af4…)`.
        what: String,
        /// Addresses without secrets, and what each said.
        tried: Vec<(String, String)>,
        /// What to do.
        next: String,
    },
    /// A tag that stands for another commit than the pinned one.
    #[error(
        "tag `{reference}` of {url} was moved: expected commit {expected}, found {found}\n\
         find out why before you pin the new commit, with `akbuild lock sources`, or with `commit` where that is written"
    )]
    TagMoved {
        /// The tag.
        reference: String,
        /// The repository, without secrets.
        url: String,
        /// The pinned commit.
        expected: String,
        /// The commit that the tag names now.
        found: String,
    },
    /// A commit whose checkout would not be what a plain reading of its files gives.
    #[error("commit {commit}: `{file}` {why}")]
    Unsupported {
        /// The commit.
        commit: String,
        /// The file in it.
        file: String,
        /// What it has, and what to do.
        why: String,
    },
    /// A repository in the cache that cannot be read or written.
    #[error("cannot {action} {}: {reason}", path.display())]
    Repository {
        /// What was tried.
        action: &'static str,
        /// The repository.
        path: PathBuf,
        /// What libgit2 says.
        reason: String,
    },
    /// An archive that cannot be unpacked.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    /// A local file operation.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A local tree that cannot be copied.
    #[error(transparent)]
    Copy(#[from] akbuild_tree::TreeError),
    /// A local tree that holds something that is neither file, folder nor symbolic link.
    #[error("{}: {why}", path.display())]
    Tree {
        /// The file.
        path: PathBuf,
        /// What is wrong with it, and what to do.
        why: String,
    },
}

impl FetchError {
    /// For `map_err` on local file operations.
    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { action, path, source }
    }
}

/// One line an address.
pub(crate) fn list(tried: &[(Url, String)]) -> String {
    tried.iter().map(|(url, why)| format!("\n  {}: {why}", redact(url))).collect()
}

fn lines(tried: &[(String, String)]) -> String {
    tried.iter().map(|(url, why)| format!("\n  {url}: {why}")).collect()
}

/// An error and its causes in one line; an address in it is left out, since it may hold a secret.
pub fn http_reason(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(&error);
    while let Some(next) = cause {
        let said = next.to_string();
        if !text.contains(&said) {
            text = format!("{text}: {said}");
        }
        cause = next.source();
    }
    text
}
