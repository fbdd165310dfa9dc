//! The JSON documents of an image: configuration, manifest, index. Knows their fields and their order, which is the
//! order of the specification's text; no files.

use akbuild_nar::Digest;
use akbuild_recipe::plan::ImageConfig;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::layer::{Packed, parse};

/// The media type of a manifest.
pub const MEDIA_MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
/// The media type of an index.
pub(crate) const MEDIA_INDEX: &str = "application/vnd.oci.image.index.v1+json";
/// The media type of a configuration.
pub const MEDIA_CONFIG: &str = "application/vnd.oci.image.config.v1+json";
/// The annotation of an index that names an image's tag.
pub const PUSHED_AT: &str = "org.opencontainers.image.ref.name";
/// When every image was made, since the same input must give the same bytes.
const CREATED: &str = "1970-01-01T00:00:01Z";

/// A blob, as other documents name it: "Descriptor" of the specification.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Descriptor {
    /// Its media type.
    pub media_type: String,
    /// Its SHA-256.
    pub digest: Digest,
    /// Its length in bytes.
    pub size: u64,
}

impl Descriptor {
    /// That of these bytes.
    pub fn of(media_type: &str, bytes: &[u8]) -> Self {
        Self { media_type: media_type.to_owned(), digest: Digest::sha256(bytes), size: bytes.len() as u64 }
    }

    /// `sha256:HEX`.
    pub fn name(&self) -> String {
        format!("sha256:{}", self.digest.hex())
    }

    pub(crate) fn json(&self) -> Value {
        json!({"mediaType": self.media_type, "digest": self.name(), "size": self.size})
    }
}

impl Serialize for Descriptor {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.json().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Descriptor {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Raw {
            media_type: String,
            digest: String,
            size: u64,
        }
        let Raw { media_type, digest, size } = Raw::deserialize(deserializer)?;
        let digest = parse(&digest)
            .ok_or_else(|| serde::de::Error::custom(format!("`{}` is no SHA-256 digest", digest.escape_debug())))?;
        Ok(Self { media_type, digest, size })
    }
}

/// An image's configuration; `names` are those of its layers.
pub(crate) fn config(config: &ImageConfig, layers: &[(String, Packed)]) -> Vec<u8> {
    let diff_ids: Vec<String> = layers.iter().map(|(_, layer)| format!("sha256:{}", layer.diff_id.hex())).collect();
    let history = |(name, _): &(String, Packed)| json!({"created": CREATED, "created_by": format!("akbuild: {name}")});
    let history: Vec<Value> = layers.iter().map(history).collect();
    bytes(&json!({
        "created": CREATED,
        "architecture": config.architecture,
        "os": "linux",
        "config": run(config),
        "rootfs": {"type": "layers", "diff_ids": diff_ids},
        "history": history,
    }))
}

/// How it is run; what is empty is left out.
fn run(config: &ImageConfig) -> Value {
    let set = |names: &[String]| Value::Object(names.iter().map(|name| (name.clone(), json!({}))).collect());
    let env: Vec<String> = config.env.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let nanoseconds = |seconds: u64| seconds.saturating_mul(1_000_000_000);
    let health = config.healthcheck.as_ref().map(|check| {
        let test: Vec<&str> = ["CMD"].into_iter().chain(check.command.iter().map(String::as_str)).collect();
        json!({
            "Test": test, "Interval": nanoseconds(check.interval), "Timeout": nanoseconds(check.timeout),
            "StartPeriod": nanoseconds(check.start_period), "Retries": check.retries,
        })
    });
    let all = [
        ("User", json!(config.user)),
        ("ExposedPorts", set(&config.ports)),
        ("Env", json!(env)),
        ("Entrypoint", json!(config.entrypoint)),
        ("Cmd", json!(config.command)),
        ("Volumes", set(&config.volumes)),
        ("WorkingDir", json!(config.workdir)),
        ("Labels", json!(config.labels)),
        ("StopSignal", json!(config.stop_signal)),
        ("Healthcheck", json!(health)),
    ];
    let there = |value: &Value| match value {
        Value::Null => false,
        Value::String(text) => !text.is_empty(),
        Value::Array(list) => !list.is_empty(),
        Value::Object(map) => !map.is_empty(),
        _ => true,
    };
    let given = all.into_iter().filter(|(_, value)| there(value)).map(|(name, value)| (name.to_owned(), value));
    Value::Object(given.collect::<Map<_, _>>())
}

/// An image's manifest.
pub(crate) fn manifest(config: &Descriptor, layers: &[(String, Packed)]) -> Vec<u8> {
    let layers: Vec<Value> = layers.iter().map(|(_, layer)| layer.descriptor().json()).collect();
    bytes(&json!({
        "schemaVersion": 2,
        "mediaType": MEDIA_MANIFEST,
        "config": config.json(),
        "layers": layers,
    }))
}

/// An index of one image: once, or once for each of its names, `NAME:TAG`.
pub(crate) fn index(manifest: &Descriptor, architecture: &str, names: &[String]) -> Vec<u8> {
    let mut entry = manifest.json();
    entry["platform"] = json!({"architecture": architecture, "os": "linux"});
    let named = |name: &String| {
        let mut entry = entry.clone();
        // What containerd looks at wants the whole of it.
        entry["annotations"] = json!({ PUSHED_AT: tag(name), "io.containerd.image.name": name });
        entry
    };
    let manifests = if names.is_empty() { vec![entry.clone()] } else { names.iter().map(named).collect() };
    bytes(&json!({"schemaVersion": 2, "mediaType": MEDIA_INDEX, "manifests": manifests}))
}

/// The tag of a reference; a colon may also stand before a port.
fn tag(name: &str) -> &str {
    let last = name.rsplit('/').next().unwrap_or(name);
    last.rsplit_once(':').map_or(name, |(_, tag)| tag)
}

/// Without white space: these are blobs, and small is as good as pretty.
pub(crate) fn bytes(document: &Value) -> Vec<u8> {
    document.to_string().into_bytes()
}
