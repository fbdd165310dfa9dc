//! The list of what is attached to an image, where clients keep it: "Referrers Tag Schema" of the specification.
//! Knows the list's form; not what is in the artifacts.

use akbuild_image::{Descriptor, MEDIA_INDEX};
use akbuild_nar::Digest;
use reqwest::Method;
use reqwest::header::{ACCEPT, HeaderValue};
use serde_json::{Map, Value, json};

use crate::DistributionError;
use crate::call::Call;
use crate::manifest;
use crate::manifest::Have;
use crate::repository::Repository;
use crate::transport::read_all;

/// How often the list is read and written again after others have changed it.
const TRIES: u32 = 5;
/// The longest list of a registry that is read.
const LONGEST_LIST: usize = 16 << 20;

/// A list of referrers. What is not known of it is kept as it is.
#[derive(Clone, Debug, PartialEq)]
struct List(Map<String, Value>);

impl List {
    fn empty() -> Self {
        let Value::Object(list) = json!({"schemaVersion": 2, "mediaType": MEDIA_INDEX, "manifests": []}) else {
            unreachable!("it is an object")
        };
        Self(list)
    }

    /// `None`: that is no list.
    fn parse(bytes: &[u8]) -> Option<Self> {
        let list: Map<String, Value> = serde_json::from_slice(bytes).ok()?;
        list.get("manifests")?.is_array().then_some(Self(list))
    }

    /// Puts an entry where the same artifact stands, or at the end. Whether that changed anything.
    fn put(&mut self, entry: &Value) -> bool {
        let Some(Value::Array(entries)) = self.0.get_mut("manifests") else { return false };
        let is_same = |e: &Value| ["artifactType", "digest"].iter().all(|key| e.get(key) == entry.get(key));
        let before = entries.clone();
        let first = entries.iter().position(is_same);
        let mut index = 0;
        entries.retain(|e| {
            index += 1;
            !is_same(e) || Some(index - 1) == first
        });
        match first {
            Some(at) => entries[at] = entry.clone(),
            None => entries.push(entry.clone()),
        }
        *entries != before
    }
}

/// Whether the registry itself lists an artifact among a subject's referrers: "Listing Referrers". A registry that
/// does so should say it when the artifact is pushed, and some do not.
pub(crate) async fn lists_referrer(repository: &Repository<'_>, subject: Digest, artifact: Digest) -> bool {
    let Ok(url) = repository.url(&format!("referrers/{}", subject.oci())) else { return false };
    let call = Call::new(Method::GET, url).header(ACCEPT, MEDIA_INDEX);
    let Ok(mut answer) = repository.send(&call, &repository.want, &|_| {}).await else { return false };
    let is_success = answer.status().is_success();
    let bytes = read_all(&mut answer, LONGEST_LIST, repository.context.transport.patience()).await.unwrap_or_default();
    // Some registries answer with a page.
    let Some(List(list)) = List::parse(&bytes).filter(|_| is_success) else { return false };
    let listed = list.get("manifests").and_then(Value::as_array).into_iter().flatten();
    listed.filter_map(|entry| entry.get("digest")?.as_str()).any(|digest| digest == artifact.oci())
}

/// Puts an artifact into the list of a subject's referrers. What others have put there stays.
pub(crate) async fn list_referrer(
    repository: &Repository<'_>,
    subject: Digest,
    entry: &Descriptor,
) -> Result<(), DistributionError> {
    // Within this program one after the other; against others there is the condition, where the registry knows
    // it, and the look at what came of it.
    let _one = repository.context.referrers.lock().await;
    let tag = tag(subject);
    let entry = serde_json::to_value(entry).unwrap_or_default();
    let mut refused: Option<HeaderValue> = None;
    for _ in 0..TRIES {
        let (mut list, etag) = referrers(repository, &tag, subject).await?;
        if !list.put(&entry) {
            return Ok(());
        }
        let bytes = serde_json::to_vec(&list.0).unwrap_or_default();
        // A registry that refuses its own entity tag, which is still the same, does not know such conditions.
        let condition = etag.filter(|etag| refused.as_ref() != Some(etag));
        // What it was changed to is read again: the last of two writers wins, and the other one is missing.
        if manifest::put(repository, &tag, MEDIA_INDEX, &bytes, condition.as_ref()).await?.is_none() {
            refused = condition;
        }
    }
    let (mut list, _) = referrers(repository, &tag, subject).await?;
    match list.put(&entry) {
        false => Ok(()),
        true => Err(DistributionError::ReferrersRace { tag: repository.called(&tag), tries: TRIES }),
    }
}

async fn referrers(
    repository: &Repository<'_>,
    tag: &str,
    subject: Digest,
) -> Result<(List, Option<HeaderValue>), DistributionError> {
    let wrong = |found: String| DistributionError::ReferrersTag { tag: repository.called(tag), found };
    let Have::There(manifest) = manifest::get(repository, tag).await? else { return Ok((List::empty(), None)) };
    // Some registries read `sha256-HEX` as the digest that it is made of.
    if manifest.descriptor.digest == subject {
        return Err(DistributionError::ReferrersTagIsImage { tag: repository.called(tag) });
    }
    if manifest.descriptor.media_type != MEDIA_INDEX {
        return Err(wrong(format!("`{}`", manifest.descriptor.media_type)));
    }
    let list = List::parse(&manifest.bytes).ok_or_else(|| wrong("an index without `manifests`".to_owned()))?;
    Ok((list, manifest.etag))
}

/// `sha256-HEX`; what is too long for a tag is cut off.
fn tag(subject: Digest) -> String {
    let hex = subject.hex();
    format!("{}-{}", subject.algo(), &hex[..hex.len().min(64)])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(artifact: &str, digest: char, note: &str) -> Value {
        json!({"artifactType": artifact, "digest": digest.to_string(), "annotations": {"note": note}})
    }

    #[test]
    fn only_the_same_artifact_is_replaced() {
        let mut list = List::empty();
        for (artifact, digest) in [("sbom", 'a'), ("sbom", 'b'), ("provenance", 'a')] {
            assert!(list.put(&entry(artifact, digest, "old")));
        }
        assert!(!list.put(&entry("sbom", 'a', "old")));
        assert!(list.put(&entry("sbom", 'a', "new")));
        let expected = [entry("sbom", 'a', "new"), entry("sbom", 'b', "old"), entry("provenance", 'a', "old")];
        assert_eq!(list.0["manifests"], Value::from(expected.to_vec()));
    }

    #[test]
    fn what_is_not_known_stays_and_what_stands_twice_does_not() {
        let text = r#"{"schemaVersion":2,"x":1,"manifests":[{"digest":"a","artifactType":"sbom"},{"y":2},
            {"digest":"a","artifactType":"sbom"}]}"#;
        let mut list = List::parse(text.as_bytes()).unwrap();
        assert!(list.put(&json!({"digest": "a", "artifactType": "sbom"})));
        let text = serde_json::to_string(&list.0).unwrap();
        insta::assert_snapshot!(text, @r#"{"schemaVersion":2,"x":1,"manifests":[{"digest":"a","artifactType":"sbom"},{"y":2}]}"#);
        assert_eq!(List::parse(b"{}"), None);
        assert_eq!(List::parse(br#"{"manifests": 1}"#), None);
    }

    #[test]
    fn the_tag_is_made_of_the_digest() {
        insta::assert_snapshot!(tag(Digest::sha256(b"")), @"sha256-e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
        let long = Digest::from_oci(&format!("sha512:{}", "ab".repeat(64))).unwrap();
        assert_eq!(tag(long), format!("sha512-{}", "ab".repeat(32)));
    }
}
