//! The work folder of a stage: writable copies of what it declared, files that akbuild writes, and
//! the places where trees will be mounted.
//!
//! Knows files only: nothing of sandboxes or keys.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use akbuild_nar::{Kind, TreeHash};
use akbuild_recipe::plan::{Copy, WORK, WrittenFile};
use akbuild_store::Store;

use crate::error::{EngineError, Io};
use crate::trees;

/// In which order files are copied. No stage may depend on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    /// By path.
    Sorted,
    /// By path, the last first.
    Backwards,
}

/// Folders of one run of a stage, inside a scratch folder of the store.
pub(crate) struct Folders {
    /// Mounted at [`WORK`].
    pub(crate) work: PathBuf,
    /// Mounted where the stage's output lives.
    pub(crate) out: PathBuf,
    /// Mounted at `/tmp`.
    pub(crate) tmp: PathBuf,
    out_at: String,
}

impl Folders {
    /// Makes them below `scratch`.
    pub(crate) fn new(scratch: &Path, out_at: &str) -> Result<Self, EngineError> {
        let folder = |name| {
            let path = scratch.join(name);
            fs::create_dir(&path).doing("make", &path)?;
            Ok::<_, EngineError>(path)
        };
        Ok(Self { work: folder("work")?, out: folder("out")?, tmp: folder("tmp")?, out_at: out_at.to_owned() })
    }

    /// Those of a run that has ended, as it left them. One that has become an output is there again, empty.
    pub(crate) fn reopen(scratch: &Path, out_at: &str) -> Result<Self, EngineError> {
        let [work, out, tmp] = ["work", "out", "tmp"].map(|name| scratch.join(name));
        [&work, &out, &tmp].into_iter().try_for_each(|path| fs::create_dir_all(path).doing("make", path))?;
        let folders = Self { work, out, tmp, out_at: out_at.to_owned() };
        Ok(folders)
    }

    /// Where a path of the sandbox is on the host, if it is in one of these folders.
    pub(crate) fn host(&self, path: &str) -> Option<PathBuf> {
        let below = |top: &str, host: &Path| {
            let rest = path.strip_prefix(top)?;
            (rest.is_empty() || rest.starts_with('/')).then(|| host.join(rest.trim_start_matches('/')))
        };
        below(&self.out_at, &self.out).or_else(|| below(WORK, &self.work)).or_else(|| below("/tmp", &self.tmp))
    }

    fn need_host(&self, path: &str) -> Result<PathBuf, EngineError> {
        let outside = || EngineError::Bug(format!("`{path}` is neither below {WORK} nor in the output"));
        self.host(path).ok_or_else(outside)
    }

    /// Copies a subset of a stored tree.
    pub(crate) fn copy(&self, store: &Store, tree: &TreeHash, copy: &Copy, order: Order) -> Result<(), EngineError> {
        let listing = store.listing(tree)?;
        let (from, to) = (store.tree_path(tree), self.need_host(&copy.to)?);
        fs::create_dir_all(&to).doing("make", &to)?;
        let mut made: Option<PathBuf> = None;
        let mut chosen = trees::select(&listing, "", &copy.subset)?;
        if order == Order::Backwards {
            chosen.reverse();
        }
        for (relative, kind) in chosen {
            let (source, target) = (from.join(relative), to.join(relative));
            let parent = target.parent().unwrap_or(&to);
            if made.as_deref() != Some(parent) {
                fs::create_dir_all(parent).doing("make", parent)?;
                made = Some(parent.to_owned());
            }
            match kind {
                Kind::Dir => fs::create_dir_all(&target).doing("make", &target)?,
                Kind::Symlink { target: to } => symlink(to, &target).doing("link", &target)?,
                Kind::File { exec, .. } => {
                    match trees::viewed(&source, copy.view)? {
                        Some(text) => fs::write(&target, text).doing("write", &target)?,
                        None => drop(fs::copy(&source, &target).doing("copy", &source)?),
                    }
                    set_mode(&target, *exec)?;
                }
            }
        }
        Ok(())
    }

    /// Writes a file that the plan gives.
    pub(crate) fn write(&self, file: &WrittenFile) -> Result<(), EngineError> {
        write(&self.need_host(&file.path)?, &file.text, file.executable)
    }

    /// Puts another text in place of a copied file.
    pub(crate) fn rewrite(&self, path: &str, text: &str) -> Result<(), EngineError> {
        write(&self.need_host(path)?, text, false)
    }

