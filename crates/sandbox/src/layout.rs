//! How the mounts of a spec become one tree.
//!
//! Knows which names are in the trees that are mounted. Changes nothing in them: a mount point that is
//! missing in a read-only tree is made by putting a *skeleton* in the place of the folder that lacks
//! it, a small tmpfs with the folder's entries mounted back into it and the new name beside them.
//! The root itself is such a skeleton, always.

use std::ffi::OsString;
use std::path::{Component, Path, PathBuf};
use std::rc::Rc;

use akbuild_tree::{EntryKind, TreeDir, TreeError};

use crate::SandboxError;
use crate::ops::{self, Access, Op};
use crate::spec::{Mount, MountKind, Spec};

/// Names in the root that are not used, whether something else is there or not.
const LEFT_OUT: [&str; 3] = ["proc", "dev", "sys"];

/// An entry of a tree of the host that is mounted.
#[derive(Clone)]
struct Part {
    tree: Rc<TreeDir>,
    /// Below the tree's top.
    path: PathBuf,
}

impl Part {
    /// The tree whose top is the folder at `top`.
    fn whole(top: &Path) -> Result<Self, SandboxError> {
        let tree =
            TreeDir::open(top, "the tree").map_err(|source| SandboxError::Part { top: top.to_owned(), source })?;
        Ok(Self { tree: Rc::new(tree), path: PathBuf::new() })
    }

    fn join(&self, name: impl AsRef<Path>) -> Self {
        Self { tree: Rc::clone(&self.tree), path: self.path.join(name) }
    }

    /// Its path on the host, for messages.
    fn host(&self) -> PathBuf {
        if self.path.as_os_str().is_empty() { self.tree.top().to_owned() } else { self.tree.top().join(&self.path) }
    }

    fn entry(&self) -> Result<Option<EntryKind>, SandboxError> {
        self.tree.entry(&self.path).map_err(|source| self.refused(source))
    }

    fn entries(&self) -> Result<Vec<(OsString, EntryKind)>, SandboxError> {
        self.tree.entries(&self.path).map_err(|source| self.refused(source))
    }

    fn refused(&self, source: TreeError) -> SandboxError {
        SandboxError::Part { top: self.tree.top().to_owned(), source }
    }

    fn bind(&self, at: &Path) -> Op {
        Op::BindPart { top: self.tree.top().to_owned(), path: self.path.clone(), at: at.to_owned() }
    }
}

/// What a mounted thing is, for those that are mounted inside it.
enum Holds {
    /// A read-only tree of the host.
    Tree(Part),
    /// A folder where names can be made.
    Writable,
    /// Nothing can be mounted in it.
    Nothing(&'static str),
}

/// What is mounted at a point.
enum What<'a> {
    Root,
    Proc,
    Dev { terminal: bool },
    Mount(&'a MountKind),
}

/// One mount point.
struct Point<'a> {
    at: PathBuf,
    what: What<'a>,
    holds: Holds,
    is_folder: bool,
    /// The index of the mount that it lies in; the root's own is 0.
    cover: usize,
}

/// Where a tree is put.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// It is the root.
    Root,
    /// Into a skeleton, where its name is not made yet.
    Skeleton,
    /// On a mount point that is there.
    Point,
    /// Nowhere: a mount above has brought it already.
    Brought,
}

/// The mounts of a spec, and the operations collected so far.
pub(crate) struct Layout<'a> {
    points: Vec<Point<'a>>,
    ops: Vec<Op>,
    skeletons: Vec<PathBuf>,
}

