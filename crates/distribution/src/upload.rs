//! One blob on its way to a registry: found, mounted, or sent in chunks, and gone on with after a failure. Knows
//! "Pushing a blob in chunks" and "monolithically" of the specification; not which blobs there are.
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

use std::sync::atomic::{AtomicU64, Ordering};

use akbuild_nar::Digest;
use reqwest::header::{CONTENT_RANGE, CONTENT_TYPE};
use reqwest::{Method, Response};
use url::Url;

use crate::answered::{Answered, end_of_range};
use crate::call::{Body, Call};
use crate::mount::{Opened, Source};
use crate::part::Part;
use crate::repository::Repository;
use crate::retry::Tries;
use crate::trouble::Trouble;
use crate::{Blob, DistributionError, Event, Moved, Refusal, blocking};

/// A blob that is pushed.
pub(crate) struct Upload<'a> {
    repository: &'a Repository<'a>,
    blob: &'a Blob,
    sources: &'a [Source],
    chunk: u64,
    tries: Tries,
    /// Where the bytes go, if an upload is open.
    to: Option<Url>,
    /// Bytes have been sent.
    begun: bool,
    /// The registry takes no chunks.
    whole: bool,
    /// Where the registry last said that a chunk does not fit.
    unfit: Option<u64>,
    /// The registry has once had other bytes than were sent.
    damaged: bool,
}

/// What is done next.
enum Step {
    Find,
    Resume,
    Send { from: u64 },
}

enum Next {
    Step(Step),
    Done(Moved),
}

/// What is sent in one request.
struct Piece {
    from: u64,
    end: u64,
    /// It is the last request, with all bytes or with none.
    closes: bool,
}

impl<'a> Upload<'a> {
    pub(crate) fn new(repository: &'a Repository<'a>, blob: &'a Blob, sources: &'a [Source], chunk: u64) -> Self {
        Self {
            repository,
            blob,
            sources,
            chunk: chunk.max(1),
            tries: Tries::new(&repository.client.0.config),
            to: None,
            begun: false,
            whole: false,
            unfit: None,
            damaged: false,
        }
    }

    fn digest(&self) -> Digest {
        self.blob.descriptor.digest
    }

