//! What the loopback registry serves: files by the names under which clients ask for them. Knows
//! names, digests and local paths; knows nothing of HTTP.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use akbuild_nar::Digest;

use crate::{Artifact, What};
use akbuild_names::{NpmPackageName, percent_decode};

/// What the loopback registry serves. Only files in it are ever read.
#[derive(Debug, Default)]
pub struct Catalogue {
    npm: BTreeMap<String, BTreeMap<String, NpmFile>>,
    npm_paths: HashMap<String, Digest>,
    python: BTreeMap<String, BTreeMap<String, Digest>>,
    python_files: HashMap<(String, String), Digest>,
    go: BTreeMap<String, BTreeMap<String, GoFiles>>,
    files: HashMap<Digest, PathBuf>,
}

/// A tarball of an npm package: its path below the registry, starting with `/`, and its digest.
#[derive(Clone, Debug)]
pub(crate) struct NpmFile {
    pub(crate) path: String,
    pub(crate) digest: Digest,
}

/// The files of one version of a Go module.
#[derive(Clone, Debug, Default)]
pub(crate) struct GoFiles {
    pub(crate) module_file: Option<Digest>,
    pub(crate) zip: Option<Digest>,
}

impl Catalogue {
    /// A catalogue of these artifacts, those of upstream's locks and one's own pins together; `local`
    /// says where the file of a digest is.
    pub fn new(artifacts: &[Artifact], local: impl Fn(&Digest) -> PathBuf) -> Self {
        let mut catalogue = Self::default();
        for artifact in artifacts {
            catalogue.add(artifact);
            catalogue.files.entry(artifact.digest).or_insert_with(|| local(&artifact.digest));
        }
        catalogue
    }

    fn add(&mut self, artifact: &Artifact) {
        let digest = artifact.digest;
        match &artifact.what {
            What::Npm { name, version, url } => {
                let path = npm_path(name, version);
                self.npm_paths.entry(path.clone()).or_insert(digest);
                if let Some(own) = url.as_deref().and_then(url_path) {
                    self.npm_paths.insert(own, digest);
                }
                self.npm.entry(name.to_string()).or_default().insert(version.to_string(), NpmFile { path, digest });
            }
            What::Python { name, file, .. } => {
                self.python_files.insert((digest.hex(), file.to_string()), digest);
                self.python.entry(name.to_string()).or_default().insert(file.to_string(), digest);
            }
            What::GoMod { module, version } => self.go_files(module, version).module_file = Some(digest),
            What::GoZip { module, version } => self.go_files(module, version).zip = Some(digest),
        }
    }

    fn go_files(&mut self, module: &str, version: &str) -> &mut GoFiles {
        self.go.entry(module.to_owned()).or_default().entry(version.to_owned()).or_default()
    }

    /// Where the file of a digest is; `None`: it is not served.
    pub fn local(&self, digest: &Digest) -> Option<&Path> {
        self.files.get(digest).map(PathBuf::as_path)
    }

    /// How many files are served.
    pub fn len(&self) -> usize {
        self.files.len()
    }

    /// Whether nothing is served.
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    pub(crate) fn npm_versions(&self, name: &str) -> Option<&BTreeMap<String, NpmFile>> {
        self.npm.get(name)
    }

    /// A tarball by the path of a request, below `/npm` or not.
    pub(crate) fn npm_file(&self, path: &str) -> Option<Digest> {
        let below = path.strip_prefix("/npm").filter(|rest| rest.starts_with('/'));
        self.npm_paths.get(path).or_else(|| self.npm_paths.get(below?)).copied()
    }

    pub(crate) fn python_names(&self) -> impl Iterator<Item = &str> {
        self.python.keys().map(String::as_str)
    }

    pub(crate) fn python_files(&self, name: &str) -> Option<&BTreeMap<String, Digest>> {
        self.python.get(name)
    }

    pub(crate) fn python_file(&self, hex: &str, file: &str) -> Option<Digest> {
        self.python_files.get(&(hex.to_owned(), file.to_owned())).copied()
    }

    pub(crate) fn go_versions(&self, module: &str) -> Option<&BTreeMap<String, GoFiles>> {
        self.go.get(module)
    }

    pub(crate) fn go_version(&self, module: &str, version: &str) -> Option<&GoFiles> {
        self.go.get(module)?.get(version)
    }
}

/// `/@s/name/-/name-1.0.0.tgz`: where every npm registry has a tarball.
fn npm_path(name: &NpmPackageName, version: &str) -> String {
    format!("/{name}/-/{}-{version}.tgz", name.bare_name())
}

/// The decoded path of an address.
fn url_path(url: &str) -> Option<String> {
    let (_, rest) = url.split_once("://")?;
    let path = &rest[rest.find('/')?..];
    percent_decode(path.split(['?', '#']).next()?).map(std::borrow::Cow::into_owned)
}
