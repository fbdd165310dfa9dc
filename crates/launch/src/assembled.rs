//! An image that is not packed, and how its process is started on this machine: the image's tree is mounted over its
//! sysroot, with the files and folders that the image adds, and the machine's network. Must not depend on how an image
//! is packed.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use akbuild_image::{Identity, Meta};
use akbuild_recipe::plan::{Folder, Image, WrittenFile};
use akbuild_sandbox::{Mount, MountKind, Network, Output, Spec, Stdio, build_owner};
use akbuild_tree::TreeDir;
use rustix::fs::{Gid, Uid, fchown};

use crate::error::Refused;
use crate::files::make_folder;
use crate::parts::ImageParts;
use crate::process::ProcessRoot;
use crate::{ImageProcess, LaunchError, MountedSysroot};

/// An image whose parts are in the store.
#[derive(Clone, Debug)]
pub struct AssembledImage<'a> {
    /// The image in the plan.
    pub image: &'a Image,
    /// The sysroot that its tree is mounted over.
    pub sysroot: MountedSysroot,
    /// Its tree.
    pub tree: PathBuf,
}

/// The options of one launch, over what the image says.
#[derive(Clone, Debug, Default)]
pub struct LaunchOptions<'a> {
    /// Arguments for the image's entry point; the image's own if there are none.
    pub args: &'a [String],
    /// Variables over the image's.
    pub env: BTreeMap<String, String>,
    /// Files and folders of this machine that it sees besides: from, to, and whether it may write to them.
    pub binds: Vec<(PathBuf, PathBuf, bool)>,
}

impl AssembledImage<'_> {
    /// The sandbox of the image's process. `scratch` is an empty folder.
    pub fn spec(&self, options: &LaunchOptions<'_>, scratch: &Path) -> Result<Spec, LaunchError> {
        let parts = ImageParts { image: self.image, sysroot: &self.sysroot, tree: &self.tree };
        let identity = parts.identity()?;
        let mut inner = own_mounts(&parts, &identity, scratch)?;
        for name in ["/etc/resolv.conf", "/etc/hosts"] {
            // Links of the machine lead to folders that are not there inside.
            #[allow(clippy::disallowed_methods, reason = "a file of the machine, whose links are the machine's")]
            if let Ok(real) = std::fs::canonicalize(name) {
                inner.push(Mount { at: name.into(), what: MountKind::ReadOnly(real) });
            }
        }
        for (from, to, writable) in &options.binds {
            let what = if *writable { MountKind::ReadWrite(from.clone()) } else { MountKind::ReadOnly(from.clone()) };
            inner.push(Mount { at: to.clone(), what });
        }
        // What lies in another stands after it.
        inner.sort_by_key(|mount| mount.at.components().count());
        let process = ImageProcess::from(&self.image.config);
        let root = ProcessRoot {
            tree: self.sysroot.tree.clone(),
            mounts: self.sysroot.sandbox_mounts().chain(inner).collect(),
            search_path: self.sysroot.path.clone(),
        };
        Ok(Spec {
            network: Network::Host,
            stdin: Stdio::Inherit,
            output: Output::Inherit,
            ..process.sandbox(root, &identity, process.words(options.args), &options.env)
        })
    }
}

/// The tree of an image, and the files and folders that the image adds.
fn own_mounts(parts: &ImageParts<'_>, identity: &Identity, scratch: &Path) -> Result<Vec<Mount>, LaunchError> {
    let image = parts.image;
    let at = |path: &str| PathBuf::from(format!("/{path}"));
    let mut all = vec![Mount { at: image.at.clone().into(), what: MountKind::ReadOnly(parts.tree.to_owned()) }];
    for (i, folder) in image.folders.iter().enumerate() {
        let at = at(&folder.path);
        let what = added(folder, parts.folder(&at)?.as_ref(), identity, &scratch.join(format!("folder-{i}")))?;
        all.extend(what.map(|what| Mount { at, what }));
    }
    for (i, file) in image.files.iter().enumerate() {
        let path = scratch.join(i.to_string());
        write_file(&path, file)?;
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
) -> Result<Option<MountKind>, LaunchError> {
    let writable = Meta::folder(folder.mode).lets_write(identity.uid.into(), identity.gid.into());
    match there {
        Some(_) if !writable => return Ok(None),
        None if !writable => {
            make_folder(own)?;
            return Ok(Some(MountKind::ReadOnly(own.to_owned())));
        }
        _ => {}
    }
    let tmpfs = MountKind::Tmpfs { size: None, mode: folder.mode };
    let Some(there) = there else { return Ok(Some(tmpfs)) };
    if there.is_empty("")? {
        return Ok(Some(tmpfs));
    }
    make_folder(own)?;
    copy(there, own, folder.mode)?;
    Ok(Some(MountKind::ReadWrite(own.to_owned())))
}

/// Copies a folder for the user of the sandbox. Links are copied, never followed.
fn copy(there: &TreeDir, own: &Path, mode: u32) -> Result<(), LaunchError> {
    let copy = TreeDir::open(own, "the copy of a folder of the image")?;
    there.copy_all(&copy, &|_| false)?;
    copy.set_mode("", mode)?;
    let (uid, gid) = build_owner();
    let owned = fchown(&copy, Some(Uid::from_raw(uid)), Some(Gid::from_raw(gid)));
    owned.map_err(std::io::Error::from).doing("change the owner of", own)
}

/// Writes a file that the image adds.
#[allow(clippy::disallowed_methods, reason = "the path is in a scratch folder and akbuild's own")]
fn write_file(path: &Path, file: &WrittenFile) -> Result<(), LaunchError> {
    std::fs::write(path, &file.text).doing("write", path)?;
    let mode = std::fs::Permissions::from_mode(if file.executable { 0o755 } else { 0o644 });
    std::fs::set_permissions(path, mode).doing("change the mode of", path)
}
