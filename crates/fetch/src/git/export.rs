//! A repository that holds one commit, for tools in a stage that insist on cloning. Knows the layout
//! of a bare repository (gitrepository-layout(5)); fetches nothing.
//!
//! ```text
//! DEST/HEAD  config  shallow  refs/heads/main  objects/pack/pack-ID.{pack,idx}
//! ```

use std::path::Path;

use super::repository::{failed, has_history, need_commit, open, write_pack};
use crate::FetchError;

const CONFIG: &str = "[core]\n\trepositoryformatversion = 0\n\tfilemode = true\n\tbare = true\n\
    [uploadpack]\n\tallowAnySHA1InWant = true\n\tallowFilter = true\n";

/// Writes a fresh bare repository to `dest` (not there yet, or empty) that holds `commit` of the
/// repository `repo`, as `refs/heads/main`, and gives it to whoever asks for it by its id.
///
/// Its history is in it if `repo` has all of it ([`git_fetch_history`](crate::git_fetch_history)).
/// Otherwise the repository is a shallow one: `git clone` and `git fetch --depth 1` take the commit
/// from it, a plain `git fetch` does not. The same commit, with history or without, gives the same files.
pub fn git_export(repo: &Path, commit: &str, dest: &Path) -> Result<(), FetchError> {
    let from = open(repo)?;
    let commit = need_commit(&from, commit)?;
    for folder in ["objects/info", "objects/pack", "refs/heads", "refs/tags"] {
        let path = dest.join(folder);
        std::fs::create_dir_all(&path).map_err(FetchError::io("make", &path))?;
    }
    let write = |name: &str, text: &str| {
        let path = dest.join(name);
        std::fs::write(&path, text).map_err(FetchError::io("write", &path))
    };
    write("HEAD", "ref: refs/heads/main\n")?;
    write("config", CONFIG)?;
    write("refs/heads/main", &format!("{}\n", commit.id()))?;
    let history = has_history(&from, commit.id()).map_err(failed("read", repo))?;
    if !history {
        write("shallow", &format!("{}\n", commit.id()))?;
    }
    let mut pack = Vec::new();
    let written = write_pack(&from, commit.id(), history, &mut |piece| {
        pack.extend_from_slice(piece);
        true
    });
    written.map_err(failed("read", repo))?;
    let to = dest.join("objects/pack");
    let add = || {
        let mut indexer = git2::Indexer::new(None, &to, 0o444, false)?;
        std::io::Write::write_all(&mut indexer, &pack).map_err(|e| git2::Error::from_str(&e.to_string()))?;
        indexer.commit()
    };
    add().map_err(failed("write a pack to", &to))?;
    Ok(())
}