    /// Makes the place where something will be mounted, if that place is in one of these folders.
    pub(crate) fn mount_point(&self, at: &str, is_dir: bool) -> Result<(), EngineError> {
        let Some(place) = self.host(at) else { return Ok(()) };
        if is_dir {
            return fs::create_dir_all(&place).doing("make", &place);
        }
        if let Some(parent) = place.parent() {
            fs::create_dir_all(parent).doing("make", parent)?;
        }
        fs::OpenOptions::new().append(true).create(true).open(&place).map(drop).doing("make", &place)
    }

    /// Gives everything to the owner that files have in a sandbox.
    pub(crate) fn give_to(&self, owner: (u32, u32)) -> Result<(), EngineError> {
        if owner == (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw()) {
            return Ok(());
        }
        [&self.work, &self.out, &self.tmp].into_iter().try_for_each(|folder| give(folder, owner))
    }
}

/// Writes a file and the folders above it.
pub(crate) fn write(path: &Path, text: &str, executable: bool) -> Result<(), EngineError> {
    write_bytes(path, text.as_bytes(), executable)
}

/// Writes a file and the folders above it.
pub(crate) fn write_bytes(path: &Path, bytes: &[u8], executable: bool) -> Result<(), EngineError> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).doing("make", parent)?;
    }
    fs::write(path, bytes).doing("write", path)?;
    set_mode(path, executable)
}

fn set_mode(path: &Path, executable: bool) -> Result<(), EngineError> {
    let mode = if executable { 0o755 } else { 0o644 };
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).doing("change the mode of", path)
}

fn give(path: &Path, (uid, gid): (u32, u32)) -> Result<(), EngineError> {
    std::os::unix::fs::lchown(path, Some(uid), Some(gid)).doing("change the owner of", path)?;
    if fs::symlink_metadata(path).doing("stat", path)?.is_dir() {
        for entry in fs::read_dir(path).doing("read", path)? {
            give(&entry.doing("read", path)?.path(), (uid, gid))?;
        }
    }
    Ok(())
}

/// Each outermost folder called `name` at or below `top`, relative to it, sorted.
pub(crate) fn folders_called(top: &Path, name: &str) -> Result<Vec<PathBuf>, EngineError> {
    let mut found = Vec::new();
    let mut open = vec![PathBuf::new()];
    while let Some(folder) = open.pop() {
        let path = top.join(&folder);
        for entry in fs::read_dir(&path).doing("read", &path)? {
            let entry = entry.doing("read", &path)?;
            if !entry.file_type().doing("stat", &path)?.is_dir() {
                continue;
            }
            let relative = folder.join(entry.file_name());
            if entry.file_name().as_bytes() == OsStr::new(name).as_bytes() {
                found.push(relative);
            } else {
                open.push(relative);
            }
        }
    }
    found.sort();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use akbuild_recipe::plan::{SourceId, Subset, TreeRef, View};
    use akbuild_store::Publish;

    use super::*;

    #[test]
    fn the_order_of_copies_is_seen_by_who_lists_them() {
        // In memory, a folder lists its files by the time at which they were made.
        let home = tempfile::tempdir_in("/dev/shm").unwrap();
        let store = Store::open(home.path()).unwrap();
        let scratch = store.scratch("tree").unwrap();
        let tree = scratch.path().join("tree");
        ["a", "b/c", "b/d", "e"].iter().for_each(|name| write(&tree.join(name), name, false).unwrap());
        let tree = store.publish(&tree, &Publish { listing: true, ..Publish::default() }).unwrap().hash;
        let listed = |order| {
            let scratch = store.scratch("run").unwrap();
            let folders = Folders::new(scratch.path(), "/out").unwrap();
            let from = TreeRef::Source(SourceId::new("app"));
            let copy = Copy { from, subset: Subset::default(), to: WORK.into(), view: View::Whole };
            folders.copy(&store, &tree, &copy, order).unwrap();
            let names = |path: &Path| fs::read_dir(path).unwrap().map(|e| e.unwrap().file_name()).collect::<Vec<_>>();
            (names(&folders.work), names(&folders.work.join("b")))
        };
        let (mut sorted, backwards) = (listed(Order::Sorted), listed(Order::Backwards));
        assert_eq!((sorted.0.len(), sorted.1.len()), (3, 2));
        sorted.0.reverse();
        sorted.1.reverse();
        assert_eq!(sorted, backwards);
    }
}
