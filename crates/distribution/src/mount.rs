//! Opening an upload, or doing without one: "Mounting a blob from another repository". Knows the requests; not how
//! an upload goes on.

use akbuild_nar::Digest;
use reqwest::header::HeaderName;
use reqwest::{Method, Response, StatusCode};
use url::Url;

use crate::DistributionError;
use crate::auth::Want;
use crate::call::{Body, Call};
use crate::repository::Repository;
use crate::trouble::Trouble;

/// The smallest chunk that a registry takes.
const MINIMUM: HeaderName = HeaderName::from_static("oci-chunk-min-length");

/// A repository that may have a blob, and what is needed to take it from there.
pub(crate) struct Source {
    pub(crate) name: String,
    pub(crate) want: Want,
}

/// What came of it.
pub(crate) enum Opened {
    /// The registry has the blob now.
    Mounted { from: Option<String> },
    /// The blob is to be sent there.
    At { to: Url, minimum: u64 },
}

impl Source {
    /// The other repositories among these names, which must be ones that a registry can have.
    pub(crate) fn of(repository: &Repository<'_>, names: &[String]) -> Result<Vec<Self>, DistributionError> {
        if let Some(name) = names.iter().find(|name| !crate::reference::is_name(name)) {
            return Err(crate::ReferenceError::Name { text: name.clone(), name: name.clone() }.into());
        }
        let others = names.iter().filter(|name| **name != repository.want.name);
        let source = |name: &String| {
            let mut want = repository.want.clone();
            want.scopes = want.scopes.with(name, &["pull"]);
            Self { name: name.clone(), want }
        };
        Ok(others.map(source).collect())
    }
}

impl Repository<'_> {
    /// Has a blob mounted from where it can be, or an upload opened.
    pub(crate) async fn open(&self, digest: Digest, sources: &[Source]) -> Result<Opened, Trouble> {
        for source in sources {
            let query = [("mount", digest.oci()), ("from", source.name.clone())];
            // That something is not to be had from there, for whatever reason, is no reason not to send it.
            let Ok(answer) = self.post(&query, &source.want).await else { continue };
            match answer.status() {
                StatusCode::CREATED => return Ok(Opened::Mounted { from: Some(source.name.clone()) }),
                _ => self.abandon(self.location(&answer).ok().flatten()).await,
            }
        }
        // Whoever finds a blob by itself needs no name; everybody else opens an upload.
        let mut answer = self.post(&[("mount", digest.oci())], &self.want).await?;
        if answer.status() == StatusCode::CREATED {
            return Ok(Opened::Mounted { from: None });
        }
        if answer.status().is_client_error() {
            answer = self.post(&[], &self.want).await?;
        }
        if !answer.status().is_success() {
            return Err(self.refused(answer).await);
        }
        let minimum = answer.headers().get(MINIMUM).and_then(|v| v.to_str().ok()?.parse().ok());
        match self.location(&answer)? {
            Some(to) => Ok(Opened::At { to, minimum: minimum.unwrap_or(0) }),
            None => Err(Trouble::Odd { at: self.at(), problem: "does not say where to upload to".to_owned() }),
        }
    }

    async fn post(&self, query: &[(&str, String)], want: &Want) -> Result<Response, Trouble> {
        let mut url = self.url("blobs/uploads/").map_err(Trouble::Fatal)?;
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        self.send(&Call::new(Method::POST, url).body(Body::Empty), want, &|_| {}).await
    }

    /// "Cancel a blob upload": frees what the registry keeps for it. That this may fail does not matter.
    pub(crate) async fn abandon(&self, upload: Option<Url>) {
        if let Some(url) = upload {
            let _ = self.send(&Call::new(Method::DELETE, url).body(Body::Empty), &self.want, &|_| {}).await;
        }
    }

    /// Whether the repository has a blob: "Checking if content exists in the registry".
    pub(crate) async fn has_blob(&self, digest: Digest) -> Result<bool, Trouble> {
        let url = self.url(&format!("blobs/{}", digest.oci())).map_err(Trouble::Fatal)?;
        let answer = self.send(&Call::new(Method::HEAD, url), &self.want, &|_| {}).await?;
        match answer.status() {
            StatusCode::NOT_FOUND => Ok(false),
            status if status.is_success() => Ok(true),
            _ => Err(self.refused(answer).await),
        }
    }
}
