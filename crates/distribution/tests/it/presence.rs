//! Whether a registry has a blob, and how an upload is opened, where its answers are not those of the specification.

use akbuild_distribution::{Amount, PushOptions, Pushed};
use akbuild_image::MEDIA_INDEX;
use serde_json::json;

use crate::fake::{Fake, Fault, Registry, Reply, Request};
use crate::support::*;

/// Pushes an image with one layer of 25 bytes, which is in the registry afterwards.
async fn arrives(fake: &Fake, options: &PushOptions) -> (Pushed, Heard) {
    let (made, heard) = (image(&[&noise(1, 25)]), Heard::default());
    let pushed = anybody().push(&made.image, &reference(&fake.host, "app:1"), options, &heard.report()).await.unwrap();
    assert_eq!(fake.registry().repo("app").blobs[&made.image.layers[0].descriptor.name()], noise(1, 25));
    assert_eq!(fake.registry().repo("app").tags["1"], pushed.digest.oci());
    (pushed, heard)
}

fn has_layer(fake: &Fake) {
    let layer = image(&[&noise(1, 25)]).image.layers[0].descriptor.name();
    fake.registry().repo("app").blobs.insert(layer, noise(1, 25));
}

fn is_blob(request: &Request) -> bool {
    request.path.contains("/blobs/sha256:")
}

