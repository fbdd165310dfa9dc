//! The new root, while it is put together. Knows mounts and names; must not know why they are wanted.
//!
//! Names inside are looked up below the new root and never through a symbolic link, so that nothing in
//! a mounted tree can lead an operation out of it.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, ResolveFlags};
use rustix::mount::{
    FsMountFlags, FsOpenFlags, MountAttrFlags, MoveMountFlags, OpenTreeFlags, UnmountFlags, fsconfig_create,
    fsconfig_set_flag, fsconfig_set_string,
};
use rustix::thread::{Gid, Uid};

use crate::message::Failure;
use crate::ops::{Access, Op};
use crate::sys;
use crate::wire::Job;

/// The root under construction.
pub(super) struct Tree {
    /// Who owns what is made, as this process names it.
    uid: u32,
    gid: u32,
    /// The root and the other skeletons, to be sealed in the end; the root is the first.
    skeletons: Vec<(PathBuf, OwnedFd)>,
}

impl Tree {
    /// Cuts this process's mounts off from the host's: from here on nothing that is mounted shows there.
    pub(super) fn new(job: &Job) -> Result<Tree, Failure> {
        let cut = || -> io::Result<()> {
            let root = rustix::fs::open("/", OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
            sys::mount_setattr(root.as_fd(), 0, libc::MS_PRIVATE, true)
        };
        cut().map_err(super::failure::other("make the mounts private"))?;
        let (uid, gid) = if job.identity.privileged { (job.identity.uid, job.identity.gid) } else { job.ids };
        Ok(Tree { uid, gid, skeletons: Vec::new() })
    }

    /// Carries out one operation on the tree.
    pub(super) fn act(&mut self, op: &Op) -> io::Result<()> {
        match op {
            Op::Root => self.make_root(),
            Op::Folder(at) => self.make_folder(at),
            Op::EmptyFile(at) => self.make_file(at),
            Op::Link { at, target } => self.make_link(at, target),
            Op::Bind { from, at, access } => self.bind(from, at, *access),
            Op::BindPart { top, path, at } => self.mount_over(clone_part(top, path)?, READ_ONLY, at),
            Op::Overlay { lower, upper, work, at } => {
                let [lower, upper, work] = [lower, upper, work].map(|path| folder(CWD, path));
                let mount = overlay(&lower?, &upper?, &work?)?;
                self.attach(&mount, at)
            }
            Op::Tmpfs { at, size, mode } => self.attach(&self.tmpfs(*size, *mode)?, at),
            Op::Skeleton(at) => {
                let mount = self.tmpfs(None, 0o755)?;
                self.attach(&mount, at)?;
                self.skeletons.push((at.clone(), mount));
                Ok(())
            }
            Op::File { at, bytes } => self.mount_file(at, bytes),
            Op::Proc(at) => {
                let flags = MountAttrFlags::MOUNT_ATTR_NOSUID
                    | MountAttrFlags::MOUNT_ATTR_NODEV
                    | MountAttrFlags::MOUNT_ATTR_NOEXEC;
                self.attach(&new_mount("proc", &[], flags)?, at)
            }
            Op::Pts(at) => {
                let flags = MountAttrFlags::MOUNT_ATTR_NOSUID | MountAttrFlags::MOUNT_ATTR_NOEXEC;
                self.attach(&new_mount("devpts", &[("ptmxmode", "0666"), ("mode", "0620")], flags)?, at)
            }
            Op::ReadOnly(at) => self.if_there(at, |tree, there| tree.mount_over(clone(there, "")?, READ_ONLY, at)),
            Op::Mask(at) => self.if_there(at, |tree, there| tree.mask(there, at)),
            Op::Seal(at) => self.seal(at),
            Op::TryOverlay => self.try_overlay(),
            Op::Enter => self.enter(),
            Op::Hostname(_) | Op::Loopback | Op::Listen(_) | Op::Cwd(_) | Op::Limit { .. } => {
                Err(io::ErrorKind::Unsupported.into())
            }
        }
    }

    fn root(&self) -> io::Result<&OwnedFd> {
        self.skeletons.first().map(|(_, mount)| mount).ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    /// Mounts the root over the old one: paths of the host still lead where they led, since a look-up
    /// that begins at a root does not see what is mounted over it.
    fn make_root(&mut self) -> io::Result<()> {
        let mount = self.tmpfs(None, 0o755)?;
        rustix::mount::move_mount(&mount, "", CWD, "/", MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH)?;
        self.skeletons.push(("/".into(), mount));
        Ok(())
    }

    fn enter(&mut self) -> io::Result<()> {
        rustix::process::fchdir(self.root()?)?;
        self.skeletons.clear();
        rustix::process::pivot_root(".", ".")?;
        rustix::mount::unmount(".", UnmountFlags::DETACH)?;
        std::env::set_current_dir("/")
    }

    /// What is at a path inside.
    fn look_up(&self, at: &Path, flags: OFlags) -> rustix::io::Result<OwnedFd> {
        let root = self.root().map_err(|_| rustix::io::Errno::NOENT)?;
        let inside = at.strip_prefix("/").unwrap_or(at);
        let inside = if inside.as_os_str().is_empty() { Path::new(".") } else { inside };
        let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
        rustix::fs::openat2(root, inside, flags | OFlags::PATH | OFlags::CLOEXEC, Mode::empty(), resolve)
    }

    fn parent<'p>(&self, at: &'p Path) -> io::Result<(OwnedFd, &'p OsStr)> {
        let (Some(parent), Some(name)) = (at.parent(), at.file_name()) else {
            return Err(io::ErrorKind::InvalidInput.into());
        };
        Ok((self.look_up(parent, OFlags::DIRECTORY)?, name))
    }

    fn own(&self, parent: &OwnedFd, name: &OsStr) -> io::Result<()> {
        let (uid, gid) = (Uid::from_raw(self.uid), Gid::from_raw(self.gid));
        Ok(rustix::fs::chownat(parent, name, Some(uid), Some(gid), AtFlags::SYMLINK_NOFOLLOW)?)
    }

    fn make_folder(&self, at: &Path) -> io::Result<()> {
        let (parent, name) = self.parent(at)?;
        match rustix::fs::mkdirat(&parent, name, Mode::from_raw_mode(0o755)) {
            Err(rustix::io::Errno::EXIST) => self.look_up(at, OFlags::DIRECTORY).map(drop).map_err(io::Error::from),
            Err(e) => Err(e.into()),
            Ok(()) => self.own(&parent, name),
        }
    }

    fn make_file(&self, at: &Path) -> io::Result<()> {
        let (parent, name) = self.parent(at)?;
        let flags = OFlags::CREATE | OFlags::EXCL | OFlags::WRONLY | OFlags::CLOEXEC;
        match rustix::fs::openat(&parent, name, flags, Mode::from_raw_mode(0o444)) {
            Err(rustix::io::Errno::EXIST) => Ok(()),
            Err(e) => Err(e.into()),
            Ok(_) => self.own(&parent, name),
        }
    }

    fn make_link(&self, at: &Path, target: &Path) -> io::Result<()> {
        let (parent, name) = self.parent(at)?;
        rustix::fs::symlinkat(target, &parent, name)?;
        self.own(&parent, name)
    }

    fn bind(&self, from: &Path, at: &Path, access: Access) -> io::Result<()> {
        let attributes = match access {
            Access::ReadOnly => READ_ONLY,
            Access::ReadWrite => libc::MOUNT_ATTR_NOSUID | libc::MOUNT_ATTR_NODEV,
            Access::Device => libc::MOUNT_ATTR_NOSUID | libc::MOUNT_ATTR_NOEXEC,
        };
        self.mount_over(clone(CWD, from)?, attributes, at)
    }

    fn mount_over(&self, mount: OwnedFd, attributes: u64, at: &Path) -> io::Result<()> {
        sys::mount_setattr(mount.as_fd(), attributes, 0, true)?;
        self.attach(&mount, at)
    }

    fn attach(&self, mount: &OwnedFd, at: &Path) -> io::Result<()> {
        let target = self.look_up(at, OFlags::empty())?;
        let flags = MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH | MoveMountFlags::MOVE_MOUNT_T_EMPTY_PATH;
        Ok(rustix::mount::move_mount(mount, "", &target, "", flags)?)
    }

    fn tmpfs(&self, size: Option<u64>, mode: u32) -> io::Result<OwnedFd> {
        let (mode, uid, gid) = (format!("{mode:o}"), self.uid.to_string(), self.gid.to_string());
        let size = size.map(|s| s.to_string());
        let mut options = vec![("mode", mode.as_str()), ("uid", &uid), ("gid", &gid)];
        options.extend(size.as_deref().map(|s| ("size", s)));
        new_mount("tmpfs", &options, MountAttrFlags::MOUNT_ATTR_NOSUID | MountAttrFlags::MOUNT_ATTR_NODEV)
    }

    /// Mounts a file that has no name anywhere else: it is written at the root, mounted, and
    /// unlinked.
    fn mount_file(&self, at: &Path, bytes: &[u8]) -> io::Result<()> {
        const NAME: &str = ".akbuild-file";
        let flags = OFlags::CREATE | OFlags::EXCL | OFlags::WRONLY | OFlags::CLOEXEC;
        let root = self.root()?;
        let mut file = File::from(rustix::fs::openat(root, NAME, flags, Mode::from_raw_mode(0o444))?);
        file.write_all(bytes)?;
        self.own(root, OsStr::new(NAME))?;
        self.mount_over(clone(root, NAME)?, READ_ONLY, at)?;
        Ok(rustix::fs::unlinkat(root, NAME, AtFlags::empty())?)
    }

    fn if_there(&self, at: &Path, act: impl FnOnce(&Tree, &OwnedFd) -> io::Result<()>) -> io::Result<()> {
        match self.look_up(at, OFlags::empty()) {
            Err(rustix::io::Errno::NOENT) => Ok(()),
            Err(e) => Err(e.into()),
            Ok(there) => act(self, &there),
        }
    }

    fn mask(&self, there: &OwnedFd, at: &Path) -> io::Result<()> {
        let kind = FileType::from_raw_mode(rustix::fs::fstat(there)?.st_mode);
        if kind == FileType::Directory {
            self.mount_over(self.tmpfs(Some(4096), 0o555)?, READ_ONLY, at)
        } else {
            self.mount_over(clone(CWD, "/dev/null")?, libc::MOUNT_ATTR_NOSUID | libc::MOUNT_ATTR_NOEXEC, at)
        }
    }

    fn seal(&self, at: &Path) -> io::Result<()> {
        let mount = self.skeletons.iter().rev().find(|(path, _)| path == at).map(|(_, mount)| mount);
        let mount = mount.ok_or(io::ErrorKind::NotFound)?;
        sys::mount_setattr(mount.as_fd(), libc::MOUNT_ATTR_RDONLY, 0, false)
    }

    fn try_overlay(&self) -> io::Result<()> {
        let names = ["lower", "upper", "work", "merged"].map(|name| Path::new("/").join(name));
        names.iter().try_for_each(|at| self.make_folder(at))?;
        let [lower, upper, work, at] = names;
        let [lower, upper, work] = [lower, upper, work].map(|path| self.look_up(&path, OFlags::DIRECTORY));
        self.attach(&overlay(&lower?, &upper?, &work?)?, &at)
    }
}

const READ_ONLY: u64 = libc::MOUNT_ATTR_RDONLY | libc::MOUNT_ATTR_NOSUID | libc::MOUNT_ATTR_NODEV;

fn folder(base: impl AsFd, path: &Path) -> rustix::io::Result<OwnedFd> {
    rustix::fs::openat(base, path, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())
}

/// A copy of a mount, or of a part of it, with all that is mounted inside; attached nowhere.
fn clone(base: impl AsFd, path: impl rustix::path::Arg) -> io::Result<OwnedFd> {
    let flags = OpenTreeFlags::OPEN_TREE_CLONE
        | OpenTreeFlags::OPEN_TREE_CLOEXEC
        | OpenTreeFlags::AT_RECURSIVE
        | OpenTreeFlags::AT_EMPTY_PATH;
    Ok(rustix::mount::open_tree(base, path, flags)?)
}

/// A copy of the mount of `path` below the folder `top`. A descriptor from the parent's mount namespace cannot be cloned
/// in this one, so the path is resolved here, once: the descriptor that was resolved is the one that is mounted.
fn clone_part(top: &Path, path: &Path) -> io::Result<OwnedFd> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let top = rustix::fs::openat(CWD, top, flags, Mode::empty())?;
    if path.as_os_str().is_empty() {
        return clone(&top, "");
    }
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
    let part = rustix::fs::openat2(&top, path, OFlags::PATH | OFlags::CLOEXEC, Mode::empty(), resolve)?;
    clone(&part, "")
}

