//! The GOPROXY protocol: the paths of its requests, and the answers from locked files. Must not depend on `go.mod` or HTTP.

use std::collections::BTreeMap;

use akbuild_names::{Artifact, Ecosystem, GoFileKind, PackageFile, unescape_module};
use akbuild_nar::Digest;
use futures::future::{BoxFuture, FutureExt, ready};
use serde_json::json;

use crate::protocol::{JSON, PackageShelf, RegistryProtocol, RegistryReply, RegistryRequest, TEXT};
use crate::requested_path::RequestedPath;

pub(crate) const PROTOCOL: RegistryProtocol = RegistryProtocol {
    ecosystem: Ecosystem::Go,
    folder: "go",
    route: |path| Some(Box::new(GoRoute::parse(path.below())?)),
    shelf: |artifacts| Box::new(GoShelf::new(artifacts)),
    unpinned: |name| {
        format!(
            "{name} is not among the modules that go.mod and go.sum pin; `akbuild lock` takes it once `go mod tidy` has added it"
        )
    },
    error_body: RegistryProtocol::plain_error,
};

/// A request of go, by its path. All texts are decoded.
#[derive(Clone, Debug, PartialEq, Eq)]
enum GoRoute {
    /// The versions of a module.
    List { module: String },
    /// The metadata of one version.
    Info { module: String, version: String },
    /// The `go.mod` of one version.
    Mod { module: String, version: String },
    /// The zip file of one version.
    Zip { module: String, version: String },
    /// The latest version, which a lock does not know.
    Latest { module: String },
    /// The checksum database, which is not offered.
    Sumdb,
}

impl GoRoute {
    fn parse(rest: &str) -> Option<Self> {
        if rest == "sumdb" || rest.starts_with("sumdb/") {
            return Some(GoRoute::Sumdb);
        }
        if let Some(module) = rest.strip_suffix("/@latest") {
            return Some(GoRoute::Latest { module: unescape_module(module)? });
        }
        let (module, file) = rest.rsplit_once("/@v/")?;
        let module = unescape_module(module).filter(|module| !module.is_empty())?;
        if file == "list" {
            return Some(GoRoute::List { module });
        }
        let (version, ending) = file.rsplit_once('.')?;
        let version = unescape_module(version).filter(|version| !version.is_empty())?;
        match ending {
            "info" => Some(GoRoute::Info { module, version }),
            "mod" => Some(GoRoute::Mod { module, version }),
            "zip" => Some(GoRoute::Zip { module, version }),
            _ => None,
        }
    }
}

/// Locked modules by their paths and versions.
#[derive(Debug, Default)]
struct GoShelf(BTreeMap<String, BTreeMap<String, GoFiles>>);

/// The files of one version of a module.
#[derive(Clone, Debug, Default)]
struct GoFiles {
    module_file: Option<Digest>,
    zip: Option<Digest>,
}

impl GoShelf {
    fn new(artifacts: &[Artifact]) -> Self {
        let mut shelf = Self::default();
        for artifact in artifacts {
            let PackageFile::Go(file) = &artifact.what else { continue };
            let versions = shelf.0.entry(file.module.to_string()).or_default();
            let files = versions.entry(file.version.to_string()).or_default();
            match file.kind {
                GoFileKind::Mod => files.module_file = Some(artifact.digest),
                GoFileKind::Zip => files.zip = Some(artifact.digest),
            }
        }
        shelf
    }

    fn reply(&self, path: &RequestedPath) -> RegistryReply {
        match GoRoute::parse(path.below()) {
            Some(GoRoute::List { module }) => match self.0.get(&module) {
                Some(versions) => RegistryReply::Page(TEXT, list(versions)),
                None => RegistryReply::Unpinned { name: module },
            },
            Some(GoRoute::Info { module, version }) => match self.files(&module, &version) {
                Some(_) => RegistryReply::Page(JSON, json!({ "Version": version }).to_string()),
                None => RegistryReply::Unpinned { name: format!("{module}@{version}") },
            },
            Some(GoRoute::Mod { module, version }) => self.file(&module, &version, TEXT, |files| files.module_file),
            Some(GoRoute::Zip { module, version }) => {
                self.file(&module, &version, "application/zip", |files| files.zip)
            }
            Some(GoRoute::Latest { .. } | GoRoute::Sumdb) | None => RegistryReply::Unknown,
        }
    }

    fn files(&self, module: &str, version: &str) -> Option<&GoFiles> {
        self.0.get(module)?.get(version)
    }

    fn file(
        &self,
        module: &str,
        version: &str,
        kind: &'static str,
        choose: fn(&GoFiles) -> Option<Digest>,
    ) -> RegistryReply {
        let name = format!("{module}@{version}");
        match self.files(module, version).and_then(choose) {
            Some(digest) => RegistryReply::Locked { digest, name, kind },
            None => RegistryReply::Unpinned { name },
        }
    }
}

impl PackageShelf for GoShelf {
    fn answer<'a>(&'a self, request: &'a RegistryRequest<'a>) -> BoxFuture<'a, RegistryReply> {
        ready(request.path.map_or(RegistryReply::Unknown, |path| self.reply(path))).boxed()
    }
}

/// The versions of a module that can be had whole; pseudo-versions are never listed.
fn list(versions: &BTreeMap<String, GoFiles>) -> String {
    let whole = versions.iter().filter(|(_, files)| files.zip.is_some());
    whole.filter(|(version, _)| !is_pseudo(version)).map(|(version, _)| format!("{version}\n")).collect()
}

/// `v0.0.0-20210101000000-abcdefabcdef`: ends in a time of 14 digits and 12 digits of a commit.
fn is_pseudo(version: &str) -> bool {
    let Some((rest, commit)) = version.rsplit_once('-') else { return false };
    let time = rest.rsplit(['-', '.']).next().unwrap_or_default();
    let commit = commit.split('+').next().unwrap_or_default();
    commit.len() == 12 && time.len() == 14 && time.bytes().all(|b| b.is_ascii_digit())
}
