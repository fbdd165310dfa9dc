//! Pushes: what is sent in which order, what a tag may be before and after, and where blobs come from.

use akbuild_distribution::{Amount, DistributionError, Moved, PushOptions, TagWas};
use akbuild_image::MEDIA_MANIFEST;

use crate::fake::{Fake, Fault, Registry, Reply};
use crate::support::*;

fn amount(blobs: u64, bytes: u64) -> Amount {
    Amount { blobs, bytes }
}

#[tokio::test]
async fn blobs_come_first_and_the_tag_last() {
    let fake = Fake::new();
    let made = image(&[&noise(1, 25), &noise(2, 10), &noise(1, 25)]);
    let to = reference(&fake.host, "team/app:1.0");
    let pushed = push(&anybody(), &made, &to, &Heard::default()).await.unwrap();
    assert_eq!((pushed.tag, pushed.uploaded), (TagWas::Absent, amount(3, 2 + 25 + 10)));
    assert_eq!((pushed.mounted, pushed.present), (amount(0, 0), amount(0, 0)));
    insta::assert_snapshot!(fake.log(), @"
    HEAD /v2/team/app/manifests/1.0
    HEAD /v2/team/app/blobs/44136f
    POST /v2/team/app/blobs/uploads/?mount=44136f
    PUT /v2/team/app/blobs/uploads/1?_state=0==&digest=44136f
    HEAD /v2/team/app/blobs/4bcaf8
    POST /v2/team/app/blobs/uploads/?mount=4bcaf8
    PATCH /v2/team/app/blobs/uploads/2?_state=0== [0-9]
    PATCH /v2/team/app/blobs/uploads/2?_state=10== [10-19]
    PATCH /v2/team/app/blobs/uploads/2?_state=20== [20-24]
    PUT /v2/team/app/blobs/uploads/2?_state=25==&digest=4bcaf8
    HEAD /v2/team/app/blobs/b19de9
    POST /v2/team/app/blobs/uploads/?mount=b19de9
    PUT /v2/team/app/blobs/uploads/3?_state=0==&digest=b19de9
    PUT /v2/team/app/manifests/3d0ad1
    HEAD /v2/team/app/manifests/1.0
    PUT /v2/team/app/manifests/1.0
    HEAD /v2/team/app/manifests/1.0
    ");
    let mut registry = fake.registry();
    let repo = registry.repo("team/app");
    assert_eq!(repo.tags["1.0"], pushed.digest.oci());
    assert_eq!(repo.manifests[&repo.tags["1.0"]], (MEDIA_MANIFEST.to_owned(), made.image.manifest.clone()));
    assert_eq!(repo.blobs[&made.image.layers[0].descriptor.name()], noise(1, 25));
    assert!(repo.uploads.is_empty());
}

#[tokio::test]
async fn what_happens_is_told() {
    let fake = Fake::new();
    let layer = noise(1, 25);
    let made = image(&[&layer]);
    let heard = Heard::default();
    push(&anybody(), &made, &reference(&fake.host, "app:1"), &heard).await.unwrap();
    let config = made.image.config.descriptor.digest;
    let text = format!("{:#?}", heard.events()).replace(&config.to_string(), "CONFIG");
    let text = text.replace(&made.image.layers[0].descriptor.digest.to_string(), "LAYER");
    insta::assert_snapshot!(text.replace("\n        ", " ").replace(",\n    }", " }"), @"
    [
        Start { blobs: 2, bytes: 27 },
        Begin { digest: CONFIG, bytes: 2 },
        Bytes { digest: CONFIG, done: 2 },
        Finish { digest: CONFIG, bytes: 2, how: Uploaded },
        Begin { digest: LAYER, bytes: 25 },
        Bytes { digest: LAYER, done: 10 },
        Bytes { digest: LAYER, done: 20 },
        Bytes { digest: LAYER, done: 25 },
        Finish { digest: LAYER, bytes: 25, how: Uploaded },
    ]
    ");
}

#[tokio::test]
async fn a_tag_that_has_the_image_ends_the_push() {
    let fake = Fake::new();
    let made = image(&[&noise(1, 25)]);
    let to = reference(&fake.host, "app:1");
    let first = push(&anybody(), &made, &to, &Heard::default()).await.unwrap();
    fake.log();
    let again = push(&anybody(), &made, &to, &Heard::default()).await.unwrap();
    assert_eq!((again.digest, again.tag, again.uploaded), (first.digest, TagWas::Same, amount(0, 0)));
    assert_eq!(fake.log(), "HEAD /v2/app/manifests/1");
    let other = push(&anybody(), &made, &reference(&fake.host, "app:2"), &Heard::default()).await.unwrap();
    assert_eq!((other.tag, other.uploaded, other.present), (TagWas::Absent, amount(0, 0), amount(2, 2 + 25)));
}

#[tokio::test]
async fn a_tag_that_stands_for_something_else_is_left_alone() {
    let fake = Fake::new();
    let (old, new) = (image(&[&noise(1, 5)]), image(&[&noise(2, 5)]));
    let to = reference(&fake.host, "app:1");
    let first = push(&anybody(), &old, &to, &Heard::default()).await.unwrap();
    fake.log();
    let error = push(&anybody(), &new, &to, &Heard::default()).await.unwrap_err();
    insta::assert_snapshot!(text(&error, &fake.host), @"
    the tag `HOST/app:1` stands for something else already
      expected sha256:e554cf9fad7ef6a14f22b7b5e50aceadaaa80b04cfb8308fcd1967537326fe02
         found sha256:bc00c3aaf2360b90cfb1e60e5bc7831420a11cc22ed8b35c05bd9e96b39e8600
      help: take another tag, or move this one with `--force`: what is deployed by it changes then
    ");
    assert_eq!(fake.log(), "HEAD /v2/app/manifests/1");
    let force = PushOptions { force: true, ..small() };
    let moved = anybody().push(&new.image, &to, &force, &|_| {}).await.unwrap();
    assert_eq!(moved.tag, TagWas::Other(first.digest));
    assert_eq!(fake.registry().repo("app").tags["1"], moved.digest.oci());
}

#[tokio::test]
async fn a_digest_needs_no_tag() {
    let fake = Fake::new();
    let made = image(&[&noise(1, 5)]);
    let digest = made.image.descriptor().digest;
    let to = reference(&fake.host, "app:1").at(digest);
    let pushed = push(&anybody(), &made, &to, &Heard::default()).await.unwrap();
    assert_eq!(pushed.tag, TagWas::Unnamed);
    assert!(fake.registry().repo("app").tags.is_empty());
    let other = image(&[&noise(2, 5)]);
    let error = push(&anybody(), &other, &to, &Heard::default()).await.unwrap_err();
    insta::assert_snapshot!(text(&error, &fake.host), @"
    `HOST/app@sha256:bc00c3aaf2360b90cfb1e60e5bc7831420a11cc22ed8b35c05bd9e96b39e8600` has the digest of another image
      expected sha256:bc00c3aaf2360b90cfb1e60e5bc7831420a11cc22ed8b35c05bd9e96b39e8600
         found sha256:e554cf9fad7ef6a14f22b7b5e50aceadaaa80b04cfb8308fcd1967537326fe02
      help: leave out the digest to push this image
    ");
    let unnamed = push(&anybody(), &made, &reference(&fake.host, "app"), &Heard::default()).await.unwrap_err();
    insta::assert_snapshot!(text(&unnamed, &fake.host), @"
    `HOST/app` has neither a tag nor a digest
      help: write the tag behind it: `HOST/app:1.0`
    ");
}

#[tokio::test]
async fn what_an_image_lacks_is_seen_before_anything_is_asked() {
    let fake = Fake::new();
    let mut made = image(&[&noise(1, 5)]);
    made.image.layers.clear();
    let error = push(&anybody(), &made, &reference(&fake.host, "app:1"), &Heard::default()).await.unwrap_err();
    assert!(matches!(error, DistributionError::Image { .. }), "{error}");
    assert_eq!(fake.log(), "");
}

#[tokio::test]
async fn blobs_are_mounted_from_where_they_are() {
    let fake = Fake::with(Registry { mounts: true, ..Registry::default() });
    let made = image(&[&noise(1, 5), &noise(2, 25)]);
    let layer = made.image.layers[0].descriptor.digest;
    fake.registry().repo("base").blobs.insert(layer.oci(), noise(1, 5));
    let options = PushOptions { mount_from: ["app", "other", "base"].map(str::to_owned).to_vec(), ..small() };
    let heard = Heard::default();
    let to = reference(&fake.host, "app:1");
    let pushed = anybody().push(&made.image, &to, &options, &heard.report()).await.unwrap();
    assert_eq!((pushed.mounted, pushed.uploaded), (amount(1, 5), amount(2, 2 + 25)));
    let how = Moved::Mounted { from: Some("base".to_owned()) };
    assert!(heard.events().contains(&akbuild_distribution::Event::Finish { digest: layer, bytes: 5, how }));
    insta::assert_snapshot!(fake.log(), @"
    HEAD /v2/app/manifests/1
    HEAD /v2/app/blobs/44136f
    POST /v2/app/blobs/uploads/?mount=44136f&from=other
    DELETE /v2/app/blobs/uploads/1?_state=0==
    POST /v2/app/blobs/uploads/?mount=44136f&from=base
    DELETE /v2/app/blobs/uploads/2?_state=0==
    POST /v2/app/blobs/uploads/?mount=44136f
    PUT /v2/app/blobs/uploads/3?_state=0==&digest=44136f
    HEAD /v2/app/blobs/41fc05
    POST /v2/app/blobs/uploads/?mount=41fc05&from=other
    DELETE /v2/app/blobs/uploads/4?_state=0==
    POST /v2/app/blobs/uploads/?mount=41fc05&from=base
    HEAD /v2/app/blobs/a2ad92
    POST /v2/app/blobs/uploads/?mount=a2ad92&from=other
    DELETE /v2/app/blobs/uploads/5?_state=0==
    POST /v2/app/blobs/uploads/?mount=a2ad92&from=base
    DELETE /v2/app/blobs/uploads/6?_state=0==
    POST /v2/app/blobs/uploads/?mount=a2ad92
    PATCH /v2/app/blobs/uploads/7?_state=0== [0-9]
    PATCH /v2/app/blobs/uploads/7?_state=10== [10-19]
    PATCH /v2/app/blobs/uploads/7?_state=20== [20-24]
    PUT /v2/app/blobs/uploads/7?_state=25==&digest=a2ad92
    PUT /v2/app/manifests/037bdf
    HEAD /v2/app/manifests/1
    PUT /v2/app/manifests/1
    HEAD /v2/app/manifests/1
    ");
    assert!(fake.registry().repo("app").uploads.is_empty(), "what was opened in vain is given back");
}

#[tokio::test]
async fn a_registry_may_find_a_blob_by_itself() {
    let fake = Fake::with(Registry { finds: true, ..Registry::default() });
    let made = image(&[&noise(1, 5)]);
    let layer = made.image.layers[0].descriptor.name();
    fake.registry().repo("elsewhere").blobs.insert(layer, noise(1, 5));
    let pushed = push(&anybody(), &made, &reference(&fake.host, "app:1"), &Heard::default()).await.unwrap();
    assert_eq!((pushed.mounted, pushed.uploaded), (amount(1, 5), amount(1, 2)));
}

#[tokio::test]
async fn a_registry_that_knows_no_mounts_is_sent_everything() {
    let fake = Fake::new();
    let no = || Reply::error(400, "UNSUPPORTED", "no mounts");
    fake.rule(99, |r| r.method == "POST" && r.get("mount").is_some(), Fault::Reply(no()));
    let made = image(&[&noise(1, 5)]);
    let options = PushOptions { mount_from: vec!["base".to_owned()], ..small() };
    let pushed = anybody().push(&made.image, &reference(&fake.host, "app:1"), &options, &|_| {}).await.unwrap();
    assert_eq!(pushed.uploaded, amount(2, 2 + 5));
    let wrong = PushOptions { mount_from: vec!["Base".to_owned()], ..small() };
    let error = anybody().push(&made.image, &reference(&fake.host, "app:2"), &wrong, &|_| {}).await.unwrap_err();
    insta::assert_snapshot!(text(&error, &fake.host), @"
    `Base`: `Base` is no name of a repository
      help: names are parts with `/` between; a part is lower-case letters and digits, with `.`, `_`, `__` or `-` between them
    ");
}

#[tokio::test]
async fn an_immutable_tag_is_told_in_the_registrys_words() {
    let fake = Fake::with(Registry { immutable: true, ..Registry::default() });
    let to = reference(&fake.host, "app:1");
    push(&anybody(), &image(&[&noise(1, 5)]), &to, &Heard::default()).await.unwrap();
    let force = PushOptions { force: true, ..small() };
    let error = anybody().push(&image(&[&noise(2, 5)]).image, &to, &force, &|_| {}).await.unwrap_err();
    insta::assert_snapshot!(text(&error, &fake.host), @"
    cannot push the manifest `HOST/app:1`: http://HOST/v2/app/manifests/1 answers 409 Conflict
      it says: TAG_IMMUTABLE: tags of this repository cannot be changed
      help: the registry's own words say what it expects; its log may say more
    ");
}

#[tokio::test]
async fn somebody_else_may_push_to_the_same_tag() {
    let fake = Fake::new();
    let made = image(&[&noise(1, 5)]);
    let digest = made.image.descriptor().digest;
    let theirs = |registry: &mut Registry| drop(registry.repo("app").put("1", MEDIA_MANIFEST, b"{\"theirs\":1}"));
    // While the blobs are uploaded.
    fake.rule(1, move |r| r.method == "PUT" && r.path.ends_with(&digest.oci()), Fault::After(Box::new(theirs)));
    let to = reference(&fake.host, "app:1");
    let error = push(&anybody(), &made, &to, &Heard::default()).await.unwrap_err();
    assert!(matches!(error, DistributionError::TagTaken { .. }), "{error}");
    // Just after the tag was written.
    fake.registry().repo("app").tags.clear();
    fake.on(1, "PUT", "/manifests/1", Fault::After(Box::new(theirs)));
    let error = push(&anybody(), &made, &to, &Heard::default()).await.unwrap_err();
    assert!(matches!(error, DistributionError::TagMoved { there: Some(_), .. }), "{error}");
    fake.on(1, "PUT", "/manifests/2", Fault::After(Box::new(|r| r.repo("app").tags.clear())));
    let error = push(&anybody(), &made, &reference(&fake.host, "app:2"), &Heard::default()).await.unwrap_err();
    assert!(matches!(error, DistributionError::TagMoved { there: None, .. }), "{error}");
}

#[tokio::test]
async fn a_registry_that_gives_another_digest_is_not_believed() {
    let fake = Fake::new();
    let made = image(&[&noise(1, 5)]);
    let wrong = akbuild_nar::Digest::sha256(b"wrong").oci();
    let change = |to: String| Fault::Change(Box::new(move |reply| reply.with("Docker-Content-Digest", &to)));
    fake.on(1, "PUT", "/uploads/", change(wrong.clone()));
    let to = reference(&fake.host, "app:1");
    let error = push(&anybody(), &made, &to, &Heard::default()).await.unwrap_err();
    insta::assert_snapshot!(text(&error, &fake.host), @"
    blob sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a of HOST/app is not what it should be
      expected sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a
         found sha256:8810ad581e59f2bc3928b261707a71308f7e139eb04820366dc4d5c18d980225
      help: the registry, or a proxy on the way, is damaged; tell its operator
    ");
    fake.on(1, "PUT", "/manifests/", change(wrong));
    let error = push(&anybody(), &made, &to, &Heard::default()).await.unwrap_err();
    assert!(matches!(error, DistributionError::WrongBytes { .. }), "{error}");
    // What is no digest at all says nothing.
    fake.on(9, "PUT", "/manifests/", change("x".to_owned()));
    push(&anybody(), &made, &to, &Heard::default()).await.unwrap();
}

#[tokio::test]
async fn an_old_registry_says_less_of_a_manifest() {
    let fake = Fake::new();
    let made = image(&[&noise(1, 5)]);
    let to = reference(&fake.host, "app:1");
    push(&anybody(), &made, &to, &Heard::default()).await.unwrap();
    fake.on(9, "HEAD", "/manifests/", Fault::Change(Box::new(|reply| reply.without("Docker-Content-Digest"))));
    let again = push(&anybody(), &made, &to, &Heard::default()).await.unwrap();
    assert_eq!(again.tag, TagWas::Same);
}

#[test]
fn this_machine_is_not_asked_through_a_proxy() {
    // The variables are read by the HTTP client: another process has to have them.
    let mut command = std::process::Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "push::a_digest_needs_no_tag"]).env_remove("NO_PROXY").env_remove("no_proxy");
    for name in ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"] {
        command.env(name, "http://proxy.invalid:1");
    }
    let output = command.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && text.contains("1 passed"), "{text}");
}

#[tokio::test]
async fn whether_something_may_be_pushed_can_be_asked() {
    let fake = Fake::new();
    let to = reference(&fake.host, "app:1");
    anybody().may_push(&to).await.unwrap();
    insta::assert_snapshot!(fake.log(), @"
    POST /v2/app/blobs/uploads/
    DELETE /v2/app/blobs/uploads/1?_state=0==
    ");
    assert!(fake.registry().repo("app").uploads.is_empty());
    fake.on(1, "POST", "", Fault::Reply(Reply::error(403, "DENIED", "only for reading")));
    let error = anybody().may_push(&to).await.unwrap_err();
    insta::assert_snapshot!(text(&error, &fake.host), @"
    cannot begin an upload to HOST/app: http://HOST/v2/app/blobs/uploads/ answers 403 Forbidden
      it says: DENIED: only for reading
      help: no credentials were asked for; log in, or have the registry's operator give the right
    ");
}
