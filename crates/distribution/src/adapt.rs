//! What an upload changes when a registry refuses a request: smaller bodies, one request instead of chunks, chunks
//! instead of one request, or from the beginning. Each of them is tried once; after that the registry's words are the
//! error. Sends no bytes.

use reqwest::StatusCode;

use crate::habits::quarter;
use crate::piece::UploadPiece;
use crate::trouble::Trouble;
use crate::upload_state::{Next, Step, Upload};
use crate::{Refusal, blocking, mount};

/// The chunk that is tried after a registry has refused a larger one as not fitting.
const MODEST_CHUNK: u64 = 4 << 20;

impl Upload<'_> {
    /// A request failed, which may pass. Where it fails again, a smaller body or the other way may do better.
    pub(crate) async fn stumbled(&mut self, trouble: Trouble, piece: &UploadPiece) -> Result<Next, Trouble> {
        let again = self.setbacks.stumbled_at.replace(piece.from) == Some(piece.from);
        let status = match &trouble {
            Trouble::Passing { refusal, .. } if again => refusal.as_ref().map(|refusal| refusal.status),
            _ => return Err(trouble),
        };
        match status {
            Some(500) => self.other_way(trouble, piece).await,
            // Busy, or closed for a while: that has nothing to do with the body.
            Some(429 | 503) => Err(trouble),
            // A proxy may close the connection on a body that is too large for it, or that takes too long.
            _ => {
                self.limit(None, piece);
                Err(trouble)
            }
        }
    }

    /// The body is too large. The registry's limit is kept to, or one is searched for.
    pub(crate) async fn too_large(
        &mut self,
        trouble: Trouble,
        limit: Option<u64>,
        piece: &UploadPiece,
    ) -> Result<Next, Trouble> {
        match self.limit(limit, piece) {
            true => Ok(Next::Step(Step::Send { from: piece.from })),
            // Chunks and whole blobs may have different limits; 413 mostly comes from a proxy, which knows neither.
            false if is_refusal(&trouble, StatusCode::PAYLOAD_TOO_LARGE) => Err(trouble),
            false => self.other_way(trouble, piece).await,
        }
    }

    /// Makes the bodies smaller than this piece; `false` if they cannot be.
    fn limit(&self, limit: Option<u64>, piece: &UploadPiece) -> bool {
        let smaller = limit.or_else(|| quarter(piece.bytes())).map(|bytes| bytes.max(self.minimum));
        let smaller = smaller.filter(|bytes| *bytes < piece.bytes() && !self.ways.chunks_failed);
        smaller.inspect(|bytes| self.repository.habits.limit(*bytes)).is_some()
    }

    /// The registry says that a chunk does not follow on what it has: it is asked how far it is.
    pub(crate) async fn unfit(&mut self, trouble: Trouble, piece: UploadPiece) -> Result<Next, Trouble> {
        let again = self.setbacks.unfit_at.replace(piece.from) == Some(piece.from);
        if piece.whole {
            return self.other_way(trouble, &piece).await;
        }
        match again {
            true => self.refit(trouble, &piece).await,
            false => {
                self.setbacks.unfit = Some((trouble, piece));
                Ok(Next::Step(Step::Resume))
            }
        }
    }

    /// The chunk does fit, by all that is known. So its size or its form is what the registry refuses.
    async fn refit(&mut self, trouble: Trouble, piece: &UploadPiece) -> Result<Next, Trouble> {
        let modest = Some(MODEST_CHUNK).filter(|modest| *modest < piece.bytes());
        match self.limit(modest, piece) {
            true => Ok(Next::Step(Step::Send { from: piece.from })),
            false => self.other_way(trouble, piece).await,
        }
    }

    /// The registry has so many bytes.
    pub(crate) async fn resumed(&mut self, from: u64) -> Result<Next, Trouble> {
        match self.setbacks.unfit.take() {
            Some((trouble, piece)) if piece.from == from => self.refit(trouble, &piece).await,
            _ if from > 0 && self.ways.chunks_failed => {
                // Only the whole can be sent, and a part is there.
                mount::abandon(self.repository, self.to.take()).await;
                Ok(Next::Step(Step::Find))
            }
            _ => Ok(Next::Step(Step::Send { from })),
        }
    }

    /// The registry does not say how far the upload is.
    pub(crate) async fn unresumable(&mut self, refusal: Refusal) -> Result<Next, Trouble> {
        match self.setbacks.unfit.take() {
            Some((trouble, piece)) => self.other_way(trouble, &piece).await,
            None => Err(self.begin_again(refusal).await),
        }
    }

    /// The upload is not known any more. If that happens again at the same place, it is the way of sending.
    pub(crate) async fn lost(&mut self, refusal: Refusal, piece: &UploadPiece) -> Result<Next, Trouble> {
        if self.setbacks.lost_at.replace(piece.from) != Some(piece.from) {
            return Err(self.begin_again(refusal).await);
        }
        self.other_way(Trouble::Refused { at: self.repository.at(), refusal }, piece).await
    }

    /// From the beginning, once more.
    async fn begin_again(&mut self, refusal: Refusal) -> Trouble {
        // The registry may still keep what it calls invalid.
        mount::abandon(self.repository, self.to.take()).await;
        let (at, reason) = (self.repository.at(), format!("the upload got lost: {}", refusal.line()));
        Trouble::Passing { at, reason, wait: None, refusal: Some(refusal) }
    }

    /// The registry has other bytes than it should: either the file is another one, or the chunks did not fit
    /// together.
    pub(crate) async fn damaged(&mut self, trouble: Trouble, piece: &UploadPiece) -> Result<Next, Trouble> {
        mount::abandon(self.repository, self.to.take()).await;
        let blob = self.blob.clone();
        if let Err(error) = blocking::run(move || blob.verify()).await {
            return Err(Trouble::Fatal(error));
        }
        if std::mem::replace(&mut self.setbacks.damaged, true) {
            return Err(trouble);
        }
        if !piece.whole && !self.ways.whole_failed {
            self.ways.fail(false);
        }
        let reason = "the registry has got other bytes than were sent";
        Err(Trouble::passing(self.repository.at(), reason))
    }

    /// Sends the blob in the other way: whole instead of in chunks, or in chunks instead of whole. If both have failed,
    /// or neither can help, that is the end.
    pub(crate) async fn other_way(&mut self, trouble: Trouble, piece: &UploadPiece) -> Result<Next, Trouble> {
        let Some(line) = refusal_line(&trouble) else { return Err(trouble) };
        if !self.ways.fail(piece.whole) {
            return Err(trouble);
        }
        self.setbacks.first.get_or_insert(line);
        self.setbacks.unfit = None;
        mount::abandon(self.repository, self.to.take()).await;
        Ok(Next::Step(Step::Find))
    }
}

fn is_refusal(trouble: &Trouble, status: StatusCode) -> bool {
    matches!(trouble, Trouble::Refused { refusal, .. } if refusal.status == status.as_u16())
}

/// The words of a refusal that may be about the way of sending; not of one that is about rights or room.
fn refusal_line(trouble: &Trouble) -> Option<String> {
    match trouble {
        Trouble::Refused { refusal, .. } | Trouble::Passing { refusal: Some(refusal), .. } => {
            let stays = refusal.is_full() || refusal.status == StatusCode::UNAUTHORIZED.as_u16();
            Some(refusal.line()).filter(|_| !stays)
        }
        _ => None,
    }
}
