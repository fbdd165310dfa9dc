//! The simple API of a Python index (PEP 503, PEP 691): the paths of its requests, and the answers from locked files and, while
//! locking, from an index outside. Must not depend on the format of locks or on HTTP.

use std::collections::{BTreeMap, HashMap};

use akbuild_names::{Artifact, Ecosystem, PackageFile, normalise};
use akbuild_nar::Digest;
use futures::future::{BoxFuture, FutureExt};

use super::{IndexFile, pages};
use crate::protocol::{BYTES, PackageShelf, RegistryProtocol, RegistryReply, RegistryRequest, digest_and_file};

const SIMPLE_JSON: &str = "application/vnd.pypi.simple.v1+json";
const HTML: &str = "text/html; charset=utf-8";
/// The time of the upload of a pinned file. Whoever pinned it knew whether it was too new (`exclude-newer`), and uv
/// passes over files without a time if there is such a limit.
const PINNED: &str = "1980-01-01T00:00:00Z";

pub(crate) const PROTOCOL: RegistryProtocol = RegistryProtocol {
    ecosystem: Ecosystem::Python,
    folder: "pypi",
    route: |path| Some(Box::new(PythonRoute::parse(path.below())?)),
    shelf: |artifacts| Box::new(PythonShelf::new(artifacts)),
    unpinned: |name| {
        format!("{name} is in neither uv.lock nor akbuild.lock; `akbuild lock` pins it, or `uv lock` upstream")
    },
    error_body: RegistryProtocol::plain_error,
};

/// A request of a Python client, by its path. All texts are decoded.
#[derive(Clone, Debug, PartialEq, Eq)]
enum PythonRoute {
    /// The list of all projects.
    Index,
    /// A project's page; the name is normalised.
    Page { name: String },
    /// A file of a project, by its digest and its name.
    File { hex: String, file: String },
}

impl PythonRoute {
    fn parse(rest: &str) -> Option<Self> {
        if let Some(rest) = rest.strip_prefix("simple") {
            let name = rest.strip_prefix('/').unwrap_or(rest).trim_end_matches('/');
            if name.is_empty() {
                return (rest.is_empty() || rest == "/").then_some(PythonRoute::Index);
            }
            let plain = name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b));
            return (plain && rest.starts_with('/')).then(|| PythonRoute::Page { name: normalise(name) });
        }
        let (hex, file) = digest_and_file(rest.strip_prefix("files/")?)?;
        Some(PythonRoute::File { hex: hex.to_owned(), file: file.to_owned() })
    }
}

/// Locked files by project, and by digest and name.
#[derive(Debug, Default)]
struct PythonShelf {
    projects: BTreeMap<String, BTreeMap<String, Digest>>,
    files: HashMap<(String, String), Digest>,
}

impl PythonShelf {
    fn new(artifacts: &[Artifact]) -> Self {
        let mut shelf = Self::default();
        for artifact in artifacts {
            let PackageFile::Python(what) = &artifact.what else { continue };
            let (digest, file) = (artifact.digest, what.file.to_string());
            shelf.files.insert((digest.hex(), file.clone()), digest);
            shelf.projects.entry(what.name.to_string()).or_default().insert(file, digest);
        }
        shelf
    }

    async fn reply(&self, request: &RegistryRequest<'_>) -> RegistryReply {
        match request.path.and_then(|path| PythonRoute::parse(path.below())) {
            Some(PythonRoute::Index) => {
                RegistryReply::Page(HTML, pages::index_html(self.projects.keys().map(String::as_str)))
            }
            Some(PythonRoute::Page { name }) => self.page(name, request).await,
            Some(PythonRoute::File { hex, file }) => self.file(hex, file, request).await,
            None => RegistryReply::Unknown,
        }
    }

    async fn page(&self, name: String, request: &RegistryRequest<'_>) -> RegistryReply {
        let locked = self.projects.get(&name).into_iter().flatten();
        let entry = |(file, digest): (&String, &Digest)| {
            let (file, sha256, upload_time) = (file.clone(), digest.hex(), Some(PINNED.to_owned()));
            IndexFile { file, sha256, upload_time, ..IndexFile::default() }
        };
        let mut files: Vec<IndexFile> = locked.map(entry).collect();
        if let Some(outside) = request.outside {
            match outside.page(&name).await {
                Ok(outside) => files = pages::merged(files, &outside),
                Err(error) => return RegistryReply::Failed { name, error },
            }
        }
        if files.is_empty() {
            return RegistryReply::Unpinned { name };
        }
        if request.accepts.iter().any(|kind| kind.starts_with(SIMPLE_JSON)) {
            return RegistryReply::Page(SIMPLE_JSON, pages::simple_json(&name, &files).to_string());
        }
        RegistryReply::Page(HTML, pages::simple_html(&name, &files))
    }

    async fn file(&self, hex: String, file: String, request: &RegistryRequest<'_>) -> RegistryReply {
        let key = (hex, file);
        let locked = self.files.get(&key).copied();
        let (hex, name) = key;
        if let Some(digest) = locked {
            return RegistryReply::Locked { digest, name, kind: BYTES };
        }
        let outside = match request.outside {
            Some(outside) => outside.file(&hex, &name).await,
            None => None,
        };
        match outside {
            None => RegistryReply::Unpinned { name },
            Some(Err(error)) => RegistryReply::Failed { name, error },
            Some(Ok(path)) => RegistryReply::Fetched { path, hex, name },
        }
    }
}

impl PackageShelf for PythonShelf {
    fn answer<'a>(&'a self, request: &'a RegistryRequest<'a>) -> BoxFuture<'a, RegistryReply> {
        self.reply(request).boxed()
    }
}
