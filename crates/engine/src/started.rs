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

impl EngineContext {
    /// The sandbox of a script in a sysroot that is there, with the environment that each stage has.
    pub fn script_in(
        &self,
        sysroot: &SysrootId,
        tree: &TreeHash,
        script: &str,
        env: &BTreeMap<String, String>,
    ) -> Result<Spec, EngineError> {
        let root = MountedSysroot::new(self.sysroot(sysroot)?, self.tree(tree));
        let env = env.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
        Ok(script_sandbox::spec(&root, Vec::new(), script, env, "/", None))
    }

    /// The sandbox of an image's process, without the image: its tree is mounted over the sysroot's tree. `scratch` is
    /// an empty folder.
    pub fn started(
        &self,
        image: &Image,
        (sysroot, tree): (&TreeHash, &TreeHash),
        options: &LaunchOptions<'_>,
        scratch: &Path,
    ) -> Result<Spec, EngineError> {
        let sysroot = MountedSysroot::new(self.sysroot(&image.sysroot.0)?, self.tree(sysroot));
        Ok(AssembledImage { image, sysroot, tree: self.tree(tree) }.spec(options, scratch)?)
    }
}
