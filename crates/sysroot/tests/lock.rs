//! Locking against a signed archive: what is chosen, and what is refused in which words.
#![allow(clippy::disallowed_methods, reason = "tests make the trees that they look at")]

use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use akbuild_fixtures::{FakeArchive, FakeDeb, FakeKey, fake_date};
use akbuild_sysroot::{LockRequest, Locked, Suite, SysrootError, Wanted, lock};

const DAY: Duration = Duration::from_secs(86400);

struct Bench {
    key: FakeKey,
    archive: FakeArchive,
    keyring: Vec<u8>,
    fingerprints: Vec<String>,
    now: SystemTime,
    allow_expired: bool,
    essential: bool,
    recommends: bool,
    prefer: Vec<akbuild_sysroot::DebPin>,
}

fn bench(debs: &[FakeDeb]) -> Bench {
    let key = FakeKey::new();
    let (archive, keyring) = (FakeArchive::new(debs, &key), key.keyring());
    Bench {
        key,
        archive,
        keyring,
        fingerprints: vec![],
        now: fake_date() + DAY,
        allow_expired: false,
        essential: false,
        recommends: false,
        prefer: Vec::new(),
    }
}

impl Bench {
    fn lock(&self, packages: &[&str]) -> Result<Locked, SysrootError> {
        let dir = tempfile::tempdir().unwrap();
        let keyrings: [PathBuf; 1] = [dir.path().join("keyring.gpg")];
        std::fs::write(&keyrings[0], &self.keyring).unwrap();
        let packages: Vec<String> = packages.iter().map(|p| p.to_string()).collect();
        lock(
            &LockRequest {
                suites: &[Suite { suite: "sid".into(), components: vec!["main".into()], arch: "amd64".into() }],
                sysroots: &[Wanted { name: "build".into(), packages, essential: self.essential }],
                keyrings: &keyrings,
                fingerprints: &self.fingerprints,
                now: self.now,
                allow_expired: self.allow_expired,
                recommends: self.recommends,
                prefer: &self.prefer,
            },
            &self.archive,
        )
    }

    fn names(&self, packages: &[&str]) -> String {
        let locked = self.lock(packages).unwrap();
        locked.packages.iter().map(|p| format!("{} {}", p.name, p.version)).collect::<Vec<_>>().join(", ")
    }

    fn error(&self, packages: &[&str]) -> String {
        self.lock(packages).unwrap_err().to_string()
    }
}

fn deb(name: &str, version: &str, depends: &str) -> FakeDeb {
    FakeDeb::new(name, version).field("Depends", depends)
}

#[test]
fn closures() {
    let mut bench = bench(&[
        deb("a", "1", "b (>= 2), virtual, c | d"),
        deb("b", "1", ""),
        deb("b", "10", ""),
        deb("c", "1", "nowhere"),
        deb("d", "1", ""),
        deb("c-user", "1", "d | b"),
        FakeDeb::new("p2", "1").field("Provides", "virtual").field("Priority", "optional"),
        FakeDeb::new("p1", "1").field("Provides", "virtual (= 3)").field("Priority", "standard"),
        deb("strict", "1", "virtual (>= 3)").field("Recommends", "d, nowhere"),
        FakeDeb::new("base", "1").field("Essential", "yes"),
        deb("old", "1", "b (<< 5)"),
    ]);
    assert_eq!(bench.names(&["d", "a"]), "a 1, b 10, d 1, p1 1");
    assert_eq!(bench.names(&["a", "p2", "d"]), "a 1, b 10, d 1, p1 1, p2 1".replace("p1 1, ", ""));
    assert_eq!(bench.names(&["c-user", "b"]), "b 10, c-user 1");
    assert_eq!(bench.names(&["strict"]), "p1 1, strict 1");
    assert_eq!(bench.names(&["old"]), "b 1, old 1");
    assert_eq!(bench.names(&["b (<< 5)"]), "b 1");
    bench.essential = true;
    assert_eq!(bench.names(&["b"]), "b 10, base 1");
    (bench.essential, bench.recommends) = (false, true);
    assert_eq!(bench.names(&["strict"]), "d 1, p1 1, strict 1");
}

#[test]
fn a_locked_version_stays_while_it_is_there_and_fits() {
    let old = [deb("app", "1", "lib"), deb("lib", "1", "")];
    let both = [deb("app", "1", "lib"), deb("app", "2", "lib"), deb("lib", "1", ""), deb("lib", "2", "")];
    let newer = [deb("app", "1", "lib (>= 2)"), deb("lib", "1", ""), deb("lib", "2", "")];
    let prefer = bench(&old).lock(&["app"]).unwrap().packages;
    let names = |debs: &[FakeDeb], prefer: &[_], wanted: &[&str]| {
        Bench { prefer: prefer.to_vec(), ..bench(debs) }.names(wanted)
    };
    assert_eq!(names(&both, &[], &["app"]), "app 2, lib 2");
    assert_eq!(names(&both, &prefer, &["app"]), "app 1, lib 1");
    assert_eq!(names(&newer, &prefer, &["lib", "app"]), "app 1, lib 2", "what no longer fits together moves");
    assert_eq!(names(&both[1..], &prefer, &["app"]), "app 2, lib 1", "what is gone moves");
}

