//! One blob on its way into a folder: received, gone on with after a failure, verified. Knows "Pulling blobs" of the
//! specification and HTTP ranges; not which blobs there are.

use std::sync::Arc;

use akbuild_image::Descriptor;
use akbuild_nar::Digest;
use reqwest::header::{CONTENT_RANGE, HeaderMap, RANGE};
use reqwest::{Method, Response, StatusCode};

use crate::call::Call;
use crate::folder::Folder;
use crate::partial::{Held, Partial};
use crate::repository::Repository;
use crate::retry::Tries;
use crate::transport::chunk;
use crate::trouble::Trouble;
use crate::{DistributionError, Event, Moved, blocking};

/// Bytes are gathered up to this before they are written: one hand-over to a thread that may block.
const GATHER: usize = 512 << 10;

/// A blob that is pulled.
pub(crate) struct Download<'a> {
    pub(crate) repository: &'a Repository<'a>,
    pub(crate) folder: &'a Arc<Folder>,
    pub(crate) descriptor: &'a Descriptor,
}

impl Download<'_> {
    fn digest(&self) -> Digest {
        self.descriptor.digest
    }

    /// Brings the blob into the folder.
    pub(crate) async fn run(&self) -> Result<Moved, DistributionError> {
        let how = self.bring().await?;
        let (digest, bytes) = (self.digest(), self.descriptor.size);
        (self.repository.report)(Event::Finish { digest, bytes, how: how.clone() });
        Ok(how)
    }

    async fn bring(&self) -> Result<Moved, DistributionError> {
        let (folder, descriptor) = (Arc::clone(self.folder), self.descriptor.clone());
        if blocking::run(move || folder.has(&descriptor)).await {
            return Ok(Moved::Present);
        }
        (self.repository.report)(Event::Begin { digest: self.digest(), bytes: self.descriptor.size });
        let (path, digest) = (self.folder.partial(self.digest()), self.digest());
        let tree = Arc::clone(self.folder.tree());
        let partial = blocking::run(move || Partial::open(tree, path, digest)).await?;
        let mut partial = Held::new(partial);
        let mut tries = Tries::new(&self.repository.context.config);
        let doing = format!("download blob {} of {}", digest.oci(), self.repository.name());
        loop {
            let trouble = match self.once(&mut partial).await {
                Ok(()) => return Ok(Moved::Downloaded),
                Err(trouble) => trouble,
            };
            tries.reached(partial.bytes());
            self.repository.wait(trouble, &mut tries, &doing).await?;
        }
    }

    /// One request for what is missing, and the end if nothing is.
    async fn once(&self, partial: &mut Held) -> Result<(), Trouble> {
        let have = partial.bytes();
        if have < self.descriptor.size || have == 0 {
            let url = self.repository.url(&format!("blobs/{}", self.descriptor.name())).map_err(Trouble::Fatal)?;
            let call = Call::new(Method::GET, url);
            let call = if have > 0 { call.header(RANGE, &format!("bytes={have}-")) } else { call };
            let answer = self.repository.send(&call, &self.repository.want, &|_| {}).await?;
            self.receive(answer, have, partial).await?;
        }
        self.complete(partial).await
    }

    /// Takes an answer, if it fits to what is there.
    async fn receive(&self, mut answer: Response, have: u64, partial: &mut Held) -> Result<(), Trouble> {
        match answer.status() {
            StatusCode::PARTIAL_CONTENT if starts_at(answer.headers()) == Some(have) => {
                partial.with(move |p| p.go_on()).await?;
            }
            StatusCode::PARTIAL_CONTENT | StatusCode::RANGE_NOT_SATISFIABLE => {
                partial.with(Partial::restart).await?;
                return Err(self.passing("the answer is another part of the blob than was asked for"));
            }
            status if status.is_success() => partial.with(Partial::restart).await?,
            _ => return Err(self.repository.refused(answer).await),
        }
        let whole = answer.content_length().map(|rest| partial.bytes().saturating_add(rest));
        if let Some(found) = whole.filter(|whole| *whole != self.descriptor.size) {
            return Err(self.wrong(format!("{} bytes", self.descriptor.size), format!("{found} bytes")));
        }
        let mut gathered = Vec::new();
        loop {
            let next = chunk(&mut answer, self.repository.context.transport.patience()).await;
            let ended = !matches!(next, Ok(Some(_)));
            if let Ok(Some(bytes)) = &next {
                gathered.extend_from_slice(bytes);
            }
            if ended || gathered.len() >= GATHER {
                self.keep(std::mem::take(&mut gathered), partial).await?;
            }
            match next {
                Err(error) => return Err(error.trouble(&self.repository.at())),
                Ok(None) => return Ok(()),
                Ok(Some(_)) => {}
            }
        }
    }

    /// Writes what has come.
    async fn keep(&self, bytes: Vec<u8>, partial: &mut Held) -> Result<(), Trouble> {
        partial.with(move |p| p.write(&bytes)).await?;
        (self.repository.report)(Event::Bytes { digest: self.digest(), done: partial.bytes() });
        if partial.bytes() <= self.descriptor.size {
            return Ok(());
        }
        partial.with(Partial::restart).await?;
        Err(self.wrong(format!("{} bytes", self.descriptor.size), "more than that".to_owned()))
    }

    /// Verifies, and puts the blob in its place.
    async fn complete(&self, partial: &mut Held) -> Result<(), Trouble> {
        let have = partial.bytes();
        if have < self.descriptor.size {
            return Err(self.passing(&format!("the answer ended after {have} of {} bytes", self.descriptor.size)));
        }
        let (path, expected) = (self.folder.blob(self.digest()), self.digest());
        let found = partial.with(move |p| {
            let (found, pieced) = (p.hasher.clone().finish(), p.pieced);
            if found == expected { p.place(&path) } else { p.restart() }?;
            Ok((found, pieced))
        });
        match found.await? {
            (found, _) if found == expected => Ok(()),
            // The beginning may be of an earlier pull, and damaged: once more, from zero.
            (_, true) => Err(self.passing("what was gone on with is not the blob")),
            (found, false) => Err(self.wrong(expected.oci(), found.oci())),
        }
    }

    fn passing(&self, reason: &str) -> Trouble {
        Trouble::passing(self.repository.at(), reason)
    }

    fn wrong(&self, expected: String, found: String) -> Trouble {
        let what = format!("blob {}", self.descriptor.name());
        Trouble::Fatal(DistributionError::WrongBytes { what, at: self.repository.name(), expected, found })
    }
}

/// Where a part begins: `Content-Range: bytes 10-99/100`.
fn starts_at(headers: &HeaderMap) -> Option<u64> {
    let range = headers.get(CONTENT_RANGE)?.to_str().ok()?;
    range.strip_prefix("bytes ")?.split('-').next()?.trim().parse().ok()
}
