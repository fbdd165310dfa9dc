//! Downloading and unpacking: HTTP, git, archives, and the machine's mirror configuration.
//!
//! Knows protocols, mirrors, credentials and archive formats. Knows nothing of recipes, stages or
//! terminals, and reads no environment: what the machine says is handed in as a [`Machine`].
//!
//! ```text
//! machine -> discover -> Mirrors -> Client -> get (metadata) | fetch (artifacts, into the store)
//!                                  GitRequest -> git_fetch -> git_checkout | git_export | git_pack
//!                                  file -> unpack_archive      folder -> copy_tree
//! ```

mod address;
mod archive;
mod auth;
mod cancel;
mod client;
mod config;
mod download;
mod error;
mod failure;
mod get;
mod git;
mod index;
mod limits;
mod local;
mod mirrors;
mod miss;
mod netrc;
mod pull;
mod rate_watch;
mod redact;
mod redirect;
pub mod retry;
mod tree;
mod tries;
mod unpinned;
mod wait;
mod wanted;

pub use address::{DownloadAddress, RefusedAddress};
pub use akbuild_registry::{AuthRule, Machine, RegistryClient, Secret, registry_client};
pub use archive::{ArchiveError, MemberFault, StripTop, Unpacked, unpack_archive};
pub use cancel::{Cancel, Registered};
pub use client::Client;
pub use config::ClientConfig;
pub use error::{FetchError, http_reason};
pub use failure::{Failure, FailureKind, Failures};
pub use get::Got;
pub use git::{
    Credentials, GitHead, GitRequest, git_checkout, git_export, git_fetch, git_fetch_history, git_has_commit, git_head,
    git_pack, git_repository, git_unpack,
};
pub use limits::TransferLimits;
pub use mirrors::{MirrorBase, Mirrors, Overrides, discover};
pub use netrc::Netrc;
pub use redact::{redact, redact_text};
pub use redirect::refused_redirect;
pub use retry::RetryPolicy;
pub use tree::copy_tree;
pub use unpinned::UnpinnedFile;
pub use wait::{WaitListener, WaitNotice};
pub use wanted::{Fetched, IndexFile, Locations, Progress, Wanted};

/// What fuzzing reaches and nothing else should.
#[doc(hidden)]
pub mod fuzzing {
    pub use crate::git::read_any_answer;
}
