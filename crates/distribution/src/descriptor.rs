//! Descriptors and media types of the OCI image specification, as far as a registry needs them. Knows their form;
//! nothing of what is in a layer.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::Digest;

/// Media types of the OCI image specification, and the older ones of Docker that stand for the same.
pub mod media_type {
    /// An image's manifest.
    pub const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
    /// An index: manifests by platform, or a list of referrers.
    pub const INDEX: &str = "application/vnd.oci.image.index.v1+json";
    /// A config that says nothing, with the two bytes `{}`: "Guidance for an Empty Descriptor".
    pub const EMPTY: &str = "application/vnd.oci.empty.v1+json";
    /// An image's manifest by Docker's schema 2.
    pub const DOCKER_MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";
    /// Docker's index.
    pub const DOCKER_LIST: &str = "application/vnd.docker.distribution.manifest.list.v2+json";
}

/// A reference to content by what it is: "Content Descriptors" of the image specification.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Descriptor {
    /// What kind of thing it is.
    pub media_type: String,
    /// Its digest.
    pub digest: Digest,
    /// Its size in bytes.
    pub size: u64,
    /// What an artifact is, where the content is an artifact's manifest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub artifact_type: Option<String>,
    /// What is said about it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
    /// For which platform it is, in an index.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform: Option<Platform>,
}

impl Descriptor {
    /// A descriptor with what every descriptor has.
    pub fn new(media_type: impl Into<String>, digest: Digest, size: u64) -> Self {
        let (artifact_type, annotations, platform) = (None, BTreeMap::new(), None);
        Self { media_type: media_type.into(), digest, size, artifact_type, annotations, platform }
    }

    /// The descriptor of these bytes, by their SHA-256.
    pub fn of(media_type: impl Into<String>, bytes: &[u8]) -> Self {
        Self::new(media_type, Digest::sha256(bytes), bytes.len() as u64)
    }
}

/// Operating system and processor, in the words of the image specification: `linux/amd64`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Platform {
    /// The operating system.
    pub os: String,
    /// The processor.
    pub architecture: String,
    /// The processor's variant: `v8` of `arm64`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variant: Option<String>,
}

impl Platform {
    /// A platform without a variant.
    pub fn new(os: &str, architecture: &str) -> Self {
        Self { os: os.to_owned(), architecture: architecture.to_owned(), variant: None }
    }

    /// Whether something for `self` may serve where `wanted` is asked for: a variant counts only if one is wanted.
    pub(crate) fn serves(&self, wanted: &Self) -> bool {
        let variant = wanted.variant.is_none() || self.variant == wanted.variant;
        self.os == wanted.os && self.architecture == wanted.architecture && variant
    }
}

impl std::fmt::Display for Platform {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.os, self.architecture)?;
        self.variant.as_ref().map_or(Ok(()), |variant| write!(f, "/{variant}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_descriptor_is_written_with_what_it_has() {
        let bare = Descriptor::of(media_type::EMPTY, b"{}");
        insta::assert_snapshot!(serde_json::to_string(&bare).unwrap(), @r#"{"mediaType":"application/vnd.oci.empty.v1+json","digest":"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a","size":2}"#);
        let full = Descriptor { platform: Some(Platform::new("linux", "amd64")), ..bare };
        assert_eq!(serde_json::from_str::<Descriptor>(&serde_json::to_string(&full).unwrap()).unwrap(), full);
    }

    #[test]
    fn a_variant_counts_only_if_it_is_wanted() {
        let with = Platform { variant: Some("v8".into()), ..Platform::new("linux", "arm64") };
        assert!(with.serves(&Platform::new("linux", "arm64")));
        assert!(!Platform::new("linux", "arm64").serves(&with));
        assert!(!with.serves(&Platform::new("linux", "amd64")));
        assert_eq!(with.to_string(), "linux/arm64/v8");
    }
}
