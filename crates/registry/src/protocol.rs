//! The interface between the loopback registry and an ecosystem: each ecosystem's own folder makes one [`RegistryProtocol`].
//! The server, the catalogue and the messages know these types only, so that a protocol is added in one place.
//!
//! Must not depend on HTTP, nor on an ecosystem.

use std::fmt;
use std::path::PathBuf;

use akbuild_names::{Artifact, Ecosystem};
use akbuild_nar::Digest;
use futures::future::BoxFuture;

use crate::requested_path::RequestedPath;
use crate::upstream::Remembered;

/// The media type of files without one of their own.
pub(crate) const BYTES: &str = "application/octet-stream";
pub(crate) const JSON: &str = "application/json";
pub(crate) const TEXT: &str = "text/plain; charset=utf-8";

/// The registry protocol of one ecosystem.
#[derive(Debug)]
pub(crate) struct RegistryProtocol {
    pub(crate) ecosystem: Ecosystem,
    /// The first folder of all paths: `npm`.
    pub(crate) folder: &'static str,
    /// Parses a path, for messages and tests; `None` if the protocol has no such path.
    pub(crate) route: fn(&RequestedPath) -> Option<Box<dyn fmt::Debug>>,
    /// Makes the shelf of those artifacts that are files of the ecosystem.
    pub(crate) shelf: fn(&[Artifact]) -> Box<dyn PackageShelf>,
    /// The message about a package that no lock names, with the next step.
    pub(crate) unpinned: fn(&str) -> String,
    /// The media type and the body of an error, in the form that the client prints.
    pub(crate) error_body: fn(&str) -> (&'static str, String),
}

/// The files of one ecosystem that the registry serves.
pub(crate) trait PackageShelf: fmt::Debug + Send + Sync {
    /// Answers a GET or HEAD request.
    fn answer<'a>(&'a self, request: &'a RegistryRequest<'a>) -> BoxFuture<'a, RegistryReply>;

    /// Whether a path, as it was sent, names a file that is also served outside the protocol's folder.
    fn is_address(&self, _raw: &str) -> bool {
        false
    }

    /// Whether a request is for a service that does not exist here, whatever its method.
    fn is_service(&self, _request: &RegistryRequest<'_>) -> bool {
        false
    }
}

/// A request, as far as answers depend on it.
pub(crate) struct RegistryRequest<'a> {
    /// The path as it was sent.
    pub(crate) raw: &'a str,
    /// The decoded path; `None` if it is malformed.
    pub(crate) path: Option<&'a RequestedPath>,
    /// The address that the client used for this server.
    pub(crate) base: String,
    /// The media types that the client accepts.
    pub(crate) accepts: Vec<&'a str>,
    /// An index outside, which has the packages that no lock names.
    pub(crate) outside: Option<&'a Remembered>,
}

/// An answer.
pub(crate) enum RegistryReply {
    /// A page of this media type.
    Page(&'static str, String),
    /// A file of the catalogue.
    Locked { digest: Digest, name: String, kind: &'static str },
    /// A file that came from outside, with its digest verified.
    Fetched { path: PathBuf, hex: String, name: String },
    /// No lock names it.
    Unpinned { name: String },
    /// The index outside could not be asked for it.
    Failed { name: String, error: String },
    /// There is no such page.
    Unknown,
}

impl RegistryProtocol {
    /// An error as plain text.
    pub(crate) fn plain_error(message: &str) -> (&'static str, String) {
        (TEXT, format!("{message}\n"))
    }
}

/// A part of a path that is a digest in lower-case hex digits, and the name of a file that follows.
pub(crate) fn digest_and_file(path: &str) -> Option<(&str, &str)> {
    let (hex, file) = path.split_once('/')?;
    let is_hex = !hex.is_empty() && hex.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    (is_hex && !file.is_empty() && !file.contains('/')).then_some((hex, file))
}
