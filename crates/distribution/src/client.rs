//! The client: what it can be asked to do. Knows how it is set up; each operation is in a file of its own.

use std::path::Path;
use std::sync::Arc;

use akbuild_image::Descriptor;
use reqwest::Method;

use crate::attach::attach;
use crate::call::{Body, Call};
use crate::context::ClientContext;
use crate::mount::abandon;
use crate::pull::pull;
use crate::push::push;
use crate::repository::{Access, Repository};
use crate::{
    Artifact, Attached, ClientConfig, DistributionError, Image, Keyring, PullOptions, Pulled, PushOptions, Pushed,
    Reference, Report,
};

/// A client of registries. Clones share its connections and what it has been told of credentials.
#[derive(Clone)]
pub struct Client(Arc<ClientContext>);

impl Client {
    /// Sets the client up. Roots of trust and proxies are the machine's; loopback hosts are asked directly.
    pub fn new(config: ClientConfig, keyring: Keyring) -> Result<Self, DistributionError> {
        Ok(Self(Arc::new(ClientContext::new(config, keyring)?)))
    }

    /// Finds out whether the registry answers, and lets something be pushed: an upload is begun and given up again. To
    /// be asked before anything is built; that anybody may read says nothing about that.
    pub async fn may_push(&self, what: &Reference) -> Result<(), DistributionError> {
        let repository = Repository::new(&self.0, what, Access::Push, &|_| {}).await;
        let call = Call::new(Method::POST, repository.url("blobs/uploads/")?).body(Body::Empty);
        let doing = format!("begin an upload to {}", repository.name());
        let begun = repository.ask(&call, &doing, async |answer| match answer.status().is_success() {
            true => repository.location(&answer),
            false => Err(repository.refused(answer).await),
        });
        let begun = begun.await?;
        abandon(&repository, begun).await;
        Ok(())
    }

    /// Pushes an image: "Push" of the specification. The blobs first, several at a time, those that the registry
    /// lacks; then the manifest by its digest; then the tag, which is looked at again after that.
    ///
    /// A tag that has this image already ends the push at once; one that stands for something else is an error
    /// unless [`PushOptions::force`] is set.
    pub async fn push(
        &self,
        image: &Image,
        to: &Reference,
        options: &PushOptions,
        report: Report<'_>,
    ) -> Result<Pushed, DistributionError> {
        push(&self.0, image, to, options, report).await
    }

    /// Attaches an artifact to an image of the same repository: "Pushing Manifests with Subject". Doing it again
    /// changes nothing.
    ///
    /// Where the registry keeps no list of referrers, the tag `sha256-HEX` of the subject is kept as the
    /// specification says. What others attached stays in it.
    pub async fn attach(
        &self,
        subject: &Descriptor,
        artifact: &Artifact,
        to: &Reference,
        report: Report<'_>,
    ) -> Result<Attached, DistributionError> {
        attach(&self.0, subject, artifact, to, report).await
    }

    /// Pulls an image into a folder in the OCI image layout: "Pull" of the specification. Follows an index to the
    /// image for [`PullOptions::platform`]. Blobs that are in the folder and right are not asked for; a blob that
    /// was broken off is gone on with. `index.json` is written last, and names this image alone.
    ///
    /// One pull at a time may write a folder; another one is an error.
    pub async fn pull(
        &self,
        from: &Reference,
        folder: &Path,
        options: &PullOptions,
        report: Report<'_>,
    ) -> Result<Pulled, DistributionError> {
        pull(&self.0, from, folder, options, report).await
    }
}
