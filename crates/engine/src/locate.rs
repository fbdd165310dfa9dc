//! Where an artifact can be downloaded: the configured mirrors of its ecosystem first, then the
//! address that the upstream lock file gives, unless mirrors alone are allowed.
//!
//! Names come parsed, and [`MirrorBase::join`] joins them: no name leads to another host, or above the base of a mirror.

use akbuild_fetch::{DownloadAddress, IndexFile, Locations, MirrorBase, Mirrors};
use akbuild_names::{
    Ecosystem, GoModulePath, GoModuleVersion, MirrorFilePath, NpmPackageName, NpmPackageVersion, PackageFileAddress,
    PythonPackageName,
};
use akbuild_registry::{Artifact, What};

/// The places to try for `artifact`, in order. Empty if no mirror covers it and nothing else may be asked.
pub fn locations(artifact: &What, mirrors: &Mirrors) -> Locations {
    match artifact {
        What::Npm { name, version, url } => Locations::Urls(npm(name, version, url.as_ref(), mirrors)),
        What::Python { name, file, url, index, .. } => python(name, file, url.as_ref(), index.as_deref(), mirrors),
        What::GoMod { module, version } => Locations::Urls(go(module, version, "mod", mirrors)),
        What::GoZip { module, version } => Locations::Urls(go(module, version, "zip", mirrors)),
    }
}

/// The places to try for a Debian package.
pub(crate) fn debian(path: &MirrorFilePath, mirrors: &Mirrors) -> Locations {
    Locations::Urls(mirrors.of(Ecosystem::Debian).iter().filter_map(|base| base.join(path.split('/'))).collect())
}

/// The pages of a project on each Python index.
pub fn index_pages(name: &PythonPackageName, mirrors: &Mirrors) -> Vec<DownloadAddress> {
    mirrors.of(Ecosystem::Python).iter().filter_map(|base| base.index_page(name)).collect()
}

/// What an artifact is called in messages.
pub(crate) fn label(artifact: &Artifact) -> String {
    match &artifact.what {
        What::Npm { name, version, .. } => format!("{name}@{version}"),
        What::Python { file, .. } => file.to_string(),
        What::GoMod { module, version } => format!("{module}@{version} (go.mod)"),
        What::GoZip { module, version } => format!("{module}@{version}"),
    }
}

/// The conventional address on each mirror; a lock's own address is mapped onto them by its path, as npm's
/// `replace-registry-host` does, if it looks like a registry's.
fn npm(
    name: &NpmPackageName,
    version: &NpmPackageVersion,
    url: Option<&PackageFileAddress>,
    mirrors: &Mirrors,
) -> Vec<DownloadAddress> {
    let own = url.and_then(|url| DownloadAddress::upstream(url).ok());
    let file = format!("{}-{version}.tgz", name.bare_name());
    let of_a_registry = own.as_ref().is_none_or(|own| own.url().path().contains("/-/"));
    let bases = mirrors.npm_for(name).into_iter().filter(|_| of_a_registry);
    let conventional = |base: &MirrorBase| base.join(name.split('/').chain(["-", &file]));
    let mut urls: Vec<DownloadAddress> = bases.filter_map(conventional).collect();
    urls.extend(own.filter(|_| !mirrors.mirrors_only));
    urls.dedup();
    urls
}

/// The lock's own address where its index is a configured one (or nothing is configured) or where the lock names no
/// index, as of an archive at an address; else what the configured indexes say of the file. With mirrors alone, an address on another host than that of a mirror is
/// not asked, whatever index the lock names beside it.
fn python(
    name: &PythonPackageName,
    file: &str,
    url: Option<&PackageFileAddress>,
    index: Option<&str>,
    mirrors: &Mirrors,
) -> Locations {
    let own = url.and_then(|url| DownloadAddress::upstream(url).ok());
    let indexes = mirrors.of(Ecosystem::Python);
    let same =
        |base: &MirrorBase| index.is_some_and(|i| i.trim_end_matches('/') == base.url.as_str().trim_end_matches('/'));
    let bases = indexes.into();
    let is_mirror = |own: &DownloadAddress| indexes.iter().any(|base| base.url.origin() == own.url().origin());
    let covered = |own: &DownloadAddress| !mirrors.mirrors_only || is_mirror(own);
    let listed = IndexFile { bases, name: name.to_string(), file: file.to_owned() };
    match own {
        Some(own) if indexes.is_empty() && !mirrors.mirrors_only => Locations::Urls(vec![own]),
        Some(own) if (index.is_none() || indexes.iter().any(same)) && covered(&own) => {
            Locations::UrlsThenIndex(vec![own], listed)
        }
        _ => Locations::PythonIndex(listed),
    }
}

fn go(module: &GoModulePath, version: &GoModuleVersion, what: &str, mirrors: &Mirrors) -> Vec<DownloadAddress> {
    let (module, file) = (module.escaped(), format!("{}.{what}", version.escaped()));
    let segments = || module.split('/').chain(["@v", &file]);
    mirrors.of(Ecosystem::Go).iter().filter_map(|base| base.join(segments())).collect()
}

#[cfg(test)]
mod tests;
