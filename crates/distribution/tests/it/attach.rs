//! Artifacts that are attached to an image: by the registry's own list, or by the tag that clients keep.

use akbuild_distribution::{Artifact, Attached, Blob, DistributionError, ListedBy};
use akbuild_image::{Descriptor, MEDIA_INDEX, MEDIA_MANIFEST};
use serde_json::{Value, json};

use crate::fake::{Fake, Fault, Registry};
use crate::support::*;

const SBOM: &str = "application/vnd.cyclonedx+json";
const PROVENANCE: &str = "application/vnd.in-toto+json";

fn artifact(kind: &str, bytes: &[u8], note: &str) -> Artifact {
    let annotations = [("note".to_owned(), note.to_owned())].into();
    Artifact { artifact_type: kind.to_owned(), blob: Blob::bytes(kind, bytes), annotations }
}

/// Pushes an image and returns what names it.
async fn subject(fake: &Fake) -> Descriptor {
    let made = image(&[&noise(1, 5)]);
    push(&anybody(), &made, &reference(&fake.host, "app:1"), &Heard::default()).await.unwrap();
    fake.log();
    made.image.descriptor()
}

async fn attach(fake: &Fake, subject: &Descriptor, artifact: &Artifact) -> Result<Attached, DistributionError> {
    anybody().attach(subject, artifact, &reference(&fake.host, "app:1"), &|_| {}).await
}

/// The list that the tag has, and how often it was written.
fn list(fake: &Fake, subject: &Descriptor) -> (Vec<Value>, usize) {
    let tag = format!("sha256-{}", subject.digest.hex());
    let writes = fake.seen().iter().filter(|r| r.method == "PUT" && r.path.ends_with(&tag)).count();
    let mut registry = fake.registry();
    let repo = registry.repo("app");
    let list: Value =
        repo.tags.get(&tag).map_or(Value::Null, |d| serde_json::from_slice(&repo.manifests[d].1).unwrap());
    (list["manifests"].as_array().cloned().unwrap_or_default(), writes)
}

#[tokio::test]
async fn a_registry_that_keeps_the_list_is_left_to_it() {
    let fake = Fake::with(Registry { referrers: true, ..Registry::default() });
    let subject = subject(&fake).await;
    let attached = attach(&fake, &subject, &artifact(SBOM, b"{\"sbom\":1}", "a")).await.unwrap();
    assert_eq!((attached.listed_by, attached.uploaded.blobs), (ListedBy::Registry, 2 - 1));
    let last = fake.log().lines().last().map(str::to_owned);
    assert!(last.is_some_and(|line| line.starts_with("PUT /v2/app/manifests/")), "the manifest comes last");
    let manifest = fake.registry().repo("app").manifests[&attached.manifest.name()].clone();
    assert_eq!(manifest.0, MEDIA_MANIFEST);
    let manifest: Value = serde_json::from_slice(&manifest.1).unwrap();
    assert_eq!(manifest["subject"]["digest"], json!(subject.name()));
    assert_eq!(manifest["artifactType"], json!(SBOM));
    assert_eq!(manifest["layers"][0]["mediaType"], json!(SBOM));
    assert_eq!(list(&fake, &subject), (Vec::new(), 0));
}

#[tokio::test]
async fn else_the_tag_is_kept_and_doing_it_again_changes_nothing() {
    let fake = Fake::new();
    let subject = subject(&fake).await;
    let sbom = artifact(SBOM, b"{\"sbom\":1}", "a");
    let attached = attach(&fake, &subject, &sbom).await.unwrap();
    assert_eq!(attached.listed_by, ListedBy::Tag);
    let entry = json!({
        "mediaType": MEDIA_MANIFEST, "digest": attached.manifest.name(), "size": attached.manifest.size,
        "artifactType": SBOM, "annotations": {"note": "a"},
    });
    assert_eq!(list(&fake, &subject), (vec![entry.clone()], 1));
    let again = attach(&fake, &subject, &sbom).await.unwrap();
    assert_eq!((again.manifest, again.uploaded.blobs, again.present.blobs), (attached.manifest, 0, 2));
    assert_eq!(list(&fake, &subject), (vec![entry.clone()], 1));
    let provenance = attach(&fake, &subject, &artifact(PROVENANCE, b"{}", "b")).await.unwrap();
    let (entries, writes) = list(&fake, &subject);
    assert_eq!((entries.len(), writes), (2, 2));
    assert_eq!((&entries[0], &entries[1]["digest"]), (&entry, &json!(provenance.manifest.name())));
}

