//! What a node's downloads are called in records: package URLs, by the purl specification (ECMA-427).
//! Knows names; nothing of where things are downloaded from.

use akbuild_nar::Digest;
use akbuild_recipe::plan::ToolPackage;
use akbuild_registry::What;
use akbuild_store::Artifact;

use crate::engine::Engine;
use crate::error::EngineError;
use crate::graph::NodeId;
use crate::served::pinned;

impl Engine {
    /// Keeps the list of what a node could use of the downloads.
    pub(crate) fn artifacts(&self, node: &NodeId) -> Result<Option<Digest>, EngineError> {
        let list: Vec<Artifact> = match node {
            NodeId::Stage(id) => {
                let served = self.served.lock().unwrap_or_else(|e| e.into_inner());
                let artifacts = served.get(id).map(|s| s.artifacts.iter()).into_iter().flatten();
                artifacts.map(|a| Artifact { name: purl(&a.what), digest: a.digest }).collect()
            }
            NodeId::Sysroot(id) => {
                let packages = &self.sysroot(id)?.packages;
                packages.iter().map(|p| Artifact { name: debian(&p.name, &p.version), digest: p.digest }).collect()
            }
            NodeId::Tool(id) => match &self.tool(id)?.package {
                ToolPackage::Python(pin) => vec![Artifact { name: purl(&pinned(pin).what), digest: pin.digest }],
                ToolPackage::Npm(pin) => vec![Artifact { name: npm(&pin.name, &pin.version), digest: pin.digest }],
            },
            NodeId::Source(_) | NodeId::Fetch(_) => Vec::new(),
        };
        Ok(if list.is_empty() { None } else { Some(self.store.put_artifacts(&list)?) })
    }
}

fn purl(what: &What) -> String {
    match what {
        What::Npm { name, version, .. } => npm(name, version),
        What::Python { name, version, file, .. } => {
            format!("pkg:pypi/{}@{}?file_name={}", encode(name), encode(version), encode(file))
        }
        What::GoZip { module, version } => golang(module, version),
        What::GoMod { module, version } => format!("{}#go.mod", golang(module, version)),
    }
}

fn npm(name: &str, version: &str) -> String {
    format!("pkg:npm/{}@{}", path(name), encode(version))
}

fn golang(module: &str, version: &str) -> String {
    format!("pkg:golang/{}@{}", path(module), encode(version))
}

fn debian(name: &str, version: &str) -> String {
    format!("pkg:deb/debian/{}@{}?arch=amd64", encode(name), encode(version))
}

fn path(name: &str) -> String {
    name.split('/').map(encode).collect::<Vec<_>>().join("/")
}

/// Percent-encodes all but what the specification leaves as it is.
fn encode(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-_~".contains(&byte);
    let encoded = |byte: u8| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    text.bytes().map(encoded).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_package_urls() {
        let (name, version) = ("@lit/context".to_owned(), "1.1.6".to_owned());
        insta::assert_snapshot!(purl(&What::Npm { name, version, url: None }), @"pkg:npm/%40lit/context@1.1.6");
        let (module, version) = ("example.org/a/b".to_owned(), "v1.2.3+incompatible".to_owned());
        let zip = What::GoZip { module: module.clone(), version: version.clone() };
        insta::assert_snapshot!(purl(&zip), @"pkg:golang/example.org/a/b@v1.2.3%2Bincompatible");
        let file = What::GoMod { module, version };
        insta::assert_snapshot!(purl(&file), @"pkg:golang/example.org/a/b@v1.2.3%2Bincompatible#go.mod");
        insta::assert_snapshot!(debian("g++", "4:15.2.0-4"), @"pkg:deb/debian/g%2B%2B@4%3A15.2.0-4?arch=amd64");
    }
}
