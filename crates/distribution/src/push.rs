//! A push: what is asked for and what came of it, and the order in which things are sent. Knows no requests.

use akbuild_nar::Digest;
use futures::{StreamExt, TryStreamExt};

use crate::context::ClientContext;
use crate::event::Report;
use crate::mount::Source;
use crate::repository::{Access, Repository};
use crate::retry::Tries;
use crate::upload_state::Upload;
use crate::{Blob, DistributionError, Event, Image, Moved, Reference, manifest};

/// How something is pushed.
#[derive(Clone, Debug)]
pub struct PushOptions {
    /// Whether a tag that stands for something else is moved.
    pub force: bool,
    /// Repositories of the same registry that may have the blobs: `base/debian`. They are asked in this order.
    pub mount_from: Vec<String>,
    /// How many blobs are uploaded at once.
    pub parallel: usize,
    /// How many bytes are sent in one request. A smaller blob is sent whole. A registry's own minimum goes before.
    pub chunk_bytes: u64,
}

impl Default for PushOptions {
    fn default() -> Self {
        Self { force: false, mount_from: Vec::new(), parallel: 4, chunk_bytes: 16 << 20 }
    }
}

/// A number of blobs and their bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Amount {
    /// How many.
    pub blobs: u64,
    /// Their bytes.
    pub bytes: u64,
}

impl Amount {
    pub(crate) fn add(&mut self, bytes: u64) {
        self.blobs += 1;
        self.bytes += bytes;
    }
}

/// What the tag was before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TagWas {
    /// No tag was asked for: the image is known by its digest.
    Unnamed,
    /// There was no such tag.
    Absent,
    /// It had this image already, and nothing was sent.
    Same,
    /// It stood for this other manifest, and was moved by force.
    Other(Digest),
}

/// What [`crate::Client::push`] did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pushed {
    /// The manifest's digest, by which the image can be pulled for ever.
    pub digest: Digest,
    /// What the tag was before.
    pub tag: TagWas,
    /// Blobs whose bytes were sent.
    pub uploaded: Amount,
    /// Blobs that the registry took from another of its repositories.
    pub mounted: Amount,
    /// Blobs that were there already. None are counted if the tag had the image: they were not asked for.
    pub present: Amount,
}

/// [`crate::Client::push`].
pub(crate) async fn push(
    context: &ClientContext,
    image: &Image,
    to: &Reference,
    options: &PushOptions,
    report: Report<'_>,
) -> Result<Pushed, DistributionError> {
    image.check()?;
    let ours = image.descriptor();
    if let Some(expected) = to.digest().filter(|d| *d != ours.digest) {
        return Err(DistributionError::OtherDigest { reference: to.to_string(), expected, found: ours.digest });
    }
    to.which()?;
    let repository = Repository::new(context, to, Access::Push, report).await;
    let push = Push { repository: &repository, image, digest: ours.digest, force: options.force };
    let mut pushed = Pushed::nothing(ours.digest, push.tag_was().await?);
    if pushed.tag == TagWas::Same {
        return Ok(pushed);
    }
    let sources = Source::of(&repository, &options.mount_from)?;
    let mut moved = upload_all(&repository, &image.blobs(), &sources, options).await?;
    match push.manifest().await {
        Err(error) if is_blob_unknown(&error) && moved.iter().any(|(_, how)| *how != Moved::Uploaded) => {
            // The registry said that it had blobs, and has them not.
            send_again(&repository, &mut moved, options).await?;
            push.manifest().await?;
        }
        outcome => outcome?,
    }
    for (blob, how) in &moved {
        pushed.count(blob.descriptor.size, how);
    }
    Ok(pushed)
}

/// Brings all blobs there, several at a time; the first that cannot be brought there ends it.
pub(crate) async fn upload_all<'a>(
    repository: &Repository<'_>,
    blobs: &[&'a Blob],
    sources: &[Source],
    options: &PushOptions,
) -> Result<Vec<(&'a Blob, Moved)>, DistributionError> {
    let bytes = blobs.iter().map(|b| b.descriptor.size).sum();
    (repository.report)(Event::Start { blobs: blobs.len() as u64, bytes });
    let uploads = blobs.iter().map(|blob| async {
        let upload = Upload::new(repository, blob, sources, options.chunk_bytes);
        Ok((*blob, upload.run().await?))
    });
    let parallel = options.parallel.max(1);
    futures::stream::iter(uploads.collect::<Vec<_>>()).buffer_unordered(parallel).try_collect().await
}

