//! What `git checkout` leaves of a commit, without `.git`. Knows attributes and modes; fetches nothing.
//!
//! Line endings and `ident` come out as git writes them. What libgit2 would quietly do otherwise, and
//! what is not in the repository at all, is refused: `filter=` (Git LFS), `working-tree-encoding`,
//! submodules.

use std::path::Path;

use git2::build::CheckoutBuilder;
use git2::{AttrCheckFlags, Index, Repository, RepositoryInitOptions};

use super::repository::{failed, need_commit, open};
use crate::FetchError;

const SUBMODULE: u32 = 0o160000;

/// Attributes that are refused, and what to say of a file that has one.
const REFUSED: [(&str, &str); 2] = [
    (
        "filter",
        "has a `filter` attribute (Git LFS or similar): the repository holds a stand-in and not the file; \
         use an archive of the release, or a mirror without the filter",
    ),
    (
        "working-tree-encoding",
        "has a `working-tree-encoding` attribute, which is not supported; use an archive of the release",
    ),
];

/// Writes the files of `commit` of the repository `repo` to `dest`, which is made and must be empty.
pub fn git_checkout(repo: &Path, commit: &str, dest: &Path) -> Result<(), FetchError> {
    let from = open(repo)?;
    let tree = need_commit(&from, commit)?.tree().map_err(failed("read", repo))?;
    std::fs::create_dir_all(dest).map_err(FetchError::io("make", dest))?;
    if std::fs::read_dir(dest).map_err(FetchError::io("read", dest))?.next().is_some() {
        let why = "is not empty; a checkout needs a fresh folder".to_owned();
        return Err(FetchError::Tree { path: dest.to_owned(), why });
    }
    let beside = repo.parent().unwrap_or(repo);
    let scratch = tempfile::Builder::new()
        .prefix(".checkout-")
        .tempdir_in(beside)
        .map_err(FetchError::io("make a folder in", beside))?;
    let work = scratch_repository(&from, scratch.path(), dest).map_err(failed("prepare a checkout in", beside))?;
    let mut index = work.index().map_err(failed("read", scratch.path()))?;
    index.read_tree(&tree).and_then(|()| index.write()).map_err(failed("read", repo))?;
    refuse_submodules(&index, commit)?;
    refuse_attributes(&work, &index, commit)?;
    let mut options = CheckoutBuilder::new();
    options.force();
    work.checkout_index(Some(&mut index), Some(&mut options)).map_err(failed("check out to", dest))
}

/// A repository beside the cached one that borrows its objects and has `dest` as its work tree: its
/// index is where attributes are looked up, and a bare repository has none.
fn scratch_repository(from: &Repository, at: &Path, dest: &Path) -> Result<Repository, git2::Error> {
    let mut options = RepositoryInitOptions::new();
    options.external_template(false).no_dotgit_dir(true).bare(true);
    let repo = Repository::init_opts(at, &options)?;
    let objects = from.commondir().join("objects");
    let objects = objects.to_str().ok_or_else(|| git2::Error::from_str("the path is not UTF-8"))?;
    repo.odb()?.add_disk_alternate(objects)?;
    let mut config = repo.config()?;
    config.set_bool("core.bare", false)?;
    config.set_bool("core.symlinks", true)?;
    config.set_bool("core.filemode", true)?;
    config.set_bool("core.autocrlf", false)?;
    config.set_str("core.eol", "lf")?;
    repo.set_workdir(dest, false)?;
    Ok(repo)
}

fn refuse_submodules(index: &Index, commit: &str) -> Result<(), FetchError> {
    match index.iter().find(|e| e.mode == SUBMODULE) {
        None => Ok(()),
        Some(entry) => Err(unsupported(
            commit,
            &entry.path,
            "is a submodule, whose files are in another repository; pin that repository as a source of its own",
        )),
    }
}

/// Asks for the attributes of every file, but only if some `.gitattributes` speaks of one of them.
fn refuse_attributes(repo: &Repository, index: &Index, commit: &str) -> Result<(), FetchError> {
    for (name, why) in REFUSED {
        let mut mentioned = false;
        for entry in index.iter().filter(|e| e.path.rsplit(|b| *b == b'/').next() == Some(b".gitattributes")) {
            let blob = repo.find_blob(entry.id).map_err(failed("read", repo.path()))?;
            mentioned |= blob.content().windows(name.len()).any(|w| w == name.as_bytes());
        }
        if !mentioned {
            continue;
        }
        let flags = AttrCheckFlags::INDEX_ONLY | AttrCheckFlags::NO_SYSTEM;
        for entry in index.iter() {
            let path = String::from_utf8_lossy(&entry.path);
            let value = repo.get_attr_bytes(Path::new(&*path), name, flags).map_err(failed("read", repo.path()))?;
            if !matches!(git2::AttrValue::from_bytes(value), git2::AttrValue::Unspecified | git2::AttrValue::False) {
                return Err(unsupported(commit, &entry.path, why));
            }
        }
    }
    Ok(())
}

fn unsupported(commit: &str, path: &[u8], why: &str) -> FetchError {
    let file = String::from_utf8_lossy(path).into_owned();
    FetchError::Unsupported { commit: commit.to_owned(), file, why: why.to_owned() }
}
