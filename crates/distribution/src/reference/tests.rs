//! What is a reference, and what is said of what is none.

use super::*;

const HEX: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

fn parse(text: &str) -> Reference {
    text.parse().unwrap_or_else(|e| panic!("{text}: {e}"))
}

fn said(text: &str) -> String {
    text.parse::<Reference>().expect_err(text).to_string()
}

#[test]
fn comes_back_as_it_was_written() {
    let digest = format!("registry.example/app@sha256:{HEX}");
    let both = format!("registry.example:5000/team/app:1.0@sha256:{HEX}");
    for text in [
        "registry.example/app",
        "localhost/app:1",
        "localhost:5000/a/b-c/d__e/f.g/h---i:_x.Y-z",
        "127.0.0.1:5000/app:1.0",
        "[::1]:5000/app:1.0",
        "[::1]/app",
        &digest,
        &both,
    ] {
        assert_eq!(parse(text).to_string(), text);
    }
    let both = parse(&both);
    assert_eq!((both.host(), both.name(), both.tag()), ("registry.example:5000", "team/app", Some("1.0")));
    assert_eq!(both.digest(), Some(Digest::sha256(b"")));
    assert_eq!(both.repository(), "registry.example:5000/team/app");
}

#[test]
fn a_host_has_no_case() {
    assert_eq!(parse("Registry.Example/app").host(), "registry.example");
}

#[test]
fn a_digest_says_more_than_a_tag() {
    let digest = format!("sha256:{HEX}");
    assert_eq!(parse(&format!("registry.example/app:1@{digest}")).which().unwrap(), digest);
    assert_eq!(parse("registry.example/app:1").which().unwrap(), "1");
    insta::assert_snapshot!(parse("registry.example/app").which().unwrap_err(), @"
    `registry.example/app` has neither a tag nor a digest
      help: write the tag behind it: `registry.example/app:1.0`
    ");
}

#[test]
fn a_registry_must_be_named() {
    insta::assert_snapshot!(said("app:1.0"), @"
    `app:1.0` does not say in which registry it is
      help: write the registry's host in front: `registry.example/app:1.0`
    ");
    insta::assert_snapshot!(said("team/app:1.0"), @"
    `team/app:1.0` does not say in which registry it is
      help: write the registry's host in front: `registry.example/team/app:1.0`
    ");
    insta::assert_snapshot!(said("app"), @"
    `app` does not say in which registry it is
      help: write the registry's host in front: `registry.example/app`
    ");
    insta::assert_snapshot!(said(""), @"
    `` does not say in which registry it is
      help: write the registry's host in front: `registry.example/app:1.0`
    ");
    insta::assert_snapshot!(said("registry_1.example/app"), @"
    `registry_1.example/app`: `registry_1.example` is no host
      help: write one like `registry.example` or `registry.example:5000`
    ");
    insta::assert_snapshot!(said("registry.example:port/app"), @"
    `registry.example:port/app`: `registry.example:port` is no host
      help: write one like `registry.example` or `registry.example:5000`
    ");
    insta::assert_snapshot!(said("registry.example"), @"
    `registry.example` names a registry and nothing in it
      help: write one like `registry.example/app:1.0`
    ");
    insta::assert_snapshot!(said("registry.example/:1"), @"
    `registry.example/:1` names a registry and nothing in it
      help: write one like `registry.example/app:1.0`
    ");
}

#[test]
fn names_tags_and_digests_have_a_grammar() {
    insta::assert_snapshot!(said("registry.example/Team/app:1.0"), @"
    `registry.example/Team/app:1.0`: the name `Team/app` has upper-case letters, which registries do not allow
      help: write `team/app`
    ");
    insta::assert_snapshot!(said("registry.example/team//app"), @"
    `registry.example/team//app`: `team//app` is no name of a repository
      help: names are parts with `/` between; a part is lower-case letters and digits, with `.`, `_`, `__` or `-` between them
    ");
    insta::assert_snapshot!(said("registry.example/app:-1"), @"
    `registry.example/app:-1`: `-1` is no tag
      help: a tag is up to 128 letters, digits, `_`, `.` and `-`, and begins with a letter, a digit or `_`
    ");
    insta::assert_snapshot!(said("registry.example/app@sha256:abc"), @"
    `registry.example/app@sha256:abc`: `sha256:abc` is no digest: expected `sha256:` and 64 hex digits
      help: copy the whole digest
    ");
    insta::assert_snapshot!(said(&format!("registry.example/{}", "a".repeat(250))).replace(&"a".repeat(250), "aaa"), @"
    `registry.example/aaa`: host and name have 267 characters, and most clients allow 255
      help: take a shorter name
    ");
    for name in ["a..b", "a___b", "-a", "a-", "a/", "a._b", "ä"] {
        assert!(!is_name(name), "{name}");
    }
    assert!(is_tag(&"x".repeat(128)));
    assert!(!is_tag(&"x".repeat(129)));
}

#[test]
fn an_address_is_none_and_secrets_are_not_shown() {
    insta::assert_snapshot!(said("https://me:secret@registry.example/app:1"), @"
    `…registry.example/app:1` is an address, and an image has none
      help: leave out what stands before the registry's host: `registry.example/app:1.0`
    ");
    insta::assert_snapshot!(said("me:secret@registry.example/app:1"), @"
    an image's name holds no user and no password
      help: take out what stands before the `@`
    ");
}

#[test]
fn loopback_is_this_machine_alone() {
    for host in ["localhost", "LocalHost:5000", "127.0.0.1:5000", "127.8.9.1", "[::1]", "[::1]:5000"] {
        assert!(is_loopback(host), "{host}");
    }
    for host in ["registry.example", "127.0.0.1.example", "localhost.example:80", "10.0.0.1", "[::2]:5000", "::1:x"] {
        assert!(!is_loopback(host), "{host}");
    }
}
