//! The content of the loopback registry: local files by their digests, and a shelf for each ecosystem, which maps the names
//! that clients use to digests. Must not depend on HTTP, nor on an ecosystem.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use akbuild_names::Artifact;
use akbuild_nar::Digest;

use crate::ecosystem::PROTOCOLS;
use crate::protocol::{PackageShelf, RegistryProtocol};
use crate::requested_path::RequestedPath;

/// The content of the loopback registry. The server reads no other files.
#[derive(Debug)]
pub struct Catalogue {
    shelves: Vec<(&'static RegistryProtocol, Box<dyn PackageShelf>)>,
    files: HashMap<Digest, PathBuf>,
}

impl Catalogue {
    /// A catalogue of these artifacts, those of upstream's locks and one's own pins together; `local`
    /// says where the file of a digest is.
    pub fn new(artifacts: &[Artifact], local: impl Fn(&Digest) -> PathBuf) -> Self {
        let mut files = HashMap::new();
        for artifact in artifacts {
            files.entry(artifact.digest).or_insert_with(|| local(&artifact.digest));
        }
        let shelf = |protocol: &'static RegistryProtocol| (protocol, (protocol.shelf)(artifacts));
        Self { shelves: PROTOCOLS.iter().map(shelf).collect(), files }
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

    /// The protocol and the shelf that answer a request. `raw` is the path as it was sent.
    pub(crate) fn shelf(
        &self,
        raw: &str,
        path: Option<&RequestedPath>,
    ) -> Option<(&RegistryProtocol, &dyn PackageShelf)> {
        let in_folder = |protocol: &RegistryProtocol| path.is_some_and(|path| path.folder() == protocol.folder);
        let address = self.shelves.iter().find(|(_, shelf)| shelf.is_address(raw));
        let found = address.or_else(|| self.shelves.iter().find(|(protocol, _)| in_folder(protocol)));
        found.map(|(protocol, shelf)| (*protocol, &**shelf))
    }
}
