//! The JSON documents of an image: configuration, manifest, index. Knows their fields and their order, which is the
//! order of the specification's text; no files.

use akbuild_recipe::plan::ImageConfig;
use serde_json::{Map, Value, json};

use crate::Descriptor;
use crate::layer::Packed;

/// The media type of a manifest.
pub const MEDIA_MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
/// The media type of an index: manifests by platform, or a list of what is attached to an image.
pub const MEDIA_INDEX: &str = "application/vnd.oci.image.index.v1+json";
/// The media type of a configuration.
pub const MEDIA_CONFIG: &str = "application/vnd.oci.image.config.v1+json";
/// The media type of a configuration that says nothing, with the two bytes `{}`: "Guidance for an Empty Descriptor".
pub const MEDIA_EMPTY: &str = "application/vnd.oci.empty.v1+json";
/// The media type of a manifest by Docker's schema 2.
pub const MEDIA_DOCKER_MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";
/// The media type of Docker's index.
pub const MEDIA_DOCKER_LIST: &str = "application/vnd.docker.distribution.manifest.list.v2+json";
/// The annotation of an index that names an image's tag.
pub const PUSHED_AT: &str = "org.opencontainers.image.ref.name";
/// When every image was made, since the same input must give the same bytes.
const CREATED: &str = "1970-01-01T00:00:01Z";

/// An image's configuration; `names` are those of its layers.
pub(crate) fn config(config: &ImageConfig, layers: &[(String, Packed)]) -> Vec<u8> {
    let diff_ids: Vec<String> = layers.iter().map(|(_, layer)| layer.diff_id.oci()).collect();
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
    let layers: Vec<Descriptor> = layers.iter().map(|(_, layer)| layer.descriptor()).collect();
    bytes(&json!({
        "schemaVersion": 2,
        "mediaType": MEDIA_MANIFEST,
        "config": config,
        "layers": layers,
    }))
}

/// An index of these manifests.
pub(crate) fn index(manifests: &[Descriptor]) -> Vec<u8> {
    bytes(&json!({"schemaVersion": 2, "mediaType": MEDIA_INDEX, "manifests": manifests}))
}

/// Without white space: these are blobs, and small is as good as pretty.
pub(crate) fn bytes(document: &Value) -> Vec<u8> {
    document.to_string().into_bytes()
}
