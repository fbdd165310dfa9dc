//! npm's registry protocol: the paths of its requests, and the answers from locked tarballs. Must not depend on the format
//! of locks or on HTTP.

use std::collections::{BTreeMap, HashMap, HashSet};

use akbuild_names::{Artifact, Ecosystem, PackageFile};
use akbuild_nar::{Algo, Digest};
use futures::future::{BoxFuture, FutureExt, ready};
use serde_json::{Map, Value, json};

use super::rewrite::{kept_path, tarball_path};
use crate::protocol::{BYTES, JSON, PackageShelf, RegistryProtocol, RegistryReply, RegistryRequest, digest_and_file};
use crate::requested_path::RequestedPath;

pub(crate) const PROTOCOL: RegistryProtocol = RegistryProtocol {
    ecosystem: Ecosystem::Npm,
    folder: "npm",
    route: |path| Some(Box::new(NpmRoute::parse(path)?)),
    shelf: |artifacts| Box::new(NpmShelf::new(artifacts)),
    unpinned: |name| format!("{name} is in no locked package-lock.json; `akbuild lock` pins it once it is in one"),
    // npm prints the `error` of a JSON body.
    error_body: |message| (JSON, json!({ "error": message }).to_string()),
};

/// A request of npm, by its path. All texts are decoded.
#[derive(Clone, Debug, PartialEq, Eq)]
enum NpmRoute {
    /// The description of a package.
    Packument { name: String },
    /// A tarball by its digest; the name of the file does not matter.
    File { hex: String, file: String },
    /// A tarball by the whole path of an address, as a lock or a `package.json` writes it.
    Address { path: String },
    /// One of npm's services (`/-/...`: audits, pings), none of which exist here.
    Service,
}

impl NpmRoute {
    /// Pages are named by packages, of which one may be called `-`; everything in the folder `-` is not a page.
    fn parse(path: &RequestedPath) -> Option<Self> {
        let rest = path.below();
        if let Some(file) = rest.strip_prefix("-/files/") {
            let (hex, file) = digest_and_file(file)?;
            return Some(NpmRoute::File { hex: hex.to_owned(), file: file.to_owned() });
        }
        if rest.starts_with("-/") {
            return Some(NpmRoute::Service);
        }
        let parts: Vec<&str> = rest.trim_end_matches('/').split('/').collect();
        match parts[..] {
            [name] if !name.is_empty() && !name.starts_with('@') => Some(NpmRoute::Packument { name: name.to_owned() }),
            [scope, name] if scope.starts_with('@') && !name.is_empty() => {
                Some(NpmRoute::Packument { name: format!("{scope}/{name}") })
            }
            [""] | [_] => None,
            _ => Some(NpmRoute::Address { path: path.whole.clone() }),
        }
    }
}

/// Locked tarballs by the names and paths under which npm asks for them.
#[derive(Debug, Default)]
struct NpmShelf {
    packages: BTreeMap<String, BTreeMap<String, NpmFile>>,
    /// Tarballs by the paths of addresses that locks keep as they are.
    kept: HashMap<String, Digest>,
    digests: HashSet<Digest>,
}

/// A tarball: its path in the loopback registry, and its digest.
#[derive(Clone, Debug)]
struct NpmFile {
    path: String,
    digest: Digest,
}

impl NpmShelf {
    fn new(artifacts: &[Artifact]) -> Self {
        let mut shelf = Self::default();
        for artifact in artifacts {
            let PackageFile::Npm(tarball) = &artifact.what else { continue };
            let digest = artifact.digest;
            if let Some(url) = &tarball.url {
                shelf.kept.entry(kept_path(url)).or_insert(digest);
            }
            let file = NpmFile { path: tarball_path(&digest, tarball), digest };
            let versions = shelf.packages.entry(tarball.name.to_string()).or_default();
            versions.insert(tarball.version.to_string(), file);
            shelf.digests.insert(digest);
        }
        shelf
    }