    fn size(&self) -> u64 {
        self.blob.descriptor.size
    }

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
                        self.repository.abandon(self.to.take()).await;
                        return Err(error);
                    }
                    Step::Resume
                }
            };
        }
    }

    async fn find(&mut self) -> Result<Next, Trouble> {
        if self.repository.has_blob(self.digest()).await? {
            // After bytes were sent: the answer that they had all arrived got lost.
            return Ok(Next::Done(if self.begun { Moved::Uploaded } else { Moved::Present }));
        }
        match self.repository.open(self.digest(), self.sources).await? {
            Opened::Mounted { from } => Ok(Next::Done(Moved::Mounted { from })),
            Opened::At { to, minimum } => {
                self.chunk = self.chunk.max(minimum);
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
                return Err(self.lost(refusal));
            }
        };
        self.tries.reached(from);
        (self.repository.report)(Event::Bytes { digest: self.digest(), done: from });
        self.moved(&answer)?;
        Ok(Next::Step(Step::Send { from }))
    }

    async fn send(&mut self, to: Url, from: u64) -> Result<Next, Trouble> {
        let piece = self.piece(from);
        let answer = self.answer(&to, &piece).await?;
        match Answered::read(self.repository, answer).await {
            Answered::Taken(answer) if piece.closes => {
                let what = format!("blob {}", self.blob.descriptor.name());
                self.repository.same_digest(&answer, &what, self.digest())?;
                Ok(Next::Done(Moved::Uploaded))
            }
            Answered::Taken(answer) => self.taken(&answer, &piece),
            Answered::Lost(refusal) => Err(self.lost(refusal)),
            Answered::NoChunks if !self.whole && !piece.closes => {
                self.whole = true;
                self.repository.abandon(self.to.take()).await;
                Ok(Next::Step(Step::Find))
            }
            Answered::Unfit if self.unfit != Some(from) => {
                self.unfit = Some(from);
                Ok(Next::Step(Step::Resume))
            }
            Answered::Unfit | Answered::NoChunks => {
                self.repository.abandon(self.to.take()).await;
                Err(self.passing("the registry does not go on with the upload"))
            }
            Answered::Damaged(trouble) => Err(self.damaged(trouble).await),
            Answered::No(trouble) => Err(trouble),
        }
    }

    /// What comes next: all that there is, or a chunk, or the end.
    fn piece(&self, from: u64) -> Piece {
        let whole = from == 0 && (self.whole || self.size() <= self.chunk);
        let end = if whole { self.size() } else { self.size().min(from.saturating_add(self.chunk)) };
        Piece { from, end, closes: whole || from == self.size() }
    }

    /// Sends a piece, and tells how far it is.
    async fn answer(&mut self, to: &Url, piece: &Piece) -> Result<Response, Trouble> {
        let (digest, report) = (self.digest(), self.repository.report);
        if !self.begun {
            self.begun = true;
            report(Event::Begin { digest, bytes: self.size() });
        }
        let sent = AtomicU64::new(piece.from);
        let tell = |bytes| {
            let done = sent.fetch_add(bytes, Ordering::Relaxed) + bytes;
            report(Event::Bytes { digest, done });
        };
        self.repository.send(&self.call(to, piece), &self.repository.want, &tell).await
    }

    fn call(&self, to: &Url, piece: &Piece) -> Call {
        let bytes = piece.end - piece.from;
        let part = Part { content: self.blob.content.clone(), from: piece.from, bytes };
        if !piece.closes {
            let range = format!("{}-{}", piece.from, piece.end - 1);
            let call = Call::new(Method::PATCH, to.clone()).header(CONTENT_RANGE, &range);
            return call.header(CONTENT_TYPE, "application/octet-stream").body(Body::Part(part));
        }
        let mut url = to.clone();
        url.query_pairs_mut().append_pair("digest", &self.digest().oci());
        let call = Call::new(Method::PUT, url).patience(self.repository.client.0.config.commit_timeout);
        match piece.from {
            0 => call.header(CONTENT_TYPE, "application/octet-stream").body(Body::Part(part)),
            _ => call.body(Body::Empty),
        }
    }

    /// A chunk has arrived, or as much of it as the registry says.
    fn taken(&mut self, answer: &Response, piece: &Piece) -> Result<Next, Trouble> {
        let reached = end_of_range(answer.headers()).map_or(piece.end, |last| last.saturating_add(1));
        self.moved(answer)?;
        if reached <= piece.from || reached > piece.end {
            let reason = format!("the registry says that it has {reached} bytes, where {} were sent", piece.end);
            return Err(self.passing(&reason));
        }
        self.tries.reached(reached);
        if reached < piece.end {
            (self.repository.report)(Event::Bytes { digest: self.digest(), done: reached });
        }
        Ok(Next::Step(Step::Send { from: reached }))
    }

    /// Each answer may say where the next bytes go.
    fn moved(&mut self, answer: &Response) -> Result<(), Trouble> {
        if let Some(to) = self.repository.location(answer)? {
            self.to = Some(to);
        }
        Ok(())
    }

    /// From the beginning, once more.
    fn lost(&mut self, refusal: Refusal) -> Trouble {
        self.to = None;
        let (at, reason) = (self.repository.at(), format!("the upload got lost: {}", refusal.line()));
        Trouble::Passing { at, reason, wait: None, refusal: Some(refusal) }
    }

    fn passing(&self, reason: &str) -> Trouble {
        Trouble::passing(self.repository.at(), reason)
    }

    /// The registry has other bytes than it should: either the file is another one, or an upload that was gone on
    /// with did not fit together.
    async fn damaged(&mut self, trouble: Trouble) -> Trouble {
        self.to = None;
        let blob = self.blob.clone();
        if let Err(error) = blocking::run(move || blob.verify()).await {
            return Trouble::Fatal(error);
        }
        match std::mem::replace(&mut self.damaged, true) {
            true => trouble,
            false => self.passing("the registry has got other bytes than were sent"),
        }
    }
}
