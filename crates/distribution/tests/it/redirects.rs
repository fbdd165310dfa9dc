//! Redirects of requests that send something: the bytes are sent again to where they lead, and nothing that says who
//! asks goes to another host.

use crate::fake::{Fake, Fault, Guard, Registry, Reply, Request};
use crate::support::*;

/// The request's own address with a mark, so that it is redirected once.
fn marked(request: &Request) -> String {
    let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(&request.query).finish();
    format!("{}?{query}{}again=1", request.path, if query.is_empty() { "" } else { "&" })
}

fn is_first(request: &Request) -> bool {
    request.get("again").is_none()
}

#[tokio::test]
async fn bytes_are_sent_again_to_where_a_redirect_leads() {
    for status in [301, 302, 307, 308] {
        let fake = Fake::new();
        let redirect = move |request: &Request| Reply::status(status).with("Location", &marked(request));
        let sends = |r: &Request| ["POST", "PATCH", "PUT"].contains(&r.method.as_str()) && is_first(r);
        fake.rule(999, sends, Fault::Answer(Box::new(redirect)));
        let (made, heard) = (image(&[&noise(1, 45), &noise(2, 9)]), Heard::default());
        push(&anybody(), &made, &reference(&fake.host, "app:1"), &heard).await.unwrap();
        assert_eq!(heard.retries(), [""; 0]);
        let mut registry = fake.registry();
        let repo = registry.repo("app");
        for (n, bytes) in [(0, noise(1, 45)), (1, noise(2, 9))] {
            assert_eq!(repo.blobs[&made.image.layers[n].descriptor.name()], bytes);
        }
        assert_eq!(repo.manifests[&repo.tags["1"]].1, made.image.manifest);
        let done = heard.done(made.image.layers[0].descriptor.digest);
        assert!(done.iter().all(|done| *done <= 45), "what is sent again is not counted twice: {done:?}");
    }
}

#[tokio::test]
async fn a_redirect_to_another_host_is_followed_without_credentials() {
    let storage = Fake::new();
    let guard = Guard::Basic(basic("me", "s3cr3t"));
    let fake = Fake::with(Registry { guard, ..Registry::default() });
    let (own, other) = (fake.host.clone(), storage.host.clone());
    // To the storage, and from there back to the registry.
    let away =
        move |request: &Request| Reply::status(307).with("Location", &format!("http://{other}{}", marked(request)));
    let back = move |request: &Request| {
        let location = format!("http://{own}{}", marked(request).replace("again=1&again=1", "again=1"));
        Reply::status(307).with("Location", &location)
    };
    let is_blob = |r: &Request| r.method == "PUT" && r.path.contains("/uploads/");
    fake.rule(
        1,
        move |r| is_blob(r) && is_first(r) && r.header("authorization").is_some(),
        Fault::Answer(Box::new(away)),
    );
    storage.rule(1, is_blob, Fault::Answer(Box::new(back)));
    let made = image(&[]);
    let to = reference(&fake.host, "app:1");
    let error = push(&somebody("me", "s3cr3t"), &made, &to, &Heard::default()).await.unwrap_err();
    // Nor does the registry get them with a request that another host has redirected to it.
    insta::assert_snapshot!(text(&error, &fake.host), @"
    HOST does not accept the credentials for app
      they come from `USER_VAR` and `PASSWORD_VAR`
      HOST says: 401 Unauthorized: UNAUTHORIZED: authentication required
      help: correct them there, or log in again; they may have expired, or lack the right
    ");
    let seen = storage.seen();
    assert_eq!((seen.len(), seen[0].body.as_slice()), (1, b"{}".as_slice()));
    assert_eq!(seen[0].header("authorization"), None);
}

#[tokio::test]
async fn redirects_without_end_are_an_error() {
    let said = async |reply: fn(&Request) -> Reply| {
        let fake = Fake::new();
        fake.rule(99, |r| r.method == "PUT", Fault::Answer(Box::new(reply)));
        let error =
            push(&anybody(), &image(&[]), &reference(&fake.host, "app:1"), &Heard::default()).await.unwrap_err();
        assert!(fake.seen().len() < 20, "{}", fake.log());
        text(&error, &fake.host)
    };
    insta::assert_snapshot!(said(|r| Reply::status(307).with("Location", &marked(r))).await, @"
    cannot upload blob sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a to HOST/app: http://HOST/v2/app/blobs/uploads/1: it redirects more than 10 times
      help: check the address, the connection and the proxy variables, then run the same again: what is complete is not moved twice
    ");
    let circle =
        |r: &Request| Reply::status(307).with("Location", &if is_first(r) { marked(r) } else { "?".to_owned() });
    insta::assert_snapshot!(said(circle).await, @"
    cannot upload blob sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a to HOST/app: http://HOST/v2/app/blobs/uploads/1: it redirects in a circle, to http://HOST/v2/app/blobs/uploads/1 again
      help: check the address, the connection and the proxy variables, then run the same again: what is complete is not moved twice
    ");
    insta::assert_snapshot!(said(|_| Reply::status(308).with("Location", "http://storage.example/x?token=s3cr3t")).await, @"
    cannot upload blob sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a to HOST/app: http://HOST/v2/app/blobs/uploads/1: it redirects to http://storage.example/x, which is not encrypted
      help: check the address, the connection and the proxy variables, then run the same again: what is complete is not moved twice
    ");
    insta::assert_snapshot!(said(|_| Reply::status(307)).await, @"
    cannot upload blob sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a to HOST/app: http://HOST/v2/app/blobs/uploads/2 answers 307 Temporary Redirect
      help: the registry redirects to no address that can be followed; have its operator correct that
    ");
    insta::assert_snapshot!(said(|_| Reply::status(303).with("Location", "/elsewhere")).await, @"
    cannot upload blob sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a to HOST/app: http://HOST/v2/app/blobs/uploads/2 answers 303 See Other
      help: the registry redirects to no address that can be followed; have its operator correct that
    ");
}
