//! The operations that set up a sandbox, as data, and how messages name them. Must not depend on a spec.

use std::fmt;
use std::path::{Path, PathBuf};

/// One step of setting up. Paths called `at` are inside; `from` and the like are the host's.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the fields are what the variants' text and Display name")]
pub enum Op {
    /// Sets the host name.
    Hostname(String),
    /// Brings the loopback interface up.
    Loopback,
    /// Listens on this port of 127.0.0.1 and hands the socket out.
    Listen(u16),
    /// Makes the empty root, in memory.
    Root,
    /// Makes a folder, or finds it.
    Folder(PathBuf),
    /// Makes an empty file, or finds it: something to mount on.
    EmptyFile(PathBuf),
    /// Makes a symbolic link.
    Link { at: PathBuf, target: PathBuf },
    /// Mounts a file or folder of the host, with all that is mounted in it.
    Bind { from: PathBuf, at: PathBuf, access: Access },
    /// Mounts what is at `path` below the folder `top` of the host, read-only. No link below `top` is followed.
    BindPart { top: PathBuf, path: PathBuf, at: PathBuf },
    /// Mounts an overlay.
    Overlay { lower: PathBuf, upper: PathBuf, work: PathBuf, at: PathBuf },
    /// Mounts an empty folder that belongs to the build user.
    Tmpfs { at: PathBuf, size: Option<u64>, mode: u32 },
    /// Mounts an empty folder that mount points are made in, until it is sealed.
    Skeleton(PathBuf),
    /// Mounts a read-only file with these bytes on a file.
    File { at: PathBuf, bytes: Vec<u8> },
    /// Mounts the process table.
    Proc(PathBuf),
    /// Mounts private terminals.
    Pts(PathBuf),
    /// Makes what is there read-only; nothing there is fine.
    ReadOnly(PathBuf),
    /// Hides what is there; nothing there is fine.
    Mask(PathBuf),
    /// Makes a skeleton read-only.
    Seal(PathBuf),
    /// Tries whether overlays can be mounted, somewhere in the new root.
    TryOverlay,
    /// Makes the new root the root, and lets go of the old one.
    Enter,
    /// Changes to this folder.
    Cwd(PathBuf),
    /// Sets a limit.
    Limit { resource: Resource, value: u64 },
}

/// What can be done with a mount.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Reading.
    ReadOnly,
    /// Reading and writing.
    ReadWrite,
    /// Using it as a device.
    Device,
}

/// What a limit counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resource {
    /// Open files.
    Nofile,
    /// Bytes of a core file.
    Core,
    /// Processes.
    Nproc,
    /// Bytes of a file.
    Fsize,
    /// Bytes of private writable memory.
    Data,
}

const DEVICES: [&str; 6] = ["null", "zero", "full", "random", "urandom", "tty"];
const DEVICE_LINKS: [(&str, &str); 4] =
    [("fd", "/proc/self/fd"), ("stdin", "fd/0"), ("stdout", "fd/1"), ("stderr", "fd/2")];
const PROC_READ_ONLY: [&str; 5] = ["sys", "sysrq-trigger", "irq", "bus", "fs"];
const PROC_MASKED: [&str; 5] = ["kcore", "keys", "timer_list", "acpi", "scsi"];

/// What `/proc` is made of.
pub(crate) fn proc(at: &Path) -> Vec<Op> {
    let mut ops = vec![Op::Proc(at.to_owned())];
    ops.extend(PROC_READ_ONLY.iter().map(|name| Op::ReadOnly(at.join(name))));
    ops.extend(PROC_MASKED.iter().map(|name| Op::Mask(at.join(name))));
    ops
}

/// What `/dev` is made of, in a folder that is there.
pub(crate) fn dev(at: &Path, terminal: bool) -> Vec<Op> {
    let mut ops = Vec::new();
    for name in DEVICES {
        ops.push(Op::EmptyFile(at.join(name)));
        ops.push(Op::Bind { from: Path::new("/dev").join(name), at: at.join(name), access: Access::Device });
    }
    ops.extend(DEVICE_LINKS.map(|(name, target)| Op::Link { at: at.join(name), target: target.into() }));
    ops.push(Op::Folder(at.join("shm")));
    ops.push(Op::Tmpfs { at: at.join("shm"), size: None, mode: 0o1777 });
    if terminal {
        ops.push(Op::Folder(at.join("pts")));
        ops.push(Op::Pts(at.join("pts")));
        ops.push(Op::Link { at: at.join("ptmx"), target: "pts/ptmx".into() });
    }
    ops
}

impl fmt::Display for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Op::Hostname(name) => write!(f, "set the host name {name}"),
            Op::Loopback => write!(f, "bring the loopback interface up"),
            Op::Listen(port) => write!(f, "listen on 127.0.0.1:{port}"),
            Op::Root => write!(f, "make an empty root"),
            Op::Folder(at) => write!(f, "make the folder {}", at.display()),
            Op::EmptyFile(at) => write!(f, "make the file {}", at.display()),
            Op::Link { at, target } => write!(f, "link {} to {}", at.display(), target.display()),
            Op::Bind { from, at, access } => write!(f, "mount {} {access} at {}", from.display(), at.display()),
            Op::BindPart { top, path, at } => {
                let from = if path.as_os_str().is_empty() { top.clone() } else { top.join(path) };
                write!(f, "mount {} {} at {}", from.display(), Access::ReadOnly, at.display())
            }
            Op::Overlay { lower, upper, at, .. } => {
                write!(f, "mount {} under {} as an overlay at {}", lower.display(), upper.display(), at.display())
            }
            Op::Tmpfs { at, size: None, mode } => write!(f, "mount a tmpfs, mode {mode:o}, at {}", at.display()),
            Op::Tmpfs { at, size: Some(size), mode } => {
                write!(f, "mount a tmpfs of {size} bytes, mode {mode:o}, at {}", at.display())
            }
            Op::Skeleton(at) => write!(f, "mount a tmpfs for mount points at {}", at.display()),
            Op::File { at, bytes } => write!(f, "mount a file of {} bytes at {}", bytes.len(), at.display()),
            Op::Proc(at) => write!(f, "mount the process table at {}", at.display()),
            Op::Pts(at) => write!(f, "mount private terminals at {}", at.display()),
            Op::ReadOnly(at) => write!(f, "make {} read-only", at.display()),
            Op::Mask(at) => write!(f, "hide {}", at.display()),
            Op::Seal(at) => write!(f, "seal {}", at.display()),
            Op::TryOverlay => write!(f, "try an overlay"),
            Op::Enter => write!(f, "enter the new root"),
            Op::Cwd(at) => write!(f, "change to the folder {}", at.display()),
            Op::Limit { resource, value } => write!(f, "limit {resource} to {value}"),
        }
    }
}

impl fmt::Display for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Access::ReadOnly => "read-only",
            Access::ReadWrite => "writable",
            Access::Device => "as a device",
        })
    }
}

impl fmt::Display for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Resource::Nofile => "open files",
            Resource::Core => "core file bytes",
            Resource::Nproc => "processes",
            Resource::Fsize => "file bytes",
            Resource::Data => "memory bytes of a process",
        })
    }
}