    /// A tarball at an address that a lock keeps, by the path of a request. npm puts the path of its registry in
    /// front of the address's own, unless that begins with the same.
    fn kept(&self, asked: &str) -> Option<Digest> {
        let below = asked.strip_prefix("/npm").filter(|rest| rest.starts_with('/'));
        below.and_then(|below| self.kept.get(below)).or_else(|| self.kept.get(asked)).copied()
    }

    /// A tarball by the hex digits of its digest.
    fn file(&self, hex: &str) -> Option<Digest> {
        let digests = [Algo::Sha256, Algo::Sha512].into_iter().filter_map(|algo| Digest::from_hex(algo, hex).ok());
        digests.into_iter().find(|digest| self.digests.contains(digest))
    }

    fn reply(&self, request: &RegistryRequest<'_>) -> RegistryReply {
        if let Some(digest) = self.kept(request.raw) {
            return RegistryReply::Locked { digest, name: package_of(request.raw), kind: BYTES };
        }
        match request.path.and_then(NpmRoute::parse) {
            Some(NpmRoute::Packument { name }) => match self.packages.get(&name) {
                Some(versions) => RegistryReply::Page(JSON, packument(&name, versions, &request.base).to_string()),
                None => RegistryReply::Unpinned { name },
            },
            Some(NpmRoute::File { hex, file }) => match self.file(&hex) {
                Some(digest) => RegistryReply::Locked { digest, name: file, kind: BYTES },
                None => RegistryReply::Unpinned { name: file },
            },
            Some(NpmRoute::Address { path }) => RegistryReply::Unpinned { name: package_of(&path) },
            Some(NpmRoute::Service) | None => RegistryReply::Unknown,
        }
    }
}

impl PackageShelf for NpmShelf {
    fn answer<'a>(&'a self, request: &'a RegistryRequest<'a>) -> BoxFuture<'a, RegistryReply> {
        ready(self.reply(request)).boxed()
    }

    fn is_address(&self, raw: &str) -> bool {
        self.kept(raw).is_some()
    }

    fn is_service(&self, request: &RegistryRequest<'_>) -> bool {
        self.kept(request.raw).is_none() && request.path.and_then(NpmRoute::parse) == Some(NpmRoute::Service)
    }
}

/// `left-pad@1.3.0` of `/left-pad/-/left-pad-1.3.0.tgz`; the path itself where it is not such a one.
fn package_of(path: &str) -> String {
    let path = path.strip_prefix("/npm").filter(|rest| rest.starts_with('/')).unwrap_or(path);
    let named = path.split_once("/-/").and_then(|(name, file)| {
        let name = name.trim_start_matches('/');
        let short = name.rsplit('/').next()?;
        let version = file.strip_suffix(".tgz")?.strip_prefix(short)?.strip_prefix('-')?;
        Some(format!("{name}@{version}"))
    });
    named.unwrap_or_else(|| path.to_owned())
}

/// The description of a package, with the locked versions only; `base` is the address that the client used for this
/// server.
fn packument(name: &str, versions: &BTreeMap<String, NpmFile>, base: &str) -> Value {
    let entry = |(version, file): (&String, &NpmFile)| {
        let tarball = format!("{base}{}", file.path);
        let dist = json!({ "tarball": tarball, "integrity": file.digest.to_string() });
        (version.clone(), json!({ "name": name, "version": version, "dist": dist }))
    };
    let latest = versions.keys().max_by_key(|text| semver_key(text));
    let versions: Map<String, Value> = versions.iter().map(entry).collect();
    json!({ "name": name, "dist-tags": { "latest": latest }, "versions": versions })
}

/// Orders semantic versions well enough to say which is the latest: by numbers, releases last.
fn semver_key(text: &str) -> (Vec<u64>, bool, String) {
    let text = text.split('+').next().unwrap_or(text);
    let (numbers, pre) = text.split_once('-').unwrap_or((text, ""));
    (numbers.split('.').map(|n| n.parse().unwrap_or(0)).collect(), pre.is_empty(), pre.to_owned())
}
