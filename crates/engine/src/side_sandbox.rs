//! Sandboxes that are started beside a run: an image's process, and scripts in a sysroot. Knows where trees are stored;
//! the crate `launch` defines how an image is launched.

use std::collections::BTreeMap;
use std::path::Path;

use akbuild_launch::{AssembledImage, LaunchOptions, MountedSysroot};
use akbuild_nar::TreeHash;
use akbuild_recipe::plan::{Image, SysrootId};
use akbuild_sandbox::Spec;

use crate::context::EngineContext;
use crate::error::EngineError;
use crate::script_sandbox;

/// The sandbox of a script in a sysroot that is there, with the environment that each stage has.
///
/// # Errors
/// The plan has no such sysroot.
pub fn sysroot_sandbox(
    context: &EngineContext,
    (sysroot, tree): (&SysrootId, &TreeHash),
    script: &str,
    env: &BTreeMap<String, String>,
) -> Result<Spec, EngineError> {
    let root = MountedSysroot::new(context.sysroot(sysroot)?, context.tree(tree));
    let env = env.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
    Ok(script_sandbox::spec(&root, Vec::new(), script, env, "/", None))
}

/// The sandbox of an image's process, without the image: its tree is mounted over the sysroot's tree. `scratch` is an empty
/// folder.
///
/// # Errors
/// The plan has no such sysroot, or the image cannot be launched from these trees.
pub fn image_sandbox(
    context: &EngineContext,
    image: &Image,
    (sysroot, tree): (&TreeHash, &TreeHash),
    options: &LaunchOptions<'_>,
    scratch: &Path,
) -> Result<Spec, EngineError> {
    let sysroot = MountedSysroot::new(context.sysroot(&image.sysroot.0)?, context.tree(sysroot));
    Ok(AssembledImage { image, sysroot, tree: context.tree(tree) }.spec(options, scratch)?)
}
