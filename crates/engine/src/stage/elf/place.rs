//! An output where it will live, over the files of a sysroot: which path of the running system leads to which file, as the
//! loader there will see it. Reads only what the loader reads.

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};
use std::path::{Component, Path, PathBuf};
use std::rc::Rc;

use akbuild_launch::MountedSysroot;
use akbuild_tree::{EntryKind, TreeDir};

use super::object;
use crate::error::EngineError;

/// At most so many bytes of the linker's configuration are read.
const LONGEST_CONFIGURATION: u64 = 1 << 20;

/// A tree laid over a sysroot.
pub(super) struct PlacedTree {
    pub(super) tree: TreeDir,
    pub(super) at: PathBuf,
    /// The folders that the sysroot is made of, by where they are mounted; a mount that lies in another stands after it.
    sysroot: Vec<(PathBuf, TreeDir)>,
    /// The versions of libraries that were looked at, by where they are on this machine.
    libraries: RefCell<HashMap<PathBuf, Option<Rc<BTreeSet<String>>>>>,
}

impl PlacedTree {
    pub(super) fn open(tree: &Path, at: &str, sysroot: &MountedSysroot) -> Result<Self, EngineError> {
        let root = (PathBuf::from("/"), TreeDir::open(&sysroot.tree, "the sysroot")?);
        // A file of the machine that is mounted by itself is no folder: nothing is below it.
        let mounts = sysroot.mounts.iter().filter_map(|mount| {
            Some((PathBuf::from(&mount.at), TreeDir::open(&mount.from, "the machine's own folder").ok()?))
        });
        let tree = TreeDir::open(tree, "the output")?;
        Ok(Self {
            tree,
            at: at.into(),
            sysroot: [root].into_iter().chain(mounts).collect(),
            libraries: RefCell::default(),
        })
    }

    /// The folders of `/etc/ld.so.conf` and what it includes, and the built-in ones.
    pub(super) fn default_folders(&self) -> BTreeSet<String> {
        let mut folders: BTreeSet<String> = ["/lib", "/usr/lib", "/lib64", "/usr/lib64"].map(str::to_owned).into();
        let mut texts: Vec<String> = self.read(Path::new("/etc/ld.so.conf")).into_iter().collect();
        if let Some((top, inside)) = self.resolve(Path::new("/etc/ld.so.conf.d")) {
            let names = top.entries(&inside).unwrap_or_default().into_iter().map(|(name, _)| name);
            let files = names.filter(|name| Path::new(name).extension().is_some_and(|e| e == "conf"));
            texts.extend(files.filter_map(|name| self.read(&Path::new("/etc/ld.so.conf.d").join(name))));
        }
        for text in texts {
            let lines = text.lines().map(|l| l.split('#').next().unwrap_or("").trim());
            folders.extend(lines.filter(|l| l.starts_with('/')).map(str::to_owned));
        }
        folders
    }

    fn read(&self, path: &Path) -> Option<String> {
        let (top, inside) = self.resolve(path)?;
        String::from_utf8(top.read_at_most(inside, LONGEST_CONFIGURATION).ok()?).ok()
    }

    /// Whether a path of the running system leads to a file, links followed within it.
    pub(super) fn exists(&self, path: &Path) -> bool {
        let found = self.resolve(path).and_then(|(top, inside)| top.entry(inside).ok()?);
        found.is_some_and(|kind| kind.is_file())
    }

    /// The versions that the library at a path defines, if there is one for this machine. The loader goes on looking where
    /// it finds one for another machine.
    pub(super) fn library(&self, path: &Path) -> Option<Rc<BTreeSet<String>>> {
        let (top, inside) = self.resolve(path)?;
        let key = top.top().join(&inside);
        if let Some(known) = self.libraries.borrow().get(&key) {
            return known.clone();
        }
        let is_file = top.entry(&inside).ok().flatten().is_some_and(|kind| kind.is_file());
        let found = is_file.then(|| object::defined_versions(top, &inside)).flatten().map(Rc::new);
        self.libraries.borrow_mut().insert(key, found.clone());
        found
    }

    /// The path of the running system that a file of the output has, or one of the sysroot.
    pub(super) fn find(&self, names: &BTreeSet<String>) -> Vec<(String, PathBuf, bool)> {
        let mut found = Vec::new();
        let output = std::iter::once((&self.at, &self.tree, true));
        for (at, top, is_output) in output.chain(self.sysroot.iter().map(|(at, top)| (at, top, false))) {
            for (name, inside) in files_called(top, names) {
                found.push((name, at.join(inside), is_output));
            }
        }
        found
    }

    /// The folder and the path in it that a path of the running system leads to, links followed within that system.
    fn resolve(&self, path: &Path) -> Option<(&TreeDir, PathBuf)> {
        let mut path = clean(path);
        for _ in 0..40 {
            match self.step(&path) {
                Step::End => return Some(self.inside(&path)),
                Step::Nothing => return None,
                Step::Link(to) => path = to,
            }
        }
        None
    }

    /// Follows the first link on the way.
    fn step(&self, path: &Path) -> Step {
        let mut so_far = PathBuf::from("/");
        for part in path.components().skip(1) {
            so_far.push(part);
            let (top, inside) = self.inside(&so_far);
            match top.entry(inside) {
                Ok(Some(EntryKind::Link(target))) => {
                    let rest = path.strip_prefix(&so_far).unwrap_or(Path::new(""));
                    let base = so_far.parent().unwrap_or(Path::new("/"));
                    return Step::Link(clean(&base.join(target).join(rest)));
                }
                Ok(Some(_)) => {}
                _ => return Step::Nothing,
            }
        }
        Step::End
    }

    /// The folder that a path of the running system is in, and the path below its top; no link is followed.
    fn inside(&self, path: &Path) -> (&TreeDir, PathBuf) {
        if let Ok(inside) = path.strip_prefix(&self.at) {
            return (&self.tree, inside.to_owned());
        }
        if self.at.starts_with(path) {
            return (&self.tree, PathBuf::new());
        }
        let mounted =
            self.sysroot.iter().rev().find_map(|(at, top)| Some((top, path.strip_prefix(at).ok()?.to_owned())));
        mounted.expect("everything is below `/`")
    }
}

enum Step {
    /// No link is on the way.
    End,
    Nothing,
    Link(PathBuf),
}

/// The files and links of a tree with one of these names, with their paths in it, sorted.
pub(super) fn files_called(top: &TreeDir, names: &BTreeSet<String>) -> Vec<(String, PathBuf)> {
    let (mut found, mut folders) = (Vec::new(), vec![PathBuf::new()]);
    while let Some(folder) = folders.pop() {
        for (name, kind) in top.entries(&folder).unwrap_or_default() {
            let path = folder.join(&name);
            match kind {
                EntryKind::Folder => folders.push(path),
                EntryKind::File { .. } | EntryKind::Link(_) => {
                    let known = name.to_str().and_then(|name| names.get(name));
                    found.extend(known.map(|name| (name.clone(), path)));
                }
                _ => {}
            }
        }
    }
    found.sort();
    found
}

/// An absolute path without `.` and `..`.
pub(super) fn clean(path: &Path) -> PathBuf {
    let mut clean = PathBuf::from("/");
    for part in path.components() {
        match part {
            Component::Normal(name) => clean.push(name),
            Component::ParentDir => {
                clean.pop();
            }
            _ => {}
        }
    }
    clean
}
