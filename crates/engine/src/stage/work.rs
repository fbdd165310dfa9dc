//! The work folder of a stage: writable copies of what it declared, files that akbuild writes, and
//! the places where trees will be mounted.
//!
//! Knows files only: nothing of sandboxes or keys.

use std::fs;
use std::path::{Path, PathBuf};

use akbuild_nar::{Kind, TreeHash};
use akbuild_recipe::plan::{Copy, StageId, WORK, WrittenFile};
use akbuild_store::Store;
use akbuild_tree::TreeDir;

use crate::error::{EngineError, Io};
use crate::keys::file_view::{FileView, SelectedEntry};
use crate::keys::trees;

/// In which order files are copied. No stage may depend on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    /// By path.
    Sorted,
    /// By path, the last first.
    Backwards,
}

/// Folders of one run of a stage, inside a scratch folder of the store. They contain copies of trees, and after a run
/// anything that the stage left, so they are used through [`TreeDir`] only.
pub(crate) struct Folders {
    /// Mounted at [`WORK`].
    pub(crate) work: TreeDir,
    /// Mounted where the stage's output lives.
    pub(crate) out: TreeDir,
    /// Mounted at `/tmp`.
    pub(crate) tmp: TreeDir,
    out_at: String,
}

impl Folders {
    /// Makes them below `scratch`.
    pub(crate) fn new(scratch: &Path, stage: &StageId, out_at: &str) -> Result<Self, EngineError> {
        ["work", "out", "tmp"].map(|name| scratch.join(name)).iter().try_for_each(|path| make_folder(path))?;
        Self::open(scratch, stage, out_at)
    }

    /// Those of a run that has ended, as it left them. One that has become an output is there again, empty.
    pub(crate) fn reopen(scratch: &Path, stage: &StageId, out_at: &str) -> Result<Self, EngineError> {
        let kept = TreeDir::open(scratch, "the kept folder")?;
        ["work", "out", "tmp"].iter().try_for_each(|name| kept.create_dir_all(name))?;
        Self::open(scratch, stage, out_at)
    }

    fn open(scratch: &Path, stage: &StageId, out_at: &str) -> Result<Self, EngineError> {
        let open = |name, title| TreeDir::open(&scratch.join(name), format!("{title} of stage `{stage}`"));
        let (work, out, tmp) = (open("work", "the work folder")?, open("out", "the output")?, open("tmp", "`/tmp`")?);
        Ok(Self { work, out, tmp, out_at: out_at.to_owned() })
    }

