//! Uploads that fail: what is gone on with, what begins again, and what is told in the end.

use std::time::Duration;

use akbuild_distribution::{Content, DistributionError, Event, PushOptions, Pushed};
use akbuild_image::MEDIA_MANIFEST;

use crate::fake::{Fake, Fault, Registry, Reply};
use crate::support::*;

/// A layer that is sent in five chunks.
fn layer() -> Vec<u8> {
    noise(7, 45)
}

/// Pushes an image with that layer; the layer is in the registry afterwards.
async fn arrives(fake: &Fake) -> (Pushed, Heard) {
    let (made, heard) = (image(&[&layer()]), Heard::default());
    let pushed = push(&anybody(), &made, &reference(&fake.host, "app:1"), &heard).await.unwrap();
    let digest = made.image.layers[0].descriptor.name();
    assert_eq!(fake.registry().repo("app").blobs[&digest], layer());
    assert!(fake.registry().repo("app").uploads.is_empty());
    (pushed, heard)
}

async fn fails(fake: &Fake) -> (DistributionError, Heard) {
    let (made, heard) = (image(&[&layer()]), Heard::default());
    let error = push(&anybody(), &made, &reference(&fake.host, "app:1"), &heard).await.unwrap_err();
    assert!(fake.registry().repo("app").tags.is_empty());
    (error, heard)
}

