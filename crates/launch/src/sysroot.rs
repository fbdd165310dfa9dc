//! A sysroot as a root file system: its tree, and the folders of the machine that are mounted over it. Runs nothing.

use std::path::PathBuf;

use akbuild_recipe::plan::{HostMount, Sysroot};
use akbuild_sandbox::{Mount, MountKind};

/// Where programs are looked for, unless an image or a machine says otherwise.
pub const DEFAULT_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// A root file system, ready to be mounted.
#[derive(Clone, Debug)]
pub struct MountedSysroot {
    /// The sysroot's tree in the store.
    pub tree: PathBuf,
    /// Folders of the machine that are mounted read-only over it.
    pub mounts: Vec<HostMount>,
    /// Where programs are looked for, with `:` in between.
    pub path: String,
}

impl MountedSysroot {
    /// A tree that has everything in it.
    pub fn plain(tree: PathBuf) -> Self {
        Self { tree, mounts: Vec::new(), path: DEFAULT_PATH.to_owned() }
    }

    /// The root of a sysroot whose tree is this.
    pub fn new(sysroot: &Sysroot, tree: PathBuf) -> Self {
        match &sysroot.host {
            None => Self::plain(tree),
            Some(host) => Self { tree, mounts: host.mounts.clone(), path: host.path.join(":") },
        }
    }

    /// The mounts as the sandbox takes them.
    pub fn sandbox_mounts(&self) -> impl Iterator<Item = Mount> {
        self.mounts.iter().map(|m| Mount { at: (&m.at).into(), what: MountKind::ReadOnly(m.from.clone()) })
    }
}
