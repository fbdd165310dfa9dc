//! git repositories: one pinned commit, fetched without history where that is possible. Blocking;
//! call it from a thread that may wait.
//!
//! Knows addresses, references and commits. The cache folder holds one bare repository for each
//! first address; what is in it is named by its contents, so any number of processes may share it.

mod carry;
mod checkout;
mod credentials;
mod export;
mod fetch;
mod head;
mod http;
mod isolate;
mod near;
mod pkt;
mod repository;
mod smart;
mod trouble;

pub use carry::{git_pack, git_unpack};
pub use checkout::git_checkout;
pub use credentials::Credentials;
pub use export::git_export;
pub use fetch::{GitRequest, git_fetch, git_fetch_history};
pub use head::{GitHead, git_head};
pub use repository::{git_has_commit, git_repository};
pub use smart::read_any_answer;
