//! What each message says.

use std::path::PathBuf;

use reqwest::StatusCode;

use super::*;

const APP: &str = "registry.example/app:1.0";

fn host() -> String {
    "registry.example".to_owned()
}

fn digest(text: &str) -> Digest {
    Digest::sha256(text.as_bytes())
}

fn refusal(status: u16, body: &str) -> Refusal {
    Refusal::parse(StatusCode::from_u16(status).unwrap(), body.as_bytes())
}

fn refused(status: u16, body: &str, from: Option<&str>) -> DistributionError {
    let (doing, at) =
        ("upload blob sha256:4f5a to registry.example/app".to_owned(), "https://registry.example".to_owned());
    DistributionError::Refused { doing, at, refusal: refusal(status, body), from: from.map(str::to_owned) }
}

#[test]
fn what_is_pushed_must_be_what_it_was_built_as() {
    insta::assert_snapshot!(DistributionError::Setup("no roots".into()), @"
    cannot set up the HTTP client: no roots
      help: check the CA bundle (SSL_CERT_FILE) and the proxy variables
    ");
    insta::assert_snapshot!(DistributionError::NoTag { reference: "registry.example/app".into() }, @"
    `registry.example/app` has neither a tag nor a digest
      help: write the tag behind it: `registry.example/app:1.0`
    ");
    insta::assert_snapshot!(DistributionError::Image { problem: "its manifest does not parse".into() }, @"
    the image does not fit together: its manifest does not parse
      help: build the image again
    ");
    let changed = DistributionError::Changed {
        path: PathBuf::from("out/layer"),
        expected: "9 bytes".into(),
        found: "8 bytes".into(),
    };
    insta::assert_snapshot!(changed, @"
    out/layer is not what the image's manifest says
      expected 9 bytes
         found 8 bytes
      help: build the image again, and leave its files alone until they are pushed
    ");
    let (expected, found) = (digest("a"), digest("b"));
    insta::assert_snapshot!(DistributionError::OtherDigest { reference: APP.into(), expected, found }, @"
    `registry.example/app:1.0` has the digest of another image
      expected sha256:ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb
         found sha256:3e23e8160039594a33894f6564e1b1348bbd7a0088d42c4acb73eeaed59c009d
      help: leave out the digest to push this image
    ");
}

#[test]
fn a_tag_that_is_taken_is_told_with_both_digests() {
    let (ours, there) = (digest("ours"), digest("there"));
    insta::assert_snapshot!(DistributionError::TagTaken { reference: APP.into(), there, ours }, @"
    the tag `registry.example/app:1.0` stands for something else already
      expected sha256:ae0bec9e9d33c56354bd612c8a6010840324fc5b9786ce0a18b696b304b09397
         found sha256:e244f187f696561d5fd7e00f618e7ba641dc52e3c137380f6fa23a854b773aac
      help: take another tag, or move this one with `--force`: what is deployed by it changes then
    ");
    insta::assert_snapshot!(DistributionError::TagMoved { reference: APP.into(), there: Some(there), ours }, @"
    the tag `registry.example/app:1.0` is not what was pushed to it just now
      expected sha256:ae0bec9e9d33c56354bd612c8a6010840324fc5b9786ce0a18b696b304b09397
         found sha256:e244f187f696561d5fd7e00f618e7ba641dc52e3c137380f6fa23a854b773aac
      help: somebody else pushes to this tag: find out who, then push again
    ");
    insta::assert_snapshot!(DistributionError::TagMoved { reference: APP.into(), there: None, ours }, @"
    the tag `registry.example/app:1.0` is not what was pushed to it just now
      expected sha256:ae0bec9e9d33c56354bd612c8a6010840324fc5b9786ce0a18b696b304b09397
         found no such tag
      help: somebody else pushes to this tag: find out who, then push again
    ");
}

#[test]
fn a_registry_that_cannot_be_spoken_with() {
    let doing = || "look for `registry.example/app:1.0`".to_owned();
    let reason = "connection refused".to_owned();
    insta::assert_snapshot!(DistributionError::Unreachable { doing: doing(), at: host(), reason }, @"
    cannot look for `registry.example/app:1.0`: registry.example: connection refused
      help: check the address, the connection and the proxy variables, then run the same again: what is complete is not moved twice
    ");
    let problem = "holds no token".to_owned();
    insta::assert_snapshot!(DistributionError::Protocol { doing: doing(), at: host(), problem }, @"
    cannot look for `registry.example/app:1.0`: the answer of registry.example holds no token
      help: find out whether a registry runs at this address
    ");
    let to = "http://storage.example/x".to_owned();
    insta::assert_snapshot!(DistributionError::Plain { doing: doing(), to }, @"
    cannot look for `registry.example/app:1.0`: the registry sends to http://storage.example/x, which is not encrypted
      help: have the registry's operator correct the address; or allow plain HTTP to this host if the network is yours
    ");
}

#[test]
fn a_refusal_is_told_in_the_registrys_words_with_what_to_do() {
    let denied = r#"{"errors": [{"code": "DENIED", "message": "no", "detail": {"a": 1}}, {"code": "UNKNOWN"}]}"#;
    let mut helps = Vec::new();
    insta::assert_snapshot!(refused(403, denied, Some("`~/.docker/config.json`")), @r#"
    cannot upload blob sha256:4f5a to registry.example/app: https://registry.example answers 403 Forbidden
      it says: DENIED: no: {"a":1}
      it says: UNKNOWN
      help: the credentials come from `~/.docker/config.json`; have them given the right, or take others
    "#);
    insta::assert_snapshot!(refused(403, "", None), @"
    cannot upload blob sha256:4f5a to registry.example/app: https://registry.example answers 403 Forbidden
      help: no credentials were asked for; log in, or have the registry's operator give the right
    ");
    insta::assert_snapshot!(refused(404, r#"{"errors": [{"code": "NAME_UNKNOWN"}]}"#, None), @"
    cannot upload blob sha256:4f5a to registry.example/app: https://registry.example answers 404 Not Found
      it says: NAME_UNKNOWN
      help: check the name; some registries want a repository to be made first
    ");
    for code in ["MANIFEST_BLOB_UNKNOWN", "BLOB_UNKNOWN", "BLOB_UPLOAD_UNKNOWN"] {
        let text = refused(404, &format!(r#"{{"errors": [{{"code": "{code}"}}]}}"#), None).to_string();
        helps.push(text.lines().last().unwrap_or_default().to_owned());
    }
    insta::assert_snapshot!(helps.join("\n"), @"
    help: the registry has lost what was pushed just now; run the same again, and have its operator told
    help: the registry has only a part of the image; push it again
    help: the registry forgets uploads; its log, or that of what stands in front of it, may say why
    ");
    insta::assert_snapshot!(refused(405, "", None), @"
    cannot upload blob sha256:4f5a to registry.example/app: https://registry.example answers 405 Method Not Allowed
      help: check that a registry of the OCI distribution specification runs at this address
    ");
    insta::assert_snapshot!(refused(413, "<html>", None), @"
    cannot upload blob sha256:4f5a to registry.example/app: https://registry.example answers 413 Payload Too Large
      help: the registry, or a proxy in front of it, limits the size of a request; have the limit raised
    ");
    insta::assert_snapshot!(refused(429, "", None), @"
    cannot upload blob sha256:4f5a to registry.example/app: https://registry.example answers 429 Too Many Requests
      help: wait, then run the same again: what is complete is not moved twice
    ");
    insta::assert_snapshot!(refused(500, "", None), @"
    cannot upload blob sha256:4f5a to registry.example/app: https://registry.example answers 500 Internal Server Error
      help: look into the registry's log, then run the same again: what is complete is not moved twice
    ");
    insta::assert_snapshot!(refused(507, "no space left on device", None), @"
    cannot upload blob sha256:4f5a to registry.example/app: https://registry.example answers 507 Insufficient Storage
      it says: no space left on device
      help: make room on the registry's disk, then push again: what is complete is not sent twice
    ");
    insta::assert_snapshot!(refused(400, r#"{"errors": [{"code": "MANIFEST_INVALID"}]}"#, None), @"
    cannot upload blob sha256:4f5a to registry.example/app: https://registry.example answers 400 Bad Request
      it says: MANIFEST_INVALID
      help: the registry's own words say what it expects; its log may say more
    ");
}

#[test]
fn credentials_that_are_missing_or_wrong() {
    let looked = vec!["`USER`, `PASSWORD`: not set".to_owned(), "auth.json: is not there".to_owned()];
    insta::assert_snapshot!(DistributionError::NoCredentials { host: host(), name: "app".into(), looked }, @"
    registry.example asks for credentials, and there are none for app
      `USER`, `PASSWORD`: not set
      auth.json: is not there
      help: log in to registry.example with a container tool (`podman login`, `docker login`), or set the variables
    ");
    let rejected = DistributionError::Rejected {
        host: host(),
        name: "app".into(),
        from: "`auth.json`".into(),
        said: "401 Unauthorized".into(),
    };
    insta::assert_snapshot!(rejected, @"
    registry.example does not accept the credentials for app
      they come from `auth.json`
      registry.example says: 401 Unauthorized
      help: correct them there, or log in again; they may have expired, or lack the right
    ");
    let file = || PathBuf::from("auth.json");
    insta::assert_snapshot!(DistributionError::AuthFile { file: file(), problem: "is no JSON".into() }, @"
    auth.json: is no JSON
      help: correct the file, or log in again
    ");
    let helper = DistributionError::Helper {
        program: "docker-credential-pass".into(),
        host: host(),
        file: file(),
        problem: "it fails".into(),
    };
    insta::assert_snapshot!(helper, @"
    the credential helper `docker-credential-pass` gives no credentials for registry.example: it fails
      it is named in auth.json
      help: run `echo registry.example | docker-credential-pass get` to see what it does, or take it out of the file
    ");
}

#[test]
fn what_cannot_be_pulled() {
    let unknown = r#"{"errors": [{"code": "MANIFEST_UNKNOWN", "message": "manifest unknown"}]}"#;
    insta::assert_snapshot!(DistributionError::NotFound { reference: APP.into(), refusal: refusal(404, unknown) }, @"
    the registry has no `registry.example/app:1.0`
      it says: MANIFEST_UNKNOWN: manifest unknown
      help: check name and tag; if the repository is private, log in first
    ");
    let wanted = Platform::new("linux", "amd64");
    let there = vec![Platform::new("linux", "arm64"), Platform::new("linux", "s390x")];
    insta::assert_snapshot!(DistributionError::Platform { reference: APP.into(), wanted, there }, @"
    `registry.example/app:1.0` has no image for linux/amd64: it has linux/arm64, linux/s390x
      help: take an image that has one
    ");
    let found = "application/vnd.docker.distribution.manifest.v1+json".to_owned();
    insta::assert_snapshot!(DistributionError::MediaType { reference: APP.into(), found }, @"
    the manifest of `registry.example/app:1.0` has the media type `application/vnd.docker.distribution.manifest.v1+json`
      expected an image of the OCI, or of Docker's schema 2
      help: push the image again with a newer tool
    ");
    let problem = "missing field `config`".to_owned();
    insta::assert_snapshot!(DistributionError::Manifest { reference: APP.into(), problem }, @"
    the manifest of `registry.example/app:1.0` cannot be used: missing field `config`
      help: push the image again with a newer tool
    ");
    let wrong = DistributionError::WrongBytes {
        what: "blob sha256:4f5a".into(),
        at: "registry.example/app".into(),
        expected: "9 bytes".into(),
        found: "more than that".into(),
    };
    insta::assert_snapshot!(wrong, @"
    blob sha256:4f5a of registry.example/app is not what it should be
      expected 9 bytes
         found more than that
      help: the registry, or a proxy on the way, is damaged; tell its operator
    ");
}

#[test]
fn lists_of_referrers_and_folders() {
    let tag = || "registry.example/app:sha256-4f5a".to_owned();
    insta::assert_snapshot!(DistributionError::ReferrersTag { tag: tag(), found: "`text/plain`".into() }, @"
    the tag `registry.example/app:sha256-4f5a` should be a list of what is attached to the image, and is `text/plain`
      help: find out who made the tag and what for; nothing can be attached to the image while the tag is something else
    ");
    insta::assert_snapshot!(DistributionError::ReferrersRace { tag: tag(), tries: 5 }, @"
    the tag `registry.example/app:sha256-4f5a` was changed by somebody else each of the 5 times that it was written
      help: attach once the others are done
    ");
    insta::assert_snapshot!(DistributionError::Busy { path: "image".into() }, @"
    another pull writes image
      help: wait for its end, or take another folder
    ");
    let io = DistributionError::io("write", Path::new("image/index.json"))(io::ErrorKind::PermissionDenied.into());
    insta::assert_snapshot!(io, @"cannot write image/index.json: permission denied");
}
