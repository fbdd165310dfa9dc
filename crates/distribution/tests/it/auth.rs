//! Who asks: challenges of all kinds, credentials from all places, and what is told when they do not do.

use akbuild_distribution::{HelperAnswer, Keyring, PushOptions};
use akbuild_fetch::Machine;

use crate::fake::{Fake, Fault, Guard, Registry, Reply, Tokens};
use crate::support::*;

fn guarded(guard: Guard) -> Fake {
    Fake::with(Registry { guard, mounts: true, ..Registry::default() })
}

fn tokens() -> Tokens {
    Tokens { basic: basic("me", "s3cr3t"), identity: "identity".into(), ..Tokens::default() }
}

/// The requests for tokens so far.
fn asked(fake: &Fake) -> Vec<String> {
    let asked = fake.seen().into_iter().filter(|r| r.path == "/token");
    asked.map(|r| format!("{} {}", r.line(), String::from_utf8_lossy(&r.body)).trim().to_owned()).collect()
}

/// Pushes a small image; nothing that is said has the secret.
async fn pushes(fake: &Fake, client: &akbuild_distribution::Client) -> Result<(), String> {
    let (made, heard) = (image(&[&noise(1, 25)]), Heard::default());
    let outcome = push(client, &made, &reference(&fake.host, "team/app:1"), &heard).await;
    assert!(!format!("{outcome:?}{:?}", heard.events()).contains("s3cr3t"));
    outcome.map(drop).map_err(|e| text(&e, &fake.host))
}

