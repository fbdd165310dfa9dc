//! npm: the tarballs of a `package-lock.json`, their locations, and the packages that ship.

pub(crate) mod project;

use akbuild_attest::{Component, Licence, Ships};
use akbuild_fetch::{DownloadAddress, Locations, MirrorBase, Mirrors};
use akbuild_names::{Ecosystem, NpmTarball};
use akbuild_recipe::plan::{LockFile, LockReference, TreeRef};
use akbuild_registry::{NPM_LOCK_NAMES, NpmLock, ShippedNpmPackage};
use akbuild_tree::TreeDir;

use super::support::EcosystemSupport;
use crate::bill::contents::ImageContents;
use crate::error::EngineError;
use crate::graph::NodeId;
use crate::lock_reader::{LockContent, LockReader};

pub(super) struct Npm;

impl EcosystemSupport for Npm {
    fn read_lock(&self, reader: &LockReader<'_>, lock: &LockReference) -> Result<LockContent, EngineError> {
        let lock = effective_lock(reader, lock.file())?;
        let npm = NpmLock::parse(&reader.text(&lock, None)?, &lock.path)?;
        let (artifacts, alternatives) = (npm.artifacts(&project::platform())?, npm.alternatives());
        Ok(LockContent { artifacts, alternatives, ..LockContent::default() })
    }

    /// What a lock installs without `dev`, for this platform. Bundlers leave no record of what they took of it.
    fn components(&self, image: &ImageContents<'_>) -> Result<Vec<Component>, EngineError> {
        let mut all = Vec::new();
        for (_, reader, lock) in image.locks(Ecosystem::Npm) {
            let lock = effective_lock(&reader, lock.file())?;
            let npm = NpmLock::parse(&reader.text(&lock, None)?, &lock.path)?;
            all.extend(npm.shipped(&project::platform())?.into_iter().map(component));
        }
        Ok(all)
    }
}

fn component(package: ShippedNpmPackage) -> Component {
    let component = Component::package(package.name.into(), Some(package.version.into()));
    let component = component.licensed(package.license.as_deref().and_then(Licence::written));
    let component = package.integrity.into_iter().fold(component, Component::digest);
    component.ships(if package.optional { Ships::Optional } else { Ships::Bundled })
}

/// The lock that npm reads: `npm-shrinkwrap.json` comes first, if the stage sees one.
fn effective_lock(reader: &LockReader<'_>, lock: &LockFile) -> Result<LockFile, EngineError> {
    let mut first = lock.clone();
    let folder = lock.path.strip_suffix("package-lock.json").unwrap_or_default();
    first.path = format!("{folder}{}", NPM_LOCK_NAMES[0]);
    let is_seen = reader.exec.copies.iter().any(|copy| {
        copy.from == TreeRef::Source(lock.source.clone())
            && copy.subset.matcher().is_ok_and(|matcher| matcher.matches(&first.path))
    });
    let tree = reader.outputs.get(&NodeId::Source(lock.source.clone())).map(|tree| reader.context.tree(tree));
    let tree = tree.map(|tree| TreeDir::open(&tree, format!("source `{}`", lock.source))).transpose()?;
    let is_there = tree.map(|tree| tree.entry(&first.path)).transpose()?.flatten().is_some();
    Ok(if is_seen && is_there { first } else { lock.clone() })
}

/// The conventional address on each mirror; a lock's own address is mapped onto them by its path, as npm's
/// `replace-registry-host` does, if it looks like a registry's.
pub(super) fn locations(tarball: &NpmTarball, mirrors: &Mirrors) -> Locations {
    let NpmTarball { name, version, url } = tarball;
    let own = url.as_ref().and_then(|url| DownloadAddress::upstream(url).ok());
    let file = format!("{}-{version}.tgz", name.bare_name());
    let of_a_registry = own.as_ref().is_none_or(|own| own.url().path().contains("/-/"));
    let bases = mirrors.npm_for(name).into_iter().filter(|_| of_a_registry);
    let conventional = |base: &MirrorBase| base.join(name.split('/').chain(["-", &file]));
    let mut urls: Vec<DownloadAddress> = bases.filter_map(conventional).collect();
    urls.extend(own.filter(|_| !mirrors.mirrors_only));
    urls.dedup();
    Locations::Urls(urls)
}
