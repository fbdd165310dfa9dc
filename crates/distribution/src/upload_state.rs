//! One blob on its way to a registry, and what has happened to it so far. Sends nothing: `upload.rs` does, and `adapt.rs`
//! decides what a refusal changes.

use akbuild_nar::Digest;
use url::Url;

use crate::habits::UploadWays;
use crate::mount::Source;
use crate::piece::UploadPiece;
use crate::repository::Repository;
use crate::retry::Tries;
use crate::trouble::Trouble;
use crate::{Blob, Moved};

/// A blob that is pushed.
pub(crate) struct Upload<'a> {
    pub(crate) repository: &'a Repository<'a>,
    pub(crate) blob: &'a Blob,
    pub(crate) sources: &'a [Source],
    /// Whether the registry is believed that it has the blob, or can mount it.
    pub(crate) believes: bool,
    /// How many bytes are sent in one request, unless the registry takes less.
    pub(crate) chunk: u64,
    /// The registry's smallest chunk.
    pub(crate) minimum: u64,
    pub(crate) tries: Tries,
    /// Where the bytes go, if an upload is open.
    pub(crate) to: Option<Url>,
    /// Bytes have been sent.
    pub(crate) begun: bool,
    pub(crate) ways: UploadWays,
    pub(crate) setbacks: Setbacks,
}

/// What is done next.
pub(crate) enum Step {
    Find,
    Resume,
    Send { from: u64 },
}

/// How a step ends.
pub(crate) enum Next {
    Step(Step),
    Done(Moved),
}

/// What has gone wrong with an upload so far.
#[derive(Debug, Default)]
pub(crate) struct Setbacks {
    /// The first refusal that another way of sending followed, in one line.
    pub(crate) first: Option<String>,
    /// The piece that did not fit, while the registry is asked how far it is.
    pub(crate) unfit: Option<(Trouble, UploadPiece)>,
    /// Where a piece last did not fit.
    pub(crate) unfit_at: Option<u64>,
    /// Where a request last failed in a way that may pass.
    pub(crate) stumbled_at: Option<u64>,
    /// Where the upload last got lost.
    pub(crate) lost_at: Option<u64>,
    /// The registry has once had other bytes than were sent.
    pub(crate) damaged: bool,
}

impl<'a> Upload<'a> {
    pub(crate) fn new(repository: &'a Repository<'a>, blob: &'a Blob, sources: &'a [Source], chunk: u64) -> Self {
        Self {
            repository,
            blob,
            sources,
            believes: true,
            chunk: chunk.max(1),
            minimum: 0,
            tries: Tries::new(&repository.context.config),
            to: None,
            begun: false,
            ways: UploadWays::default(),
            setbacks: Setbacks::default(),
        }
    }

    /// Sends the bytes even if the registry says that it has the blob.
    pub(crate) fn unbelieving(self) -> Self {
        Self { believes: false, ..self }
    }

    pub(crate) fn digest(&self) -> Digest {
        self.blob.descriptor.digest
    }

    pub(crate) fn size(&self) -> u64 {
        self.blob.descriptor.size
    }
}