#[tokio::test]
async fn a_password_is_shown_when_it_is_asked_for() {
    let fake = guarded(Guard::Basic(basic("me", "s3cr3t")));
    pushes(&fake, &somebody("me", "s3cr3t")).await.unwrap();
    let without = fake.seen().iter().filter(|r| r.header("authorization").is_none()).count();
    assert_eq!(without, 1, "only the first request shows nothing");
    fake.log();
    insta::assert_snapshot!(pushes(&fake, &somebody("me", "wrong")).await.unwrap_err(), @"
    HOST does not accept the credentials for team/app
      they come from `USER_VAR` and `PASSWORD_VAR`
      HOST says: 401 Unauthorized
      help: correct them there, or log in again; they may have expired, or lack the right
    ");
    let shown = fake.seen().iter().filter(|r| r.header("authorization").is_some()).count();
    assert_eq!(shown, 1, "what is wrong is not shown twice: accounts get locked");
    insta::assert_snapshot!(pushes(&fake, &anybody()).await.unwrap_err(), @"
    HOST asks for credentials, and there are none for team/app
      help: log in to HOST with a container tool (`podman login`, `docker login`), or set the variables
    ");
}

#[tokio::test]
async fn one_token_is_good_for_a_push() {
    let fake = guarded(Guard::Tokens(tokens()));
    let made = image(&[&noise(1, 5), &noise(2, 5), &noise(3, 5), &noise(4, 5)]);
    let options = PushOptions { parallel: 4, ..small() };
    let to = reference(&fake.host, "team/app:1");
    somebody("me", "s3cr3t").push(&made.image, &to, &options, &|_| {}).await.unwrap();
    insta::assert_snapshot!(asked(&fake).join("\n"), @"GET /token?service=fake&scope=repository:team/app:pull,push");
}

#[tokio::test]
async fn wrong_credentials_are_told_of_with_where_they_come_from() {
    let fake = guarded(Guard::Tokens(tokens()));
    insta::assert_snapshot!(pushes(&fake, &somebody("me", "wrong")).await.unwrap_err(), @"
    HOST does not accept the credentials for team/app
      they come from `USER_VAR` and `PASSWORD_VAR`
      HOST says: 401 Unauthorized: UNAUTHORIZED: incorrect username or password
      help: correct them there, or log in again; they may have expired, or lack the right
    ");
    assert_eq!(asked(&fake).len(), 1, "what is wrong is not tried again");
}

#[tokio::test]
async fn the_places_that_have_nothing_are_told_of() {
    let fake = guarded(Guard::Tokens(tokens()));
    let folder = tempfile::tempdir().unwrap();
    let machine = Machine { home: Some(folder.path().to_owned()), ..Machine::default() };
    let keyring = Keyring::new(&machine).given("`USER_VAR` and `PASSWORD_VAR`", None);
    let error = pushes(&fake, &client(keyring)).await.unwrap_err();
    insta::assert_snapshot!(error.replace(&folder.path().display().to_string(), "HOME"), @"
    HOST asks for credentials, and there are none for team/app
      `USER_VAR` and `PASSWORD_VAR`: not set
      HOME/.config/containers/auth.json: is not there
      HOME/.docker/config.json: is not there
      help: log in to HOST with a container tool (`podman login`, `docker login`), or set the variables
    ");
}

#[tokio::test]
async fn what_is_public_needs_no_credentials() {
    let public = vec!["repository:team/app:pull".to_owned(), "repository:team/app:push".to_owned()];
    let fake = guarded(Guard::Tokens(Tokens { public, ..tokens() }));
    pushes(&fake, &anybody()).await.unwrap();
    let fake = guarded(Guard::Tokens(tokens()));
    insta::assert_snapshot!(pushes(&fake, &anybody()).await.unwrap_err(), @"
    HOST asks for credentials, and there are none for team/app
      help: log in to HOST with a container tool (`podman login`, `docker login`), or set the variables
    ");
}

#[tokio::test]
async fn a_right_that_is_missing_is_told_of() {
    let denied = vec!["repository:team/app:push".to_owned()];
    let fake = guarded(Guard::Tokens(Tokens { denied, ..tokens() }));
    insta::assert_snapshot!(pushes(&fake, &somebody("me", "s3cr3t")).await.unwrap_err(), @"
    HOST does not accept the credentials for team/app
      they come from `USER_VAR` and `PASSWORD_VAR`
      HOST says: 401 Unauthorized: UNAUTHORIZED: authentication required
      help: correct them there, or log in again; they may have expired, or lack the right
    ");
    let fake = guarded(Guard::None);
    fake.on(9, "POST", "", Fault::Reply(Reply::error(403, "DENIED", "requested access to the resource is denied")));
    insta::assert_snapshot!(pushes(&fake, &somebody("me", "s3cr3t")).await.unwrap_err(), @"
    cannot upload blob sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a to HOST/team/app: http://HOST/v2/team/app/blobs/uploads/ answers 403 Forbidden
      it says: DENIED: requested access to the resource is denied
      help: no credentials were asked for; log in, or have the registry's operator give the right
    ");
}

#[tokio::test]
async fn an_identity_token_gets_tokens() {
    let fake = guarded(Guard::Tokens(tokens()));
    let folder = tempfile::tempdir().unwrap();
    let file = format!(r#"{{"auths": {{"{}": {{"identitytoken": "identity"}}}}}}"#, fake.host);
    std::fs::create_dir(folder.path().join(".docker")).unwrap();
    std::fs::write(folder.path().join(".docker/config.json"), file).unwrap();
    let machine = Machine { home: Some(folder.path().to_owned()), ..Machine::default() };
    pushes(&fake, &client(Keyring::new(&machine))).await.unwrap();
    insta::assert_snapshot!(asked(&fake).join("\n"), @"POST /token grant_type=refresh_token&refresh_token=identity&client_id=akbuild&scope=repository%3Ateam%2Fapp%3Apull%2Cpush&service=fake");
}

#[tokio::test]
async fn a_helper_gives_credentials_once() {
    let fake = guarded(Guard::Tokens(tokens()));
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join(".docker")).unwrap();
    std::fs::write(folder.path().join(".docker/config.json"), r#"{"credsStore": "fake"}"#).unwrap();
    let machine = Machine { home: Some(folder.path().to_owned()), ..Machine::default() };
    let (ran, host) = (std::sync::Arc::new(std::sync::atomic::AtomicU32::new(0)), fake.host.clone());
    let count = ran.clone();
    let keyring = Keyring::new(&machine).helpers(move |program, stdin| {
        assert_eq!((program, stdin), ("docker-credential-fake", host.as_bytes()));
        count.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        let stdout = br#"{"Username": "me", "Secret": "s3cr3t"}"#.to_vec();
        Ok(HelperAnswer { success: true, stdout, stderr: Vec::new() })
    });
    pushes(&fake, &client(keyring)).await.unwrap();
    assert_eq!(ran.load(std::sync::atomic::Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_token_that_ends_in_the_middle_is_replaced() {
    let fake = guarded(Guard::Tokens(tokens()));
    let end = |registry: &mut Registry| {
        let Guard::Tokens(tokens) = &mut registry.guard else { panic!() };
        tokens.given.clear();
    };
    fake.rule(1, |r| r.header("content-range") == Some("10-19"), Fault::Before(Box::new(end)));
    pushes(&fake, &somebody("me", "s3cr3t")).await.unwrap();
    assert_eq!(asked(&fake).len(), 2);
    let sent = fake.seen().iter().filter(|r| r.header("content-range") == Some("10-19")).count();
    assert_eq!(sent, 2, "what was refused is sent once more");
}

#[tokio::test]
async fn many_requests_that_are_refused_at_once_get_one_token() {
    let fake = guarded(Guard::Tokens(tokens()));
    let end = |registry: &mut Registry| {
        let Guard::Tokens(tokens) = &mut registry.guard else { panic!() };
        tokens.given.clear();
    };
    fake.on(1, "PATCH", "", Fault::Before(Box::new(end)));
    let layers: Vec<Vec<u8>> = (0..8).map(|n| noise(n, 45)).collect();
    let made = image(&layers.iter().map(Vec::as_slice).collect::<Vec<_>>());
    let options = PushOptions { parallel: 8, ..small() };
    let to = reference(&fake.host, "team/app:1");
    somebody("me", "s3cr3t").push(&made.image, &to, &options, &|_| {}).await.unwrap();
    assert_eq!(asked(&fake).len(), 2);
}

#[tokio::test]
async fn a_token_that_ends_soon_is_replaced_before_it_is_refused() {
    // Three quarters of a second are over before all these requests are.
    let fake = guarded(Guard::Tokens(Tokens { expires_in: Some(1), ..tokens() }));
    let busy = Reply::status(429).with("Retry-After", "1");
    fake.on(1, "PATCH", "", Fault::Reply(busy));
    pushes(&fake, &somebody("me", "s3cr3t")).await.unwrap();
    assert!(asked(&fake).len() > 1);
    let refused = fake.seen().iter().filter(|r| r.path != "/token" && r.header("authorization").is_none()).count();
    assert_eq!(refused, 1);
}

#[tokio::test]
async fn a_registry_may_want_more_than_is_usual() {
    let extra = Some("registry:akbuild:*".to_owned());
    let fake = guarded(Guard::Tokens(Tokens { extra, ..tokens() }));
    pushes(&fake, &somebody("me", "s3cr3t")).await.unwrap();
    insta::assert_snapshot!(asked(&fake).join("\n"), @"GET /token?service=fake&scope=registry:akbuild:*&scope=repository:team/app:pull,push");
}

#[tokio::test]
async fn what_may_not_be_mounted_is_sent() {
    for denied in [Vec::new(), vec!["repository:base:pull".to_owned()]] {
        let allowed = denied.is_empty();
        let fake = guarded(Guard::Tokens(Tokens { denied, ..tokens() }));
        let made = image(&[&noise(1, 25)]);
        let layer = made.image.layers[0].descriptor.name();
        fake.registry().repo("base").blobs.insert(layer, noise(1, 25));
        let options = PushOptions { mount_from: vec!["base".to_owned()], ..small() };
        let to = reference(&fake.host, "team/app:1");
        let pushed = somebody("me", "s3cr3t").push(&made.image, &to, &options, &|_| {}).await.unwrap();
        assert_eq!(pushed.mounted.blobs, u64::from(allowed));
        assert!(asked(&fake).iter().any(|a| a.contains("repository:base:pull")), "{:?}", asked(&fake));
    }
}

#[tokio::test]
async fn credentials_are_not_sent_where_nothing_is_encrypted() {
    let realm = Some("http://auth.example/token".to_owned());
    let fake = guarded(Guard::Tokens(Tokens { realm, ..tokens() }));
    insta::assert_snapshot!(pushes(&fake, &somebody("me", "s3cr3t")).await.unwrap_err(), @"
    cannot look for `HOST/team/app:1`: the registry sends to http://auth.example/token, which is not encrypted
      help: have the registry's operator correct the address; or allow plain HTTP to this host if the network is yours
    ");
}

#[tokio::test]
async fn a_server_that_gives_no_token_is_told_of() {
    let fake = guarded(Guard::Tokens(tokens()));
    let reply = |status, body: &str| Reply { body: body.into(), ..Reply::status(status) };
    fake.on(1, "GET", "/token", Fault::Reply(reply(200, "{}")));
    insta::assert_snapshot!(pushes(&fake, &somebody("me", "s3cr3t")).await.unwrap_err(), @"
    cannot look for `HOST/team/app:1`: the answer of http://HOST/token holds no token
      help: find out whether a registry runs at this address
    ");
    fake.on(1, "GET", "/token", Fault::Reply(reply(404, "")));
    insta::assert_snapshot!(pushes(&fake, &somebody("me", "s3cr3t")).await.unwrap_err(), @"
    cannot look for `HOST/team/app:1`: http://HOST/token answers 404 Not Found
      help: check that a registry of the OCI distribution specification runs at this address
    ");
    // What passes is waited for.
    fake.on(2, "GET", "/token", Fault::Reply(reply(503, "")));
    pushes(&fake, &somebody("me", "s3cr3t")).await.unwrap();
    let fake = Fake::new();
    fake.on(1, "HEAD", "", Fault::Reply(Reply::status(401)));
    insta::assert_snapshot!(pushes(&fake, &somebody("me", "s3cr3t")).await.unwrap_err(), @"
    cannot look for `HOST/team/app:1`: the answer of HOST is 401 and does not say how to log in
      help: find out whether a registry runs at this address
    ");
}

#[tokio::test]
async fn a_broken_file_is_told_of_when_credentials_are_needed() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join(".docker")).unwrap();
    std::fs::write(folder.path().join(".docker/config.json"), "{s3cr3t").unwrap();
    let machine = Machine { home: Some(folder.path().to_owned()), ..Machine::default() };
    pushes(&Fake::new(), &client(Keyring::new(&machine))).await.unwrap();
    let fake = guarded(Guard::Basic("x".into()));
    let error = pushes(&fake, &client(Keyring::new(&machine))).await.unwrap_err();
    insta::assert_snapshot!(error.replace(&folder.path().display().to_string(), "HOME"), @"
    HOME/.docker/config.json: is no JSON: line 1, column 2
      help: correct the file, or log in again
    ");
}
