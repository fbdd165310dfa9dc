//! Reading `package-lock.json`.

use akbuild_names::NpmTarball;
use akbuild_registry::{NpmLock, PackageFile, Platform};

const SHA512: &str = "sha512-z4PhNX7vuL3xVChQ1m2AB9Yg5AULVxXcg/SpIdNs6c5H0NE8XYXysP+DGNKHfuwvY7kxvUdBeoGlODJ6+SfaPg==";
const SHA1: &str = "sha1-2jmj7l5rSw0yVb/vlWAYkK/YBwk=";

fn lock(packages: &str) -> NpmLock {
    let packages = packages.replace("OK", SHA512).replace("WEAK", SHA1);
    NpmLock::parse(&format!(r#"{{"lockfileVersion": 3, "packages": {{{packages}}}}}"#), "web/package-lock.json")
        .unwrap()
}

fn names(packages: &str) -> Vec<String> {
    let artifacts = lock(packages).artifacts(&Platform::linux_glibc("x64")).unwrap();
    artifacts.iter().map(|artifact| artifact.what.to_string()).collect()
}

fn refused(packages: &str) -> String {
    lock(packages).artifacts(&Platform::linux_glibc("x64")).unwrap_err().to_string()
}

#[test]
fn takes_what_has_a_tarball_and_each_tarball_once() {
    let found = names(
        r#""": {"name": "root", "version": "1.0.0"},
        "packages/core": {"name": "@s/core", "version": "1.0.0"},
        "node_modules/@s/core": {"resolved": "packages/core", "link": true},
        "packages/core/node_modules/a": {"version": "2.0.0", "resolved": "https://r.invalid/a/-/a-2.0.0.tgz", "integrity": "OK"},
        "node_modules/a": {"version": "1.0.0", "resolved": "https://r.invalid/a/-/a-1.0.0.tgz", "integrity": "WEAK OK"},
        "node_modules/b/node_modules/a": {"version": "1.0.0", "resolved": "https://r.invalid/a/-/a-1.0.0.tgz", "integrity": "WEAK OK"},
        "node_modules/b": {"version": "1.0.0", "integrity": "OK"},
        "node_modules/b/node_modules/in": {"version": "1.0.0", "inBundle": true},
        "node_modules/@s/c": {"version": "1.0.0", "integrity": "OK"},
        "node_modules/alias": {"name": "real", "version": "1.0.0", "integrity": "OK"},
        "node_modules/remote": {"version": "3.0.0", "resolved": "https://files.invalid/x/remote.tgz", "integrity": "OK"}"#,
    );
    assert_eq!(found, ["@s/c@1.0.0", "a@1.0.0", "a@2.0.0", "b@1.0.0", "real@1.0.0", "remote@3.0.0"]);
}

#[test]
fn leaves_out_optional_packages_for_other_platforms_only() {
    let found = names(
        r#""node_modules/linux": {"version": "1.0.0", "integrity": "OK", "optional": true, "os": ["linux"], "cpu": ["x64"]},
        "node_modules/mac": {"version": "1.0.0", "integrity": "OK", "optional": true, "os": ["darwin"]},
        "node_modules/musl": {"version": "1.0.0", "integrity": "OK", "devOptional": true, "libc": ["musl"]},
        "node_modules/needed": {"version": "1.0.0", "integrity": "OK", "os": ["darwin"]}"#,
    );
    assert_eq!(found, ["linux@1.0.0", "needed@1.0.0"]);
}

#[test]
fn keeps_address_and_strongest_digest() {
    let artifacts = lock(
        r#""node_modules/a": {"version": "1.0.0", "resolved": "https://r.invalid/a/-/a-1.0.0.tgz", "integrity": "WEAK OK"}"#,
    )
    .artifacts(&Platform::linux_glibc("x64"))
    .unwrap();
    assert_eq!(artifacts[0].digest.to_string(), SHA512);
    let PackageFile::Npm(NpmTarball { url, .. }) = &artifacts[0].what else { panic!("{artifacts:?}") };
    assert_eq!(url.as_deref(), Some("https://r.invalid/a/-/a-1.0.0.tgz"));
}

#[test]
fn refuses_all_that_is_not_pinned_in_one_message() {
    insta::assert_snapshot!(refused(
        r#""node_modules/none": {"version": "1.0.0", "resolved": "https://r.invalid/none.tgz"},
        "node_modules/weak": {"version": "1.0.0", "integrity": "WEAK"},
        "node_modules/garbled": {"version": "1.0.0", "integrity": "sha512-x"},
        "node_modules/git": {"version": "1.0.0", "resolved": "git+ssh://git@h.invalid/a.git#abc", "integrity": "OK"},
        "node_modules/file": {"version": "1.0.0", "resolved": "file:../folder"},
        "node_modules/unversioned": {"integrity": "OK"},
        "node_modules/fine": {"version": "1.0.0", "integrity": "OK"}"#
    ), @"
    web/package-lock.json: 6 entries cannot be used:
      node_modules/file: it comes from `file:../folder`, which is not supported: expected http, https or a tarball in the source
      node_modules/garbled: its integrity cannot be read: `sha512-x` is not valid base 64; copy the whole digest, with its `=` at the end if it has one
      node_modules/git: it comes from git (git+ssh://git@h.invalid/a.git#abc), which is not supported
      node_modules/none: it has no integrity
      node_modules/unversioned: it has no version
      node_modules/weak: its only integrity is sha1, expected sha512 or sha256
    Write the lock file again with `npm install --package-lock-only`, against a registry that gives sha512 integrity; replace git dependencies and copied folders by published packages.
    ");
}

#[test]
fn refuses_other_versions_and_what_is_no_lock() {
    let wrong = |text: &str| NpmLock::parse(text, "package-lock.json").unwrap_err().to_string();
    insta::assert_snapshot!(wrong(r#"{"lockfileVersion": 1, "dependencies": {}}"#), @"package-lock.json: lockfileVersion 1 is not supported, expected 2, 3 or 4; write it again with npm 7 or later: `npm install --package-lock-only`");
    insta::assert_snapshot!(wrong("{}"), @"package-lock.json: lockfileVersion (none) is not supported, expected 2, 3 or 4; write it again with npm 7 or later: `npm install --package-lock-only`");
    insta::assert_snapshot!(wrong("{\n  \"lockfileVersion\": 3,\n}"), @"package-lock.json:3:1: trailing comma; write the file again with `npm install --package-lock-only`");
    insta::assert_snapshot!(wrong(r#"{"lockfileVersion": 2, "packages": []}"#), @"package-lock.json: packages: expected an object, found an array; write the file again with `npm install --package-lock-only`");
    assert!(NpmLock::parse(r#"{"lockfileVersion": 2, "packages": {}}"#, "f").is_ok());
    assert!(NpmLock::parse("\u{feff}{\"lockfileVersion\": 4, \"packages\": {}}", "f").is_ok());
}

#[test]
fn names_all_entries_with_wrong_names() {
    let integrity = "sha512-z4PhNX7vuL3xVChQ1m2AB9Yg5AULVxXcg/SpIdNs6c5H0NE8XYXysP+DGNKHfuwvY7kxvUdBeoGlODJ6+SfaPg==";
    let entry = |key: &str, name: &str, version: &str, more: &str| {
        format!(
            r#""node_modules/{key}": {{"name": "{name}", "version": "{version}", "integrity": "{integrity}"{more}}}"#
        )
    };
    let entries = [
        entry("a", "//host/evil", "1.0.0", ""),
        entry("b", "file:///etc/passwd#", "1.0.0", ""),
        entry("c", "c", "../../1.0.0", ""),
        entry("d", "@s/..", "1.0.0", ""),
        entry("e", "JSONStream", "1.0.0", ""),
        entry("f", "f", "1.0.0", r#", "resolved": "https:///etc/passwd""#),
        entry("g", "g", "1.0.0", r#", "resolved": "https://[""#),
    ];
    let lock = format!(r#"{{"lockfileVersion": 3, "packages": {{{}}}}}"#, entries.join(", "));
    let lock = akbuild_registry::NpmLock::parse(&lock, "web/package-lock.json").unwrap();
    insta::assert_snapshot!(lock.artifacts(&akbuild_registry::Platform::linux_glibc("x64")).unwrap_err(), @"
    web/package-lock.json: 5 entries cannot be used:
      node_modules/a: `//host/evil` is not an npm package name: it has a character that cannot stand in a URL as it is
      node_modules/b: `file:///etc/passwd#` is not an npm package name: it has a character that cannot stand in a URL as it is
      node_modules/c: `../../1.0.0` is not an npm package version: expected semver: MAJOR.MINOR.PATCH
      node_modules/d: `@s/..` is not an npm package name: a part of it starts with `.`
      node_modules/g: `https://[` is not the address of a package's file: it is not a URL
    Write the lock file again with `npm install --package-lock-only`, against a registry that gives sha512 integrity; replace git dependencies and copied folders by published packages.
    ");
}

#[test]
fn bundles_of_the_project_have_tarballs_and_those_of_packages_do_not() {
    let found = names(
        r#""": {"name": "root", "version": "1.0.0", "bundleDependencies": ["own"]},
        "packages/core": {"name": "core", "version": "1.0.0", "bundleDependencies": ["deep"]},
        "node_modules/core": {"resolved": "packages/core", "link": true},
        "packages/core/node_modules/deep": {"version": "1.0.0", "integrity": "OK", "inBundle": true},
        "node_modules/own": {"version": "1.0.0", "integrity": "OK", "inBundle": true},
        "node_modules/hoisted": {"version": "1.0.0", "resolved": "https://r.invalid/hoisted/-/hoisted-1.0.0.tgz", "integrity": "OK", "inBundle": true},
        "node_modules/own/node_modules/nested": {"version": "1.0.0", "integrity": "OK", "inBundle": true},
        "node_modules/own/node_modules/inside": {"version": "1.0.0", "inBundle": true},
        "node_modules/npm": {"version": "1.0.0", "integrity": "OK"},
        "node_modules/npm/node_modules/a": {"version": "1.0.0", "inBundle": true},
        "node_modules/npm/node_modules/a/node_modules/b": {"version": "1.0.0", "integrity": "OK", "inBundle": true},
        "node_modules/npm/node_modules/c": {"version": "1.0.0", "integrity": "OK"}"#,
    );
    assert_eq!(found, ["c@1.0.0", "deep@1.0.0", "hoisted@1.0.0", "nested@1.0.0", "npm@1.0.0", "own@1.0.0"]);
}

#[test]
fn packages_and_files_of_the_source_have_no_tarball_in_a_registry() {
    let lock = lock(
        r#""node_modules/a": {"version": "1.0.0", "resolved": "file:vendor/a.tgz", "integrity": "OK"},
        "node_modules/b": {"resolved": "../b", "link": true},
        "node_modules/c": {"version": "1.0.0", "integrity": "OK", "patched": {"path": "patches/c.patch", "integrity": "OK"}},
        "../b": {"name": "b", "version": "1.0.0"},
        "../b/node_modules/d": {"version": "1.0.0", "integrity": "OK"}"#,
    );
    let artifacts = lock.artifacts(&Platform::linux_glibc("x64")).unwrap();
    assert_eq!(artifacts.iter().map(|a| a.what.to_string()).collect::<Vec<_>>(), ["c@1.0.0", "d@1.0.0"]);
    insta::assert_debug_snapshot!(lock.local_files(), @r#"
    LocalNpmFiles {
        packages: [
            (
                "../b",
                "node_modules/b",
            ),
        ],
        files: [
            (
                "vendor/a.tgz",
                "node_modules/a",
            ),
            (
                "patches/c.patch",
                "node_modules/c",
            ),
        ],
    }
    "#);
}

#[test]
fn a_stage_sees_addresses_of_the_loopback_registry_only() {
    let lock = lock(
        r#""": {"dependencies": {"asked": "https://files.invalid/-/asked.tgz"}},
        "node_modules/a": {"version": "1.0.0", "resolved": "https://r.invalid/npm/-/npm-1.0.0.tgz", "integrity": "WEAK OK"},
        "node_modules/none": {"version": "1.0.0", "integrity": "OK"},
        "node_modules/asked": {"version": "1.0.0", "resolved": "https://files.invalid/-/asked.tgz", "integrity": "OK"},
        "node_modules/odd": {"version": "1.0.0", "resolved": "https://files.invalid/odd", "integrity": "OK"},
        "node_modules/local": {"version": "1.0.0", "resolved": "file:a.tgz", "integrity": "OK"},
        "node_modules/in": {"resolved": "packages/in", "link": true}"#,
    );
    let text = lock.rewrite("http://127.0.0.1:1");
    let resolved: Vec<&str> = text.lines().filter(|line| line.contains("resolved")).map(str::trim).collect();
    insta::assert_snapshot!(resolved.join("\n"), @r#"
    "resolved": "http://127.0.0.1:1/npm/-/files/cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417a81a538327af927da3e/a-1.0.0.tgz",
    "resolved": "http://127.0.0.1:1/npm/-/files/cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417a81a538327af927da3e/none-1.0.0.tgz"
    "resolved": "https://files.invalid/-/asked.tgz",
    "resolved": "https://files.invalid/odd",
    "resolved": "file:a.tgz",
    "resolved": "packages/in",
    "#);
    // What a stage sees is a lock again.
    assert!(NpmLock::parse(&text, "package-lock.json").is_ok());
}

#[test]
fn kept_addresses_that_only_hosts_tell_apart_are_refused() {
    let other = "sha512-".to_owned() + &"A".repeat(86) + "==";
    insta::assert_snapshot!(refused(&r#""node_modules/a": {"version": "1.0.0", "resolved": "https://a.invalid/x.tgz", "integrity": "OK"},
        "node_modules/same": {"name": "a", "version": "1.0.0", "resolved": "https://c.invalid/x.tgz", "integrity": "OK"},
        "node_modules/b": {"version": "1.0.0", "resolved": "https://b.invalid/x.tgz", "integrity": "OTHER"}"#.replace("OTHER", &other)), @"
    web/package-lock.json: 2 entries cannot be used:
      a@1.0.0: https://a.invalid/x.tgz and https://b.invalid/x.tgz have the same path and other contents
      a@1.0.0: https://c.invalid/x.tgz and https://b.invalid/x.tgz have the same path and other contents
    Write the lock file again with `npm install --package-lock-only`, against a registry that gives sha512 integrity; replace git dependencies and copied folders by published packages.
    ");
}

#[test]
fn any_of_several_digests_of_the_same_strength_will_do() {
    let other = "sha512-".to_owned() + &"A".repeat(86) + "==";
    let packages =
        r#""node_modules/a": {"version": "1.0.0", "integrity": "WEAK OTHER?opt\n  OK"}"#.replace("OTHER", &other);
    let lock = lock(&packages);
    let artifacts = lock.artifacts(&Platform::linux_glibc("x64")).unwrap();
    assert_eq!(artifacts[0].digest.to_string(), other);
    let alternatives: Vec<String> = lock.alternatives()[&artifacts[0].digest].iter().map(ToString::to_string).collect();
    assert_eq!(alternatives, [SHA512]);
}

#[test]
fn programs_of_a_manifest() {
    let bins = |text: &str| format!("{:?}", akbuild_registry::package_bins(text));
    insta::assert_snapshot!([
        "\u{feff}{\"bin\": {\"a\": \"cli.js\", \"b\": \"./x/b.js\"}}",
        r#"{"bin": "cli.js", "directories": {"bin": "programs"}}"#,
        r#"{"directories": {"bin": "programs"}}"#,
        "{}",
        "[",
    ].map(bins).join("\n"), @r#"
    (["cli.js", "./x/b.js"], None)
    (["cli.js"], None)
    ([], Some("programs"))
    ([], None)
    ([], None)
    "#);
}

#[test]
fn what_the_project_and_its_workspaces_bundle_is_installed_as_everything_else() {
    let lock = lock(
        r#""": {"name": "root", "bundleDependencies": ["own"]},
        "packages/core": {"name": "core", "bundleDependencies": ["deep"]},
        "packages/core/node_modules/deep": {"version": "1.0.0", "integrity": "OK", "inBundle": true},
        "node_modules/own": {"version": "1.0.0", "integrity": "OK", "inBundle": true, "bundleDependencies": ["inside"]},
        "node_modules/own/node_modules/inside": {"version": "1.0.0", "inBundle": true}"#,
    );
    let text = lock.rewrite("http://127.0.0.1:1");
    let seen: serde_json::Value = serde_json::from_str(&text).unwrap();
    let has = |key: &str, field: &str| seen["packages"][key].get(field).is_some();
    assert!(!has("", "bundleDependencies") && !has("packages/core", "bundleDependencies"));
    assert!(!has("packages/core/node_modules/deep", "inBundle") && !has("node_modules/own", "inBundle"));
    assert!(has("node_modules/own", "bundleDependencies") && has("node_modules/own/node_modules/inside", "inBundle"));
    let manifest =
        akbuild_registry::npm_manifest("\u{feff}{\"bundledDependencies\": true, \"name\": \"a\", \"bin\": \"b\"}");
    assert_eq!(manifest.as_deref(), Some(r#"{"name":"a","bin":"b"}"#));
    assert_eq!(akbuild_registry::npm_manifest(r#"{"name": "a"}"#), None);
}
