//! The lock's text, what makes it out of date, and what is said about it.

mod common;

use std::fmt::Write;

use akbuild_recipe::{Lock, LockedOrigin, Overlay, is_current, read};
use common::{GOOD, LOCK, plan, with};

fn complaint(lock: &str) -> String {
    Lock::parse(lock, "akbuild.lock").expect_err("the lock is sound").to_string()
}

/// What is stale of [`LOCK`] for the recipe.
fn stale(recipe: &str) -> String {
    let (written, lock) = (read(recipe, "akbuild.toml").unwrap(), Lock::parse(LOCK, "akbuild.lock").unwrap());
    let stale = is_current(&written, &Overlay::default(), &lock).expect_err("the lock is current");
    stale.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

#[test]
fn what_is_written_is_read_again() {
    let lock = Lock::parse(LOCK, "akbuild.lock").unwrap();
    assert_eq!(lock.render(), LOCK);
    assert_eq!(Lock::parse(&Lock::default().render(), "akbuild.lock").unwrap(), Lock::default());
}

#[test]
fn the_order_of_pins_does_not_show() {
    let mut lock = Lock::parse(LOCK, "akbuild.lock").unwrap();
    lock.debs.reverse();
    lock.debs[1].sysroots.reverse();
    assert_eq!(lock.render(), LOCK);
}

#[test]
fn any_text_survives() {
    let mut lock = Lock::parse(LOCK, "akbuild.lock").unwrap();
    let (_, source) = lock.sources.iter_mut().next().unwrap();
    let text = "a \"b\" \\ \u{7f}\n\té {version} {x}".to_owned();
    match &mut source.origin {
        LockedOrigin::Git { url, .. } | LockedOrigin::Tarball { url, .. } => *url = text,
    }
    assert_eq!(Lock::parse(&lock.render(), "akbuild.lock").unwrap(), lock);
}

#[test]
fn a_lock_that_fits_is_current() {
    let (written, lock) = (read(GOOD, "akbuild.toml").unwrap(), Lock::parse(LOCK, "akbuild.lock").unwrap());
    assert_eq!(is_current(&written, &Overlay::default(), &lock), Ok(()));
}

#[test]
fn another_version_makes_what_depends_on_it_stale() {
    insta::assert_snapshot!(stale(&with("version = \"1.2.0\"", "version = \"1.3.0\"")), @r"
    source `app` is locked for tag version/1.2.0 of https://forge.example/app, and the recipe asks for tag version/1.3.0 of https://forge.example/app
    source `data` is locked for https://forge.example/data-1.2.0.tar.gz, and the recipe asks for https://forge.example/data-1.3.0.tar.gz
    ");
}

#[test]
fn another_address_makes_a_source_stale() {
    insta::assert_snapshot!(stale(&with("git = \"https://forge.example/app\"", "git = \"https://other.example/app\"")), @"source `app` is locked for tag version/1.2.0 of https://forge.example/app, and the recipe asks for tag version/1.2.0 of https://other.example/app");
}

#[test]
fn another_mirror_does_not() {
    let lock = Lock::parse(LOCK, "akbuild.lock").unwrap();
    let written = read(&with("https://mirror.example/app", "https://m2.example/app"), "akbuild.toml").unwrap();
    assert_eq!(is_current(&written, &Overlay::default(), &lock), Ok(()));
}

#[test]
fn a_branch_of_the_same_name_is_not_the_tag() {
    insta::assert_snapshot!(stale(&with("tag = \"version/{version}\"", "branch = \"version/{version}\"")), @"source `app` is locked for tag version/1.2.0 of https://forge.example/app, and the recipe asks for branch version/1.2.0 of https://forge.example/app");
}

#[test]
fn another_hash_in_the_recipe_makes_a_source_stale() {
    let hash = "tag = \"version/{version}\"\nhash = \"sha256-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\"";
    insta::assert_snapshot!(stale(&with("tag = \"version/{version}\"", hash)), @"source `app` is locked for hash sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=, and the recipe asks for hash sha256-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=");
}

#[test]
fn other_packages_make_a_sysroot_stale() {
    insta::assert_snapshot!(stale(&with("[\"gcc\", \"make\"]", "[\"clang\", \"gcc\"]")), @"sysroot `build` is locked for packages with `make`, and the recipe asks for packages with `clang`");
    insta::assert_snapshot!(stale(&with("essential = false", "essential = true")), @"sysroot `runtime` is locked for no essential packages, and the recipe asks for essential packages");
}

#[test]
fn another_suite_makes_every_sysroot_stale() {
    insta::assert_snapshot!(stale(&with("suites = [\"forky\"]", "suites = [\"sid\"]")), @r"
    sysroot `build` is locked for forky (main) on amd64, and the recipe asks for sid (main) on amd64
    sysroot `runtime` is locked for forky (main) on amd64, and the recipe asks for sid (main) on amd64
    ");
}

#[test]
fn another_version_of_a_tool_is_stale() {
    insta::assert_snapshot!(stale(&with("uv==0.9.18", "uv==0.9.19")), @"tool `uv` is locked for uv==0.9.18, and the recipe asks for uv==0.9.19");
}

#[test]
fn entries_too_many_and_too_few() {
    insta::assert_snapshot!(stale(&with("[sources.data]", "[sources.date]").replace("[tools.uv]", "[tools.uw]")), @r"
    source `date` (https://forge.example/data-1.2.0.tar.gz) is not locked
    tool `uw` (uv==0.9.18) is not locked
    source `data` is locked (https://forge.example/data-1.2.0.tar.gz) and not in the recipe
    tool `uv` is locked (uv==0.9.18) and not in the recipe
    ");
}

#[test]
fn no_lock_at_all() {
    insta::assert_snapshot!(plan(GOOD, "", "").unwrap_err(), @r"
    error: there is no `akbuild.lock`
     = note: source `app` (tag version/1.2.0 of https://forge.example/app) is not locked
     = note: source `data` (https://forge.example/data-1.2.0.tar.gz) is not locked
     = note: sysroot `build` (3 packages asked for) is not locked
     = note: sysroot `runtime` (1 package asked for) is not locked
     = note: tool `typescript` (typescript@5.9.3) is not locked
     = note: tool `uv` (uv==0.9.18) is not locked
     = help: run `akbuild lock`, look at the difference, and commit it
    ");
}

#[test]
fn a_lock_out_of_date() {
    insta::assert_snapshot!(plan(&with("uv==0.9.18", "uv==0.9.19"), "", LOCK).unwrap_err(), @r"
    error: `akbuild.lock` is out of date
     = note: tool `uv` is locked for uv==0.9.18, and the recipe asks for uv==0.9.19
     = help: run `akbuild lock`, look at the difference, and commit it
    ");
}

#[test]
fn a_newer_version() {
    insta::assert_snapshot!(complaint("version = 2\nthings = []\n"), @"
    error: the lock has version 2
     --> akbuild.lock:1:11
      |
    1 | version = 2
      |           ^ expected version 1
      = help: it was written by a newer akbuild: use that one, or pin everything anew with `akbuild lock all`
    ");
}

#[test]
fn an_older_version() {
    insta::assert_snapshot!(complaint("version = 0\n"), @"
    error: the lock has version 0
     --> akbuild.lock:1:11
      |
    1 | version = 0
      |           ^ expected version 1
      = help: restore the file from version control, or pin everything anew with `akbuild lock all`
    ");
}

#[test]
fn no_version() {
    insta::assert_snapshot!(complaint("debs = []\n"), @"
    error: a lock has no `version`
     --> akbuild.lock:1:1
      |
    1 | debs = []
      | ^
      = help: restore the file from version control, or pin everything anew with `akbuild lock all`
    ");
}

#[test]
fn a_merge_conflict() {
    insta::assert_snapshot!(complaint("version = 1\n<<<<<<< HEAD\n"), @"
    error: not valid TOML
     --> akbuild.lock:2:1
      |
    2 | <<<<<<< HEAD
      | ^ unexpected character found: `<`
      = help: restore the file from version control, or pin everything anew with `akbuild lock all`
    ");
}

#[test]
fn a_pin_without_a_digest() {
    insta::assert_snapshot!(complaint("version = 1\npython = [\n  { name = \"a\", version = \"1\", file = \"a.whl\" },\n]\n"), @r#"
    error: `python` of a lock has no `digest`
     --> akbuild.lock:3:3
      |
    3 |   { name = "a", version = "1", file = "a.whl" },
      |   ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
      = help: restore the file from version control, or pin everything anew with `akbuild lock all`
    "#);
}

#[test]
fn a_tool_that_stands_twice() {
    let uv = LOCK.lines().find(|l| l.contains("uv==")).unwrap();
    insta::assert_snapshot!(complaint(&LOCK.replace(uv, &format!("{uv}\n{uv}"))), @r#"
    error: `uv` stands twice in `tools`
      --> akbuild.lock:12:3
       |
    12 |   { name = "uv", python = "uv==0.9.18", file = "uv-0.9.18.whl", digest = "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=" },
       |   ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
       = help: restore the file from version control, or pin everything anew with `akbuild lock all`
    "#);
}

#[test]
fn an_unknown_field_of_the_lock() {
    insta::assert_snapshot!(complaint("version = 1\ndeb = []\n"), @"
    error: unknown field `deb`
     --> akbuild.lock:2:1
      |
    2 | deb = []
      | ^^^ not a field of a lock
      = help: restore the file from version control, or pin everything anew with `akbuild lock all`
    ");
}

#[test]
fn a_sysroot_whose_pins_are_gone_is_not_locked() {
    let start = LOCK.find("debs = [").unwrap();
    let end = start + LOCK[start..].find("\n]\n").unwrap() + 3;
    let lock = Lock::parse(&(LOCK[..start].to_owned() + &LOCK[end..]), "akbuild.lock").unwrap();
    let stale = is_current(&read(GOOD, "akbuild.toml").unwrap(), &Overlay::default(), &lock).unwrap_err();
    assert_eq!(stale.len(), 2, "{stale:?}");
}

#[test]
fn fewer_packages_make_a_sysroot_stale() {
    insta::assert_snapshot!(stale(&with("[\"gcc\", \"make\"]", "[\"gcc\"]")), @"sysroot `build` is locked for packages with `make`, and the recipe asks for fewer packages");
}

#[test]
fn a_deb_outside_the_pool() {
    insta::assert_snapshot!(complaint("version = 1\ndebs = [\n  { name = \"a\", version = \"1\", path = \"../a\" },\n]\n"), @r#"
    error: `../a` is not a path below a Debian mirror: it has an empty part, `.` or `..`
     --> akbuild.lock:3:40
      |
    3 |   { name = "a", version = "1", path = "../a" },
      |                                        ^^^^
      = help: restore the file from version control, or pin everything anew with `akbuild lock all`
    "#);
}

#[test]
fn a_large_lock_is_read_whole() {
    let mut text = String::from("version = 1\ndebs = [\n");
    for i in 0..5000 {
        let digest = "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";
        let _ = writeln!(
            text,
            "{{ name = \"p{i}\", version = \"1\", path = \"p/{i}\", size = 1, digest = \"{digest}\", sysroots = [\"b\"] }},"
        );
    }
    text.push_str("]\n");
    assert_eq!(Lock::parse(&text, "akbuild.lock").unwrap().debs.len(), 5000);
}

#[test]
fn names_that_lead_elsewhere_are_refused_all_at_once() {
    let digest = "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";
    let lock = format!(
        r#"version = 1
python = [
  {{ name = "../a", version = "1", file = "a-1.tar.gz", digest = "{digest}" }},
  {{ name = "b", version = "1", file = "../b-1.tar.gz", digest = "{digest}" }},
]
debs = [
  {{ name = "a", version = "1", path = "http://host.example/a.deb", size = 1, digest = "{digest}", sysroots = ["run"] }},
  {{ name = "a/b", version = "1", path = "pool/a.deb", size = 1, digest = "{digest}", sysroots = ["run"] }},
]
tools = [{{ name = "t", npm = "//host/t@1.0.0", digest = "{digest}" }}]
"#
    );
    insta::assert_snapshot!(Lock::parse(&lock, "akbuild.lock").unwrap_err().0.iter().map(|e| e.to_string()).collect::<Vec<_>>().join("\n"), @r#"
    error: `../a` is not the name of a Python project: only letters, digits, `-`, `_` and `.` are allowed
     --> akbuild.lock:3:13
      |
    3 |   { name = "../a", version = "1", file = "a-1.tar.gz", digest = "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=" },
      |             ^^^^
      = help: restore the file from version control, or pin everything anew with `akbuild lock all`
    error: `../b-1.tar.gz` is not the name of a wheel or of a source distribution: it starts with `.` or `-`
     --> akbuild.lock:4:40
      |
    4 |   { name = "b", version = "1", file = "../b-1.tar.gz", digest = "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=" },
      |                                        ^^^^^^^^^^^^^
      = help: restore the file from version control, or pin everything anew with `akbuild lock all`
    error: `http://host.example/a.deb` is not a path below a Debian mirror: it has an empty part, `.` or `..`
     --> akbuild.lock:7:40
      |
    7 |   { name = "a", version = "1", path = "http://host.example/a.deb", size = 1, digest = "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=", sysroots = ["run"]
      |                                        ^^^^^^^^^^^^^^^^^^^^^^^^^
      = help: restore the file from version control, or pin everything anew with `akbuild lock all`
    error: `a/b` is not the name of a Debian package: only lower-case letters, digits, `+`, `-` and `.` are allowed
     --> akbuild.lock:8:13
      |
    8 |   { name = "a/b", version = "1", path = "pool/a.deb", size = 1, digest = "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=", sysroots = ["run"] },
      |             ^^^
      = help: restore the file from version control, or pin everything anew with `akbuild lock all`
    error: `//host/t` is not an npm package name: it has a character that cannot stand in a URL as it is
      --> akbuild.lock:10:31
       |
    10 | tools = [{ name = "t", npm = "//host/t@1.0.0", digest = "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=" }]
       |                               ^^^^^^^^^^^^^^
       = help: restore the file from version control, or pin everything anew with `akbuild lock all`
    "#);
}
