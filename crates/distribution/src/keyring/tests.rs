//! Which credentials are found where, and what is said of files and helpers that do not do.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use super::*;

const HOST: &str = "registry.example:5000";

fn machine(folder: &Path, variables: &[(&str, &str)]) -> Machine {
    let value = |v: &str| folder.join(v).display().to_string();
    let env: BTreeMap<String, String> = variables.iter().map(|(k, v)| ((*k).to_owned(), value(v))).collect();
    Machine { env, home: Some(folder.join("home")), ..Machine::default() }
}

fn write(folder: &Path, name: &str, text: &str) {
    let path = folder.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

fn auth(user: &str) -> String {
    let encoded = data_encoding::BASE64.encode(format!("{user}:secret:{user}").as_bytes());
    format!(r#"{{"auths": {{"{HOST}": {{"auth": "{encoded}"}}}}}}"#)
}

/// One file that is Docker's, and what it has for `team/app`.
fn in_docker(text: &str, run: impl Fn(&str, &[u8]) -> io::Result<HelperAnswer> + Send + Sync + 'static) -> String {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "home/.docker/config.json", text);
    let keyring = Keyring::new(&machine(folder.path(), &[])).helpers(run);
    shown(keyring.find(HOST, "team/app"), folder.path())
}

fn shown(found: Result<Found, DistributionError>, folder: &Path) -> String {
    let text = match found {
        Ok(Found { secret: Some((Secret::Basic { user, password }, from)), .. }) => {
            format!("{user}:{password} of {from}")
        }
        Ok(Found { secret: Some((Secret::Identity(token), from)), .. }) => format!("token {token} of {from}"),
        Ok(Found { secret: None, looked }) => format!("nothing\n{}", looked.join("\n")),
        Err(error) => {
            assert!(!format!("{error}{error:?}").contains("s3cr3t"), "{error:?}");
            error.to_string()
        }
    };
    text.replace(&folder.display().to_string(), "DIR")
}

fn no_helper(program: &str, _: &[u8]) -> io::Result<HelperAnswer> {
    panic!("{program} is not needed")
}

#[test]
fn the_first_place_that_has_something_wins() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let variables = [("REGISTRY_AUTH_FILE", "named.json"), ("XDG_RUNTIME_DIR", "run")];
    let keyring = Keyring::new(&machine(folder, &variables)).given("`USER_VAR`", None);
    let find = || shown(keyring.find(HOST, "team/app"), folder);
    insta::assert_snapshot!(find(), @"
    nothing
    `USER_VAR`: not set
    DIR/named.json: is not there
    DIR/run/containers/auth.json: is not there
    DIR/home/.config/containers/auth.json: is not there
    DIR/home/.docker/config.json: is not there
    ");
    write(folder, "home/.docker/config.json", &auth("docker"));
    insta::assert_snapshot!(find(), @"docker:secret:docker of `DIR/home/.docker/config.json`");
    write(folder, "home/.config/containers/auth.json", &auth("config"));
    insta::assert_snapshot!(find(), @"config:secret:config of `DIR/home/.config/containers/auth.json`");
    write(folder, "run/containers/auth.json", &auth("runtime"));
    insta::assert_snapshot!(find(), @"runtime:secret:runtime of `DIR/run/containers/auth.json`");
    write(folder, "named.json", &auth("named"));
    insta::assert_snapshot!(find(), @"named:secret:named of `DIR/named.json`");
    let given = keyring.given("`USER_VAR`", Some(("me".into(), "s3cr3t".into())));
    assert!(!format!("{given:?}").contains("s3cr3t"));
    insta::assert_snapshot!(shown(given.find(HOST, "team/app"), folder), @"me:s3cr3t of `USER_VAR`");
    let moved = machine(folder, &[("XDG_CONFIG_HOME", "c"), ("DOCKER_CONFIG", "d")]);
    insta::assert_snapshot!(shown(Keyring::new(&moved).find(HOST, "x"), folder), @"
    nothing
    DIR/c/containers/auth.json: is not there
    DIR/d/config.json: is not there
    ");
}

#[test]
fn the_most_special_key_wins() {
    let entry = |user: &str| format!(r#"{{"username": "{user}", "password": "p"}}"#);
    let file = |keys: &[&str]| {
        let entries: Vec<String> = keys.iter().map(|k| format!(r#""{k}": {}"#, entry(k))).collect();
        in_docker(&format!(r#"{{"auths": {{{}}}}}"#, entries.join(",")), no_helper)
    };
    let (host, team, app) = (HOST, &*format!("{HOST}/team"), &*format!("{HOST}/team/app"));
    let old = &*format!("https://{HOST}/v1/");
    assert!(file(&[host, team, app, old]).starts_with(app));
    assert!(file(&[host, team, old]).starts_with(&format!("{team}:p")));
    assert!(file(&[old, host]).starts_with(&format!("{host}:p")));
    assert!(file(&[old]).starts_with(&format!("{old}:p")));
    assert!(file(&[&format!("{HOST}/v2")]).starts_with(HOST));
    for other in [&*format!("{HOST}/other"), "registry.example", &*format!("x.{HOST}"), &*format!("https://x/{HOST}")] {
        assert!(file(&[other]).starts_with("nothing"), "{other}");
    }
}

#[test]
fn identity_tokens_are_known_in_their_forms() {
    let file = format!(r#"{{"auths": {{"{HOST}": {{"auth": "bWU6", "identitytoken": "t"}}}}}}"#);
    insta::assert_snapshot!(in_docker(&file, no_helper), @"token t of `DIR/home/.docker/config.json`");
    // base 64 of `<token>:t`
    let file = format!(r#"{{"auths": {{"{HOST}": {{"auth": "PHRva2VuPjp0"}}}}}}"#);
    insta::assert_snapshot!(in_docker(&file, no_helper), @"token t of `DIR/home/.docker/config.json`");
}

#[test]
fn zero_bytes_behind_a_password_are_none_of_it() {
    let encoded = data_encoding::BASE64.encode(b"me:p\0\0");
    let file = format!(r#"{{"auths": {{"{HOST}": {{"auth": "{encoded}"}}}}}}"#);
    insta::assert_snapshot!(in_docker(&file, no_helper), @"me:p of `DIR/home/.docker/config.json`");
}

#[test]
fn helpers_are_asked_for_the_host() {
    let answer = |program: &str, stdin: &[u8]| {
        assert_eq!(stdin, HOST.as_bytes());
        let stdout = format!(r#"{{"ServerURL": "", "Username": "{program}", "Secret": "p"}}"#).into_bytes();
        Ok(HelperAnswer { success: true, stdout, stderr: Vec::new() })
    };
    let helper = format!(r#""credHelpers": {{"{HOST}": "own"}}"#);
    let auths = auth("me");
    let auths = auths.trim_start_matches('{').trim_end_matches('}');
    insta::assert_snapshot!(in_docker(&format!("{{{helper}, {auths}}}}}}}"), answer), @"docker-credential-own:p of `docker-credential-own`, named in `DIR/home/.docker/config.json`");
    insta::assert_snapshot!(in_docker(r#"{"credsStore": "pass"}"#, answer), @"docker-credential-pass:p of `docker-credential-pass`, named in `DIR/home/.docker/config.json`");
    let empty = format!(r#"{{"credsStore": "pass", "auths": {{"{HOST}": {{}}}}}}"#);
    insta::assert_snapshot!(in_docker(&empty, answer), @"docker-credential-pass:p of `docker-credential-pass`, named in `DIR/home/.docker/config.json`");
    let filled = format!(r#"{{"credsStore": "pass", {auths}}}}}}}"#);
    insta::assert_snapshot!(in_docker(&filled, no_helper), @"me:secret:me of `DIR/home/.docker/config.json`");
}

#[test]
fn a_helper_may_have_nothing() {
    let none = |_: &str, _: &[u8]| {
        let stdout = b"credentials not found in native keychain\n".to_vec();
        Ok(HelperAnswer { success: false, stdout, stderr: Vec::new() })
    };
    insta::assert_snapshot!(in_docker(r#"{"credsStore": "pass"}"#, none), @"
    nothing
    DIR/home/.config/containers/auth.json: is not there
    DIR/home/.docker/config.json: has nothing for registry.example:5000
    ");
}

#[test]
fn a_helper_that_fails_is_named() {
    let file = r#"{"credsStore": "pass"}"#;
    let answer = |success: bool, stdout: &'static str, stderr: &'static str| {
        move |_: &str, _: &[u8]| Ok(HelperAnswer { success, stdout: stdout.into(), stderr: stderr.into() })
    };
    insta::assert_snapshot!(in_docker(file, answer(false, "s3cr3t", "\ngpg: \x1b[1mno key\n")), @"
    the credential helper `docker-credential-pass` gives no credentials for registry.example:5000: it fails: gpg: [1mno key
      it is named in DIR/home/.docker/config.json
      help: run `echo registry.example:5000 | docker-credential-pass get` to see what it does, or take it out of the file
    ");
    insta::assert_snapshot!(in_docker(file, answer(false, "s3cr3t", "")), @"
    the credential helper `docker-credential-pass` gives no credentials for registry.example:5000: it fails and does not say why
      it is named in DIR/home/.docker/config.json
      help: run `echo registry.example:5000 | docker-credential-pass get` to see what it does, or take it out of the file
    ");
    insta::assert_snapshot!(in_docker(file, answer(true, "s3cr3t", "")), @"
    the credential helper `docker-credential-pass` gives no credentials for registry.example:5000: its answer is no JSON with `Username` and `Secret`
      it is named in DIR/home/.docker/config.json
      help: run `echo registry.example:5000 | docker-credential-pass get` to see what it does, or take it out of the file
    ");
    insta::assert_snapshot!(in_docker(file, |_, _| Err(io::ErrorKind::NotFound.into())), @"
    the credential helper `docker-credential-pass` gives no credentials for registry.example:5000: it cannot be run: entity not found
      it is named in DIR/home/.docker/config.json
      help: run `echo registry.example:5000 | docker-credential-pass get` to see what it does, or take it out of the file
    ");
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "home/.docker/config.json", file);
    let keyring = Keyring::new(&machine(folder.path(), &[]));
    insta::assert_snapshot!(shown(keyring.find(HOST, "x"), folder.path()), @"
    the credential helper `docker-credential-pass` gives no credentials for registry.example:5000: no program may be run here
      it is named in DIR/home/.docker/config.json
      help: run `echo registry.example:5000 | docker-credential-pass get` to see what it does, or take it out of the file
    ");
    let answer = HelperAnswer { success: true, stdout: b"s3cr3t".to_vec(), stderr: Vec::new() };
    assert_eq!(format!("{answer:?}"), "HelperAnswer { success: true, .. }");
}

#[test]
fn a_broken_file_is_named_and_not_shown() {
    insta::assert_snapshot!(in_docker("{\n  \"auths\": s3cr3t", no_helper), @"
    DIR/home/.docker/config.json: is no JSON: line 2, column 12
      help: correct the file, or log in again
    ");
    insta::assert_snapshot!(in_docker("\"s3cr3t\"", no_helper), @"
    DIR/home/.docker/config.json: holds no table
      help: correct the file, or log in again
    ");
    insta::assert_snapshot!(in_docker(r#"{"auths": "s3cr3t"}"#, no_helper), @"
    DIR/home/.docker/config.json: `auths` is no table by host
      help: correct the file, or log in again
    ");
    insta::assert_snapshot!(in_docker(&format!(r#"{{"auths": {{"{HOST}": {{"auth": "s3cr3t"}}}}}}"#), no_helper), @"
    DIR/home/.docker/config.json: `auth` of `registry.example:5000` in `auths` is not `USER:PASSWORD` in base 64
      help: correct the file, or log in again
    ");
    insta::assert_snapshot!(in_docker(r#"{"credsStore": "../s3cr3t"}"#, no_helper), @"
    DIR/home/.docker/config.json: `credsStore` names no credential helper: expected a name like `pass`
      help: correct the file, or log in again
    ");
    insta::assert_snapshot!(in_docker(&format!(r#"{{"credHelpers": {{"{HOST}": 1}}}}"#), no_helper), @"
    DIR/home/.docker/config.json: `credHelpers` names no credential helper: expected a name like `pass`
      help: correct the file, or log in again
    ");
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir_all(folder.path().join("home/.docker/config.json")).unwrap();
    let keyring = Keyring::new(&machine(folder.path(), &[]));
    insta::assert_snapshot!(shown(keyring.find(HOST, "x"), folder.path()), @"
    DIR/home/.docker/config.json: cannot be read: Is a directory (os error 21)
      help: correct the file, or log in again
    ");
}
