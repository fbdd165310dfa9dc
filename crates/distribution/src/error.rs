//! What can go wrong between this machine and a registry. Knows the words of the messages only.

use std::io;
use std::path::{Path, PathBuf};

use akbuild_image::Platform;
use akbuild_nar::Digest;

use crate::{ReferenceError, Refusal};

/// Why something could not be pushed, attached or pulled.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DistributionError {
    /// The HTTP client could not be set up.
    #[error("cannot set up the HTTP client: {0}\n  help: check the CA bundle (SSL_CERT_FILE) and the proxy variables")]
    Setup(String),
    /// A reference that is none.
    #[error(transparent)]
    Reference(#[from] ReferenceError),
    /// A reference that does not say which image of the repository.
    #[error("`{reference}` has neither a tag nor a digest\n  help: write the tag behind it: `{reference}:1.0`")]
    NoTag {
        /// The reference.
        reference: String,
    },
    /// Manifest and blobs that do not belong together.
    #[error("the image does not fit together: {problem}\n  help: build the image again")]
    Image {
        /// What does not fit.
        problem: String,
    },
    /// A file that is not what the manifest says.
    #[error(
        "{} is not what the image's manifest says\n  expected {expected}\n     found {found}\n  help: build the image again, and leave its files alone until they are pushed",
        path.display()
    )]
    Changed {
        /// The file.
        path: PathBuf,
        /// Size or digest in the manifest.
        expected: String,
        /// Size or digest of the file.
        found: String,
    },
    /// A reference with the digest of another image than the one that is pushed.
    #[error(
        "`{reference}` has the digest of another image\n  expected {}\n     found {}\n  help: leave out the digest to push this image",
        expected.oci(),
        found.oci()
    )]
    OtherDigest {
        /// The reference.
        reference: String,
        /// The digest in it.
        expected: Digest,
        /// The digest of what is pushed.
        found: Digest,
    },
    /// The tag stands for something else.
    #[error(
        "the tag `{reference}` stands for something else already\n  expected {}\n     found {}\n  help: take another tag, or move this one with `--force`: what is deployed by it changes then",
        ours.oci(),
        there.oci()
    )]
    TagTaken {
        /// The tag.
        reference: String,
        /// What it stands for in the registry.
        there: Digest,
        /// What is pushed.
        ours: Digest,
    },
    /// The tag is not what was written to it just now.
    #[error(
        "the tag `{reference}` is not what was pushed to it just now\n  expected {}\n     found {}\n  help: somebody else pushes to this tag: find out who, then push again",
        ours.oci(),
        there.map_or("no such tag".to_owned(), |d| d.oci())
    )]
    TagMoved {
        /// The tag.
        reference: String,
        /// What it stands for now.
        there: Option<Digest>,
        /// What was pushed.
        ours: Digest,
    },
    /// No answer.
    #[error(
        "cannot {doing}: {at}: {reason}\n  help: check the address, the connection and the proxy variables, then run the same again: what is complete is not moved twice"
    )]
    Unreachable {
        /// What was tried: `upload blob sha256:4f5a…`.
        doing: String,
        /// Whom was asked, without secrets.
        at: String,
        /// What happened.
        reason: String,
    },
    /// An answer that is no success.
    #[error("cannot {doing}: {at} answers {}{}\n  help: {}", refusal.status_line(), said(refusal), next(refusal, from))]
    Refused {
        /// What was tried.
        doing: String,
        /// Whom was asked, without secrets.
        at: String,
        /// What it says.
        refusal: Refusal,
        /// Where the credentials came from that were used, if any were.
        from: Option<String>,
    },
    /// An answer that is no answer to the question.
    #[error("cannot {doing}: the answer of {at} {problem}\n  help: find out whether a registry runs at this address")]
    Protocol {
        /// What was tried.
        doing: String,
        /// Whom was asked, without secrets.
        at: String,
        /// What is wrong with the answer.
        problem: String,
    },
    /// Credentials or content would go unencrypted over the network.
    #[error(
        "cannot {doing}: the registry sends to {to}, which is not encrypted\n  help: have the registry's operator correct the address; or allow plain HTTP to this host if the network is yours"
    )]
    Plain {
        /// What was tried.
        doing: String,
        /// The address, without secrets.
        to: String,
    },
    /// Credentials are asked for, and there are none.
    #[error(
        "{host} asks for credentials, and there are none for {name}{}\n  help: log in to {host} with a container tool (`podman login`, `docker login`), or set the variables",
        lines(looked)
    )]
    NoCredentials {
        /// The registry.
        host: String,
        /// The repository.
        name: String,
        /// Where was looked, and what was found there, in order.
        looked: Vec<String>,
    },
    /// Credentials that the registry does not take.
    #[error(
        "{host} does not accept the credentials for {name}\n  they come from {from}\n  {host} says: {said}\n  help: correct them there, or log in again; they may have expired, or lack the right"
    )]
    Rejected {
        /// The registry.
        host: String,
        /// The repository.
        name: String,
        /// Where the credentials came from.
        from: String,
        /// The answer, in one line.
        said: String,
    },
    /// A file with credentials that cannot be used.
    #[error("{}: {problem}\n  help: correct the file, or log in again", file.display())]
    AuthFile {
        /// The file.
        file: PathBuf,
        /// What is wrong with it; nothing of its content.
        problem: String,
    },
    /// A credential helper that does not do what it should.
    #[error(
        "the credential helper `{program}` gives no credentials for {host}: {problem}\n  it is named in {}\n  help: run `echo {host} | {program} get` to see what it does, or take it out of the file",
        file.display()
    )]
    Helper {
        /// The program.
        program: String,
        /// The registry.
        host: String,
        /// The file that names the helper.
        file: PathBuf,
        /// What is wrong; nothing of what it wrote to its standard output.
        problem: String,
    },
    /// The registry has no such image.
    #[error(
        "the registry has no `{reference}`{}\n  help: check name and tag; if the repository is private, log in first",
        said(refusal)
    )]
    NotFound {
        /// The reference.
        reference: String,
        /// What the registry says.
        refusal: Refusal,
    },
    /// An index without an image for the platform.
    #[error("`{reference}` has no image for {wanted}: {}\n  help: take an image that has one", platforms(there))]
    Platform {
        /// The reference.
        reference: String,
        /// What was wanted.
        wanted: Platform,
        /// What there is.
        there: Vec<Platform>,
    },
    /// A manifest of a form that is not known.
    #[error(
        "the manifest of `{reference}` has the media type `{found}`\n  expected an image of the OCI, or of Docker's schema 2\n  help: push the image again with a newer tool"
    )]
    MediaType {
        /// The reference.
        reference: String,
        /// The type.
        found: String,
    },
    /// A manifest that does not hold what it should.
    #[error("the manifest of `{reference}` cannot be used: {problem}\n  help: push the image again with a newer tool")]
    Manifest {
        /// The reference.
        reference: String,
        /// What is wrong with it.
        problem: String,
    },
    /// Bytes that are not what was asked for.
    #[error(
        "{what} of {at} is not what it should be\n  expected {expected}\n     found {found}\n  help: the registry, or a proxy on the way, is damaged; tell its operator"
    )]
    WrongBytes {
        /// What was asked for: `blob sha256:4f5a…`.
        what: String,
        /// From whom.
        at: String,
        /// Digest or size that it must have.
        expected: String,
        /// Digest or size of what came.
        found: String,
    },
    /// The tag that should hold the list of referrers stands for the image itself.
    #[error(
        "the registry takes the tag `{tag}` for the image itself, and keeps no list of what is attached to it\n  help: keep what should be attached in files; leave the tag alone, since it is the image"
    )]
    ReferrersTagIsImage {
        /// The tag.
        tag: String,
    },
    /// The tag that should hold the list of referrers holds something else.
    #[error(
        "the tag `{tag}` should be a list of what is attached to the image, and is {found}\n  help: find out who made the tag and what for; nothing can be attached to the image while the tag is something else"
    )]
    ReferrersTag {
        /// The tag.
        tag: String,
        /// Its media type, or what is wrong with it.
        found: String,
    },
    /// The list of referrers changes faster than it can be written.
    #[error(
        "the tag `{tag}` was changed by somebody else each of the {tries} times that it was written\n  help: attach once the others are done"
    )]
    ReferrersRace {
        /// The tag.
        tag: String,
        /// How often it was tried.
        tries: u32,
    },
    /// Another pull writes the folder.
    #[error("another pull writes {}\n  help: wait for its end, or take another folder", path.display())]
    Busy {
        /// The file that it writes.
        path: PathBuf,
    },
    /// A file of a layout.
    #[error(transparent)]
    Tree(#[from] akbuild_tree::TreeError),
    /// A local file operation.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

impl DistributionError {
    /// For `map_err` on local file operations.
    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { action, path, source }
    }

    /// The same error, with the line of an earlier refusal that says something else.
    pub(crate) fn after(mut self, earlier: Option<String>) -> Self {
        if let Self::Refused { refusal, .. } = &mut self {
            refusal.earlier = earlier.filter(|earlier| *earlier != refusal.line());
        }
        self
    }
}

