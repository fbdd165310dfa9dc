//! Running what was built: the tree of an image over its sysroot, on this machine and with its network; and scripts in
//! a sysroot, beside it. Knows mounts; how an image is packed does not matter here.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use akbuild_nar::TreeHash;
use akbuild_recipe::plan::{Image, SysrootId};
use akbuild_sandbox::{Mount, MountKind, Network, Output, Spec, Stdio};

use crate::engine::Engine;
use crate::error::EngineError;
use crate::exec;
use crate::root::Root;
use crate::work;

/// What somebody wants of a program that was built.
#[derive(Clone, Debug, Default)]
pub struct Start<'a> {
    /// Arguments for the image's entry point; the image's own if there are none.
    pub args: &'a [String],
    /// Variables over the image's.
    pub env: BTreeMap<String, String>,
    /// Files and folders of this machine that it sees besides: from, to, and whether it may write to them.
    pub binds: Vec<(PathBuf, PathBuf, bool)>,
}

impl Engine {
    /// The sandbox of a script in a sysroot that is there, with the environment that each stage has.
    pub fn script_in(
        &self,
        sysroot: &SysrootId,
        tree: &TreeHash,
        script: &str,
        env: &BTreeMap<String, String>,
    ) -> Result<Spec, EngineError> {
        let root = Root::new(self.sysroot(sysroot)?, self.tree(tree));
        let env = env.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
        Ok(exec::spec(&root, Vec::new(), script, env, "/", None))
    }

    /// What an image starts, without the image: its tree is mounted where it lives, over the sysroot's tree, with the
    /// files and folders that the image adds. The network is the machine's own. `scratch` is an empty folder.
    pub fn started(
        &self,
        image: &Image,
        (sysroot, tree): (&TreeHash, &TreeHash),
        start: &Start<'_>,
        scratch: &Path,
    ) -> Result<Spec, EngineError> {
        let root = Root::new(self.sysroot(&image.sysroot.0)?, self.tree(sysroot));
        let mut mounts: Vec<Mount> = root.sandbox_mounts().collect();
        let at = |path: &str| PathBuf::from(format!("/{path}"));
        for folder in &image.folders {
            // What others may write to is what the program needs; it is gone afterwards.
            let what = MountKind::Tmpfs { size: None, mode: folder.mode };
            mounts.push(Mount { at: at(&folder.path), what });
        }
        mounts.push(Mount { at: image.at.clone().into(), what: MountKind::ReadOnly(self.tree(tree)) });
        for (i, file) in image.files.iter().enumerate() {
            let path = scratch.join(i.to_string());
            work::write(&path, &file.text, file.executable)?;
            mounts.push(Mount { at: at(&file.path), what: MountKind::ReadOnly(path) });
        }
        for name in ["/etc/resolv.conf", "/etc/hosts"] {
            // Links of the machine lead to folders that are not there inside.
            if let Ok(real) = fs::canonicalize(name) {
                mounts.push(Mount { at: name.into(), what: MountKind::ReadOnly(real) });
            }
        }
        for (from, to, writable) in &start.binds {
            let what = if *writable { MountKind::ReadWrite(from.clone()) } else { MountKind::ReadOnly(from.clone()) };
            mounts.push(Mount { at: to.clone(), what });
        }
        let config = &image.config;
        let args = if start.args.is_empty() { &config.command } else { start.args };
        let mut env = BTreeMap::from([("HOME", "/tmp"), ("LANG", "C.UTF-8"), ("PATH", root.path.as_str())]);
        env.extend(config.env.iter().chain(&start.env).map(|(name, value)| (name.as_str(), value.as_str())));
        let workdir = if config.workdir.is_empty() { "/" } else { &config.workdir };
        Ok(Spec {
            root: root.tree.clone(),
            mounts,
            argv: config.entrypoint.iter().chain(args).map(Into::into).collect(),
            env: env.into_iter().map(|(name, value)| (name.into(), value.into())).collect(),
            cwd: workdir.into(),
            ids: ids(&config.user),
            network: Network::Host,
            stdin: Stdio::Inherit,
            output: Output::Inherit,
            ..Spec::default()
        })
    }
}

/// User and group of an image's `User`, if they are numbers; else those that stages have.
fn ids(user: &str) -> (u32, u32) {
    let mut numbers = user.split(':').map(|part| part.parse().ok());
    match (numbers.next().flatten(), numbers.next().flatten()) {
        (Some(uid), gid) => (uid, gid.unwrap_or(uid)),
        _ => (1000, 1000),
    }
}
