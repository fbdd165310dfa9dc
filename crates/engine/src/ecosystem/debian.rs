//! Debian: the locations of the packages of sysroots, and the packages that ship: all of the image's sysroot, with the
//! licences of their copyright files.

use akbuild_attest::{Component, debian};
use akbuild_fetch::{Locations, Mirrors};
use akbuild_names::{BUILD_ARCHITECTURE, Ecosystem, MirrorFilePath};
use akbuild_recipe::plan::DebPin;
use akbuild_tree::RootDir;

use super::support::EcosystemSupport;
use crate::bill::contents::ImageContents;
use crate::error::EngineError;
use crate::graph::NodeId;

/// A longer copyright file is not read: the longest of Debian's has a fifth of this.
const COPYRIGHT: u64 = 8 << 20;

pub(super) struct Debian;

impl EcosystemSupport for Debian {
    fn components(&self, image: &ImageContents<'_>) -> Result<Vec<Component>, EngineError> {
        let (context, id) = (image.context, image.sysroot);
        let sysroot = context.sysroot(id)?;
        let tree = image.outputs.get(&NodeId::Sysroot(id.clone())).map(|tree| context.tree(tree));
        // Packages have links to the folders of others there.
        let root = tree.and_then(|tree| RootDir::open(&tree, format!("sysroot `{}`", id.as_str())).ok());
        let licences = |name: &str| {
            let path = format!("usr/share/doc/{name}/copyright");
            debian::licences(&root.as_ref()?.read_at_most(path, COPYRIGHT).ok()?)
        };
        let package = |pin: &DebPin| {
            Component::debian(&pin.name, &pin.version, BUILD_ARCHITECTURE)
                .digest(pin.digest)
                .licensed(licences(&pin.name).into_iter().flatten())
        };
        Ok(sysroot.packages.iter().map(package).collect())
    }
}

/// The places to try for a package.
pub(crate) fn locations(path: &MirrorFilePath, mirrors: &Mirrors) -> Locations {
    Locations::Urls(mirrors.of(Ecosystem::Debian).iter().filter_map(|base| base.join(path.split('/'))).collect())
}