/// The chunks of the layer that were sent, as ranges.
fn chunks(fake: &Fake) -> Vec<String> {
    let patches = fake.seen().into_iter().filter(|r| r.method == "PATCH");
    patches.map(|r| r.header("content-range").unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_broken_chunk_is_gone_on_with_where_it_broke() {
    let fake = Fake::new();
    fake.rule(1, |r| r.header("content-range") == Some("20-29"), Fault::DropAfter(4));
    let (_, heard) = arrives(&fake).await;
    let patched = chunks(&fake);
    assert!(patched.windows(2).any(|w| w == ["20-29", "24-33"]), "{patched:?}");
    assert_eq!(heard.retries().len(), 1);
    let done = heard.done(akbuild_nar::Digest::sha256(&layer()));
    assert_eq!(done.last(), Some(&45));
}

#[tokio::test]
async fn a_chunk_whose_answer_got_lost_is_not_sent_twice() {
    let fake = Fake::new();
    fake.rule(1, |r| r.header("content-range") == Some("20-29"), Fault::DropAnswer);
    arrives(&fake).await;
    assert_eq!(chunks(&fake).iter().filter(|c| *c == "20-29").count(), 1);
}

#[tokio::test]
async fn every_chunk_may_break_as_long_as_there_is_progress() {
    let fake = Fake::new();
    // Twenty times, where three without progress are allowed.
    fake.on(20, "PATCH", "", Fault::DropAfter(3));
    let (_, heard) = arrives(&fake).await;
    assert!(heard.retries().len() > 10, "{:?}", heard.retries());
}

#[tokio::test]
async fn an_upload_that_is_forgotten_begins_again() {
    let fake = Fake::new();
    let forget = |registry: &mut Registry| registry.repo("app").uploads.clear();
    fake.rule(1, |r| r.header("content-range") == Some("20-29"), Fault::Before(Box::new(forget)));
    let (_, heard) = arrives(&fake).await;
    insta::assert_snapshot!(heard.retries().join("\n"), @"the upload got lost: 404 Not Found: BLOB_UPLOAD_UNKNOWN: blob upload unknown to registry");
    assert_eq!(chunks(&fake).iter().filter(|c| *c == "0-9").count(), 2);
}

#[tokio::test]
async fn every_upload_may_be_forgotten_as_long_as_each_gets_further() {
    let fake = Fake::new();
    // Four times, where three without progress are allowed.
    for chunk in ["10-19", "20-29", "30-39", "40-44"] {
        let gone = if chunk == "20-29" { Reply::status(404) } else { Reply::error(400, "BLOB_UPLOAD_UNKNOWN", "") };
        fake.rule(1, move |r| r.header("content-range") == Some(chunk), Fault::Reply(gone));
    }
    let made = image(&[&layer()]);
    let heard = Heard::default();
    push(&anybody(), &made, &reference(&fake.host, "app:1"), &heard).await.unwrap();
    assert_eq!(heard.retries().len(), 4);
}

#[tokio::test]
async fn an_upload_that_is_forgotten_again_and_again_is_an_error() {
    let fake = Fake::new();
    let forget = |registry: &mut Registry| registry.repo("app").uploads.clear();
    fake.rule(99, |r| r.header("content-range") == Some("20-29"), Fault::Before(Box::new(forget)));
    fake.rule(99, |r| r.method == "PUT" && r.length() == 45, Fault::Before(Box::new(forget)));
    let (error, _) = fails(&fake).await;
    insta::assert_snapshot!(text(&error, &fake.host), @"
    cannot upload blob sha256:83bd78a418e7400e4226f5949dba3c79f11a87e1be797084c8b63496065fe29f to HOST/app: HOST answers 404 Not Found
      it says: BLOB_UPLOAD_UNKNOWN: blob upload unknown to registry
      help: the registry forgets uploads; its log, or that of what stands in front of it, may say why
    ");
}

#[tokio::test]
async fn an_answer_that_got_lost_after_the_end_is_found_out() {
    let fake = Fake::new();
    fake.rule(1, |r| r.method == "PUT" && r.path.contains("/uploads/") && r.body.is_empty(), Fault::DropAnswer);
    let (pushed, _) = arrives(&fake).await;
    assert_eq!(pushed.uploaded.blobs, 2);
    assert_eq!(chunks(&fake).len(), 5);
}

#[tokio::test]
async fn a_registry_that_is_busy_is_given_the_time_it_asks_for() {
    let fake = Fake::new();
    let busy = Reply::error(429, "TOOMANYREQUESTS", "slow down").with("Retry-After", "1");
    fake.on(1, "PATCH", "", Fault::Reply(busy));
    let (_, heard) = arrives(&fake).await;
    let waits = |e: &Event| matches!(e, Event::Retry { wait, .. } if *wait == Duration::from_secs(1));
    assert_eq!(heard.events().iter().filter(|e| waits(e)).count(), 1);
    insta::assert_snapshot!(heard.retries().join("\n"), @"429 Too Many Requests: TOOMANYREQUESTS: slow down");
}

#[tokio::test]
async fn what_stays_is_told_after_some_tries() {
    let fake = Fake::new();
    fake.on(99, "PATCH", "", Fault::Reply(Reply::error(503, "UNAVAILABLE", "maintenance")));
    let (error, heard) = fails(&fake).await;
    insta::assert_snapshot!(text(&error, &fake.host), @"
    cannot upload blob sha256:83bd78a418e7400e4226f5949dba3c79f11a87e1be797084c8b63496065fe29f to HOST/app: http://HOST/v2/app/blobs/uploads/2 answers 503 Service Unavailable
      it says: UNAVAILABLE: maintenance
      help: look into the registry's log, then run the same again: what is complete is not moved twice
    ");
    assert_eq!(heard.retries().len(), 3);
    assert!(fake.registry().repo("app").uploads.is_empty(), "what is given up is given back");
}

#[tokio::test]
async fn a_full_disk_and_a_limit_are_told_at_once() {
    let fake = Fake::new();
    fake.on(1, "PATCH", "", Fault::Reply(Reply::error(507, "UNKNOWN", "no space left on device")));
    let (error, heard) = fails(&fake).await;
    insta::assert_snapshot!(text(&error, &fake.host), @"
    cannot upload blob sha256:83bd78a418e7400e4226f5949dba3c79f11a87e1be797084c8b63496065fe29f to HOST/app: http://HOST/v2/app/blobs/uploads/2 answers 507 Insufficient Storage
      it says: UNKNOWN: no space left on device
      help: make room on the registry's disk, then push again: what is complete is not sent twice
    ");
    fake.on(1, "PATCH", "", Fault::Reply(Reply::error(500, "UNKNOWN", "write: no space left on device")));
    assert!(matches!(fails(&fake).await.0, DistributionError::Refused { .. }));
    fake.on(1, "PATCH", "", Fault::Reply(Reply::status(413)));
    let (limit, _) = fails(&fake).await;
    insta::assert_snapshot!(text(&limit, &fake.host), @"
    cannot upload blob sha256:83bd78a418e7400e4226f5949dba3c79f11a87e1be797084c8b63496065fe29f to HOST/app: http://HOST/v2/app/blobs/uploads/4 answers 413 Payload Too Large
      help: the registry, or a proxy in front of it, limits the size of a request; have the limit raised
    ");
    assert_eq!(heard.retries().len(), 0);
}

#[tokio::test]
async fn a_registry_without_chunks_is_sent_the_whole() {
    let fake = Fake::with(Registry { no_chunks: true, ..Registry::default() });
    arrives(&fake).await;
    let puts = |r: &&crate::fake::Request| r.method == "PUT" && r.body == layer();
    assert_eq!(fake.seen().iter().filter(puts).count(), 1);
}

#[tokio::test]
async fn a_registrys_smallest_chunk_goes_before() {
    let fake = Fake::with(Registry { minimum: Some(20), ..Registry::default() });
    let made = image(&[&noise(7, 60)]);
    push(&anybody(), &made, &reference(&fake.host, "app:1"), &Heard::default()).await.unwrap();
    assert_eq!(chunks(&fake).iter().filter(|c| c.starts_with("40-")).count(), 1);
    assert!(!chunks(&fake).contains(&"0-9".to_owned()));
}

#[tokio::test]
async fn a_registry_may_take_less_than_was_sent() {
    let fake = Fake::new();
    let shorten = |registry: &mut Registry| {
        registry.repo("app").uploads.values_mut().for_each(|u| u.truncate(24));
    };
    fake.rule(1, |r| r.header("content-range") == Some("20-29"), Fault::After(Box::new(shorten)));
    let told = |reply: Reply| reply.with("Range", "0-14");
    fake.rule(1, |r| r.header("content-range") == Some("10-19"), Fault::Change(Box::new(told)));
    arrives(&fake).await;
    let patched = chunks(&fake);
    // It says 15 and has 20, as it says when it is asked. Then it says 30 and has 24: the next chunk does not fit.
    assert_eq!(patched, ["0-9", "10-19", "20-29", "30-39", "24-33", "34-43", "44-44"]);
}

#[tokio::test]
async fn a_registry_that_says_what_it_took_gets_the_rest() {
    let fake = Fake::new();
    // It takes five bytes of a chunk, says so, and says so again when it is asked.
    let told = |reply: Reply| reply.with("Range", "0-14");
    fake.rule(1, |r| r.header("content-range") == Some("10-19"), Fault::Change(Box::new(told)));
    let half = |registry: &mut Registry| registry.repo("app").uploads.values_mut().for_each(|u| u.truncate(15));
    fake.on(1, "GET", "/uploads/", Fault::Before(Box::new(half)));
    arrives(&fake).await;
    assert_eq!(chunks(&fake), ["0-9", "10-19", "15-24", "25-34", "35-44"]);
}

#[tokio::test]
async fn a_registry_that_counts_wrongly_is_asked_again() {
    let fake = Fake::new();
    for (chunk, range) in [("10-19", "0-99"), ("20-29", "0-18446744073709551615"), ("30-39", "0-3")] {
        let wrong = move |reply: Reply| reply.with("Range", range);
        fake.rule(1, move |r| r.header("content-range") == Some(chunk), Fault::Change(Box::new(wrong)));
    }
    let (_, heard) = arrives(&fake).await;
    assert_eq!(heard.retries(), [""; 0], "it is asked, and that is no failure");
    assert_eq!(chunks(&fake), ["0-9", "10-19", "20-29", "30-39", "40-44"]);
}

#[tokio::test]
async fn a_registry_that_takes_nothing_is_given_up() {
    let fake = Fake::new();
    fake.rule(99, |r| r.header("content-range") == Some("20-29"), Fault::Reply(Reply::status(416)));
    fake.rule(99, |r| r.method == "PUT" && r.length() == 45, Fault::Reply(Reply::error(400, "SIZE", "too long")));
    let (error, _) = fails(&fake).await;
    insta::assert_snapshot!(text(&error, &fake.host), @"
    cannot upload blob sha256:83bd78a418e7400e4226f5949dba3c79f11a87e1be797084c8b63496065fe29f to HOST/app: http://HOST/v2/app/blobs/uploads/3 answers 400 Bad Request
      it says: SIZE: too long
      it said before: 416 Range Not Satisfiable
      help: the registry's own words say what it expects; its log may say more
    ");
    assert_eq!(chunks(&fake), ["0-9", "10-19", "20-29"]);
}

#[tokio::test]
async fn a_file_that_was_changed_is_told_of() {
    let fake = Fake::new();
    let made = image(&[&layer()]);
    let Content::File(file) = &made.image.layers[0].content else { panic!() };
    let path = file.shown_path();
    std::fs::write(&path, noise(8, 45)).unwrap();
    let to = reference(&fake.host, "app:1");
    let error = push(&anybody(), &made, &to, &Heard::default()).await.unwrap_err();
    insta::assert_snapshot!(error.to_string().replace(&path.display().to_string(), "LAYER"), @"
    LAYER is not what the image's manifest says
      expected sha256:83bd78a418e7400e4226f5949dba3c79f11a87e1be797084c8b63496065fe29f
         found sha256:6f330e4777720394fee911e074a9a6733b854159195f7b502d1467d3e212ac03
      help: build the image again, and leave its files alone until they are pushed
    ");
    std::fs::remove_file(&path).unwrap();
    let error = push(&anybody(), &made, &to, &Heard::default()).await.unwrap_err();
    insta::assert_snapshot!(error.to_string().replace(&path.display().to_string(), "LAYER"), @"cannot open `0` of the layout: No such file or directory (os error 2)");
}

#[tokio::test]
async fn a_file_that_goes_away_in_the_middle_is_told_of() {
    let fake = Fake::new();
    let made = image(&[&layer()]);
    let Content::File(file) = &made.image.layers[0].content else { panic!() };
    let path = file.shown_path();
    let gone = path.clone();
    let remove = move |_: &mut Registry| std::fs::remove_file(&gone).unwrap();
    fake.rule(1, |r| r.header("content-range") == Some("30-39"), Fault::After(Box::new(remove)));
    let error = push(&anybody(), &made, &reference(&fake.host, "app:1"), &Heard::default()).await.unwrap_err();
    insta::assert_snapshot!(error.to_string().replace(&path.display().to_string(), "LAYER"), @"cannot open `0` of the layout: No such file or directory (os error 2)");
}

#[tokio::test]
async fn bytes_that_a_registry_has_damaged_are_sent_once_more() {
    let fake = Fake::new();
    let damage = |registry: &mut Registry| registry.repo("app").uploads.values_mut().for_each(|u| u[0] ^= 1);
    fake.rule(1, |r| r.header("content-range") == Some("40-44"), Fault::After(Box::new(damage)));
    let (_, heard) = arrives(&fake).await;
    insta::assert_snapshot!(heard.retries().join("\n"), @"the registry has got other bytes than were sent");
    fake.registry().repos.clear();
    fake.rule(1, |r| r.header("content-range") == Some("40-44"), Fault::After(Box::new(damage)));
    let again = Reply::error(400, "DIGEST_INVALID", "provided digest did not match uploaded content");
    fake.rule(1, |r| r.method == "PUT" && r.length() == 45, Fault::Reply(again));
    let (error, _) = fails(&fake).await;
    insta::assert_snapshot!(text(&error, &fake.host), @"
    cannot upload blob sha256:83bd78a418e7400e4226f5949dba3c79f11a87e1be797084c8b63496065fe29f to HOST/app: http://HOST/v2/app/blobs/uploads/6 answers 400 Bad Request
      it says: DIGEST_INVALID: provided digest did not match uploaded content
      help: the registry's own words say what it expects; its log may say more
    ");
}

#[tokio::test]
async fn uploads_may_go_elsewhere_but_not_who_asks() {
    let storage = Fake::new();
    let fake = Fake::with(Registry {
        guard: crate::fake::Guard::Basic(basic("me", "s3cr3t")),
        uploads_at: Some(format!("http://{}", storage.host)),
        ..Registry::default()
    });
    for id in 1..=2 {
        storage.registry().repo("app").uploads.insert(id.to_string(), Vec::new());
    }
    let made = image(&[&layer()]);
    let to = reference(&fake.host, "app:1");
    // What comes to the storage is not in the registry here, so the manifest is refused.
    let error = push(&somebody("me", "s3cr3t"), &made, &to, &Heard::default()).await.unwrap_err();
    insta::assert_snapshot!(text(&error, &fake.host), @"
    cannot push the manifest `HOST/app@sha256:5e9d3ab184bb4c12dde66b0705146a66efd0b622878721f4d10ae25e20af1029`: http://HOST/v2/app/manifests/sha256:5e9d3ab184bb4c12dde66b0705146a66efd0b622878721f4d10ae25e20af1029 answers 404 Not Found
      it says: MANIFEST_BLOB_UNKNOWN: sha256:83bd78a418e7400e4226f5949dba3c79f11a87e1be797084c8b63496065fe29f
      help: the registry has lost what was pushed just now; run the same again, and have its operator told
    ");
    assert_eq!(storage.registry().repo("app").blobs.len(), 2);
    assert!(storage.seen().iter().all(|r| r.header("authorization").is_none()));
}

#[tokio::test]
async fn uploads_do_not_go_where_nothing_is_encrypted() {
    let fake = Fake::with(Registry { uploads_at: Some("http://storage.example".into()), ..Registry::default() });
    let (error, _) = fails(&fake).await;
    insta::assert_snapshot!(text(&error, &fake.host), @"
    cannot upload blob sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a to HOST/app: the registry sends to http://storage.example/v2/app/blobs/uploads/1, which is not encrypted
      help: have the registry's operator correct the address; or allow plain HTTP to this host if the network is yours
    ");
}

#[tokio::test]
async fn an_upload_needs_somewhere_to_go() {
    let fake = Fake::new();
    fake.on(99, "POST", "", Fault::Change(Box::new(|reply| reply.without("Location"))));
    let (error, _) = fails(&fake).await;
    insta::assert_snapshot!(text(&error, &fake.host), @"
    cannot upload blob sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a to HOST/app: the answer of HOST does not say where to upload to
      help: find out whether a registry runs at this address
    ");
}

#[tokio::test]
async fn nobody_there_is_told_after_some_tries() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let host = listener.local_addr().unwrap().to_string();
    drop(listener);
    let heard = Heard::default();
    let made = image(&[&layer()]);
    let error = push(&anybody(), &made, &reference(&host, "app:1"), &heard).await.unwrap_err();
    insta::assert_snapshot!(text(&error, &host), @"
    cannot look for `HOST/app:1`: http://HOST/v2/app/manifests/1: error sending request: client error (Connect): tcp connect error: Connection refused (os error 111)
      help: check the address, the connection and the proxy variables, then run the same again: what is complete is not moved twice
    ");
    assert_eq!(heard.retries().len(), 3);
}

#[tokio::test]
async fn a_push_can_be_dropped_anywhere() {
    let fake = Fake::new();
    let made = image(&[&layer(), &noise(3, 5)]);
    let digest = made.image.layers[0].descriptor.digest;
    let to = reference(&fake.host, "app:1");
    let client = anybody();
    // Each push is dropped one report later than the one before, until one is through.
    for reports in 1.. {
        let (stop, stopped) = tokio::sync::oneshot::channel();
        let left = std::sync::Mutex::new((reports, Some(stop)));
        let report = |_| {
            let mut left = left.lock().unwrap();
            left.0 -= 1;
            if left.0 == 0 {
                left.1.take().map(|stop| stop.send(()).ok());
            }
        };
        let options = small();
        let through = tokio::select! {
            biased;
            _ = stopped => false,
            pushed = client.push(&made.image, &to, &options, &report) => pushed.is_ok(),
        };
        if through {
            assert!(reports > 5, "{reports}");
            break;
        }
    }
    let mut registry = fake.registry();
    assert_eq!(registry.repo("app").blobs[&digest.oci()], layer());
    assert_eq!(registry.repo("app").tags["1"], made.image.descriptor().digest.oci());
}

#[tokio::test]
async fn several_blobs_go_at_once() {
    let fake = Fake::new();
    let layers: Vec<Vec<u8>> = (0..20).map(|n| noise(n, 30_000 + n as usize)).collect();
    let made = image(&layers.iter().map(Vec::as_slice).collect::<Vec<_>>());
    let options = PushOptions { parallel: 8, chunk_bytes: 10_000, ..PushOptions::default() };
    fake.on(10, "PATCH", "", Fault::DropAfter(777));
    let pushed = anybody().push(&made.image, &reference(&fake.host, "app:1"), &options, &|_| {}).await.unwrap();
    assert_eq!(pushed.uploaded.blobs, 21);
    let mut registry = fake.registry();
    let repo = registry.repo("app");
    for bytes in &layers {
        assert_eq!(repo.blobs[&akbuild_nar::Digest::sha256(bytes).oci()], *bytes);
    }
    assert_eq!(repo.manifests[&repo.tags["1"]].0, MEDIA_MANIFEST);
}

/// A client that waits so long, in milliseconds, for anything, and for the end of an upload.
fn waiting(read: u64, commit: u64) -> akbuild_distribution::Client {
    let (read_timeout, commit_timeout) = (Duration::from_millis(read), Duration::from_millis(commit));
    let config = akbuild_distribution::ClientConfig { read_timeout, commit_timeout, ..config() };
    akbuild_distribution::Client::new(config, akbuild_distribution::Keyring::default()).unwrap()
}

#[tokio::test]
async fn a_registry_that_says_nothing_is_not_waited_for_in_vain() {
    const LONG: u64 = 30_000;
    let fake = Fake::new();
    let made = image(&[&layer()]);
    fake.on(1, "PATCH", "", Fault::Silence);
    let heard = Heard::default();
    push(&waiting(500, LONG), &made, &reference(&fake.host, "app:1"), &heard).await.unwrap();
    assert!(heard.retries().contains(&"it was silent for 0.5 s".to_owned()), "{:?}", heard.retries());
    // The end of an upload has its own time.
    fake.registry().repos.clear();
    fake.on(1, "PUT", "/uploads/", Fault::Silence);
    let heard = Heard::default();
    push(&waiting(LONG, 400), &made, &reference(&fake.host, "app:1"), &heard).await.unwrap();
    assert!(heard.retries().contains(&"it was silent for 0.4 s".to_owned()), "{:?}", heard.retries());
}
