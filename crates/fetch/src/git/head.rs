//! The commit that a work tree stands at. Knows one repository of this machine; fetches nothing.

use std::path::Path;

use git2::{Repository, StatusOptions};

use super::isolate::isolate;

/// Where a work tree stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GitHead {
    /// The commit, 40 hex digits.
    pub commit: String,
    /// Whether the folder has changes that the commit does not have, new files that git does not ignore included.
    pub changed: bool,
}

/// The commit that the repository around a folder stands at; `None` if it is in no repository.
///
/// # Errors
/// A text, for a repository that cannot be read or has no commit.
pub fn git_head(folder: &Path) -> Result<Option<GitHead>, String> {
    isolate()?;
    let said = |e: git2::Error| e.message().to_owned();
    let repository = match Repository::discover(folder) {
        Ok(repository) => repository,
        Err(e) if e.code() == git2::ErrorCode::NotFound => return Ok(None),
        Err(e) => return Err(said(e)),
    };
    let commit = repository.head().and_then(|head| head.peel_to_commit()).map_err(said)?.id().to_string();
    let top = repository.workdir().and_then(|top| top.canonicalize().ok());
    let inside = top.and_then(|top| Some(folder.canonicalize().ok()?.strip_prefix(top).ok()?.to_owned()));
    let mut options = StatusOptions::new();
    options.include_untracked(true).include_ignored(false);
    if let Some(inside) = inside.filter(|inside| !inside.as_os_str().is_empty()) {
        options.pathspec(inside).disable_pathspec_match(true);
    }
    let changed = !repository.statuses(Some(&mut options)).map_err(said)?.is_empty();
    Ok(Some(GitHead { commit, changed }))
}
