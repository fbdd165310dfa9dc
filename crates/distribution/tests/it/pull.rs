//! Pulls: what comes into the folder, what is gone on with, and what is not believed.

use std::path::Path;

use akbuild_distribution::{Client, DistributionError, Image, PullOptions, Pulled};
use akbuild_image::{Descriptor, MEDIA_DOCKER_LIST, MEDIA_DOCKER_MANIFEST, MEDIA_INDEX, MEDIA_MANIFEST, Platform};
use akbuild_nar::Digest;
use serde_json::{Value, json};

use crate::fake::{Fake, Fault, Reply};
use crate::support::*;

/// A layer of more than one piece.
fn layer() -> Vec<u8> {
    noise(5, 2_000_000)
}

/// Puts an image into the registry, without any request.
fn put(fake: &Fake, tag: &str, image: &Image) -> Descriptor {
    let mut registry = fake.registry();
    let repo = registry.repo("app");
    for blob in std::iter::once(&image.config).chain(&image.layers) {
        let bytes = match &blob.content {
            akbuild_distribution::Content::File(file) => std::fs::read(file.shown_path()).unwrap(),
            akbuild_distribution::Content::Bytes(bytes) => bytes.to_vec(),
        };
        repo.blobs.insert(blob.descriptor.name(), bytes);
    }
    repo.put(tag, &image.media_type, &image.manifest);
    image.descriptor()
}

async fn pull(fake: &Fake, which: &str, to: &Path, heard: &Heard) -> Result<Pulled, DistributionError> {
    let from = reference(&fake.host, which);
    anybody().pull(&from, to, &PullOptions { parallel: 1, ..PullOptions::default() }, &heard.report()).await
}