/// Each error of a registry's answer on a line of its own.
fn said(refusal: &Refusal) -> String {
    let now = refusal.said.iter().map(|said| format!("\n  it says: {said}"));
    now.chain(refusal.earlier.iter().map(|earlier| format!("\n  it said before: {earlier}"))).collect()
}

fn lines(looked: &[String]) -> String {
    looked.iter().map(|line| format!("\n  {line}")).collect()
}

fn platforms(there: &[Platform]) -> String {
    let names: Vec<String> = there.iter().map(ToString::to_string).collect();
    if names.is_empty() { "it names no platform".to_owned() } else { format!("it has {}", names.join(", ")) }
}

/// What to do about an answer.
fn next(refusal: &Refusal, from: &Option<String>) -> String {
    if refusal.is_full() {
        return "make room on the registry's disk, then push again: what is complete is not sent twice".to_owned();
    }
    match refusal.status {
        300..400 => {
            "the registry redirects to no address that can be followed; have its operator correct that".to_owned()
        }
        401 | 403 => match from {
            Some(from) => format!("the credentials come from {from}; have them given the right, or take others"),
            None => "no credentials were asked for; log in, or have the registry's operator give the right".to_owned(),
        },
        404 | 400 if refusal.has("MANIFEST_BLOB_UNKNOWN") => {
            "the registry has lost what was pushed just now; run the same again, and have its operator told".to_owned()
        }
        404 if refusal.has("BLOB_UNKNOWN") => "the registry has only a part of the image; push it again".to_owned(),
        404 if refusal.has("BLOB_UPLOAD_UNKNOWN") => {
            "the registry forgets uploads; its log, or that of what stands in front of it, may say why".to_owned()
        }
        404 if refusal.has("NAME_UNKNOWN") => {
            "check the name; some registries want a repository to be made first".to_owned()
        }
        404 | 405 | 501 => {
            "check that a registry of the OCI distribution specification runs at this address".to_owned()
        }
        413 => {
            "the registry, or a proxy in front of it, limits the size of a request; have the limit raised".to_owned()
        }
        429 => "wait, then run the same again: what is complete is not moved twice".to_owned(),
        status if status >= 500 => {
            "look into the registry's log, then run the same again: what is complete is not moved twice".to_owned()
        }
        _ => "the registry's own words say what it expects; its log may say more".to_owned(),
    }
}

#[cfg(test)]
mod tests;
