//! Running what was built: the tree of an image over its sysroot, on this machine and with its network; and scripts in
//! a sysroot, beside it. Knows mounts; how an image is packed does not matter here.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use akbuild_image::{Identity, Meta};
use akbuild_nar::TreeHash;
use akbuild_recipe::plan::{Folder, Image, SysrootId};
use akbuild_sandbox::{Mount, MountKind, Network, Output, Spec, Stdio, build_owner};
use akbuild_tree::TreeDir;
use rustix::fs::{Gid, Uid, fchown};

use crate::engine::Engine;
use crate::error::{EngineError, Io};
use crate::root::Root;
use crate::script_sandbox;
use crate::stage::work;
use crate::view::View;

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
        Ok(script_sandbox::spec(&root, Vec::new(), script, env, "/", None))
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
        let tree = self.tree(tree);
        let view = View { image, sysroot: &root, tree: &tree };
        let identity = view.identity()?;
        let mut inner = own(&view, &identity, scratch)?;
        for name in ["/etc/resolv.conf", "/etc/hosts"] {
            // Links of the machine lead to folders that are not there inside.
            #[allow(clippy::disallowed_methods, reason = "a file of the machine, whose links are the machine's")]
            if let Ok(real) = fs::canonicalize(name) {
                inner.push(Mount { at: name.into(), what: MountKind::ReadOnly(real) });
            }
        }
        for (from, to, writable) in &start.binds {
            let what = if *writable { MountKind::ReadWrite(from.clone()) } else { MountKind::ReadOnly(from.clone()) };
            inner.push(Mount { at: to.clone(), what });
        }
        // What lies in another stands after it.
        inner.sort_by_key(|mount| mount.at.components().count());
        let config = &image.config;
        let mut env = BTreeMap::from([("HOME", &*identity.home), ("LANG", "C.UTF-8"), ("PATH", root.path.as_str())]);
        env.extend(config.env.iter().chain(&start.env).map(|(name, value)| (name.as_str(), value.as_str())));
        let args = if start.args.is_empty() { &config.command } else { start.args };
        let workdir = if config.workdir.is_empty() { "/" } else { &config.workdir };
        Ok(Spec {
            root: root.tree.clone(),
            mounts: root.sandbox_mounts().chain(inner).collect(),
            argv: config.entrypoint.iter().chain(args).map(Into::into).collect(),
            env: env.into_iter().map(|(name, value)| (name.into(), value.into())).collect(),
            cwd: workdir.into(),
            ids: (identity.uid, identity.gid),
            network: Network::Host,
            stdin: Stdio::Inherit,
            output: Output::Inherit,
            ..Spec::default()
        })
    }
}

/// The tree of an image, and the files and folders that the image adds.
fn own(view: &View<'_>, identity: &Identity, scratch: &Path) -> Result<Vec<Mount>, EngineError> {
    let image = view.image;
    let at = |path: &str| PathBuf::from(format!("/{path}"));
    let mut all = vec![Mount { at: image.at.clone().into(), what: MountKind::ReadOnly(view.tree.to_owned()) }];
    for (i, folder) in image.folders.iter().enumerate() {
        let at = at(&folder.path);
        let what = added(folder, view.folder(&at)?.as_ref(), identity, &scratch.join(format!("folder-{i}")))?;
        all.extend(what.map(|what| Mount { at, what }));
    }
    for (i, file) in image.files.iter().enumerate() {
        let path = scratch.join(i.to_string());
        work::write(&path, &file.text, file.executable)?;
        all.push(Mount { at: at(&file.path), what: MountKind::ReadOnly(path) });
    }
    Ok(all)
}

/// What is mounted for a folder that an image adds, whose tree or sysroot may have it already, at `there`. What its user
/// may write to is gone afterwards.
fn added(
    folder: &Folder,
    there: Option<&TreeDir>,
    identity: &Identity,
    own: &Path,
) -> Result<Option<MountKind>, EngineError> {
    let writable = Meta::folder(folder.mode).lets_write(identity.uid.into(), identity.gid.into());
    match there {
        Some(_) if !writable => return Ok(None),
        None if !writable => {
            work::make_folder(own)?;
            return Ok(Some(MountKind::ReadOnly(own.to_owned())));
        }
        _ => {}
    }
    let tmpfs = MountKind::Tmpfs { size: None, mode: folder.mode };
    let Some(there) = there else { return Ok(Some(tmpfs)) };
    if there.is_empty("")? {
        return Ok(Some(tmpfs));
    }
    work::make_folder(own)?;
    copy(there, own, folder.mode)?;
    Ok(Some(MountKind::ReadWrite(own.to_owned())))
}

/// Copies a folder for the user of the sandbox. Links are copied, never followed.
fn copy(there: &TreeDir, own: &Path, mode: u32) -> Result<(), EngineError> {
    let copy = TreeDir::open(own, "the copy of a folder of the image")?;
    there.copy_all(&copy, &|_| false)?;
    copy.set_mode("", mode)?;
    let (uid, gid) = build_owner();
    let owned = fchown(&copy, Some(Uid::from_raw(uid)), Some(Gid::from_raw(gid)));
    owned.map_err(std::io::Error::from).doing("change the owner of", own)
}
