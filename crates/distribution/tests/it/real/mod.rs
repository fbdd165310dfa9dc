//! Against the registry of Debian's package `docker-registry`. Where that is missing there is nothing to try; in CI
//! this is a failure.

mod server;

use std::path::Path;
use std::sync::Mutex;
use std::time::Duration;

use akbuild_distribution::{
    Amount, Artifact, Blob, Client, ClientConfig, Event, Keyring, ListedBy, PullOptions, PushOptions, TagWas,
};
use akbuild_image::MEDIA_INDEX;
use akbuild_nar::Digest;

use crate::support::*;
use server::{Options, Server, Tmpfs};

/// A layer of many chunks.
fn layer(seed: u64) -> Vec<u8> {
    noise(seed, 3_000_000)
}

fn chunks() -> PushOptions {
    PushOptions { chunk_bytes: 200_000, ..PushOptions::default() }
}

/// Whoever waits for a registry to come back.
fn patient() -> Client {
    let config = ClientConfig { retries: 12, backoff: Duration::from_millis(20), ..ClientConfig::default() };
    Client::new(config, Keyring::default()).unwrap()
}

/// What a pull brings of an image: its layers.
async fn layers(client: &Client, host: &str, which: &str, folder: &Path) -> Vec<Vec<u8>> {
    let pulled = client.pull(&reference(host, which), folder, &PullOptions::default(), &|_| {}).await.unwrap();
    let read = |d: Digest| std::fs::read(folder.join("blobs/sha256").join(d.hex())).unwrap();
    let manifest: serde_json::Value = serde_json::from_slice(&read(pulled.manifest.digest)).unwrap();
    let layers = manifest["layers"].as_array().unwrap();
    layers.iter().map(|l| read(Digest::from_oci(l["digest"].as_str().unwrap()).unwrap())).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_pushed_can_be_pulled() {
    let Some(server) = Server::start(Options::default()) else { return };
    let (made, client) = (image(&[&layer(1), &layer(2)]), anybody());
    let to = reference(&server.host, "team/app:1.0");
    let total = Amount { blobs: 3, bytes: 6_000_002 };
    let first = client.push(&made.image, &to, &chunks(), &|_| {}).await.unwrap();
    assert_eq!((first.tag, first.uploaded), (TagWas::Absent, total));
    let again = client.push(&made.image, &to, &chunks(), &|_| {}).await.unwrap();
    assert_eq!((again.tag, again.digest, again.uploaded), (TagWas::Same, first.digest, Amount::default()));

    let other = image(&[&layer(1), &layer(3)]);
    let error = client.push(&other.image, &to, &chunks(), &|_| {}).await.unwrap_err();
    insta::assert_snapshot!(text(&error, &server.host), @"
    the tag `HOST/team/app:1.0` stands for something else already
      expected sha256:398f4b71bbb00430b03cbed479ccc4124488498f1e94ad4f9681310cdf264196
         found sha256:49dfe182c7dc5834a247a40d405d892d6f9a99183f1c8fa28f92b1d1b58476d9
      help: take another tag, or move this one with `--force`: what is deployed by it changes then
    ");
    let force = PushOptions { force: true, ..chunks() };
    let moved = client.push(&other.image, &to, &force, &|_| {}).await.unwrap();
    assert_eq!((moved.tag, moved.uploaded.blobs, moved.present.blobs), (TagWas::Other(first.digest), 1, 2));

    let mount = PushOptions { mount_from: vec!["absent/app".into(), "team/app".into()], ..chunks() };
    let elsewhere = reference(&server.host, "other/app:1.0");
    let mounted = client.push(&made.image, &elsewhere, &mount, &|_| {}).await.unwrap();
    assert_eq!((mounted.mounted, mounted.uploaded), (total, Amount::default()));

    let folder = tempfile::tempdir().unwrap();
    let by_digest = format!("team/app@{}", first.digest.oci());
    assert_eq!(layers(&client, &server.host, &by_digest, folder.path()).await, [layer(1), layer(2)]);
    assert_eq!(layers(&client, &server.host, "team/app:1.0", folder.path()).await, [layer(1), layer(3)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_attached_is_in_the_list() {
    let Some(server) = Server::start(Options::default()) else { return };
    let (made, client) = (image(&[&noise(1, 9)]), anybody());
    let to = reference(&server.host, "app:1.0");
    client.push(&made.image, &to, &chunks(), &|_| {}).await.unwrap();
    let sbom = "application/vnd.cyclonedx+json";
    let attach = async |bytes: &[u8]| {
        let (artifact_type, annotations) = (sbom.to_owned(), Default::default());
        let artifact = Artifact { artifact_type, blob: Blob::bytes(sbom, bytes), annotations };
        client.attach(&made.image.descriptor(), &artifact, &to, &|_| {}).await.unwrap()
    };
    let first = attach(b"{\"n\":1}").await;
    assert_eq!(first.listed_by, ListedBy::Tag);
    let second = attach(b"{\"n\":2}").await;
    assert_eq!(attach(b"{\"n\":1}").await.uploaded, Amount::default());
    let digest = made.image.descriptor().digest;
    let index = server.tag("app", &format!("sha256-{}", digest.hex())).unwrap();
    let list: serde_json::Value = serde_json::from_slice(&std::fs::read(server.blob(index)).unwrap()).unwrap();
    assert_eq!(list["mediaType"], MEDIA_INDEX);
    let listed: Vec<&str> =
        list["manifests"].as_array().unwrap().iter().map(|m| m["digest"].as_str().unwrap()).collect();
    assert_eq!(listed, [first.manifest.name(), second.manifest.name()]);
}

/// Pushes while the registry is killed once a layer is so far, and started again when the client waits for it.
async fn killed_at(bytes: u64, options: Options) -> Option<(Server, Vec<String>)> {
    let server = Mutex::new(Server::start(options)?);
    let made = image(&[&layer(1), &layer(2)]);
    let host = server.lock().unwrap().host.clone();
    let digest = made.image.layers[0].descriptor.digest;
    let (killed, reasons) = (Mutex::new(false), Mutex::new(Vec::new()));
    let report = |event| match event {
        Event::Bytes { digest: d, done } if d == digest && done >= bytes => {
            let mut killed = killed.lock().unwrap();
            if !std::mem::replace(&mut *killed, true) {
                server.lock().unwrap().kill();
            }
        }
        Event::Retry { reason, .. } => {
            // Nobody is there for a while.
            if reason.contains("Connection refused") {
                server.lock().unwrap().start_again();
            }
            reasons.lock().unwrap().push(reason);
        }
        _ => {}
    };
    let to = reference(&host, "app:1.0");
    let pushed = patient().push(&made.image, &to, &chunks(), &report).await.unwrap();
    assert!(*killed.lock().unwrap());
    assert_eq!(pushed.uploaded, Amount { blobs: 3, bytes: 6_000_002 });
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(layers(&patient(), &host, "app:1.0", folder.path()).await, [layer(1), layer(2)]);
    Some((server.into_inner().unwrap(), reasons.into_inner().unwrap()))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registry_that_is_killed_gets_the_right_bytes_in_the_end() {
    for bytes in [1, 200_000, 1_500_000, 2_900_000, 3_000_000] {
        let Some((_server, reasons)) = killed_at(bytes, Options::default()).await else { return };
        assert!(reasons.iter().any(|r| r.contains("Connection refused")), "{reasons:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registry_that_forgets_its_secret_gets_everything_again() {
    let options = Options { secret: false, ..Options::default() };
    let Some((_server, reasons)) = killed_at(1_500_000, options).await else { return };
    assert!(reasons.iter().any(|r| r.starts_with("the upload got lost")), "{reasons:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn passwords_are_right_or_wrong() {
    let Some(server) = Server::start(Options { password: true, ..Options::default() }) else { return };
    let made = image(&[&layer(1)]);
    let to = reference(&server.host, "app:1.0");
    let push = async |client: Client| client.push(&made.image, &to, &chunks(), &|_| {}).await;
    insta::assert_snapshot!(text(&push(anybody()).await.unwrap_err(), &server.host), @"
    HOST asks for credentials, and there are none for app
      help: log in to HOST with a container tool (`podman login`, `docker login`), or set the variables
    ");
    insta::assert_snapshot!(text(&push(somebody("me", "wrong")).await.unwrap_err(), &server.host), @"
    HOST does not accept the credentials for app
      they come from `USER_VAR` and `PASSWORD_VAR`
      HOST says: 401 Unauthorized
      help: correct them there, or log in again; they may have expired, or lack the right
    ");
    assert_eq!(push(somebody("me", "secret")).await.unwrap().uploaded.blobs, 2);
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(layers(&somebody("me", "secret"), &server.host, "app:1.0", folder.path()).await, [layer(1)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_is_told_in_the_registrys_words() {
    let Some(disk) = Tmpfs::mount(2_000_000) else { return };
    let root = Some(disk.path().join("registry"));
    let Some(server) = Server::start(Options { root, ..Options::default() }) else { return };
    let (made, heard) = (image(&[&layer(1)]), Heard::default());
    let to = reference(&server.host, "app:1.0");
    let error = anybody().push(&made.image, &to, &chunks(), &heard.report()).await.unwrap_err();
    let text = text(&error, &server.host).replace(&disk.path().display().to_string(), "DISK");
    let digest = made.image.layers[0].descriptor.name();
    let text = text.replace(&digest, "LAYER");
    let upload = text.split("_uploads/").nth(1).and_then(|rest| rest.split('/').next()).unwrap_or("none");
    insta::assert_snapshot!(text.replace(upload, "ID"), @"
    cannot upload blob LAYER to HOST/app: http://HOST/v2/app/blobs/uploads/ID answers 500 Internal Server Error
      it says: UNKNOWN: unknown error: write DISK/registry/docker/registry/v2/repositories/app/_uploads/ID/data: no space left on device
      help: make room on the registry's disk, then push again: what is complete is not sent twice
    ");
    assert_eq!(heard.retries(), [""; 0], "waiting makes no room");
    assert_eq!(server.tag("app", "1.0"), None);
    drop(server);
}
