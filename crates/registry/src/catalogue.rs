//! What the loopback registry serves: files by the names under which clients ask for them. Knows
//! names, digests and local paths; knows nothing of HTTP.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use akbuild_nar::{Algo, Digest};

use crate::{Artifact, What, npm};

/// What the loopback registry serves. Only files in it are ever read.
#[derive(Debug, Default)]
pub struct Catalogue {
    npm: BTreeMap<String, BTreeMap<String, NpmFile>>,
    /// Tarballs by the paths of addresses that locks keep as they are.
    npm_kept: HashMap<String, Digest>,
    python: BTreeMap<String, BTreeMap<String, Digest>>,
    python_files: HashMap<(String, String), Digest>,
    go: BTreeMap<String, BTreeMap<String, GoFiles>>,
    files: HashMap<Digest, PathBuf>,
}

/// A tarball of an npm package: its path in the loopback registry, and its digest.
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
                let path = npm::tarball_path(artifact);
                if let Some(url) = url {
                    self.npm_kept.entry(npm::kept_path(url)).or_insert(digest);
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

    /// A tarball at an address that a lock keeps, by the path of a request. npm puts the path of its registry in
    /// front of the address's own, unless that begins with the same.
    pub(crate) fn npm_kept(&self, asked: &str) -> Option<Digest> {
        let below = asked.strip_prefix("/npm").filter(|rest| rest.starts_with('/'));
        below.and_then(|below| self.npm_kept.get(below)).or_else(|| self.npm_kept.get(asked)).copied()
    }

    /// A tarball by the hex digits of its digest.
    pub(crate) fn npm_file(&self, hex: &str) -> Option<Digest> {
        let digests = [Algo::Sha256, Algo::Sha512].into_iter().filter_map(|algo| Digest::from_hex(algo, hex).ok());
        digests.into_iter().find(|digest| self.files.contains_key(digest))
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