    /// The folder that a path of the sandbox is in, and the path below it, if it is in one of these folders.
    fn place<'p>(&self, path: &'p str) -> Option<(&TreeDir, &'p Path)> {
        let below = |top: &str| {
            let rest = path.strip_prefix(top)?;
            (rest.is_empty() || rest.starts_with('/')).then(|| Path::new(rest.trim_start_matches('/')))
        };
        let folders = [(&*self.out_at, &self.out), (WORK, &self.work), ("/tmp", &self.tmp)];
        folders.into_iter().find_map(|(top, folder)| Some((folder, below(top)?)))
    }

    /// Whether a path of the sandbox would be in one of these folders and is not there.
    pub(crate) fn lacks(&self, path: &str) -> Result<bool, EngineError> {
        match self.place(path) {
            Some((folder, path)) => Ok(!path.as_os_str().is_empty() && folder.entry(path)?.is_none()),
            None => Ok(false),
        }
    }

    fn need_place<'p>(&self, path: &'p str) -> Result<(&TreeDir, &'p Path), EngineError> {
        let outside = || EngineError::Bug(format!("`{path}` is neither below {WORK} nor in the output"));
        self.place(path).ok_or_else(outside)
    }

    /// Copies a subset of a stored tree.
    pub(crate) fn copy(&self, store: &Store, tree: &TreeHash, copy: &Copy, order: Order) -> Result<(), EngineError> {
        let listing = store.listing(tree)?;
        let from = trees::open(store, &copy.from, tree)?;
        let (folder, to) = self.need_place(&copy.to)?;
        folder.create_dir_all(to)?;
        let to = folder.open_dir(to)?;
        let view = FileView::new(&from, &listing, copy.view)?;
        let mut made: Option<PathBuf> = None;
        let mut chosen = view.select(&listing, "", &copy.subset)?;
        if order == Order::Backwards {
            chosen.reverse();
        }
        for SelectedEntry { path, kind, is_added } in chosen {
            let path = Path::new(path);
            let parent = path.parent().unwrap_or(Path::new(""));
            if made.as_deref() != Some(parent) {
                to.create_parents(path)?;
                made = Some(parent.to_owned());
            }
            match kind {
                Kind::Dir => to.create_dir_all(path)?,
                Kind::Symlink { target } => to.create_link(path, Path::new(target))?,
                Kind::File { exec, .. } => match view.text(path, is_added)? {
                    Some(text) => to.write(path, text.as_bytes(), mode(*exec))?,
                    None => to.copy_from(path, &from, path, mode(*exec))?,
                },
            }
        }
        Ok(())
    }

    /// Writes a file that the plan gives.
    pub(crate) fn write(&self, file: &WrittenFile) -> Result<(), EngineError> {
        let (folder, path) = self.need_place(&file.path)?;
        Ok(folder.write(path, file.text.as_bytes(), mode(file.executable))?)
    }

    /// Puts another text in place of a copied file.
    pub(crate) fn rewrite(&self, path: &str, text: &str) -> Result<(), EngineError> {
        let (folder, path) = self.need_place(path)?;
        Ok(folder.write(path, text.as_bytes(), mode(false))?)
    }

    /// Makes the place where something will be mounted, if that place is in one of these folders.
    pub(crate) fn mount_point(&self, at: &str, is_dir: bool) -> Result<(), EngineError> {
        let Some((folder, path)) = self.place(at) else { return Ok(()) };
        if is_dir { Ok(folder.create_dir_all(path)?) } else { Ok(folder.create_mount_point(path)?) }
    }

    /// Gives everything to the owner that files have in a sandbox.
    pub(crate) fn give_to(&self, owner: (u32, u32)) -> Result<(), EngineError> {
        if owner == (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw()) {
            return Ok(());
        }
        Ok([&self.work, &self.out, &self.tmp].into_iter().try_for_each(|folder| folder.give_to(owner))?)
    }
}

/// Makes a folder in a scratch folder, whose path only akbuild chooses.
#[allow(clippy::disallowed_methods, reason = "the path is akbuild's own")]
pub(crate) fn make_folder(path: &Path) -> Result<(), EngineError> {
    fs::create_dir(path).doing("make", path)
}

fn mode(executable: bool) -> u32 {
    if executable { 0o755 } else { 0o644 }
}

/// Each outermost folder called `name` at or below `path`, relative to it, sorted.
pub(crate) fn folders_called(tree: &TreeDir, path: &Path, name: &str) -> Result<Vec<PathBuf>, EngineError> {
    let mut found = Vec::new();
    let mut open = vec![PathBuf::new()];
    while let Some(folder) = open.pop() {
        for entry in tree.folders(path.join(&folder))? {
            let relative = folder.join(&entry);
            if entry == name { found.push(relative) } else { open.push(relative) }
        }
    }
    found.sort();
    Ok(found)
}

/// Whether a scratch folder has an entry, whose path only akbuild chooses.
#[allow(clippy::disallowed_methods, reason = "the path is akbuild's own")]
pub(crate) fn is_there(path: &Path) -> bool {
    path.exists()
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
        make_folder(&tree).unwrap();
        let files = TreeDir::open(&tree, "tree").unwrap();
        ["a", "b/c", "b/d", "e"].iter().for_each(|name| files.write(name, name.as_bytes(), 0o644).unwrap());
        let tree = store.publish(&tree, &Publish { listing: true, ..Publish::default() }).unwrap().hash;
        let listed = |order| {
            let scratch = store.scratch("run").unwrap();
            let folders = Folders::new(scratch.path(), &StageId::new("last"), "/out").unwrap();
            let from = TreeRef::Source(SourceId::new("app"));
            let copy = Copy { from, subset: Subset::default(), to: WORK.into(), view: View::Whole };
            folders.copy(&store, &tree, &copy, order).unwrap();
            let names = |path: &Path| fs::read_dir(path).unwrap().map(|e| e.unwrap().file_name()).collect::<Vec<_>>();
            (names(folders.work.top()), names(&folders.work.top().join("b")))
        };
        let (mut sorted, backwards) = (listed(Order::Sorted), listed(Order::Backwards));
        assert_eq!((sorted.0.len(), sorted.1.len()), (3, 2));
        sorted.0.reverse();
        sorted.1.reverse();
        assert_eq!(sorted, backwards);
    }
}
