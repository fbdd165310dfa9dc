//! What a caller asks for. Plain data: knows nothing of how it is done.

use std::ffi::OsString;
use std::path::PathBuf;

use crate::identity::INSIDE;

/// A sandbox, described. Everything that the command can see is named here.
#[derive(Clone, Debug)]
pub struct Spec {
    /// The folder whose content is the root, read-only. Its `proc`, `dev` and `sys` are not used, and its
    /// `tmp` only without [`private_tmp`](Spec::private_tmp).
    pub root: PathBuf,
    /// What is mounted besides, in this order; a later one may lie inside an earlier one.
    pub mounts: Vec<Mount>,
    /// The program, an absolute path inside, and its arguments.
    pub argv: Vec<OsString>,
    /// The whole environment.
    pub env: Vec<(OsString, OsString)>,
    /// The folder that the command starts in, absolute, inside.
    pub cwd: PathBuf,
    /// User and group that the command is inside, also in the eyes of what it looks at: its own files
    /// belong to them. 0 has no more rights than any other. Outside it is
    /// [`build_owner`](crate::build_owner), whatever they are.
    pub ids: (u32, u32),
    /// Whether an empty folder in memory is mounted at `/tmp` where no mount is. Otherwise `/tmp` is what
    /// the root has there, read-only, or missing.
    pub private_tmp: bool,
    /// The network that the command sees.
    pub network: Network,
    /// Ports of the inner 127.0.0.1 that are listened on; the sockets are handed out by
    /// [`Running::listeners`](crate::Running::listeners). Empty with the host's network.
    pub listen: Vec<u16>,
    /// What the command reads.
    pub stdin: Stdio,
    /// Where the command writes.
    pub output: Output,
    /// What it may use up.
    pub limits: Limits,
    /// Whether the system call filter is installed. Only tests have a reason to leave it out.
    pub seccomp: bool,
}

/// One mount.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mount {
    /// Where, absolute and without `..`. It is made when it is missing, without changing the tree below.
    pub at: PathBuf,
    /// What.
    pub what: MountKind,
}

/// What is mounted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MountKind {
    /// A file or folder of the host that cannot be changed. The path is the caller's own: links in it are followed.
    ReadOnly(PathBuf),
    /// A file or folder inside a tree whose names somebody else chose, read-only. No link is followed below `top`: the
    /// sandbox's own process resolves `path` again, with the kernel, when it mounts it.
    Part {
        /// The folder of the host that is the tree's top.
        top: PathBuf,
        /// The path below it, without links; empty for the whole tree.
        path: PathBuf,
    },
    /// A file or folder of the host that can. It should belong to [`build_owner`](crate::build_owner).
    ReadWrite(PathBuf),
    /// A folder of the host, whose changes go to `upper`. All three are folders; `upper` and `work` are
    /// on one file system. Files of `lower` keep their owner: where that is not
    /// [`build_owner`](crate::build_owner), the command sees them as somebody else's.
    Overlay {
        /// What is seen at first.
        lower: PathBuf,
        /// What gets the changes.
        upper: PathBuf,
        /// An empty folder that the kernel uses.
        work: PathBuf,
    },
    /// An empty folder in memory.
    Tmpfs {
        /// Its greatest size in bytes; `None`: half of the memory.
        size: Option<u64>,
        /// The mode of its top.
        mode: u32,
    },
    /// A small read-only file with these bytes.
    File(Vec<u8>),
}

/// The network that the command sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Network {
    /// A loopback interface of its own, and nothing else.
    Loopback,
    /// All that this process has: its interfaces and routes, what listens on its loopback interface, and
    /// Unix sockets with abstract names. Files that name servers are mounted only if a mount says so.
    Host,
}

/// What the command reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stdio {
    /// Nothing.
    Null,
    /// What this process reads.
    Inherit,
}

/// Where the command writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Output {
    /// Both streams into one pipe, see [`Running::output`](crate::Running::output). The command gets a
    /// session of its own.
    Pipe,
    /// Where this process writes. The command keeps the terminal, in a process group of its own.
    Inherit,
}

/// Limits; `None` leaves this process's own in force.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// Open files of a process. Lowered to what the machine lets this process have.
    pub nofile: Option<u64>,
    /// Size of a core file in bytes.
    pub core: u64,
    /// Processes of the user.
    pub nproc: Option<u64>,
    /// Size of a written file in bytes.
    pub fsize: Option<u64>,
    /// Memory in bytes: of the whole tree where a cgroup is delegated to this process, otherwise of
    /// the private writable memory of each process.
    pub memory: Option<u64>,
}

impl Spec {
    /// Whether the command keeps the terminal.
    pub(crate) fn has_terminal(&self) -> bool {
        self.output == Output::Inherit
    }
}

impl Default for Spec {
    fn default() -> Self {
        Spec {
            root: PathBuf::new(),
            mounts: Vec::new(),
            argv: Vec::new(),
            env: Vec::new(),
            cwd: PathBuf::from("/"),
            ids: INSIDE,
            private_tmp: true,
            network: Network::Loopback,
            listen: Vec::new(),
            stdin: Stdio::Null,
            output: Output::Pipe,
            limits: Limits::default(),
            seccomp: true,
        }
    }
}
