//! Descriptors: how documents of an image, and registries, name a blob. Knows their form; not what a blob holds.

use std::collections::BTreeMap;
use std::fmt;

use akbuild_nar::{Algo, Digest};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A blob, as other documents name it: "Content Descriptors" of the specification.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Descriptor {
    /// What kind of thing it is.
    pub media_type: String,
    /// Its SHA-256; of an image that somebody else has made, it may be its SHA-512.
    #[serde(serialize_with = "write_digest", deserialize_with = "read_digest")]
    pub digest: Digest,
    /// Its length in bytes.
    pub size: u64,
    /// What an artifact is, where the blob is an artifact's manifest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub artifact_type: Option<String>,
    /// For which platform it is, in an index.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform: Option<Platform>,
    /// What is said about it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
}

impl Descriptor {
    /// A descriptor with what every descriptor has.
    pub fn new(media_type: impl Into<String>, digest: Digest, size: u64) -> Self {
        let (artifact_type, platform, annotations) = (None, None, BTreeMap::new());
        Self { media_type: media_type.into(), digest, size, artifact_type, platform, annotations }
    }

    /// That of these bytes.
    pub fn of(media_type: impl Into<String>, bytes: &[u8]) -> Self {
        Self::new(media_type, Digest::sha256(bytes), bytes.len() as u64)
    }

    /// `sha256:HEX`.
    pub fn name(&self) -> String {
        self.digest.oci()
    }
}

fn write_digest<S: Serializer>(digest: &Digest, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&digest.oci())
}

fn read_digest<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Digest, D::Error> {
    let text = String::deserialize(deserializer)?;
    Digest::from_oci(&text).ok_or_else(|| serde::de::Error::custom(no_sha256(&text)))
}

/// A SHA-256, as registries write it.
pub(crate) fn sha256(text: &str) -> Option<Digest> {
    Digest::from_oci(text).filter(|digest| digest.algo() == Algo::Sha256)
}

/// What is said of a digest that is of no use.
pub(crate) fn no_sha256(text: &str) -> String {
    format!("`{}` is no SHA-256 digest", text.escape_debug())
}

/// Operating system and processor, in the words of the image specification: `linux/amd64`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Platform {
    /// The processor.
    pub architecture: String,
    /// The operating system.
    pub os: String,
    /// The processor's variant: `v8` of `arm64`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variant: Option<String>,
}

impl Platform {
    /// A platform without a variant.
    pub fn new(os: &str, architecture: &str) -> Self {
        Self { architecture: architecture.to_owned(), os: os.to_owned(), variant: None }
    }

    /// Whether something for `self` may serve where `wanted` is asked for: a variant counts only if one is wanted.
    pub fn serves(&self, wanted: &Self) -> bool {
        let variant = wanted.variant.is_none() || self.variant == wanted.variant;
        self.os == wanted.os && self.architecture == wanted.architecture && variant
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // It is shown in messages, and is whatever somebody has written.
        write!(f, "{}/{}", self.os.escape_debug(), self.architecture.escape_debug())?;
        self.variant.as_ref().map_or(Ok(()), |variant| write!(f, "/{}", variant.escape_debug()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::MEDIA_EMPTY;

    #[test]
    fn a_descriptor_is_written_with_what_it_has() {
        let bare = Descriptor::of(MEDIA_EMPTY, b"{}");
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
        assert_eq!(Platform::new("\x1b[2J", "x").to_string(), "\\u{1b}[2J/x");
    }
}
