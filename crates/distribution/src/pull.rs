//! A pull: what is asked for and what came of it, from a reference to a folder. Knows no requests.

use std::path::Path;
use std::sync::Arc;

use akbuild_image::{Descriptor, MEDIA_DOCKER_LIST, MEDIA_DOCKER_MANIFEST, MEDIA_INDEX, MEDIA_MANIFEST, Platform};
use akbuild_nar::Digest;
use futures::{StreamExt, TryStreamExt};
use serde::Deserialize;

use crate::context::ClientContext;
use crate::download::Download;
use crate::event::Report;
use crate::folder::Folder;
use crate::image::ManifestParts;
use crate::manifest::{Have, Manifest};
use crate::repository::{Access, Repository};
use crate::{Amount, DistributionError, Event, Moved, Reference, blocking, manifest};

/// How many indexes are followed, one in the other.
const DEEPEST: u32 = 3;

/// How something is pulled.
#[derive(Clone, Debug)]
pub struct PullOptions {
    /// Which image of an index is taken.
    pub platform: Platform,
    /// How many blobs are downloaded at once.
    pub parallel: usize,
}

impl Default for PullOptions {
    fn default() -> Self {
        Self { platform: Platform::new("linux", akbuild_names::BUILD_ARCHITECTURE.golang()), parallel: 4 }
    }
}

/// What [`crate::Client::pull`] did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pulled {
    /// The manifest of the image itself, not of the index it was found in.
    pub manifest: Descriptor,
    /// Blobs that were downloaded.
    pub downloaded: Amount,
    /// Blobs that were in the folder, and right.
    pub present: Amount,
}

/// [`crate::Client::pull`].
pub(crate) async fn pull(
    context: &ClientContext,
    from: &Reference,
    folder: &Path,
    options: &PullOptions,
    report: Report<'_>,
) -> Result<Pulled, DistributionError> {
    let which = from.which()?;
    let repository = Repository::new(context, from, Access::Pull, report).await;
    let folder = Arc::new(Folder::open(folder)?);
    let manifest = image_manifest(&repository, &which, &options.platform).await?;
    let blobs = blobs(from, &manifest)?;
    // Whatever the manifest says: none of it is there yet.
    let bytes = blobs.iter().fold(0, |sum: u64, blob| sum.saturating_add(blob.size));
    report(Event::Start { blobs: blobs.len() as u64, bytes });
    let (repository, shared) = (&repository, &folder);
    let downloads = blobs.iter().map(|descriptor| async move {
        let download = Download { repository, folder: shared, descriptor };
        Ok::<_, DistributionError>((descriptor.size, download.run().await?))
    });
    let all = futures::stream::iter(downloads.collect::<Vec<_>>()).buffer_unordered(options.parallel.max(1));
    let moved: Vec<(u64, Moved)> = all.try_collect().await?;
    let tag = from.tag().map(str::to_owned);
    let descriptor = manifest.descriptor.clone();
    blocking::run(move || {
        folder.put(manifest.descriptor.digest, &manifest.bytes)?;
        folder.finish(&manifest.descriptor, tag.as_deref())
    })
    .await?;
    let mut pulled = Pulled { manifest: descriptor, downloaded: Amount::default(), present: Amount::default() };
    for (bytes, how) in moved {
        if how == Moved::Present { &mut pulled.present } else { &mut pulled.downloaded }.add(bytes);
    }
    Ok(pulled)
}

/// What of an index is looked at.
#[derive(Deserialize)]
struct Index {
    manifests: Vec<Descriptor>,
}