impl<'a> Layout<'a> {
    /// Looks at what a spec mounts, and refuses what makes no sense.
    pub(crate) fn new(spec: &'a Spec) -> Result<Layout<'a>, SandboxError> {
        const TMP: &MountKind = &MountKind::Tmpfs { size: None, mode: 0o1777 };
        let mut layout = Layout { points: Vec::new(), ops: Vec::new(), skeletons: vec!["/".into()] };
        if !source_is_folder(&spec.root)? {
            return Err(SandboxError::Field {
                field: "root",
                reason: format!("{} is not a folder", spec.root.display()),
            });
        }
        layout.add("/".into(), What::Root, Holds::Tree(Part::whole(&real(&spec.root)?)?), true)?;
        layout.add("/proc".into(), What::Proc, Holds::Nothing("it would lie in the process table"), true)?;
        let terminal = spec.has_terminal();
        layout.add("/dev".into(), What::Dev { terminal }, Holds::Writable, true)?;
        if spec.private_tmp && !spec.mounts.iter().any(|m| m.at == Path::new("/tmp")) {
            layout.add("/tmp".into(), What::Mount(TMP), Holds::Writable, true)?;
        }
        for mount in &spec.mounts {
            layout.add_mount(mount)?;
        }
        Ok(layout)
    }

    fn add_mount(&mut self, mount: &'a Mount) -> Result<(), SandboxError> {
        let (holds, is_folder) = match &mount.what {
            MountKind::ReadOnly(from) if source_is_folder(from)? => (Holds::Tree(Part::whole(&real(from)?)?), true),
            MountKind::Part { top, path } => match part(top, path)? {
                (part, true) => (Holds::Tree(part), true),
                _ => (Holds::Nothing("it would lie in a file"), false),
            },
            MountKind::ReadWrite(from) if source_is_folder(from)? => (Holds::Writable, true),
            MountKind::Overlay { lower, upper, work } => {
                for path in [lower, upper, work] {
                    if !source_is_folder(path)? {
                        let os = std::io::ErrorKind::NotADirectory.into();
                        return Err(SandboxError::Source { path: path.clone(), os });
                    }
                }
                (Holds::Writable, true)
            }
            MountKind::Tmpfs { .. } => (Holds::Writable, true),
            _ => (Holds::Nothing("it would lie in a file"), false),
        };
        self.add(mount.at.clone(), What::Mount(&mount.what), holds, is_folder)
    }

    fn add(&mut self, at: PathBuf, what: What<'a>, holds: Holds, is_folder: bool) -> Result<(), SandboxError> {
        let refuse = |reason: String| Err(SandboxError::MountPoint { at: at.clone(), reason });
        let is_plain = at.components().skip(1).all(|c| matches!(c, Component::Normal(_)));
        if !at.is_absolute() || !is_plain {
            return refuse("write an absolute path without \"..\"".into());
        }
        if !self.points.is_empty() && at == Path::new("/") {
            return refuse("that is the root; give it as the sandbox's root".into());
        }
        if let Some(hidden) = self.points.iter().find(|p| p.at != at && p.at.starts_with(&at)) {
            return refuse(format!("it would hide {}, mounted before it; mount it first", hidden.at.display()));
        }
        let cover = self.points.iter().rposition(|p| at.starts_with(&p.at)).unwrap_or(0);
        if let Some(Point { holds: Holds::Nothing(why), at: above, .. }) = self.points.get(cover)
            && *above != at
        {
            return refuse(format!("{why}, {}; mount it elsewhere", above.display()));
        }
        self.points.push(Point { at, what, holds, is_folder, cover });
        Ok(())
    }

    /// The operations that build the tree, from the first mount to the sealing of the skeletons.
    pub(crate) fn operations(mut self) -> Result<Vec<Op>, SandboxError> {
        for index in 0..self.points.len() {
            self.make_point(index);
            self.mount(index)?;
        }
        self.ops.extend(self.skeletons.into_iter().map(Op::Seal));
        Ok(self.ops)
    }

    /// Makes a mount point that lies where names can be made.
    fn make_point(&mut self, index: usize) {
        let point = &self.points[index];
        let cover = &self.points[point.cover];
        if matches!(cover.holds, Holds::Writable) {
            let ops = chain(&cover.at, &point.at, point.is_folder);
            self.ops.extend(ops);
        }
    }

    fn mount(&mut self, index: usize) -> Result<(), SandboxError> {
        let point = &self.points[index];
        let at = point.at.clone();
        if let Holds::Tree(from) = &point.holds {
            let (from, place) = (from.clone(), if index == 0 { Place::Root } else { Place::Point });
            return self.lay(&from, &at, place, index);
        }
        let ops = match point.what {
            What::Root => Vec::new(),
            What::Proc => ops::proc(&at),
            What::Dev { terminal } => ops::dev(&at, terminal),
            What::Mount(kind) => vec![mount_op(kind, at)],
        };
        self.ops.extend(ops);
        Ok(())
    }

    /// Puts the tree `from` at `at`, with room for every mount point of `cover` below it.
    fn lay(&mut self, from: &Part, at: &Path, place: Place, cover: usize) -> Result<(), SandboxError> {
        let is_skeleton = self.lacks_a_point(from, at, cover)? || place == Place::Root;
        if place == Place::Skeleton {
            self.ops.push(Op::Folder(at.to_owned()));
            // An empty folder is as good as a mount of one, and costs less.
            if !is_skeleton && self.below(at, cover).next().is_none() && from.entries()?.is_empty() {
                return Ok(());
            }
        }
        if is_skeleton {
            if matches!(place, Place::Point | Place::Brought) {
                self.ops.push(Op::Skeleton(at.to_owned()));
                self.skeletons.push(at.to_owned());
            }
            return self.fill(from, at, place, cover);
        }
        if place != Place::Brought {
            self.ops.push(from.bind(at));
        }
        for name in self.names_below(at, cover) {
            if !self.is_point(&at.join(&name), cover) {
                self.lay(&from.join(&name), &at.join(&name), Place::Brought, cover)?;
            }
        }
        Ok(())
    }

    /// Mounts the entries of the folder `from` into a skeleton, and makes the mount points it lacks.
    fn fill(&mut self, from: &Part, at: &Path, place: Place, cover: usize) -> Result<(), SandboxError> {
        let mut names = from.entries()?;
        names.retain(|(name, _)| place != Place::Root || !LEFT_OUT.iter().any(|ours| name == ours));
        for (name, kind) in &names {
            let (source, inside) = (from.join(name), at.join(name));
            if self.is_point(&inside, cover) {
                continue;
            }
            match kind {
                EntryKind::Folder => self.lay(&source, &inside, Place::Skeleton, cover)?,
                EntryKind::Link(target) => self.ops.push(Op::Link { at: inside, target: target.clone() }),
                EntryKind::File { .. } | EntryKind::Special => {
                    self.ops.push(Op::EmptyFile(inside.clone()));
                    self.ops.push(source.bind(&inside));
                }
            }
        }
        let is_laid =
            |path: &Path| path.parent() != Some(at) && names.iter().any(|(n, _)| path.starts_with(at.join(n)));
        let missing = self.below(at, cover).filter(|p| !is_laid(&p.at)).flat_map(|p| chain(at, &p.at, p.is_folder));
        let missing: Vec<Op> = missing.collect();
        self.ops.extend(missing);
        Ok(())
    }

    /// Whether the folder `from` lacks the next name on the way to some mount point below `at`.
    fn lacks_a_point(&self, from: &Part, at: &Path, cover: usize) -> Result<bool, SandboxError> {
        let mut lacks = false;
        for point in self.below(at, cover) {
            let Some(name) = next_name(at, &point.at) else { continue };
            let must_be_folder = point.is_folder || at.join(&name) != point.at;
            let refuse = |reason| Err(SandboxError::MountPoint { at: point.at.clone(), reason });
            match from.join(&name).entry()? {
                None => lacks = true,
                Some(EntryKind::Link(target)) => {
                    let link = at.join(&name);
                    return refuse(format!(
                        "{} is a symbolic link to {}; write the path without it",
                        link.display(),
                        target.display()
                    ));
                }
                Some(kind) if kind.is_folder() != must_be_folder => {
                    let (found, wanted) = if must_be_folder { ("a file", "a folder") } else { ("a folder", "a file") };
                    let path = from.join(&name).host();
                    return refuse(format!("{} is {found}, and {wanted} is needed there", path.display()));
                }
                Some(_) => {}
            }
        }
        Ok(lacks)
    }

    fn below<'s>(&'s self, at: &'s Path, cover: usize) -> impl Iterator<Item = &'s Point<'a>> {
        let inside = move |p: &&Point<'_>| p.cover == cover && p.at != at && p.at.starts_with(at);
        self.points.iter().filter(inside)
    }

