//! Registries that limit, refuse or misreport chunks, or single requests: the blob arrives in another way, byte for
//! byte, and if there is none, the registry's own words are the error.

use akbuild_distribution::{DistributionError, PushOptions, Pushed};

use crate::fake::{Fake, Fault, Registry, Reply, Request};
use crate::support::*;

const KIB: usize = 1 << 10;

/// Pushes layers of these sizes in chunks of so many bytes, one after the other.
async fn push_sizes(fake: &Fake, sizes: &[usize], chunk: usize) -> Result<(Pushed, Heard), DistributionError> {
    let layers: Vec<Vec<u8>> = sizes.iter().enumerate().map(|(n, bytes)| noise(n as u64 + 1, *bytes)).collect();
    let (made, heard) = (image(&layers.iter().map(Vec::as_slice).collect::<Vec<_>>()), Heard::default());
    let options = PushOptions { parallel: 1, chunk_bytes: chunk as u64, ..PushOptions::default() };
    let pushed = anybody().push(&made.image, &reference(&fake.host, "app:1"), &options, &heard.report()).await?;
    for (layer, blob) in layers.iter().zip(&made.image.layers) {
        assert_eq!(fake.registry().repo("app").blobs[&blob.descriptor.name()], *layer);
        let done = heard.done(blob.descriptor.digest);
        assert!(done.iter().all(|done| *done <= layer.len() as u64), "{done:?}");
    }
    assert!(fake.registry().repo("app").uploads.is_empty(), "what is given up is given back");
    Ok((pushed, heard))
}

/// The same for one layer of 45 bytes in chunks of 10, which must arrive without a wait.
async fn arrives(fake: &Fake) {
    let (_, heard) = push_sizes(fake, &[45], 10).await.unwrap();
    assert_eq!(heard.retries(), [""; 0]);
}

/// Methods and sizes of what was sent of blobs of more than two bytes.
fn sent(fake: &Fake) -> Vec<(String, usize)> {
    let uploads = fake.seen().into_iter().filter(|r| r.path.contains("/uploads/") && r.body.len() > 2);
    uploads.map(|r| (r.method, r.body.len())).collect()
}

fn is_chunk(request: &Request) -> bool {
    request.method == "PATCH"
}

/// A blob in one request.
fn is_whole(request: &Request) -> bool {
    request.method == "PUT" && request.path.contains("/uploads/") && request.length() > 0
}

fn page(status: u16, title: &str) -> Reply {
    let body = format!("<html><head><title>{title}</title></head></html>").into_bytes();
    Reply { body, ..Reply::status(status) }.with("Content-Type", "text/html")
}

#[tokio::test]
async fn a_limit_in_the_registrys_words_is_kept_to() {
    let fake = Fake::new();
    let words = "the request body is too large and exceeds the maximum permissible limit of 0.25MiB";
    let refusal = Reply::error(416, "REQUESTED_RANGE_NOT_SATISFIABLE", words);
    fake.rule(99, |r| is_chunk(r) && r.length() > 256 * KIB, Fault::Reply(refusal));
    let (_, heard) = push_sizes(&fake, &[600 * KIB, 300 * KIB], 512 * KIB).await.unwrap();
    let patch = |kib: usize| ("PATCH".to_owned(), kib * KIB);
    // The second blob profits from what the first one learned.
    assert_eq!(sent(&fake), [512, 256, 256, 88, 256, 44].map(patch));
    assert_eq!(heard.retries(), [""; 0]);
}

#[tokio::test]
async fn a_proxy_that_takes_less_than_a_chunk_gets_smaller_ones() {
    let fake = Fake::new();
    let large = |r: &Request| r.length() > 300 * KIB;
    fake.rule(99, large, Fault::Reply(page(413, "413 Request Entity Too Large")));
    push_sizes(&fake, &[1100 * KIB, 400 * KIB], 1024 * KIB).await.unwrap();
    let patch = |kib: usize| ("PATCH".to_owned(), kib * KIB);
    assert_eq!(sent(&fake), [1024, 256, 256, 256, 256, 76, 256, 144].map(patch));
    // A blob that would go in one request goes in chunks.
    let fake = Fake::new();
    fake.rule(99, large, Fault::Reply(page(413, "413 Request Entity Too Large")));
    push_sizes(&fake, &[500 * KIB], 1024 * KIB).await.unwrap();
    assert_eq!(sent(&fake)[0], ("PUT".to_owned(), 500 * KIB));
    assert_eq!(sent(&fake)[1..], [125, 125, 125, 125].map(patch));
}

