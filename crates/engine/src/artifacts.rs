//! What a node's downloads are called in records: package URLs. Knows which there are; nothing of where things are
//! downloaded from.

use akbuild_attest::Purl;
use akbuild_names::{BUILD_ARCHITECTURE, DebianPackageName, DebianPackageVersion, package_url};
use akbuild_nar::Digest;
use akbuild_recipe::plan::ToolPackage;
use akbuild_store::Artifact;

use crate::context::EngineContext;
use crate::ecosystem::python::pinned;
use crate::error::EngineError;
use crate::graph::NodeId;
use crate::keys::Outputs;
use crate::served;
use crate::served::Served;

/// Keeps the list of what a node could use of the downloads.
pub(crate) fn artifacts(
    context: &EngineContext,
    node: &NodeId,
    served: Option<&Served>,
) -> Result<Option<Digest>, EngineError> {
    let list = artifact_list(context, node, served)?;
    Ok(if list.is_empty() { None } else { Some(context.store.put_artifacts(&list)?) })
}

/// The downloads that a node could use. `served` is what the registry of a stage serves.
pub(crate) fn artifact_list(
    context: &EngineContext,
    node: &NodeId,
    served: Option<&Served>,
) -> Result<Vec<Artifact>, EngineError> {
    Ok(match node {
        NodeId::Stage(_) => served.map(|served| list(&served.artifacts)).unwrap_or_default(),
        NodeId::Sysroot(id) => {
            let packages = &context.sysroot(id)?.packages;
            packages.iter().map(|p| Artifact { name: debian(&p.name, &p.version), digest: p.digest }).collect()
        }
        NodeId::Tool(id) => match &context.tool(id)?.package {
            ToolPackage::Python(pin) => vec![Artifact { name: pinned(pin).what.package_url(), digest: pin.digest }],
            ToolPackage::Npm(pin) => {
                vec![Artifact {
                    name: package_url(&(&pin.name).into(), Some(&(&pin.version).into())),
                    digest: pin.digest,
                }]
            }
        },
        NodeId::Source(_) | NodeId::Fetch(_) | NodeId::Check(_) => Vec::new(),
    })
}

/// Artifacts of registries by their package URLs.
pub(crate) fn list(artifacts: &[akbuild_names::Artifact]) -> Vec<Artifact> {
    artifacts.iter().map(|a| Artifact { name: a.what.package_url(), digest: a.digest }).collect()
}

/// Name and version in a package URL as records have it.
pub(crate) fn named(purl: &str) -> (String, String) {
    let plain = purl.split(['?', '#']).next().unwrap_or(purl);
    let plain = plain.strip_prefix("pkg:").and_then(|p| p.split_once('/')).map_or(plain, |(_, rest)| rest);
    let plain = plain.strip_prefix("debian/").filter(|_| purl.starts_with("pkg:deb/")).unwrap_or(plain);
    let (name, version) = plain.rsplit_once('@').unwrap_or((plain, ""));
    (decode(name), decode(version))
}

fn debian(name: &DebianPackageName, version: &DebianPackageVersion) -> String {
    Purl::debian(name, version, BUILD_ARCHITECTURE).to_string()
}

fn decode(text: &str) -> String {
    percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned()
}

/// The downloads that a node could use; `None` if its lock files are not here, or cannot be read.
pub(crate) fn would_use(
    context: &EngineContext,
    node: &NodeId,
    outputs: &Outputs,
) -> Option<Vec<akbuild_store::Artifact>> {
    match node {
        NodeId::Stage(id) => Some(list(&served::would_serve(context, id, outputs)?.artifacts)),
        _ => artifact_list(context, node, None).ok(),
    }
}

#[cfg(test)]
mod tests {
    use akbuild_names::{GoFileKind, GoModuleFile, NpmTarball, PackageFile};

    use super::*;

    #[test]
    fn names_are_package_urls() {
        let (name, version) = ("@lit/context".parse().unwrap(), "1.1.6".parse().unwrap());
        insta::assert_snapshot!(PackageFile::Npm(NpmTarball { name, version, url: None }).package_url(), @"pkg:npm/%40lit/context@1.1.6");
        let module: akbuild_names::GoModulePath = "example.org/a/b".parse().unwrap();
        let version: akbuild_names::GoModuleVersion = "v1.2.3+incompatible".parse().unwrap();
        let zip =
            PackageFile::Go(GoModuleFile { kind: GoFileKind::Zip, module: module.clone(), version: version.clone() });
        insta::assert_snapshot!(zip.package_url(), @"pkg:golang/example.org/a/b@v1.2.3%2Bincompatible");
        let file = PackageFile::Go(GoModuleFile { kind: GoFileKind::Mod, module, version });
        insta::assert_snapshot!(file.package_url(), @"pkg:golang/example.org/a/b@v1.2.3%2Bincompatible#go.mod");
        insta::assert_snapshot!(debian(&"g++".parse().unwrap(), &"4:15.2.0-4".parse().unwrap()), @"pkg:deb/debian/g%2B%2B@4%3A15.2.0-4?arch=amd64");
    }

    #[test]
    fn names_are_read_back() {
        let npm = PackageFile::Npm(NpmTarball {
            name: "@lit/context".parse().unwrap(),
            version: "1.1.6".parse().unwrap(),
            url: None,
        });
        assert_eq!(named(&npm.package_url()), ("@lit/context".to_owned(), "1.1.6".to_owned()));
        let file = PackageFile::Go(GoModuleFile {
            kind: GoFileKind::Mod,
            module: "example.org/a/b".parse().unwrap(),
            version: "v1.2.3+incompatible".parse().unwrap(),
        });
        assert_eq!(named(&file.package_url()), ("example.org/a/b".to_owned(), "v1.2.3+incompatible".to_owned()));
        assert_eq!(
            named(&debian(&"g++".parse().unwrap(), &"4:15.2.0-4".parse().unwrap())),
            ("g++".to_owned(), "4:15.2.0-4".to_owned())
        );
    }
}