    fn names_below(&self, at: &Path, cover: usize) -> Vec<OsString> {
        let mut names: Vec<OsString> = self.below(at, cover).filter_map(|p| next_name(at, &p.at)).collect();
        names.sort();
        names.dedup();
        names
    }

    fn is_point(&self, at: &Path, cover: usize) -> bool {
        self.points.iter().any(|p| p.cover == cover && p.at == at)
    }
}

fn mount_op(kind: &MountKind, at: PathBuf) -> Op {
    match kind.clone() {
        MountKind::ReadOnly(from) => Op::Bind { from, at, access: Access::ReadOnly },
        MountKind::Part { top, path } => Op::BindPart { top, path, at },
        MountKind::ReadWrite(from) => Op::Bind { from, at, access: Access::ReadWrite },
        MountKind::Overlay { lower, upper, work } => Op::Overlay { lower, upper, work, at },
        MountKind::Tmpfs { size, mode } => Op::Tmpfs { at, size, mode },
        MountKind::File(bytes) => Op::File { at, bytes },
    }
}

/// Makes each folder from `top`, left out, to `at`.
fn chain(top: &Path, at: &Path, is_folder: bool) -> Vec<Op> {
    let mut paths: Vec<&Path> = at.ancestors().take_while(|p| *p != top).collect();
    paths.reverse();
    let last = paths.pop().map(|p| if is_folder { Op::Folder(p.to_owned()) } else { Op::EmptyFile(p.to_owned()) });
    paths.into_iter().map(|p| Op::Folder(p.to_owned())).chain(last).collect()
}