#[tokio::test]
async fn a_limit_that_cannot_be_kept_to_is_told() {
    let fake = Fake::new();
    fake.rule(99, |r| r.length() > 9 * KIB, Fault::Reply(page(413, "413 Request Entity Too Large")));
    let error = push_sizes(&fake, &[500 * KIB], 1024 * KIB).await.unwrap_err();
    insta::assert_snapshot!(text(&error, &fake.host), @"
    cannot upload blob sha256:34f856a67b7897ebc99d96ac80b6fe8cb55b2159b7a1d04144d3a0379d56a54e to HOST/app: http://HOST/v2/app/blobs/uploads/2 answers 413 Payload Too Large
      it says: 413 Request Entity Too Large
      help: the registry, or a proxy in front of it, limits the size of a request; have the limit raised
    ");
    assert_eq!(sent(&fake), [("PUT".to_owned(), 500 * KIB), ("PATCH".to_owned(), 125 * KIB)]);
    // A registry's own smallest chunk may be larger than a proxy's limit.
    let fake = Fake::with(Registry { minimum: Some(200 * KIB), ..Registry::default() });
    fake.rule(99, |r| r.length() > 100 * KIB, Fault::Reply(Reply::status(413)));
    assert!(push_sizes(&fake, &[500 * KIB], 300 * KIB).await.is_err());
    assert_eq!(sent(&fake), [300, 200].map(|kib| ("PATCH".to_owned(), kib * KIB)));
}

#[tokio::test]
async fn a_large_chunk_that_is_refused_without_words_becomes_a_modest_one() {
    const MIB: usize = 1 << 20;
    let fake = Fake::new();
    fake.rule(99, |r| is_chunk(r) && r.length() > 4 * MIB, Fault::Reply(Reply::status(416)));
    push_sizes(&fake, &[7 * MIB], 6 * MIB).await.unwrap();
    assert_eq!(sent(&fake), [6, 4, 3].map(|mib| ("PATCH".to_owned(), mib * MIB)));
    // And where that is too large as well, a small one, before the blob is sent whole.
    let fake = Fake::new();
    fake.rule(99, |r| is_chunk(r) && r.length() > MIB / 2, Fault::Reply(Reply::status(416)));
    fake.rule(99, |r| is_whole(r) && r.length() > MIB, Fault::Reply(Reply::status(413)));
    push_sizes(&fake, &[2 * MIB], MIB).await.unwrap();
    assert_eq!(sent(&fake)[0], ("PATCH".to_owned(), MIB));
    assert_eq!(sent(&fake)[1..], [MIB / 4; 8].map(|bytes| ("PATCH".to_owned(), bytes)));
}

#[tokio::test]
async fn chunks_that_are_refused_become_one_request() {
    let unfit = Reply::error(400, "BLOB_UPLOAD_INVALID", "the Content-Range header format is invalid");
    let other = [400, 403, 405, 411, 415, 416, 422, 501].map(Reply::status);
    let pages = [page(403, "Attention Required!"), Reply::error(400, "UNSUPPORTED", "no chunks")];
    for refusal in other.into_iter().chain(pages) {
        let fake = Fake::new();
        fake.rule(99, is_chunk, Fault::Reply(refusal));
        arrives(&fake).await;
        assert_eq!(sent(&fake), [("PATCH".to_owned(), 10), ("PUT".to_owned(), 45)]);
    }
    // What may pass is tried once more first, and so is an upload that is not known any more.
    for refusal in [unfit, Reply::status(404), Reply::status(500)] {
        let fake = Fake::new();
        fake.rule(99, is_chunk, Fault::Reply(refusal));
        let (_, heard) = push_sizes(&fake, &[45], 10).await.unwrap();
        assert_eq!(heard.retries().len(), 1, "{:?}", heard.retries());
        assert_eq!(sent(&fake).last(), Some(&("PUT".to_owned(), 45)));
    }
}

#[tokio::test]
async fn a_registry_that_takes_one_chunk_and_no_second_gets_one_request() {
    for refusal in [Reply::error(400, "BLOB_UPLOAD_INVALID", "no writes after the first"), Reply::status(416)] {
        let fake = Fake::new();
        fake.rule(99, |r| is_chunk(r) && r.header("content-range") != Some("0-9"), Fault::Reply(refusal));
        push_sizes(&fake, &[45, 33], 10).await.unwrap();
        let puts = sent(&fake).into_iter().filter(|(method, _)| method == "PUT").map(|(_, bytes)| bytes);
        assert_eq!(puts.collect::<Vec<_>>(), [45, 33]);
        let last = sent(&fake).into_iter().rev().take(2).map(|(method, _)| method).collect::<Vec<_>>();
        assert_eq!(last, ["PUT", "PUT"], "the second blob is not tried in chunks");
    }
}

#[tokio::test]
async fn an_end_without_bytes_that_is_refused_becomes_one_request() {
    let other_digest = Reply::error(400, "BLOB_UPLOAD_INVALID", "none of the layer digests match the calculated one");
    for refusal in [Reply::status(400), Reply::status(411), Reply::error(500, "UNKNOWN", ""), other_digest] {
        let fake = Fake::new();
        fake.rule(99, |r| r.method == "PUT" && r.path.contains("/uploads/") && r.length() == 0, Fault::Reply(refusal));
        push_sizes(&fake, &[45], 10).await.unwrap();
        assert_eq!(sent(&fake).last(), Some(&("PUT".to_owned(), 45)));
    }
}

#[tokio::test]
async fn one_request_that_is_refused_becomes_a_chunk() {
    for refusal in [400, 403, 405, 411, 416, 501].map(Reply::status) {
        let fake = Fake::new();
        fake.rule(99, is_whole, Fault::Reply(refusal));
        push_sizes(&fake, &[9, 45], 10).await.unwrap();
        let wholes = fake.seen().into_iter().filter(is_whole).count();
        assert_eq!(wholes, 1, "only the first blob is tried in one request");
    }
}

#[tokio::test]
async fn a_registry_that_refuses_everything_is_told_in_its_words() {
    let fake = Fake::new();
    fake.rule(99, is_chunk, Fault::Reply(Reply::error(400, "CHUNKS", "not in chunks")));
    fake.rule(99, |r| is_whole(r) && r.length() > 2, Fault::Reply(page(403, "Blocked by a firewall")));
    let error = push_sizes(&fake, &[45], 10).await.unwrap_err();
    insta::assert_snapshot!(text(&error, &fake.host), @"
    cannot upload blob sha256:ece9beb7876256d0224e67a01a46f3084e07092c8c5762c14537cb45dd9ecfdf to HOST/app: http://HOST/v2/app/blobs/uploads/3 answers 403 Forbidden
      it says: Blocked by a firewall
      it said before: 400 Bad Request: CHUNKS: not in chunks
      help: no credentials were asked for; log in, or have the registry's operator give the right
    ");
    assert_eq!(sent(&fake), [("PATCH".to_owned(), 10), ("PUT".to_owned(), 45)]);
}

/// Makes the registry report another range than it has, from the bytes that it has and those of the last chunk; to
/// whoever asks how far it is as well, or only after a chunk.
fn misreport(fake: &Fake, asked_too: bool, report: impl Fn(usize, usize) -> Option<String> + Send + Sync + 'static) {
    let has = move |reply: &Reply| -> usize {
        let state = reply.headers.iter().find(|(name, _)| name == "Location").unwrap();
        state.1.split_once("_state=").unwrap().1.trim_end_matches('=').parse().unwrap()
    };
    let change = move |reply: Reply| match reply.status {
        300.. => reply,
        _ => match report(has(&reply), 10) {
            Some(range) => reply.with("Range", &range),
            None => reply.without("Range"),
        },
    };
    let matches = move |r: &Request| is_chunk(r) || asked_too && r.method == "GET" && r.path.contains("/uploads/");
    fake.rule(999, matches, Fault::Change(Box::new(change)));
}

#[tokio::test]
async fn a_range_that_is_wrong_or_missing_does_not_stop_an_upload() {
    type Report = fn(usize, usize) -> Option<String>;
    let reports: [Report; 9] = [
        |_, _| None,
        |_, _| Some("none".to_owned()),
        |_, chunk| Some(format!("0-{}", chunk - 1)),
        |_, _| Some("0-0".to_owned()),
        |has, _| Some(format!("0-{has}")),
        |has, _| Some(format!("0-{}", has * 3)),
        |has, chunk| Some(format!("{}-{}", has - chunk, has - 1)),
        |has, _| Some(format!("bytes=0-{}", has - 1)),
        |has, _| Some(format!("bytes 0-{}/*", has - 1)),
    ];
    for asked_too in [false, true] {
        for report in reports {
            let fake = Fake::new();
            misreport(&fake, asked_too, report);
            arrives(&fake).await;
            let all = [10, 10, 10, 10, 5].map(|bytes| ("PATCH".to_owned(), bytes));
            assert_eq!(sent(&fake), all, "no byte is sent twice");
        }
    }
    // A registry that cannot be asked is believed to have what was sent.
    let fake = Fake::new();
    misreport(&fake, false, |_, chunk| Some(format!("0-{}", chunk - 1)));
    fake.on(9, "GET", "/uploads/", Fault::Reply(Reply::status(405)));
    arrives(&fake).await;
    let asked = fake.seen().iter().filter(|r| r.method == "GET").count();
    assert_eq!(asked, 1, "it is asked once");
}

#[tokio::test]
async fn a_chunk_that_was_dropped_silently_is_found_out() {
    let fake = Fake::new();
    // It answers with success, and has only the first chunk for ever.
    let drop_it = |registry: &mut Registry| registry.repo("app").uploads.values_mut().for_each(|u| u.truncate(10));
    fake.rule(99, |r| is_chunk(r) && r.header("content-range") != Some("0-9"), Fault::After(Box::new(drop_it)));
    push_sizes(&fake, &[45], 10).await.unwrap();
    assert_eq!(sent(&fake).last(), Some(&("PUT".to_owned(), 45)));
    // One that joins chunks wrongly has another digest in the end.
    let fake = Fake::new();
    let damage = |registry: &mut Registry| registry.repo("app").uploads.values_mut().for_each(|u| u[0] ^= 1);
    fake.rule(99, |r| r.header("content-range") == Some("40-44"), Fault::After(Box::new(damage)));
    push_sizes(&fake, &[45], 10).await.unwrap();
    assert_eq!(sent(&fake).last(), Some(&("PUT".to_owned(), 45)));
}

#[tokio::test]
async fn a_large_body_that_fails_twice_becomes_smaller_ones() {
    // Some proxies close the connection instead of an answer, others have no time for it.
    for fault in [Fault::DropAfter(0), Fault::Reply(Reply::status(408)), Fault::Reply(Reply::status(504))] {
        let fake = Fake::new();
        let drops = matches!(fault, Fault::DropAfter(_));
        fake.rule(99, |r| r.length() > 100 * KIB, fault);
        let (_, heard) = push_sizes(&fake, &[500 * KIB], 300 * KIB).await.unwrap();
        assert_eq!(heard.retries().len(), 2, "{:?}", heard.retries());
        let sizes = sent(&fake).into_iter().map(|(_, bytes)| bytes).skip(if drops { 0 } else { 2 });
        assert_eq!(sizes.collect::<Vec<_>>(), [75, 75, 75, 75, 75, 75, 50].map(|kib| kib * KIB));
    }
}

/// As nginx and the servers of Go do: whether the answer is read, or the connection found broken, is a matter of luck.
#[tokio::test]
async fn an_answer_before_the_body_was_read_counts_or_is_met_with_less() {
    let refuse = |_: &Request| page(413, "413 Request Entity Too Large");
    let redirect = |r: &Request| {
        Reply::status(307).with("Location", &format!("{}?_state={}&again=1", r.path, r.get("_state").unwrap()))
    };
    type Answer = fn(&Request) -> Reply;
    for answer in [refuse as Answer, redirect] {
        let fake = Fake::new();
        let large = |r: &Request| r.method == "PATCH" && r.length() > 300 * KIB && r.get("again").is_none();
        fake.rule(99, large, Fault::Early(Box::new(answer)));
        push_sizes(&fake, &[2300 * KIB], 1024 * KIB).await.unwrap();
    }
}

#[tokio::test]
async fn an_upload_goes_where_the_registry_says_in_any_form() {
    // With no `Location` at the opening, the registry's name for the upload does.
    let fake = Fake::new();
    let named = |reply: Reply| {
        let location = reply.headers.iter().find(|(name, _)| name == "Location").unwrap().1.clone();
        let id = location.rsplit_once('/').unwrap().1.split('?').next().unwrap().to_owned();
        reply.without("Location").with("Docker-Upload-UUID", &id)
    };
    fake.rule(9, |r| r.method == "POST", Fault::Change(Box::new(named)));
    arrives(&fake).await;
    // Each later answer may leave it out.
    let fake = Fake::new();
    fake.registry().stateless = true;
    fake.rule(99, is_chunk, Fault::Change(Box::new(|reply| reply.without("Location"))));
    arrives(&fake).await;
    // Relative to the address that was asked, absolute in the path, and with the host.
    for form in ["path", "relative", "host"] {
        let fake = Fake::new();
        let host = fake.host.clone();
        let change = move |reply: Reply| {
            let Some((_, location)) = reply.headers.iter().find(|(name, _)| name == "Location").cloned() else {
                return reply;
            };
            let name = location.rsplit_once('/').unwrap().1;
            let location = match form {
                "relative" => format!("../uploads/{name}"),
                "host" => format!("http://{host}{location}"),
                _ => location,
            };
            reply.with("Location", &location)
        };
        fake.rule(999, |r| r.path.contains("/uploads/"), Fault::Change(Box::new(change)));
        arrives(&fake).await;
    }
}