#[test]
fn pins_say_all_that_is_needed() {
    let deb = FakeDeb::new("a", "1:2-3").file("./x", b"x", 0o644);
    let bench = bench(std::slice::from_ref(&deb));
    let locked = bench.lock(&["a"]).unwrap();
    assert_eq!(locked.packages, [deb.pin()]);
    assert_eq!(locked.suite_date, fake_date());
    assert!(locked.warnings.is_empty());
}

#[test]
fn what_is_not_there() {
    let bench = bench(&[
        deb("git", "1", "perl"),
        deb("perl", "5", "libxml-dev"),
        deb("libxml2-dev", "2", ""),
        deb("new", "1", "libxml2-dev (>= 3) | none"),
    ]);
    insta::assert_snapshot!(bench.error(&["git"]), @r"
    no package `libxml-dev` in suite `sid`
      needed by: sysroot `build` -> git -> perl
      help: is one of these meant? `libxml2-dev`
    ");
    insta::assert_snapshot!(bench.error(&["zzzzzzzz"]), @r"
    no package `zzzzzzzz` in suite `sid`
      needed by: sysroot `build`
    ");
    insta::assert_snapshot!(bench.error(&["new"]), @r"
    cannot satisfy `libxml2-dev (>= 3) | none` in suite `sid`
      needed by: sysroot `build` -> new
      found: libxml2-dev 2
    ");
}

#[test]
fn conflicts() {
    let bench = bench(&[
        deb("a", "1", "x"),
        FakeDeb::new("x", "1").field("Breaks", "y (<< 3)"),
        deb("y", "2", "").field("Conflicts", "self").field("Provides", "self"),
    ]);
    assert_eq!(bench.names(&["y"]), "y 2");
    insta::assert_snapshot!(bench.error(&["a", "y"]), @r"
    sysroot `build` cannot hold both x and y: x says `Breaks: y (<< 3)`
      x is needed by: sysroot `build` -> a -> x
      y is needed by: sysroot `build` -> y
    ");
}

#[test]
fn expiry() {
    let mut bench = bench(&[deb("a", "1", "")]);
    bench.now = fake_date() + 8 * DAY;
    insta::assert_snapshot!(bench.error(&["a"]), @r"
    the index of suite `sid` expired on Fri, 06 Nov 2026 08:08:01 UTC: the mirror has not been updated since Fri, 30 Oct 2026 08:08:01 UTC
      help: try a fresher mirror, or accept it as it is with `akbuild lock --allow-expired`
    ");
    bench.allow_expired = true;
    let locked = bench.lock(&["a"]).unwrap();
    assert_eq!(locked.warnings, ["the index of suite `sid` expired on Fri, 06 Nov 2026 08:08:01 UTC"]);
}

#[test]
fn keys() {
    let mut bench = bench(&[deb("a", "1", "")]);
    bench.keyring = bench.key.armoured().into_bytes();
    bench.lock(&["a"]).unwrap();
    bench.fingerprints = vec![bench.key.fingerprint().to_lowercase()];
    bench.lock(&["a"]).unwrap();
    let signer = bench.lock(&["a"]).unwrap().suites[0].signed_by.clone();
    bench.fingerprints = vec!["00112233445566778899AABBCCDDEEFF00112233".into()];
    let error = bench.error(&["a"]).replace(&signer, "SIGNER");
    insta::assert_snapshot!(error, @r"
    the signature of `dists/sid/InRelease` is not good: no accepted key made it
      signed by: SIGNER
      accepted keys: 00112233445566778899AABBCCDDEEFF00112233
      help: if the archive changed its key, add its keyring to `keyrings` (and its fingerprint, if the recipe lists some); if not, the mirror served a changed file
    ");
    (bench.fingerprints, bench.keyring) = (vec![], FakeKey::new().keyring());
    assert!(bench.error(&["a"]).contains("no accepted key made it"));
    bench.keyring = b"nothing".to_vec();
    assert!(matches!(bench.lock(&["a"]), Err(SysrootError::Keyring { .. })));
}

#[test]
fn tampering() {
    let mut bench = bench(&[deb("a", "1", "")]);
    let path = "dists/sid/InRelease";
    let text = String::from_utf8(bench.archive.files[path].clone()).unwrap();
    bench.archive.files.insert(path.into(), text.replace("Origin: Test", "Origin: Tset").into_bytes());
    assert!(bench.error(&["a"]).contains("the text was changed after it was signed"));

    // Text outside the signed part counts for nothing: it is refused, not read.
    bench.archive.files.insert(path.into(), format!("Suite: sid\n{text}").into_bytes());
    assert!(matches!(bench.lock(&["a"]), Err(SysrootError::NotSigned { .. })));
    bench.archive.files.insert(path.into(), b"Suite: sid\n".to_vec());
    assert!(matches!(bench.lock(&["a"]), Err(SysrootError::NotSigned { .. })));

    bench.archive.files.insert(path.into(), text.into_bytes());
    let index = "dists/sid/main/binary-amd64/Packages.xz";
    bench.archive.files.insert(index.into(), b"other".to_vec());
    let error = bench.error(&["a"]);
    assert!(error.starts_with(&format!("`{index}` does not match its Release file\n  expected sha256-")), "{error}");
    bench.archive.files.remove(index);
    insta::assert_snapshot!(bench.error(&["a"]), @"cannot get `dists/sid/main/binary-amd64/Packages.xz` from any configured Debian mirror: 404 Not Found");
}