fn next_name(top: &Path, at: &Path) -> Option<OsString> {
    at.strip_prefix(top).ok()?.components().next().map(|c| c.as_os_str().to_owned())
}

/// The part of a tree at `path`, which is not a link, and whether it is a folder.
fn part(top: &Path, path: &Path) -> Result<(Part, bool), SandboxError> {
    let part = Part::whole(top)?.join(path);
    let kind = part.tree.real_entry(&part.path).map_err(|source| part.refused(source))?;
    let kind = kind.ok_or_else(|| unreadable(&part.host(), std::io::ErrorKind::NotFound.into()))?;
    Ok((part, kind.is_folder()))
}

/// A path of the caller without links.
#[allow(clippy::disallowed_methods, reason = "the path is the caller's own, not one of a tree")]
fn real(path: &Path) -> Result<PathBuf, SandboxError> {
    std::fs::canonicalize(path).map_err(|e| unreadable(path, e))
}

#[allow(clippy::disallowed_methods, reason = "the path is the caller's own, not one of a tree")]
fn source_is_folder(path: &Path) -> Result<bool, SandboxError> {
    if !path.is_absolute() {
        let os = std::io::Error::new(std::io::ErrorKind::InvalidInput, "not an absolute path");
        return Err(unreadable(path, os));
    }
    Ok(std::fs::metadata(path).map_err(|e| unreadable(path, e))?.is_dir())
}

fn unreadable(path: &Path, os: std::io::Error) -> SandboxError {
    SandboxError::Source { path: path.to_owned(), os }
}