#[tokio::test]
async fn a_storage_without_head_is_asked_for_one_byte() {
    for status in [400, 403, 404, 405, 500, 501] {
        let (fake, storage) = (Fake::new(), Fake::new());
        has_layer(&fake);
        has_layer(&storage);
        let to = storage.host.clone();
        let away = move |r: &Request| Reply::status(307).with("Location", &format!("http://{to}{}", r.path));
        let layer = image(&[&noise(1, 25)]).image.layers[0].descriptor.name();
        fake.rule(99, move |r| is_blob(r) && r.path.ends_with(&layer), Fault::Answer(Box::new(away)));
        storage.on(99, "HEAD", "", Fault::Reply(Reply::status(status)));
        let (pushed, heard) = arrives(&fake, &small()).await;
        assert_eq!((pushed.present, pushed.uploaded), (Amount { blobs: 1, bytes: 25 }, Amount { blobs: 1, bytes: 2 }));
        assert_eq!(heard.retries(), [""; 0]);
        insta::allow_duplicates! {
            insta::assert_snapshot!(storage.log(), @"
            HEAD /v2/app/blobs/4bcaf8
            GET /v2/app/blobs/4bcaf8 [bytes=0-0]
            ");
        }
    }
}

#[tokio::test]
async fn in_doubt_a_blob_is_uploaded() {
    // A redirect to nowhere, a registry that does not let anybody look, and answers about something else.
    let (size, digest) = ("Content-Length", "Docker-Content-Digest");
    let wrong = akbuild_nar::Digest::sha256(b"wrong").oci();
    let answers: [fn(&Request) -> Reply; 4] = [
        |r| if is_blob(r) { Reply::status(307).with("Location", "/storage") } else { Reply::status(404) },
        |_| Reply::error(403, "DENIED", "only for writing"),
        |_| Reply::status(405),
        |_| Reply { body: noise(9, 7), ..Reply::status(200) },
    ];
    for answer in answers {
        let fake = Fake::new();
        let reads = |r: &Request| ["GET", "HEAD"].contains(&r.method.as_str()) && !r.path.contains("/uploads/");
        fake.rule(99, move |r| reads(r) && !r.path.contains("/manifests/"), Fault::Answer(Box::new(answer)));
        assert_eq!(arrives(&fake, &small()).await.0.uploaded.blobs, 2);
        let manifests =
            fake.seen().iter().filter(|r| r.method == "PUT" && r.path.contains("/manifests/sha256:")).count();
        assert_eq!(manifests, 1, "it is not the manifest that brings it to light");
    }
    // An answer to HEAD that gives another size or digest is checked with GET.
    for (header, value) in [(size, "7"), (digest, wrong.as_str())] {
        let fake = Fake::new();
        has_layer(&fake);
        let value = value.to_owned();
        let change = move |reply: Reply| if reply.status == 200 { reply.with(header, &value) } else { reply };
        fake.rule(99, |r| r.method == "HEAD" && is_blob(r), Fault::Change(Box::new(change)));
        let (pushed, _) = arrives(&fake, &small()).await;
        assert_eq!((pushed.present.bytes, pushed.uploaded.bytes), (25, 2));
    }
}

#[tokio::test]
async fn a_mount_that_fails_in_any_way_becomes_an_upload() {
    let refusals =
        [400, 401, 403, 404, 405, 416, 429, 500, 501, 502, 503].map(|status| Fault::Reply(Reply::status(status)));
    let wrong = akbuild_nar::Digest::sha256(b"wrong").oci();
    let other = Reply::status(201).with("Docker-Content-Digest", &wrong);
    let more = [Fault::DropAnswer, Fault::DropAfter(0), Fault::Reply(Reply::status(202)), Fault::Reply(other)];
    for fault in refusals.into_iter().chain(more) {
        let fake = Fake::with(Registry { mounts: true, ..Registry::default() });
        fake.rule(99, |r| r.method == "POST" && r.get("mount").is_some(), fault);
        let options = PushOptions { mount_from: vec!["base".to_owned()], ..small() };
        let (pushed, heard) = arrives(&fake, &options).await;
        assert_eq!((pushed.uploaded.blobs, heard.retries().len()), (2, 0), "{:?}", heard.retries());
        let without_name = fake.seen().iter().filter(|r| r.get("mount").is_some() && r.get("from").is_none()).count();
        assert_eq!(without_name, 1, "what does not work for one blob is not asked for the next");
    }
}

#[tokio::test]
async fn blobs_that_a_registry_only_says_it_has_are_sent_when_the_manifest_is_refused() {
    // It has it, it says; it has mounted it, it says.
    let lies: [fn(&Request) -> bool; 2] = [|r| r.method == "HEAD" && is_blob(r), |r| r.get("mount").is_some()];
    for lie in lies {
        let fake = Fake::new();
        let success = |r: &Request| match r.method.as_str() {
            "HEAD" => Reply::status(200).with("Content-Length", if r.path.contains("44136f") { "2" } else { "25" }),
            _ => Reply::status(201),
        };
        fake.rule(99, lie, Fault::Answer(Box::new(success)));
        let (pushed, _) = arrives(&fake, &small()).await;
        assert_eq!(pushed.uploaded, Amount { blobs: 2, bytes: 27 });
        let refused = fake.seen().iter().filter(|r| r.method == "PUT" && r.path.contains("/manifests/sha256:")).count();
        assert_eq!(refused, 2);
    }
}

#[tokio::test]
async fn manifests_are_looked_at_without_head_too() {
    for status in [400, 403, 404, 405, 501] {
        let (fake, storage) = (Fake::new(), Fake::new());
        storage.on(99, "HEAD", "", Fault::Reply(Reply::status(status)));
        let to = format!("http://{}/storage", storage.host);
        let away = Reply::status(307).with("Location", &to);
        // A registry where everything is elsewhere, or one that knows no HEAD itself.
        let answer = if status == 404 { away } else { Reply::status(status) };
        fake.on(99, "HEAD", "/manifests/", Fault::Reply(answer));
        arrives(&fake, &small()).await;
        // A registry may want a tag.
        let fake = Fake::new();
        let refusal = if status == 400 { Reply::error(400, "TAG_INVALID", "no tag") } else { Reply::status(405) };
        fake.on(99, "PUT", "/manifests/sha256:", Fault::Reply(refusal));
        arrives(&fake, &small()).await;
    }
}

#[tokio::test]
async fn a_tag_that_shows_a_little_later_is_waited_for() {
    let fake = Fake::new();
    let made = image(&[&noise(1, 25)]);
    let (to, force) = (reference(&fake.host, "app:1"), PushOptions { force: true, ..small() });
    // Twice not there after it was written, and then twice what it was before.
    let before = image(&[&noise(2, 25)]);
    for old in [None, Some(&before)] {
        if let Some(before) = old {
            push(&anybody(), before, &reference(&fake.host, "app:old"), &Heard::default()).await.unwrap();
            let digest = before.image.descriptor().name();
            fake.registry().repo("app").tags.insert("1".to_owned(), digest);
        }
        let digest = old.map(|before| before.image.descriptor().name());
        let late = move |_: &Request| match &digest {
            None => Reply::status(404),
            Some(digest) => Reply::status(200).with("Docker-Content-Digest", digest).with("Content-Length", "1"),
        };
        let written = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
        let (set, is_set) = (written.clone(), written);
        let note = move |_: &mut Registry| set.store(true, std::sync::atomic::Ordering::SeqCst);
        fake.on(1, "PUT", "/manifests/1", Fault::After(Box::new(note)));
        let after = move |r: &Request| {
            r.method == "HEAD" && r.path.ends_with("/manifests/1") && is_set.load(std::sync::atomic::Ordering::SeqCst)
        };
        fake.rule(2, after, Fault::Answer(Box::new(late)));
        let heard = Heard::default();
        anybody().push(&made.image, &to, &force, &heard.report()).await.unwrap();
        assert_eq!(heard.retries(), ["it is not there yet"; 2]);
    }
}

/// Attaches a document to an image that was pushed.
async fn attaches(fake: &Fake) -> Result<akbuild_distribution::Attached, String> {
    let made = image(&[&noise(1, 25)]);
    let to = reference(&fake.host, "app:1");
    push(&anybody(), &made, &to, &Heard::default()).await.unwrap();
    let artifact = akbuild_distribution::Artifact {
        artifact_type: "a/b".to_owned(),
        blob: akbuild_distribution::Blob::bytes("a/b", b"{\"n\":1}"),
        annotations: Default::default(),
    };
    let subject = made.image.descriptor();
    let attached = anybody().attach(&subject, &artifact, &to, &|_| {}).await;
    attached.map_err(|e| text(&e, &fake.host).replace(&subject.digest.hex(), "HEX"))
}

/// The tag with the list of what is attached to that image, with one entry already.
fn listed(fake: &Fake) -> String {
    let tag = format!("sha256-{}", image(&[&noise(1, 25)]).image.descriptor().digest.hex());
    let entry = json!({"mediaType": "x/y", "digest": "sha256:1", "size": 1, "artifactType": "sig"});
    let index = json!({"schemaVersion": 2, "mediaType": MEDIA_INDEX, "manifests": [entry]}).to_string();
    fake.registry().repo("app").put(&tag, MEDIA_INDEX, index.as_bytes());
    tag
}

#[tokio::test]
async fn an_entity_tag_that_is_no_condition_is_not_made_one() {
    let conditional = |fake: &Fake| fake.seen().iter().filter(|r| r.header("if-match").is_some()).count();
    let etag = |value: &'static str| {
        Fault::Change(Box::new(move |r: Reply| if r.status == 200 { r.with("ETag", value) } else { r }))
    };
    let is_list = |r: &Request| r.path.contains("/manifests/sha256-");
    // Weak, not quoted, or none at all: no condition.
    for value in ["W/\"a\"", "a", ""] {
        let fake = Fake::new();
        listed(&fake);
        fake.rule(99, move |r| r.method == "GET" && is_list(r), etag(value));
        attaches(&fake).await.unwrap();
        assert_eq!(conditional(&fake), 0, "{value}");
    }
    // A registry that refuses the one that it gave, or any, gets none the next time.
    for status in [400, 412, 501] {
        let fake = Fake::new();
        let tag = listed(&fake);
        fake.rule(99, move |r| r.method == "GET" && is_list(r), etag("\"a\""));
        fake.rule(99, |r| r.header("if-match").is_some(), Fault::Reply(Reply::status(status)));
        attaches(&fake).await.unwrap();
        assert_eq!(conditional(&fake), 1, "{status}");
        let mut registry = fake.registry();
        let repo = registry.repo("app");
        let list: serde_json::Value = serde_json::from_slice(&repo.manifests[&repo.tags[&tag]].1).unwrap();
        assert_eq!(list["manifests"].as_array().unwrap().len(), 2, "what was there stays");
    }
}

