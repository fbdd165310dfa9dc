//! One entry of the `packages` map: whether it is installed from a tarball of its own, and from which.

use akbuild_names::{
    Artifact, NameError, NpmPackageName, NpmPackageVersion, NpmTarball, PackageFile, PackageFileAddress,
};
use akbuild_nar::Digest;
use serde_json::Value;

use super::lock::NpmLock;

impl NpmLock {
    /// Whether an entry is installed from a tarball of its own: not the root, a workspace, a link to one, or a package
    /// inside another's tarball.
    pub(super) fn has_tarball(&self, key: &str, package: &Value) -> bool {
        is_below_modules(key) && !is(package, "link") && !is(package, "extraneous") && !self.is_inside(key, package)
    }

    /// Whether an entry comes inside the tarball of another package. `inBundle` alone does not say so: it also marks
    /// what the project itself, or a workspace, puts into the tarball that it publishes, which npm installs as any
    /// other package.
    fn is_inside(&self, key: &str, package: &Value) -> bool {
        if !is(package, "inBundle") {
            return false;
        }
        let mut owner = parent(key);
        while self.packages.get(owner).is_some_and(|entry| is(entry, "inBundle")) {
            owner = parent(owner);
        }
        let is_of_a_dependency = is_below_modules(owner);
        is_of_a_dependency || (text(package, "resolved").is_none() && text(package, "integrity").is_none())
    }
}

/// The entry of a lock as a file of a registry; `None` for a tarball in the source.
pub(super) fn artifact(key: &str, package: &Value) -> Result<Option<Artifact>, String> {
    let resolved = text(package, "resolved");
    if resolved.is_some_and(|resolved| local_tarball(resolved).is_some()) {
        return Ok(None);
    }
    let url = resolved.map(address).transpose()?;
    let wrong = |error: NameError| error.to_string();
    let version = NpmPackageVersion::parse(text(package, "version").ok_or("it has no version")?).map_err(wrong)?;
    let digest = integrity(text(package, "integrity"))?;
    let name = text(package, "name").or_else(|| name_in_key(key)).ok_or("its key names no package")?;
    let name = NpmPackageName::parse(name).map_err(wrong)?;
    Ok(Some(Artifact { digest, size: None, what: PackageFile::Npm(NpmTarball { name, version, url }) }))
}

/// The path of a tarball in the source that `resolved` names, relative to the lock's folder.
pub(super) fn local_tarball(resolved: &str) -> Option<&str> {
    let path = resolved.strip_prefix("file:")?;
    [".tgz", ".tar.gz", ".tar"].iter().any(|ending| path.ends_with(ending)).then_some(path)
}

pub(super) fn is_optional(package: &Value) -> bool {
    is(package, "optional") || is(package, "devOptional")
}

pub(super) fn is(package: &Value, field: &str) -> bool {
    package.get(field).and_then(Value::as_bool) == Some(true)
}

pub(super) fn text<'a>(package: &'a Value, field: &str) -> Option<&'a str> {
    package.get(field).and_then(Value::as_str)
}

fn address(url: &str) -> Result<PackageFileAddress, String> {
    if url.starts_with("https://") || url.starts_with("http://") {
        PackageFileAddress::parse(url).map_err(|error| error.to_string())
    } else if url.starts_with("git") {
        Err(format!("it comes from git ({url}), which is not supported"))
    } else {
        Err(format!("it comes from `{url}`, which is not supported: expected http, https or a tarball in the source"))
    }
}

fn integrity(text: Option<&str>) -> Result<Digest, String> {
    use akbuild_nar::Algo;
    let text = text.ok_or("it has no integrity")?;
    let digest = Digest::strongest(text).map_err(|e| format!("its integrity cannot be read: {e}"))?;
    match digest.algo() {
        Algo::Sha256 | Algo::Sha512 => Ok(digest),
        weak => Err(format!("its only integrity is {weak}, expected sha512 or sha256")),
    }
}

/// Whether a key lies in some `node_modules`.
pub(super) fn is_below_modules(key: &str) -> bool {
    key.split('/').any(|part| part == "node_modules")
}

/// The key of the package in whose `node_modules` an entry lies; the root's is empty.
fn parent(key: &str) -> &str {
    let above = key.rfind("node_modules/").map_or("", |at| &key[..at]);
    above.trim_end_matches('/')
}

/// `a` of `node_modules/b/node_modules/a`.
pub(super) fn name_in_key(key: &str) -> Option<&str> {
    let at = key.rfind("node_modules/")?;
    Some(&key[at + "node_modules/".len()..]).filter(|name| !name.is_empty())
}
