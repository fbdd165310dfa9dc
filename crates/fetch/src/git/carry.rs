//! A commit with its history, as one pack: out of a repository of the cache, and into one elsewhere. Knows packs
//! (gitformat-pack(5)); not what carries them.

use std::io::{Read, Write};
use std::path::Path;

use super::repository::{add_pack, failed, has_history, need_commit, open, open_or_make, write_pack};
use crate::FetchError;

/// Writes a commit and its whole history. The bytes depend on these and the version of libgit2 only.
///
/// # Errors
/// The commit or a part of its history is not in the repository; `out` takes no more.
pub fn git_pack(repo: &Path, commit: &str, out: &mut dyn Write) -> Result<(), FetchError> {
    let from = open(repo)?;
    let found = need_commit(&from, commit)?.id();
    need_history(&from, found, repo)?;
    let mut broken = None;
    let written = write_pack(&from, found, true, &mut |piece| {
        broken = out.write_all(piece).err();
        broken.is_none()
    });
    match broken {
        Some(error) => Err(FetchError::io("write a pack of", repo)(error)),
        None => written.map_err(failed("read", repo)),
    }
}

/// Adds what [`git_pack`] wrote to a repository, which is made if it is not there. git names everything by its
/// contents: nothing that is in the repository already can be changed by it.
///
/// # Errors
/// It is no whole pack, or does not hold the commit with all of its history.
pub fn git_unpack(repo: &Path, commit: &str, pack: &mut impl Read) -> Result<(), FetchError> {
    let to = open_or_make(repo)?;
    add_pack(&to, pack, &|_| ()).map_err(FetchError::io("read a pack into", repo))?;
    need_history(&to, need_commit(&to, commit)?.id(), repo)
}

fn need_history(repo: &git2::Repository, commit: git2::Oid, path: &Path) -> Result<(), FetchError> {
    if has_history(repo, commit).map_err(failed("read", path))? {
        return Ok(());
    }
    let reason = format!("the history of commit {commit} is not in it; fetch it first");
    Err(FetchError::Repository { action: "read", path: path.to_owned(), reason })
}
