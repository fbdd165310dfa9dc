//! An artifact that says something of an image: a bill of materials, a provenance. Knows the manifest that ties
//! the two; not what is in the file.

use std::collections::BTreeMap;

use crate::context::ClientContext;
use crate::event::Report;
use crate::push::upload_all;
use crate::repository::{Access, Repository};
use crate::{Amount, Blob, DistributionError, Image, Moved, PushOptions, Reference, manifest, referrers};
use akbuild_image::{Descriptor, MEDIA_EMPTY, MEDIA_MANIFEST};
use reqwest::header::HeaderName;
use serde::Serialize;

/// Set in the answer of a registry that keeps the list of referrers itself.
const SUBJECT: HeaderName = HeaderName::from_static("oci-subject");

/// A file to be attached to an image.
#[derive(Clone, Debug)]
pub struct Artifact {
    /// What it is, for whoever looks through an image's referrers: `application/vnd.cyclonedx+json`.
    pub artifact_type: String,
    /// The file; its media type is often the same.
    pub blob: Blob,
    /// What is said about it. They are in the digest: the same artifact must have the same ones.
    pub annotations: BTreeMap<String, String>,
}

/// Who keeps the list of an image's referrers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ListedBy {
    /// The registry: "Listing Referrers".
    Registry,
    /// A tag that clients keep, since the registry does not: "Referrers Tag Schema".
    Tag,
}

/// What [`crate::Client::attach`] did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attached {
    /// The artifact's manifest.
    pub manifest: Descriptor,
    /// Who keeps the list in which it stands.
    pub listed_by: ListedBy,
    /// Blobs whose bytes were sent.
    pub uploaded: Amount,
    /// Blobs that were there already, or that the registry had in another repository.
    pub present: Amount,
}

/// [`crate::Client::attach`].
pub(crate) async fn attach(
    context: &ClientContext,
    subject: &Descriptor,
    artifact: &Artifact,
    to: &Reference,
    report: Report<'_>,
) -> Result<Attached, DistributionError> {
    let repository = Repository::new(context, to, Access::Push, report).await;
    let empty = Blob::bytes(MEDIA_EMPTY, b"{}");
    let bytes = manifest(artifact, &empty.descriptor, subject);
    let (config, layer) = (empty.clone(), artifact.blob.clone());
    let image = Image { manifest: bytes, media_type: MEDIA_MANIFEST.to_owned(), config, layers: vec![layer] };
    image.check()?;
    let mut entry = image.descriptor();
    let mut attached = Attached {
        manifest: entry.clone(),
        listed_by: ListedBy::Registry,
        uploaded: Amount::default(),
        present: Amount::default(),
    };
    for (blob, how) in upload_all(&repository, &image.blobs(), &[], &PushOptions::default()).await? {
        match how {
            Moved::Uploaded => attached.uploaded.add(blob.descriptor.size),
            _ => attached.present.add(blob.descriptor.size),
        }
    }
    let put = manifest::put(&repository, &entry.name(), MEDIA_MANIFEST, &image.manifest, None).await?;
    if !put.is_some_and(|headers| headers.contains_key(SUBJECT)) {
        let digest = entry.digest;
        entry.artifact_type = Some(artifact.artifact_type.clone());
        entry.annotations = artifact.annotations.clone();
        match referrers::list_referrer(&repository, subject.digest, &entry).await {
            Ok(()) => attached.listed_by = ListedBy::Tag,
            Err(_) if referrers::lists_referrer(&repository, subject.digest, digest).await => {}
            Err(error) => return Err(error),
        }
    }
    Ok(attached)
}

/// The manifest of an artifact: "Guidelines for Artifact Usage" of the image specification. What is written here is
/// in the artifact's digest, and so whether attaching it again changes anything.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ArtifactManifest<'a> {
    schema_version: u8,
    media_type: &'a str,
    artifact_type: &'a str,
    config: &'a Descriptor,
    layers: [&'a Descriptor; 1],
    subject: Descriptor,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    annotations: &'a BTreeMap<String, String>,
}

fn manifest(artifact: &Artifact, empty: &Descriptor, subject: &Descriptor) -> Vec<u8> {
    let manifest = ArtifactManifest {
        schema_version: 2,
        media_type: MEDIA_MANIFEST,
        artifact_type: &artifact.artifact_type,
        config: empty,
        layers: [&artifact.blob.descriptor],
        // Only what names it: what else the caller knows of it may differ from call to call.
        subject: Descriptor::new(subject.media_type.clone(), subject.digest, subject.size),
        annotations: &artifact.annotations,
    };
    serde_json::to_vec(&manifest).expect("texts and numbers can be written")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_manifest_of_an_artifact_is_pinned() {
        let artifact = Artifact {
            artifact_type: "application/vnd.cyclonedx+json".to_owned(),
            blob: Blob::bytes("application/vnd.cyclonedx+json", b"{}\n"),
            annotations: [("org.opencontainers.image.created".to_owned(), "1970-01-01T00:00:00Z".to_owned())].into(),
        };
        let empty = Descriptor::of(MEDIA_EMPTY, b"{}");
        let subject =
            Descriptor { annotations: artifact.annotations.clone(), ..Descriptor::of(MEDIA_MANIFEST, b"subject") };
        let manifest = String::from_utf8(manifest(&artifact, &empty, &subject)).unwrap();
        insta::assert_snapshot!(manifest, @r#"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","artifactType":"application/vnd.cyclonedx+json","config":{"mediaType":"application/vnd.oci.empty.v1+json","digest":"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a","size":2},"layers":[{"mediaType":"application/vnd.cyclonedx+json","digest":"sha256:ca3d163bab055381827226140568f3bef7eaac187cebd76878e0b63e9e442356","size":3}],"subject":{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"sha256:a9491f4c1bf7b0cffbadcba2db8f028e4b3f2867cb59e1f3a0bc1968f3c51242","size":7},"annotations":{"org.opencontainers.image.created":"1970-01-01T00:00:00Z"}}"#);
    }
}
