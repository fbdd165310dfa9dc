//! One blob on its way to a registry: found, mounted, or sent, and gone on with after a failure. Knows "Pushing a blob
//! in chunks" and "monolithically" of the specification; not which blobs there are. What a refusal changes is in
//! `adapt.rs`, what is sent in one request in `piece.rs`.
//!
//! ```text
//! Find --has it--> done                     after a failure that may pass: Resume
//!  '--mounted----> done
//!  '--opened--> Send --all sent, closed--> done
//!                ^  '--chunk taken--.
//!                '------------------'
//! Resume --so far it came--> Send
//!    '--nothing is open, or it got lost--> Find: it may have been completed without our knowing
//! ```

use reqwest::{Method, Response};
use url::Url;

use crate::answered::{Answered, end_of_range};
use crate::call::Call;
use crate::mount::{self, Opened};
use crate::piece::UploadPiece;
use crate::trouble::Trouble;
use crate::upload_state::{Next, Step, Upload};
use crate::{DistributionError, Event, Moved, manifest, presence};

impl Upload<'_> {
    /// Brings the blob there.
    pub(crate) async fn run(mut self) -> Result<Moved, DistributionError> {
        let doing = format!("upload blob {} to {}", self.blob.descriptor.name(), self.repository.name());
        let mut step = Step::Find;
        loop {
            let taken = match (step, self.to.clone()) {
                (Step::Send { from }, Some(to)) => self.send(to, from).await,
                (Step::Resume, Some(to)) => self.resume(to).await,
                _ => self.find().await,
            };
            step = match taken {
                Ok(Next::Step(next)) => next,
                Ok(Next::Done(how)) => {
                    let (digest, bytes) = (self.digest(), self.size());
                    (self.repository.report)(Event::Finish { digest, bytes, how: how.clone() });
                    return Ok(how);
                }
                Err(trouble) => {
                    if let Err(error) = self.repository.wait(trouble, &mut self.tries, &doing).await {
                        mount::abandon(self.repository, self.to.take()).await;
                        return Err(error.after(self.setbacks.first.take()));
                    }
                    Step::Resume
                }
            };
        }
    }

    async fn find(&mut self) -> Result<Next, Trouble> {
        if self.believes && presence::has_blob(self.repository, &self.blob.descriptor).await? {
            // After bytes were sent: the answer that they had all arrived got lost.
            return Ok(Next::Done(if self.begun { Moved::Uploaded } else { Moved::Present }));
        }
        if !self.ways.chunks_failed && !self.ways.whole_failed {
            self.ways = self.repository.habits.ways();
        }
        let opened = match self.believes {
            true => mount::open(self.repository, self.digest(), self.sources).await?,
            false => mount::open_upload(self.repository).await?,
        };
        match opened {
            Opened::Mounted { from } => Ok(Next::Done(Moved::Mounted { from })),
            Opened::At { to, minimum } => {
                self.minimum = minimum;
                self.to = Some(to);
                Ok(Next::Step(Step::Send { from: 0 }))
            }
        }
    }

    /// Asks how far the upload came.
    async fn resume(&mut self, to: Url) -> Result<Next, Trouble> {
        let answer = self.repository.send(&Call::new(Method::GET, to), &self.repository.want, &|_| {}).await?;
        let from = match end_of_range(answer.headers()).filter(|_| answer.status().is_success()) {
            // `0-0` is also what many registries say of an upload without a byte.
            Some(0) => 0,
            Some(last) if last < self.size() => last + 1,
            _ => {
                let refusal = self.repository.refusal(answer).await;
                return self.unresumable(refusal).await;
            }
        };
        self.tries.reached(from);
        (self.repository.report)(Event::Bytes { digest: self.digest(), done: from });
        self.moved(&answer)?;
        self.resumed(from).await
    }

    async fn send(&mut self, to: Url, from: u64) -> Result<Next, Trouble> {
        let piece = self.piece(from);
        let answer = match self.answer(&to, &piece).await {
            Ok(answer) => answer,
            Err(trouble) => return self.stumbled(trouble, &piece).await,
        };
        match Answered::read(self.repository, answer, piece.bytes()).await {
            Answered::Taken(answer) if piece.closes => {
                let what = format!("blob {}", self.blob.descriptor.name());
                manifest::same_digest(self.repository, &answer, &what, self.digest())?;
                self.repository.habits.note_ways(self.ways);
                Ok(Next::Done(Moved::Uploaded))
            }
            Answered::Taken(answer) => self.taken(&answer, &piece).await,
            Answered::Lost(refusal) => self.lost(refusal, &piece).await,
            Answered::Unfit(trouble) => self.unfit(trouble, piece).await,
            Answered::TooLarge(trouble, limit) => self.too_large(trouble, limit, &piece).await,
            Answered::Damaged(trouble) => self.damaged(trouble, &piece).await,
            Answered::No(trouble) => self.other_way(trouble, &piece).await,
        }
    }

    /// What comes next: all that there is, or a chunk, or the end.
    fn piece(&self, from: u64) -> UploadPiece {
        let (size, ways) = (self.size(), self.ways);
        let chunk = self.chunk.max(self.minimum).min(self.repository.habits.largest()).max(1);
        let fits = size <= chunk && !ways.whole_failed;
        let whole = from == 0 && (fits || ways.chunks_failed);
        let end = if whole { size } else { size.min(from.saturating_add(chunk)) };
        UploadPiece { from, end, whole, closes: whole || from == size }
    }

    /// Sends a piece, and tells how far it is.
    async fn answer(&mut self, to: &Url, piece: &UploadPiece) -> Result<Response, Trouble> {
        let (digest, report) = (self.digest(), self.repository.report);
        if !self.begun {
            self.begun = true;
            report(Event::Begin { digest, bytes: self.size() });
        }
        let tell = |bytes| report(Event::Bytes { digest, done: piece.from + bytes });
        let call = piece.call(self.blob, to, self.repository.context.config.commit_timeout);
        self.repository.send(&call, &self.repository.want, &tell).await
    }

    /// A chunk has arrived, or as much of it as the registry says.
    async fn taken(&mut self, answer: &Response, piece: &UploadPiece) -> Result<Next, Trouble> {
        let reported = end_of_range(answer.headers()).map(|last| last.saturating_add(1));
        self.moved(answer)?;
        let reached = match reported {
            Some(reported) if reported != piece.end && !self.repository.habits.misreports() => {
                self.check_report(piece).await?
            }
            _ => piece.end,
        };
        self.tries.reached(reached);
        if reached < piece.end {
            (self.repository.report)(Event::Bytes { digest: self.digest(), done: reached });
        }
        Ok(Next::Step(Step::Send { from: reached }))
    }

    /// How far the upload came after a chunk, since the answer to the chunk says something else than was sent.
    ///
    /// Some registries always report the range of the chunk alone, or of the first chunk. So the report counts only if
    /// a part of the chunk is missing by it. If it is wrong, the next chunk does not fit, or the digest is another one.
    async fn check_report(&mut self, piece: &UploadPiece) -> Result<u64, Trouble> {
        let Some(to) = self.to.clone() else { return Ok(piece.end) };
        let asked = self.repository.send(&Call::new(Method::GET, to), &self.repository.want, &|_| {}).await;
        if let Ok(answer) = asked
            && answer.status().is_success()
        {
            let reached = end_of_range(answer.headers()).map(|last| last.saturating_add(1));
            // `0-0` is what many registries say of an upload without a byte.
            if let Some(reached) = reached.filter(|reached| (piece.from.max(1) + 1..piece.end).contains(reached)) {
                self.moved(&answer)?;
                return Ok(reached);
            }
        }
        self.repository.habits.note_misreports();
        Ok(piece.end)
    }

    /// Each answer may say where the next bytes go.
    fn moved(&mut self, answer: &Response) -> Result<(), Trouble> {
        if let Some(to) = self.repository.location(answer)? {
            self.to = Some(to);
        }
        Ok(())
    }
}