#[tokio::test]
async fn a_tag_that_is_the_image_itself_is_left_alone() {
    let fake = Fake::with(Registry { aliases: true, ..Registry::default() });
    let error = attaches(&fake).await.unwrap_err();
    insta::assert_snapshot!(error, @"
    the registry takes the tag `HOST/app:sha256-HEX` for the image itself, and keeps no list of what is attached to it
      help: keep what should be attached in files; leave the tag alone, since it is the image
    ");
    assert!(!error.contains("delete"));
    let made = image(&[&noise(1, 25)]);
    assert_eq!(fake.registry().repo("app").tags["1"], made.image.descriptor().name());
}

#[tokio::test]
async fn a_list_of_the_registry_does_as_well_as_the_tag() {
    use akbuild_distribution::ListedBy;
    // It lists the artifact, and does not say so when that is pushed.
    let fake = Fake::with(Registry { aliases: true, ..Registry::default() });
    let lists = |fake: &Fake, reply: fn(Vec<serde_json::Value>) -> Reply| {
        let manifests = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
        let known = manifests.clone();
        let note = move |reply: Reply| {
            let digest = reply.headers.iter().find(|(name, _)| name == "Docker-Content-Digest");
            known.lock().unwrap().extend(digest.map(|(_, digest)| json!({ "digest": digest })));
            reply
        };
        fake.on(99, "PUT", "/manifests/", Fault::Change(Box::new(note)));
        let answer = move |_: &Request| reply(manifests.lock().unwrap().clone());
        fake.on(99, "GET", "/referrers/", Fault::Answer(Box::new(answer)));
    };
    let index = |manifests| Reply { body: json!({ "manifests": manifests }).to_string().into(), ..Reply::status(200) };
    lists(&fake, index);
    assert_eq!(attaches(&fake).await.unwrap().listed_by, ListedBy::Registry);
    // Whatever else it answers there, the tag counts.
    let page = |_| Reply { body: b"<html>".to_vec(), ..Reply::status(200) };
    let answers: [fn(Vec<serde_json::Value>) -> Reply; 4] =
        [|_| Reply::status(404), |_| Reply::status(405), |_| Reply::status(500), page];
    for answer in answers {
        let fake = Fake::new();
        lists(&fake, answer);
        assert_eq!(attaches(&fake).await.unwrap().listed_by, ListedBy::Tag);
        let fake = Fake::with(Registry { aliases: true, ..Registry::default() });
        lists(&fake, answer);
        assert!(attaches(&fake).await.unwrap_err().contains("for the image itself"));
    }
}