/// The manifest of the image for a platform, through as many indexes as there are.
async fn image_manifest(
    repository: &Repository<'_>,
    which: &str,
    platform: &Platform,
) -> Result<Manifest, DistributionError> {
    let mut which = which.to_owned();
    for _ in 0..DEEPEST {
        let reference = repository.called(&which);
        let manifest = match manifest::get(repository, &which).await? {
            Have::There(manifest) => manifest,
            Have::Absent(refusal) => return Err(DistributionError::NotFound { reference, refusal }),
        };
        match manifest.descriptor.media_type.as_str() {
            MEDIA_MANIFEST | MEDIA_DOCKER_MANIFEST => return Ok(manifest),
            MEDIA_INDEX | MEDIA_DOCKER_LIST => which = choose(&reference, &manifest, platform)?.oci(),
            _ => return Err(DistributionError::MediaType { reference, found: manifest.descriptor.media_type }),
        }
    }
    let found = format!("an index in an index, {DEEPEST} deep");
    Err(DistributionError::MediaType { reference: repository.called(&which), found })
}

/// The image of an index for a platform; the only one, if it is for none.
fn choose(reference: &str, index: &Manifest, wanted: &Platform) -> Result<Digest, DistributionError> {
    let Index { manifests } = parse(reference, &index.bytes)?;
    let serves = |d: &&Descriptor| d.platform.as_ref().is_some_and(|p| p.serves(wanted));
    if let Some(found) = manifests.iter().find(serves) {
        return Ok(found.digest);
    }
    match manifests.as_slice() {
        [only] if only.platform.is_none() => Ok(only.digest),
        all => {
            let there = all.iter().filter_map(|d| d.platform.clone()).collect();
            Err(DistributionError::Platform { reference: reference.to_owned(), wanted: wanted.clone(), there })
        }
    }
}

/// Config and layers.
fn blobs(from: &Reference, manifest: &Manifest) -> Result<Vec<Descriptor>, DistributionError> {
    Ok(parse::<ManifestParts>(&from.to_string(), &manifest.bytes)?.blobs())
}

fn parse<'a, T: Deserialize<'a>>(reference: &str, bytes: &'a [u8]) -> Result<T, DistributionError> {
    serde_json::from_slice(bytes)
        .map_err(|e| DistributionError::Manifest { reference: reference.to_owned(), problem: e.to_string() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn index(platforms: &[Option<(&str, &str)>]) -> Manifest {
        let entry = |(n, p): (usize, &Option<(&str, &str)>)| Descriptor {
            platform: p.map(|(os, architecture)| Platform::new(os, architecture)),
            ..Descriptor::of(MEDIA_MANIFEST, &[n as u8])
        };
        let manifests: Vec<Descriptor> = platforms.iter().enumerate().map(entry).collect();
        let bytes = serde_json::to_vec(&serde_json::json!({ "manifests": manifests })).unwrap();
        Manifest { descriptor: Descriptor::of(MEDIA_INDEX, &bytes), bytes, etag: None }
    }

    fn chosen(platforms: &[Option<(&str, &str)>]) -> Result<Digest, String> {
        let wanted = Platform::new("linux", "amd64");
        choose("registry.example/app:1", &index(platforms), &wanted).map_err(|e| e.to_string())
    }

    #[test]
    fn the_image_for_the_platform_is_taken() {
        let (arm, amd) = (Some(("linux", "arm64")), Some(("linux", "amd64")));
        assert_eq!(chosen(&[arm, amd, None]), Ok(Digest::sha256(&[1])));
        assert_eq!(chosen(&[None]), Ok(Digest::sha256(&[0])));
        insta::assert_snapshot!(chosen(&[arm, Some(("unknown", "unknown"))]).unwrap_err(), @"
        `registry.example/app:1` has no image for linux/amd64: it has linux/arm64, unknown/unknown
          help: take an image that has one
        ");
        insta::assert_snapshot!(chosen(&[None, None]).unwrap_err(), @"
        `registry.example/app:1` has no image for linux/amd64: it names no platform
          help: take an image that has one
        ");
        let broken = Manifest { bytes: b"{}".to_vec(), ..index(&[]) };
        let error = choose("registry.example/app:1", &broken, &Platform::new("linux", "amd64")).unwrap_err();
        insta::assert_snapshot!(error, @"
        the manifest of `registry.example/app:1` cannot be used: missing field `manifests` at line 1 column 2
          help: push the image again with a newer tool
        ");
    }
}