/// Sends the blobs that were not sent yet, whatever the registry says that it has.
async fn send_again(
    repository: &Repository<'_>,
    moved: &mut [(&Blob, Moved)],
    options: &PushOptions,
) -> Result<(), DistributionError> {
    let rest = moved.iter_mut().filter(|(_, how)| *how != Moved::Uploaded);
    let uploads = rest.map(|(blob, how)| async {
        *how = Upload::new(repository, blob, &[], options.chunk_bytes).unbelieving().run().await?;
        Ok(())
    });
    let parallel = options.parallel.max(1);
    futures::stream::iter(uploads.collect::<Vec<_>>()).buffer_unordered(parallel).try_collect().await
}

/// Whether a manifest was refused because a blob that it names is not there.
fn is_blob_unknown(error: &DistributionError) -> bool {
    let codes = ["MANIFEST_BLOB_UNKNOWN", "BLOB_UNKNOWN"];
    matches!(error, DistributionError::Refused { refusal, .. } if codes.iter().any(|code| refusal.has(code)))
}

/// Whether a registry takes no manifest by its digest, but by a tag.
fn wants_tag(error: &DistributionError) -> bool {
    let DistributionError::Refused { refusal, .. } = error else { return false };
    let codes = ["UNSUPPORTED", "TAG_INVALID"];
    matches!(refusal.status, 405 | 501) || codes.iter().any(|code| refusal.has(code))
}

impl Pushed {
    fn nothing(digest: Digest, tag: TagWas) -> Self {
        let (uploaded, mounted, present) = <_>::default();
        Self { digest, tag, uploaded, mounted, present }
    }

    fn count(&mut self, bytes: u64, how: &Moved) {
        match how {
            Moved::Present | Moved::Downloaded => self.present.add(bytes),
            Moved::Mounted { .. } => self.mounted.add(bytes),
            Moved::Uploaded => self.uploaded.add(bytes),
        }
    }
}

/// The manifest's part of a push.
struct Push<'a> {
    repository: &'a Repository<'a>,
    image: &'a Image,
    digest: Digest,
    force: bool,
}

impl Push<'_> {
    /// What the tag stands for; an error if that is something else and may not be changed.
    async fn tag_was(&self) -> Result<TagWas, DistributionError> {
        let Some(tag) = self.repository.reference.tag() else { return Ok(TagWas::Unnamed) };
        match manifest::head(self.repository, tag).await?.map(|d| d.digest) {
            None => Ok(TagWas::Absent),
            Some(there) if there == self.digest => Ok(TagWas::Same),
            Some(there) if self.force => Ok(TagWas::Other(there)),
            Some(there) => {
                Err(DistributionError::TagTaken { reference: self.repository.called(tag), there, ours: self.digest })
            }
        }
    }

    /// The manifest by its digest, then the tag, and a look at what came of it. The blobs are there by now.
    async fn manifest(&self) -> Result<(), DistributionError> {
        let (media_type, bytes) = (&self.image.media_type, &self.image.manifest);
        match manifest::put(self.repository, &self.digest.oci(), media_type, bytes, None).await {
            Err(error) if wants_tag(&error) && self.repository.reference.tag().is_some() => {}
            outcome => drop(outcome?),
        }
        let Some(tag) = self.repository.reference.tag() else { return self.look(&self.digest.oci(), None).await };
        // The upload may have taken long: somebody else may have made the tag in the meantime.
        let before = match self.tag_was().await? {
            TagWas::Other(digest) => Some(digest),
            _ => None,
        };
        manifest::put(self.repository, tag, media_type, bytes, None).await?;
        self.look(tag, before).await
    }

    /// Looks at what was pushed. Some registries show a tag a little later, and until then what it was before.
    async fn look(&self, which: &str, before: Option<Digest>) -> Result<(), DistributionError> {
        let mut tries = Tries::new(&self.repository.context.config);
        loop {
            let there = manifest::head(self.repository, which).await?.map(|d| d.digest);
            if there == Some(self.digest) {
                return Ok(());
            }
            let Some((attempt, wait)) = tries.next(None).filter(|_| there.is_none() || there == before) else {
                let reference = self.repository.called(which);
                return Err(DistributionError::TagMoved { reference, there, ours: self.digest });
            };
            let (what, reason) =
                (format!("look for `{}`", self.repository.called(which)), "it is not there yet".to_owned());
            (self.repository.report)(Event::Retry { what, attempt, wait, reason });
            tokio::time::sleep(wait).await;
        }
    }
}