/// The image in a folder: every blob that its index names, verified.
fn look(folder: &Path) -> Vec<Vec<u8>> {
    let read = |name: &str| std::fs::read(folder.join(name)).unwrap();
    let blob = |d: &Value| {
        let digest = Digest::from_oci(d["digest"].as_str().unwrap()).unwrap();
        let bytes = read(&format!("blobs/sha256/{}", digest.hex()));
        assert_eq!((Digest::sha256(&bytes), json!(bytes.len())), (digest, d["size"].clone()));
        bytes
    };
    assert_eq!(read("oci-layout"), br#"{"imageLayoutVersion":"1.0.0"}"#);
    assert!(!folder.join(".partial").exists());
    let index: Value = serde_json::from_slice(&read("index.json")).unwrap();
    let manifest: Value = serde_json::from_slice(&blob(&index["manifests"][0])).unwrap();
    let layers = manifest["layers"].as_array().unwrap();
    std::iter::once(&manifest["config"]).chain(layers).map(blob).collect()
}

#[tokio::test]
async fn an_image_comes_as_a_layout_and_only_once() {
    let fake = Fake::new();
    let made = image(&[&layer(), &noise(6, 7)]);
    let manifest = put(&fake, "1", &made.image);
    let folder = tempfile::tempdir().unwrap();
    let pulled = pull(&fake, "app:1", folder.path(), &Heard::default()).await.unwrap();
    assert_eq!((pulled.manifest, pulled.downloaded.blobs, pulled.present.blobs), (manifest.clone(), 3, 0));
    assert_eq!(look(folder.path()), [b"{}".to_vec(), layer(), noise(6, 7)]);
    insta::assert_snapshot!(fake.log(), @"
    GET /v2/app/manifests/1
    GET /v2/app/blobs/44136f
    GET /v2/app/blobs/a87228
    GET /v2/app/blobs/c8fdde
    ");
    let digest = format!("app@{}", manifest.name());
    let again = pull(&fake, &digest, folder.path(), &Heard::default()).await.unwrap();
    assert_eq!((again.downloaded.blobs, again.present.bytes), (0, 2 + 2_000_000 + 7));
    assert_eq!(fake.log().lines().count(), 1);
}

#[tokio::test]
async fn an_index_leads_to_the_image_for_the_platform() {
    let fake = Fake::new();
    let (arm, amd) = (image(&[&noise(1, 5)]), image(&[&noise(2, 5)]));
    let entry = |image: &Image, architecture: &str| {
        let mut entry = serde_json::to_value(put(&fake, architecture, image)).unwrap();
        entry["platform"] = json!({"os": "linux", "architecture": architecture});
        entry
    };
    let index = json!({"manifests": [entry(&arm.image, "arm64"), entry(&amd.image, "amd64")]}).to_string();
    fake.registry().repo("app").put("1", MEDIA_INDEX, index.as_bytes());
    let folder = tempfile::tempdir().unwrap();
    let pulled = pull(&fake, "app:1", folder.path(), &Heard::default()).await.unwrap();
    assert_eq!(pulled.manifest.digest, amd.image.descriptor().digest);
    assert_eq!(look(folder.path())[1], noise(2, 5));
    let options = PullOptions { platform: Platform::new("linux", "arm64"), ..PullOptions::default() };
    let pulled = anybody().pull(&reference(&fake.host, "app:1"), folder.path(), &options, &|_| {}).await.unwrap();
    assert_eq!(pulled.manifest.digest, arm.image.descriptor().digest);
    let options = PullOptions { platform: Platform::new("linux", "s390x"), ..PullOptions::default() };
    let error = anybody().pull(&reference(&fake.host, "app:1"), folder.path(), &options, &|_| {}).await.unwrap_err();
    insta::assert_snapshot!(text(&error, &fake.host), @"
    `HOST/app:1` has no image for linux/s390x: it has linux/arm64, linux/amd64
      help: take an image that has one
    ");
    // An index that leads to itself leads nowhere.
    let digest = fake.registry().repo("app").tags["1"].clone();
    let circle = Fault::Reply(Reply {
        body: format!(r#"{{"manifests": [{{"mediaType": "x", "digest": "{digest}", "size": 1}}]}}"#).into(),
        ..Reply::status(200).with("Content-Type", MEDIA_INDEX)
    });
    fake.on(1, "GET", "/manifests/2", circle);
    let error = pull(&fake, "app:2", folder.path(), &Heard::default()).await;
    assert!(error.is_ok(), "the index that it leads to has an image");
}

#[tokio::test]
async fn dockers_older_manifests_are_images_too() {
    let fake = Fake::new();
    let mut made = image(&[&noise(1, 5)]);
    made.image.media_type = MEDIA_DOCKER_MANIFEST.to_owned();
    let text_of = String::from_utf8(made.image.manifest.clone()).unwrap();
    made.image.manifest = text_of.replace(MEDIA_MANIFEST, MEDIA_DOCKER_MANIFEST).into_bytes();
    let mut entry = serde_json::to_value(put(&fake, "image", &made.image)).unwrap();
    entry["platform"] = json!({"os": "linux", "architecture": "amd64", "variant": "v1"});
    let index = json!({"mediaType": MEDIA_DOCKER_LIST, "manifests": [entry]}).to_string();
    fake.registry().repo("app").put("1", MEDIA_DOCKER_LIST, index.as_bytes());
    let folder = tempfile::tempdir().unwrap();
    let pulled = pull(&fake, "app:1", folder.path(), &Heard::default()).await.unwrap();
    assert_eq!(pulled.manifest.media_type, MEDIA_DOCKER_MANIFEST);
    assert_eq!(look(folder.path())[1], noise(1, 5));
    let old = "application/vnd.docker.distribution.manifest.v1+prettyjws";
    fake.registry().repo("app").put("2", old, b"{\"schemaVersion\":1}");
    let error = pull(&fake, "app:2", folder.path(), &Heard::default()).await.unwrap_err();
    insta::assert_snapshot!(text(&error, &fake.host), @"
    the manifest of `HOST/app:2` has the media type `application/vnd.docker.distribution.manifest.v1+prettyjws`
      expected an image of the OCI, or of Docker's schema 2
      help: push the image again with a newer tool
    ");
}

#[tokio::test]
async fn a_blob_that_breaks_off_is_gone_on_with() {
    let fake = Fake::new();
    let made = image(&[&layer()]);
    put(&fake, "1", &made.image);
    let hex = made.image.layers[0].descriptor.digest.hex();
    let of_layer = hex.clone();
    fake.rule(2, move |r| r.path.ends_with(&of_layer), Fault::CutAnswer(700_000));
    let (folder, heard) = (tempfile::tempdir().unwrap(), Heard::default());
    pull(&fake, "app:1", folder.path(), &heard).await.unwrap();
    assert_eq!(look(folder.path())[1], layer());
    let ranges: Vec<Option<String>> =
        fake.seen().iter().filter(|r| r.path.ends_with(&hex)).map(|r| r.header("range").map(str::to_owned)).collect();
    assert_eq!(ranges, [None, Some("bytes=700000-".to_owned()), Some("bytes=1400000-".to_owned())]);
    assert_eq!(heard.retries().len(), 2);
}

#[tokio::test]
async fn a_registry_without_ranges_sends_it_all_again() {
    let whole = Reply { body: layer(), ..Reply::status(200) };
    let other = Reply { body: layer()[5..].to_vec(), ..Reply::status(206) };
    let other = other.with("Content-Range", "bytes 5-1999999/2000000");
    for answer in [whole, other, Reply::status(416)] {
        let fake = Fake::new();
        let made = image(&[&layer()]);
        put(&fake, "1", &made.image);
        let hex = made.image.layers[0].descriptor.digest.hex();
        fake.rule(99, |r| r.header("range").is_some(), Fault::Reply(answer));
        fake.rule(1, move |r| r.path.ends_with(&hex), Fault::CutAnswer(700_000));
        let (folder, heard) = (tempfile::tempdir().unwrap(), Heard::default());
        pull(&fake, "app:1", folder.path(), &heard).await.unwrap();
        assert_eq!(look(folder.path())[1], layer());
        assert!(!heard.retries().is_empty());
    }
}

#[tokio::test]
async fn what_an_earlier_pull_left_is_verified() {
    let fake = Fake::new();
    let made = image(&[&layer()]);
    put(&fake, "1", &made.image);
    let hex = made.image.layers[0].descriptor.digest.hex();
    let mut longer = layer();
    longer.push(0);
    let mut damaged = layer()[..900_000].to_vec();
    damaged[0] ^= 1;
    let left: [(&[u8], &[Option<&str>]); 5] = [
        (&layer()[..900_000], &[Some("bytes=900000-")]),
        (&damaged, &[Some("bytes=900000-"), None]),
        (&longer, &[None]),
        (&layer(), &[]),
        (&noise(9, 2_000_000), &[None]),
    ];
    for (bytes, ranges) in left {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join(".partial")).unwrap();
        std::fs::write(folder.path().join(".partial").join(&hex), bytes).unwrap();
        fake.log();
        pull(&fake, "app:1", folder.path(), &Heard::default()).await.unwrap();
        assert_eq!(look(folder.path())[1], layer());
        let seen = fake.seen();
        let asked: Vec<Option<&str>> =
            seen.iter().filter(|r| r.path.ends_with(&hex)).map(|r| r.header("range")).collect();
        assert_eq!(asked, ranges);
    }
}

#[tokio::test]
async fn a_damaged_blob_in_the_folder_is_replaced() {
    let fake = Fake::new();
    let made = image(&[&layer()]);
    put(&fake, "1", &made.image);
    let folder = tempfile::tempdir().unwrap();
    pull(&fake, "app:1", folder.path(), &Heard::default()).await.unwrap();
    let path = folder.path().join("blobs/sha256").join(made.image.layers[0].descriptor.digest.hex());
    std::fs::write(&path, noise(1, 2_000_000)).unwrap();
    let pulled = pull(&fake, "app:1", folder.path(), &Heard::default()).await.unwrap();
    assert_eq!((pulled.downloaded.blobs, pulled.present.blobs), (1, 1));
    assert_eq!(look(folder.path())[1], layer());
}

#[tokio::test]
async fn other_bytes_are_not_believed() {
    let fake = Fake::new();
    let made = image(&[&layer()]);
    put(&fake, "1", &made.image);
    let digest = made.image.layers[0].descriptor.name();
    let folder = tempfile::tempdir().unwrap();
    fake.registry().repo("app").blobs.insert(digest.clone(), noise(9, 2_000_000));
    let error = pull(&fake, "app:1", folder.path(), &Heard::default()).await.unwrap_err();
    insta::assert_snapshot!(text(&error, &fake.host), @"
    blob sha256:a87228f45bb97ebc4461f6e6156130f59ca9f28e84d999da8896bab62b39c26c of HOST/app is not what it should be
      expected sha256:a87228f45bb97ebc4461f6e6156130f59ca9f28e84d999da8896bab62b39c26c
         found sha256:7bfe22d90e7e8f92970c275e22f4a8b9b43fa1b6665607678ef97ff496900699
      help: the registry, or a proxy on the way, is damaged; tell its operator
    ");
    assert!(!folder.path().join("index.json").exists());
    fake.registry().repo("app").blobs.insert(digest.clone(), [layer(), layer()].concat());
    let error = pull(&fake, "app:1", folder.path(), &Heard::default()).await.unwrap_err();
    insta::assert_snapshot!(text(&error, &fake.host), @"
    blob sha256:a87228f45bb97ebc4461f6e6156130f59ca9f28e84d999da8896bab62b39c26c of HOST/app is not what it should be
      expected 2000000 bytes
         found 4000000 bytes
      help: the registry, or a proxy on the way, is damaged; tell its operator
    ");
    fake.registry().repo("app").blobs.insert(digest.clone(), layer()[..100].to_vec());
    let error = pull(&fake, "app:1", folder.path(), &Heard::default()).await.unwrap_err();
    insta::assert_snapshot!(text(&error, &fake.host), @"
    blob sha256:a87228f45bb97ebc4461f6e6156130f59ca9f28e84d999da8896bab62b39c26c of HOST/app is not what it should be
      expected 2000000 bytes
         found 100 bytes
      help: the registry, or a proxy on the way, is damaged; tell its operator
    ");
    fake.registry().repo("app").blobs.remove(&digest);
    let error = pull(&fake, "app:1", folder.path(), &Heard::default()).await.unwrap_err();
    insta::assert_snapshot!(text(&error, &fake.host).replace(&digest, "DIGEST"), @"
    cannot download blob DIGEST of HOST/app: http://HOST/v2/app/blobs/DIGEST answers 404 Not Found
      it says: BLOB_UNKNOWN: blob unknown to registry
      help: the registry has only a part of the image; push it again
    ");
    let by_digest = format!("app@{}", made.image.descriptor().name());
    fake.on(
        1,
        "GET",
        "/manifests/",
        Fault::Change(Box::new(|reply| Reply { body: b"{\"config\":1}".to_vec(), ..reply })),
    );
    let error = pull(&fake, &by_digest, folder.path(), &Heard::default()).await.unwrap_err();
    insta::assert_snapshot!(text(&error, &fake.host), @"
    manifest `HOST/app@sha256:576ed5bc920cbff5bfbb01b282c77290fd2b02a36cafba6a44105ff9dfc793dd` of HOST/app is not what it should be
      expected sha256:576ed5bc920cbff5bfbb01b282c77290fd2b02a36cafba6a44105ff9dfc793dd
         found sha256:f37703f9023de7338b3dbcbe72c011f1f1661fd8775c7dd5c9f80cf28a7505ff
      help: the registry, or a proxy on the way, is damaged; tell its operator
    ");
    let other = Digest::sha256(b"other").oci();
    fake.on(1, "GET", "/manifests/", Fault::Change(Box::new(move |reply| reply.with("Docker-Content-Digest", &other))));
    let error = pull(&fake, "app:1", folder.path(), &Heard::default()).await.unwrap_err();
    assert!(matches!(error, DistributionError::WrongBytes { .. }), "{error}");
}

#[tokio::test]
async fn an_answer_of_no_known_length_is_measured() {
    let made = image(&[&layer()]);
    let hex = made.image.layers[0].descriptor.digest.hex();
    for (body, said) in
        [(layer(), None), ([layer(), layer()].concat(), Some("more")), (layer()[..100].to_vec(), Some("100"))]
    {
        let (fake, of_layer, folder) = (Fake::new(), hex.clone(), tempfile::tempdir().unwrap());
        put(&fake, "1", &made.image);
        let answer = Reply { body, ..Reply::status(200) }.chunked();
        fake.rule(99, move |r| r.path.ends_with(&of_layer), Fault::Reply(answer));
        let pulled = pull(&fake, "app:1", folder.path(), &Heard::default()).await;
        match (pulled, said) {
            (Ok(_), None) => assert_eq!(look(folder.path())[1], layer()),
            (Err(error), Some("more")) => insta::assert_snapshot!(text(&error, &fake.host), @"
            blob sha256:a87228f45bb97ebc4461f6e6156130f59ca9f28e84d999da8896bab62b39c26c of HOST/app is not what it should be
              expected 2000000 bytes
                 found more than that
              help: the registry, or a proxy on the way, is damaged; tell its operator
            "),
            (Err(error), Some(_)) => insta::assert_snapshot!(text(&error, &fake.host), @"
            cannot download blob sha256:a87228f45bb97ebc4461f6e6156130f59ca9f28e84d999da8896bab62b39c26c of HOST/app: HOST: the answer ended after 100 of 2000000 bytes
              help: check the address, the connection and the proxy variables, then run the same again: what is complete is not moved twice
            "),
            (pulled, said) => panic!("{pulled:?} {said:?}"),
        }
    }
}

#[tokio::test]
async fn what_is_not_there_is_told_of() {
    let fake = Fake::new();
    let folder = tempfile::tempdir().unwrap();
    let error = pull(&fake, "app:1", folder.path(), &Heard::default()).await.unwrap_err();
    insta::assert_snapshot!(text(&error, &fake.host), @"
    the registry has no `HOST/app:1`
      it says: MANIFEST_UNKNOWN: manifest unknown
      help: check name and tag; if the repository is private, log in first
    ");
    fake.registry().repo("app").put("1", MEDIA_MANIFEST, b"{\"config\": 1}");
    let error = pull(&fake, "app:1", folder.path(), &Heard::default()).await.unwrap_err();
    insta::assert_snapshot!(text(&error, &fake.host), @"
    the manifest of `HOST/app:1` cannot be used: invalid type: integer `1`, expected struct Descriptor at line 1 column 12
      help: push the image again with a newer tool
    ");
    fake.registry().repo("app").put("1", "text/html", b"<html>");
    let error = pull(&fake, "app:1", folder.path(), &Heard::default()).await.unwrap_err();
    insta::assert_snapshot!(text(&error, &fake.host), @"
    cannot get `HOST/app:1`: the answer of HOST is no JSON: expected value at line 1 column 1
      help: find out whether a registry runs at this address
    ");
}

#[tokio::test]
async fn sizes_that_no_blob_has() {
    let fake = Fake::new();
    let made = image(&[&layer(), &noise(6, 7)]);
    let mut manifest: Value = serde_json::from_slice(&made.image.manifest).unwrap();
    for layer in manifest["layers"].as_array_mut().unwrap() {
        layer["size"] = json!(u64::MAX);
    }
    let whole = made.image.clone();
    put(&fake, "1", &Image { manifest: manifest.to_string().into_bytes(), ..whole });
    let (folder, heard) = (tempfile::tempdir().unwrap(), Heard::default());
    let error = pull(&fake, "app:1", folder.path(), &heard).await.unwrap_err();
    insta::assert_snapshot!(text(&error, &fake.host), @"
    blob sha256:a87228f45bb97ebc4461f6e6156130f59ca9f28e84d999da8896bab62b39c26c of HOST/app is not what it should be
      expected 18446744073709551615 bytes
         found 2000000 bytes
      help: the registry, or a proxy on the way, is damaged; tell its operator
    ");
    assert_eq!(heard.events()[0], akbuild_distribution::Event::Start { blobs: 3, bytes: u64::MAX });
}

#[tokio::test]
async fn a_pull_that_was_dropped_is_gone_on_with() {
    let fake = Fake::new();
    let made = image(&[&layer()]);
    put(&fake, "1", &made.image);
    let hex = made.image.layers[0].descriptor.digest.hex();
    let folder = tempfile::tempdir().unwrap();
    let client: Client = anybody();
    let from = reference(&fake.host, "app:1");
    let of_layer = hex.clone();
    fake.rule(1, move |r| r.path.ends_with(&of_layer), Fault::StallAnswer(1_200_000));
    let (stop, stopped) = tokio::sync::oneshot::channel();
    let (stop, digest) = (std::sync::Mutex::new(Some(stop)), made.image.layers[0].descriptor.digest);
    let report = |event| {
        if let akbuild_distribution::Event::Bytes { digest: d, done } = event
            && d == digest
            && done > 0
        {
            stop.lock().unwrap().take().map(|stop| stop.send(()).ok());
        }
    };
    let options = PullOptions::default();
    tokio::select! {
        biased;
        _ = stopped => {}
        pulled = client.pull(&from, folder.path(), &options, &report) => panic!("it should be dropped: {pulled:?}"),
    }
    let kept = std::fs::metadata(folder.path().join(".partial").join(&hex)).unwrap().len();
    assert!(kept > 0);
    fake.log();
    // A thread that the dropped pull has started may hold the folder a moment longer.
    let again = async || loop {
        match pull(&fake, "app:1", folder.path(), &Heard::default()).await {
            Err(DistributionError::Busy { .. }) => tokio::task::yield_now().await,
            pulled => return pulled,
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(60), again()).await.unwrap().unwrap();
    assert_eq!(look(folder.path())[1], layer());
    let seen = fake.seen();
    let range = seen.iter().find(|r| r.path.ends_with(&hex)).unwrap().header("range").map(str::to_owned);
    assert_eq!(range, Some(format!("bytes={kept}-")));
}

#[tokio::test]
async fn blobs_may_be_elsewhere_but_not_unencrypted() {
    let storage = Fake::new();
    let made = image(&[&layer()]);
    put(&storage, "1", &made.image);
    let guard = crate::fake::Guard::Basic(basic("me", "s3cr3t"));
    let fake = Fake::with(crate::fake::Registry { guard, ..Default::default() });
    put(&fake, "1", &made.image);
    let path = format!("/v2/app/blobs/{}", made.image.layers[0].descriptor.name());
    let redirect = |to: String| Fault::Reply(Reply::status(307).with("Location", &to));
    let hex = made.image.layers[0].descriptor.digest.hex();
    let is_layer = move |hex: String| move |r: &crate::fake::Request| r.path.ends_with(&hex);
    fake.rule(1, is_layer(hex.clone()), redirect(format!("http://{}{path}", storage.host)));
    let folder = tempfile::tempdir().unwrap();
    let client = somebody("me", "s3cr3t");
    let from = reference(&fake.host, "app:1");
    client.pull(&from, folder.path(), &PullOptions::default(), &|_| {}).await.unwrap();
    assert_eq!(look(folder.path())[1], layer());
    assert!(!storage.seen().is_empty() && storage.seen().iter().all(|r| r.header("authorization").is_none()));
    let tokens = crate::fake::Tokens { basic: basic("me", "s3cr3t"), ..Default::default() };
    storage.registry().guard = crate::fake::Guard::Tokens(tokens);
    fake.rule(1, is_layer(hex.clone()), redirect(format!("http://{}{path}", storage.host)));
    let folder = tempfile::tempdir().unwrap();
    let error = client.pull(&from, folder.path(), &PullOptions::default(), &|_| {}).await.unwrap_err();
    assert!(storage.seen().iter().all(|r| r.path != "/token" && r.header("authorization").is_none()));
    insta::assert_snapshot!(text(&error, &fake.host).replace(&storage.host, "STORAGE"), @"
    cannot download blob sha256:a87228f45bb97ebc4461f6e6156130f59ca9f28e84d999da8896bab62b39c26c of HOST/app: http://STORAGE/v2/app/blobs/sha256:a87228f45bb97ebc4461f6e6156130f59ca9f28e84d999da8896bab62b39c26c answers 401 Unauthorized
      it says: UNAUTHORIZED: authentication required
      help: the credentials come from `USER_VAR` and `PASSWORD_VAR`; have them given the right, or take others
    ");
    let (folder, heard) = (tempfile::tempdir().unwrap(), Heard::default());
    fake.rule(1, is_layer(hex), redirect("http://storage.example/x?token=s3cr3t".to_owned()));
    let error = client.pull(&from, folder.path(), &PullOptions::default(), &heard.report()).await.unwrap_err();
    insta::assert_snapshot!(text(&error, &fake.host), @"
    cannot download blob sha256:a87228f45bb97ebc4461f6e6156130f59ca9f28e84d999da8896bab62b39c26c of HOST/app: http://HOST/v2/app/blobs/sha256:a87228f45bb97ebc4461f6e6156130f59ca9f28e84d999da8896bab62b39c26c: it redirects to http://storage.example/x, which is not encrypted
      help: check the address, the connection and the proxy variables, then run the same again: what is complete is not moved twice
    ");
    assert_eq!(heard.retries(), [""; 0]);
}