fn new_mount(kind: &str, options: &[(&str, &str)], flags: MountAttrFlags) -> io::Result<OwnedFd> {
    let fs = rustix::mount::fsopen(kind, FsOpenFlags::FSOPEN_CLOEXEC)?;
    for (name, value) in options {
        fsconfig_set_string(&fs, *name, *value)?;
    }
    fsconfig_create(&fs)?;
    Ok(rustix::mount::fsmount(&fs, FsMountFlags::FSMOUNT_CLOEXEC, flags)?)
}

/// An overlay, told its folders by descriptor: their paths may have commas and colons.
fn overlay(lower: &OwnedFd, upper: &OwnedFd, work: &OwnedFd) -> io::Result<OwnedFd> {
    let fs = rustix::mount::fsopen("overlay", FsOpenFlags::FSOPEN_CLOEXEC)?;
    for (name, folder) in [("lowerdir", lower), ("upperdir", upper), ("workdir", work)] {
        fsconfig_set_string(&fs, name, format!("/proc/self/fd/{}", folder.as_raw_fd()))?;
    }
    fsconfig_set_flag(&fs, "userxattr")?;
    fsconfig_create(&fs)?;
    let flags = MountAttrFlags::MOUNT_ATTR_NOSUID | MountAttrFlags::MOUNT_ATTR_NODEV;
    Ok(rustix::mount::fsmount(&fs, FsMountFlags::FSMOUNT_CLOEXEC, flags)?)
}
