//! Bare repositories in the cache, and the copying of one commit from one to another. Knows
//! libgit2's object databases; nothing of networks.

use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use akbuild_nar::Digest;
use git2::{Commit, ErrorCode, Oid, Repository};

use super::isolate::isolate;
use crate::{Cancel, FetchError};

/// The bare repository that stands for a first address in a cache folder.
pub fn git_repository(cache: &Path, first_url: &str) -> PathBuf {
    let last = first_url.trim_end_matches('/').rsplit(['/', ':']).next().unwrap_or_default();
    let name: String = last.chars().filter(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_')).take(40).collect();
    let address = cache_name_of(first_url);
    cache.join(format!("{name}-{}.git", &Digest::sha256(address.as_bytes()).hex()[..16]))
}

/// Whether the repository of a first address in a cache folder has a commit. Makes none, and asks nobody.
pub fn git_has_commit(cache: &Path, first_url: &str, commit: &str) -> bool {
    let path = git_repository(cache, first_url);
    path.join("HEAD").exists() && open(&path).is_ok_and(|repo| matches!(find_commit(&repo, commit), Ok(Some(_))))
}

/// What the name in the cache is derived from. It differs from [`crate::redact_text`], which may change: repositories in
/// caches have names that were made by this rule.
fn cache_name_of(url: &str) -> String {
    match url::Url::parse(url) {
        Ok(parsed) if url.contains("://") => crate::redact(&parsed),
        _ => url.to_owned(),
    }
}

/// For `map_err` on libgit2's errors.
pub(super) fn failed(action: &'static str, path: &Path) -> impl FnOnce(git2::Error) -> FetchError {
    let path = path.to_owned();
    move |error| FetchError::Repository { action, path, reason: error.message().to_owned() }
}

/// Opens a repository, cut off from the machine's configuration.
pub(super) fn open(path: &Path) -> Result<Repository, FetchError> {
    cut_off(path)?;
    Repository::open(path).map_err(failed("open", path))
}

/// The same for one in the cache: made if it is not there.
pub(super) fn open_or_make(path: &Path) -> Result<Repository, FetchError> {
    cut_off(path)?;
    if path.join("HEAD").exists() {
        return open(path);
    }
    std::fs::create_dir_all(path).map_err(FetchError::io("make", path))?;
    let mut options = git2::RepositoryInitOptions::new();
    options.bare(true).external_template(false);
    Repository::init_opts(path, &options).map_err(failed("make", path))
}

fn cut_off(path: &Path) -> Result<(), FetchError> {
    isolate().map_err(|reason| FetchError::Repository { action: "open", path: path.to_owned(), reason })
}

/// The commit of that id, if the repository has it whole. An abbreviated id is not taken.
pub(super) fn find_commit<'r>(repo: &'r Repository, id: &str) -> Result<Option<Commit<'r>>, FetchError> {
    let Some(oid) = full_id(id) else {
        let reason = format!("`{id}` is no commit; expected 40 hex digits");
        return Err(FetchError::Repository { action: "look into", path: repo.path().to_owned(), reason });
    };
    match repo.find_commit(oid) {
        Ok(commit) => Ok(Some(commit)),
        Err(e) if e.code() == ErrorCode::NotFound => Ok(None),
        Err(e) => Err(failed("read", repo.path())(e)),
    }
}

/// The id of 40 hex digits.
pub(super) fn full_id(id: &str) -> Option<Oid> {
    (id.len() == 40).then(|| Oid::from_str(id).ok()).flatten()
}

/// The same, where the commit must be there.
pub(super) fn need_commit<'r>(repo: &'r Repository, id: &str) -> Result<Commit<'r>, FetchError> {
    find_commit(repo, id)?.ok_or_else(|| FetchError::Repository {
        action: "read",
        path: repo.path().to_owned(),
        reason: format!("commit {id} is not in it; fetch it first"),
    })
}

/// Adds a pack to a repository; it becomes visible only when it is complete and its checksums hold.
/// `seen` gets the number of bytes of each piece.
pub(super) fn add_pack(repo: &Repository, pack: &mut impl Read, seen: &dyn Fn(u64)) -> io::Result<()> {
    let git = |e: git2::Error| io::Error::other(e.message().to_owned());
    let odb = repo.odb().map_err(git)?;
    let mut writer = odb.packwriter().map_err(git)?;
    let mut buffer = vec![0; 1 << 16];
    let mut total = 0u64;
    loop {
        let count = pack.read(&mut buffer)?;
        if count == 0 {
            break;
        }
        total += count as u64;
        writer.write_all(&buffer[..count])?;
        seen(count as u64);
    }
    if total == 0 {
        return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the pack is empty"));
    }
    writer.commit().map_err(git)?;
    Ok(())
}

/// Whether every ancestor of a commit is there.
pub(super) fn has_history(repo: &Repository, commit: Oid) -> Result<bool, git2::Error> {
    let mut walk = repo.revwalk()?;
    walk.push(commit)?;
    for ancestor in walk {
        match ancestor {
            Ok(_) => {}
            Err(e) if e.code() == ErrorCode::NotFound => return Ok(false),
            Err(e) => return Err(e),
        }
    }
    Ok(true)
}

/// How the writing of a pack ended.
pub(super) enum PackEnd {
    /// The pack.
    Whole(Vec<u8>),
    /// It is longer than the limit.
    TooLong,
    /// The switch was thrown.
    Cancelled,
}

/// The commit with its trees and files, and if asked its whole history, as a pack of at most `limit` bytes. The bytes
/// depend on the commit and the version of libgit2 only.
pub(super) fn pack_of(
    repo: &Repository,
    commit: Oid,
    history: bool,
    limit: u64,
    cancel: &Cancel,
) -> Result<PackEnd, git2::Error> {
    let (mut bytes, mut too_long) = (Vec::new(), false);
    let written = write_pack(repo, commit, history, &mut |piece| {
        too_long = (bytes.len() + piece.len()) as u64 > limit;
        if too_long || cancel.is_thrown() {
            return false;
        }
        bytes.extend_from_slice(piece);
        true
    });
    match written {
        Ok(()) => Ok(PackEnd::Whole(bytes)),
        Err(_) if too_long => Ok(PackEnd::TooLong),
        Err(_) if cancel.is_thrown() => Ok(PackEnd::Cancelled),
        Err(error) => Err(error),
    }
}

/// The same, piece by piece, as long as `take` says that there is room for more.
pub(super) fn write_pack(
    repo: &Repository,
    commit: Oid,
    history: bool,
    take: &mut dyn FnMut(&[u8]) -> bool,
) -> Result<(), git2::Error> {
    let mut builder = repo.packbuilder()?;
    builder.set_threads(1);
    if history {
        let mut walk = repo.revwalk()?;
        walk.push(commit)?;
        builder.insert_walk(&mut walk)?;
    } else {
        builder.insert_commit(commit)?;
    }
    builder.foreach(take)
}
