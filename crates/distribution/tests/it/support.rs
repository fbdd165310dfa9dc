//! Images, clients and what they say: what every test needs.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use akbuild_distribution::{
    Blob, Client, ClientConfig, DistributionError, Event, Image, Keyring, PushOptions, Pushed, Reference,
};
use akbuild_image::{Descriptor, MEDIA_MANIFEST};
use akbuild_nar::Digest;
use akbuild_tree::{TreeDir, TreeFile};

pub(crate) const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
pub(crate) const LAYER: &str = "application/vnd.oci.image.layer.v1.tar";

/// Waits shortly, so that tests do.
pub(crate) fn config() -> ClientConfig {
    ClientConfig { retries: 3, backoff: Duration::from_millis(1), ..ClientConfig::default() }
}

pub(crate) fn client(keyring: Keyring) -> Client {
    Client::new(config(), keyring).unwrap()
}

pub(crate) fn anybody() -> Client {
    client(Keyring::default())
}

/// Somebody with user and password from variables.
pub(crate) fn somebody(user: &str, password: &str) -> Client {
    let pair = Some((user.to_owned(), password.to_owned()));
    client(Keyring::default().given("`USER_VAR` and `PASSWORD_VAR`", pair))
}

/// What `Authorization` is for user and password.
pub(crate) fn basic(user: &str, password: &str) -> String {
    format!("Basic {}", data_encoding::BASE64.encode(format!("{user}:{password}").as_bytes()))
}

/// Bytes that look like nothing, the same for the same seed.
pub(crate) fn noise(seed: u64, bytes: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 24) as u8
    };
    std::iter::repeat_with(next).take(bytes).collect()
}

/// An image whose layers are these bytes; the first is in a file, as they mostly are.
pub(crate) struct Made {
    pub(crate) image: Image,
    _folder: tempfile::TempDir,
}

pub(crate) fn image(layers: &[&[u8]]) -> Made {
    let folder = tempfile::tempdir().unwrap();
    let blob = |(n, bytes): (usize, &&[u8])| {
        let path = folder.path().join(n.to_string());
        std::fs::write(&path, bytes).unwrap();
        let tree = std::sync::Arc::new(TreeDir::open(folder.path(), "the layout").unwrap());
        let file = TreeFile::new(&tree, n.to_string());
        if n == 0 { Blob::file(Descriptor::of(LAYER, bytes), file) } else { Blob::bytes(LAYER, bytes) }
    };
    let layers: Vec<Blob> = layers.iter().enumerate().map(blob).collect();
    let config = Blob::bytes(CONFIG, b"{}");
    let descriptors: Vec<&Descriptor> = layers.iter().map(|l| &l.descriptor).collect();
    let manifest = serde_json::json!({
        "schemaVersion": 2, "mediaType": MEDIA_MANIFEST, "config": config.descriptor, "layers": descriptors,
    });
    let manifest = serde_json::to_vec(&manifest).unwrap();
    let image = Image { manifest, media_type: MEDIA_MANIFEST.to_owned(), config, layers };
    Made { image, _folder: folder }
}

pub(crate) fn reference(host: &str, rest: &str) -> Reference {
    format!("{host}/{rest}").parse().unwrap()
}

/// One upload after the other, in chunks of ten bytes.
pub(crate) fn small() -> PushOptions {
    PushOptions { parallel: 1, chunk_bytes: 10, ..PushOptions::default() }
}

/// Keeps what is said.
#[derive(Clone, Debug, Default)]
pub(crate) struct Heard(Arc<Mutex<Vec<Event>>>);

impl Heard {
    pub(crate) fn report(&self) -> impl Fn(Event) + Send + Sync + use<> {
        let heard = Arc::clone(&self.0);
        move |event| heard.lock().unwrap().push(event)
    }

    pub(crate) fn events(&self) -> Vec<Event> {
        self.0.lock().unwrap().clone()
    }

    /// The reasons of what was tried again.
    pub(crate) fn retries(&self) -> Vec<String> {
        let reason = |event| match event {
            Event::Retry { reason, .. } => Some(reason),
            _ => None,
        };
        self.events().into_iter().filter_map(reason).collect()
    }

    /// How far a blob was, each time something was said of it.
    pub(crate) fn done(&self, blob: Digest) -> Vec<u64> {
        let done = |event| match event {
            Event::Bytes { digest, done } if digest == blob => Some(done),
            _ => None,
        };
        self.events().into_iter().filter_map(done).collect()
    }
}

/// Pushes with small chunks, and keeps what is said.
pub(crate) async fn push(
    client: &Client,
    made: &Made,
    to: &Reference,
    heard: &Heard,
) -> Result<Pushed, DistributionError> {
    client.push(&made.image, to, &small(), &heard.report()).await
}

/// An error as text that is the same for every run: without ports.
pub(crate) fn text(error: &DistributionError, host: &str) -> String {
    error.to_string().replace(host, "HOST")
}