#[tokio::test]
async fn what_others_have_put_into_the_list_stays() {
    let fake = Fake::new();
    let subject = subject(&fake).await;
    let theirs = json!({"mediaType": "x/y", "digest": "sha256:1", "size": 1, "artifactType": "sig", "more": [1]});
    let index = json!({"schemaVersion": 2, "mediaType": MEDIA_INDEX, "manifests": [theirs], "annotations": {}});
    let tag = format!("sha256-{}", subject.digest.hex());
    fake.registry().repo("app").put(&tag, MEDIA_INDEX, index.to_string().as_bytes());
    attach(&fake, &subject, &artifact(SBOM, b"{}", "a")).await.unwrap();
    let (entries, _) = list(&fake, &subject);
    assert_eq!((entries.len(), &entries[0]), (2, &theirs));
}

#[tokio::test]
async fn two_writers_at_once_lose_nothing() {
    for conditions in [false, true] {
        let fake = Fake::with(Registry { conditions, ..Registry::default() });
        let subject = subject(&fake).await;
        let tag = format!("sha256-{}", subject.digest.hex());
        let index = |n: u32| {
            let entry = json!({"mediaType": "x/y", "digest": format!("sha256:{n}"), "size": 1, "artifactType": "sig"});
            json!({"schemaVersion": 2, "mediaType": MEDIA_INDEX, "manifests": [entry]}).to_string()
        };
        fake.registry().repo("app").put(&tag, MEDIA_INDEX, index(0).as_bytes());
        // Between our reading and our writing somebody else writes; without conditions also just after it.
        let (before, end) = (tag.clone(), tag.clone());
        let put = move |n: u32, tag: String| {
            Box::new(move |r: &mut Registry| drop(r.repo("app").put(&tag, MEDIA_INDEX, index(n).as_bytes())))
        };
        let fault = if conditions { Fault::Before(put(1, before)) } else { Fault::After(put(1, before)) };
        fake.rule(1, move |r| r.method == "PUT" && r.path.ends_with(&end), fault);
        attach(&fake, &subject, &artifact(SBOM, b"{}", "a")).await.unwrap();
        let (entries, writes) = list(&fake, &subject);
        assert_eq!((entries.len(), writes), (2, 2), "{conditions}");
        assert_eq!(entries[0]["digest"], "sha256:1");
        // Whoever is always faster is told of.
        let end = tag.clone();
        fake.rule(99, move |r| r.method == "PUT" && r.path.ends_with(&end), Fault::After(put(2, tag.clone())));
        let error = attach(&fake, &subject, &artifact(PROVENANCE, b"{}", "a")).await.unwrap_err();
        assert!(matches!(error, DistributionError::ReferrersRace { .. }), "{error}");
    }
}

#[tokio::test]
async fn several_at_once_all_come_into_the_list() {
    let fake = Fake::new();
    let subject = subject(&fake).await;
    let (client, to) = (anybody(), reference(&fake.host, "app:1"));
    let artifacts: Vec<Artifact> = (0..6).map(|n| artifact(SBOM, format!("{{\"n\":{n}}}").as_bytes(), "a")).collect();
    let all = artifacts.iter().map(|artifact| client.attach(&subject, artifact, &to, &|_| {}));
    futures::future::try_join_all(all).await.unwrap();
    assert_eq!(list(&fake, &subject).0.len(), 6);
}

#[tokio::test]
async fn a_tag_that_is_no_list_is_left_alone() {
    let fake = Fake::new();
    let subject = subject(&fake).await;
    let tag = format!("sha256-{}", subject.digest.hex());
    let said = async |fake: &Fake| {
        let error = attach(fake, &subject, &artifact(SBOM, b"{}", "a")).await.unwrap_err();
        text(&error, &fake.host).replace(&subject.digest.hex(), "HEX")
    };
    fake.registry().repo("app").put(&tag, MEDIA_MANIFEST, b"{}");
    insta::assert_snapshot!(said(&fake).await, @"
    the tag `HOST/app:sha256-HEX` should be a list of what is attached to the image, and is `application/vnd.oci.image.manifest.v1+json`
      help: find out who made the tag and what for; nothing can be attached to the image while the tag is something else
    ");
    fake.registry().repo("app").put(&tag, MEDIA_INDEX, b"{}");
    insta::assert_snapshot!(said(&fake).await, @"
    the tag `HOST/app:sha256-HEX` should be a list of what is attached to the image, and is an index without `manifests`
      help: find out who made the tag and what for; nothing can be attached to the image while the tag is something else
    ");
    assert_eq!(list(&fake, &subject).1, 0);
}
