//! Unpacking: what lands where, what is refused, and that the same packages give the same tree.
#![allow(clippy::disallowed_methods, reason = "tests make the trees that they look at")]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use akbuild_fixtures::{Compression, FakeDeb};
use akbuild_nar::{TreeHash, hash_path};
use akbuild_sysroot::{DebFile, SysrootError, UnpackOptions, Unpacked, unpack};
use tar::EntryType;

fn unpack_with(debs: &[FakeDeb], dest: &Path, threads: usize, slim: bool) -> Result<Unpacked, SysrootError> {
    let dir = tempfile::tempdir().unwrap();
    let pins: Vec<_> = debs.iter().map(FakeDeb::pin).collect();
    let files = debs.iter().zip(&pins).enumerate().map(|(i, (deb, pin))| {
        let path = dir.path().join(format!("{i}.deb"));
        fs::write(&path, deb.build()).unwrap();
        DebFile { pin, path }
    });
    let files: Vec<_> = files.collect();
    unpack(&files, dest, &UnpackOptions { threads, slim, progress: &|_| {} })
}

/// The tree's hash when it is unpacked in that way.
fn hash(debs: &[FakeDeb], threads: usize) -> TreeHash {
    let dest = tempfile::tempdir().unwrap();
    unpack_with(debs, dest.path(), threads, true).unwrap();
    hash_path(dest.path()).unwrap()
}

fn error(deb: FakeDeb) -> String {
    let dest = tempfile::tempdir().unwrap();
    let outside = dest.path().join("root");
    fs::create_dir(&outside).unwrap();
    let error = unpack_with(&[deb], &outside, 1, false).unwrap_err();
    let names: Vec<_> = fs::read_dir(dest.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(names, ["root"], "something was written outside the root");
    error.to_string()
}

fn shell() -> FakeDeb {
    FakeDeb::new("dash", "1").dir("./usr/bin/").file("./usr/bin/dash", b"#!", 0o4755)
}

#[test]
fn contents() {
    let debs = [
        shell(),
        FakeDeb::new("base-files", "1").symlink("./bin", "usr/bin").file("./lib64/ld.so", b"ld", 0o755),
        FakeDeb::new("gawk", "1")
            .file("./bin/gawk", b"awk", 0o755)
            .member("./usr/bin/gawk-1", EntryType::Link, "./bin/gawk", 0o755, b"")
            .script("postinst", "update-alternatives --install /usr/bin/awk awk /usr/bin/gawk 10\n")
            .script("preinst", "dpkg-divert --add /bin/x\n")
            .file("./usr/share/doc/gawk/README", b"r", 0o644)
            .file("./usr/share/doc/gawk/copyright", b"c", 0o644),
    ];
    let dest = tempfile::tempdir().unwrap();
    let at = |p: &str| dest.path().join(p);
    let unpacked = unpack_with(&debs, dest.path(), 2, true).unwrap();
    assert_eq!(fs::read_link(at("bin")).unwrap(), Path::new("usr/bin"));
    assert_eq!(fs::read_link(at("lib64")).unwrap(), Path::new("usr/lib64"));
    assert_eq!(fs::read_link(at("usr/bin/sh")).unwrap(), Path::new("dash"));
    assert_eq!(fs::read(at("usr/bin/gawk-1")).unwrap(), b"awk");
    assert_eq!(fs::read(at("lib64/ld.so")).unwrap(), b"ld");
    assert_eq!(fs::metadata(at("usr/bin/dash")).unwrap().permissions().mode() & 0o7777, 0o755);
    assert_eq!(fs::read_link(at("usr/bin/awk")).unwrap(), Path::new("/etc/alternatives/awk"));
    assert!(at("usr/share/doc/gawk/copyright").exists() && !at("usr/share/doc/gawk/README").exists());
    assert!(fs::read_to_string(at("etc/passwd")).unwrap().contains("build:x:1000:1000:"));
    assert!(at("proc").is_dir() && at("tmp").is_dir() && at("run/lock").is_dir());
    insta::assert_snapshot!(fs::read_to_string(at("var/lib/dpkg/status")).unwrap(), @r"
    Package: base-files
    Status: install ok installed
    Version: 1
    Architecture: amd64

    Package: dash
    Status: install ok installed
    Version: 1
    Architecture: amd64

    Package: gawk
    Status: install ok installed
    Version: 1
    Architecture: amd64
    ");
    assert_eq!((unpacked.files, unpacked.symlinks), (5, 0));
    assert_eq!(unpacked.alternatives["awk"], "/usr/bin/gawk");
    assert_eq!(unpacked.diversions, ["gawk 1: dpkg-divert --add /bin/x"]);
}

#[test]
fn the_same_tree_in_any_order_with_any_threads_and_compression() {
    let mut debs: Vec<FakeDeb> = (0..30)
        .map(|i| {
            let deb =
                FakeDeb::new(&format!("p{i:02}"), "1").file(&format!("./usr/lib/d{}/f{i}", i % 3), &[i; 70], 0o644);
            let deb = deb.file("./usr/share/same", &[i], 0o644);
            // Each replaces all before it, so that the last one's file stays.
            let before: Vec<_> = (0..i).map(|j| format!("p{j:02}")).collect();
            deb.field("Replaces", &before.join(", "))
        })
        .collect();
    debs.push(FakeDeb::new("link", "1").symlink("./usr/lib/d0", "d1"));
    let first = hash(&debs, 1);
    debs.reverse();
    assert_eq!(hash(&debs, 4), first);
    for compression in [Compression::Zstd, Compression::Gzip, Compression::None] {
        debs = debs.into_iter().map(|d| d.compression(compression)).collect();
        assert_eq!(hash(&debs, 2), first, "{compression:?}");
    }
}

#[test]
fn a_folder_becomes_the_link_of_another_package() {
    let debs = [
        FakeDeb::new("a", "1").file("./usr/lib/x/in-x", b"1", 0o644),
        FakeDeb::new("b", "1").symlink("./usr/lib/x", "../share/y").file("./usr/share/y/in-y", b"2", 0o644),
    ];
    let dest = tempfile::tempdir().unwrap();
    unpack_with(&debs, dest.path(), 2, true).unwrap();
    assert_eq!(fs::read_link(dest.path().join("usr/lib/x")).unwrap(), Path::new("../share/y"));
    assert!(dest.path().join("usr/share/y/in-x").exists() && dest.path().join("usr/share/y/in-y").exists());
}

#[test]
fn refused_members() {
    let deb = || FakeDeb::new("evil", "1");
    insta::assert_snapshot!(error(deb().file("./../out", b"x", 0o644)), @"evil 1: refusing to unpack `./../out`: its name has a `..` component");
    insta::assert_snapshot!(error(deb().file("/out", b"x", 0o644)), @"evil 1: refusing to unpack `/out`: its name is absolute");
    insta::assert_snapshot!(error(deb().member("./x", EntryType::Link, "../../out", 0o644, b"")), @"evil 1: refusing to unpack `./x`: its name has a `..` component");
    insta::assert_snapshot!(error(deb().member("./x", EntryType::Link, "./etc/passwd", 0o644, b"")), @"evil 1: refusing to unpack `./x`: it is a hard link to something that is not an earlier file of the package");
    insta::assert_snapshot!(error(deb().symlink("./d", "../../..").file("./d/out", b"x", 0o644)), @"evil 1: refusing to unpack `./d`: a symbolic link on its way leads out of the root");
    insta::assert_snapshot!(error(deb().member("./null", EntryType::Char, "", 0o644, b"")), @"evil 1: refusing to unpack `./null`: it is neither a file, a folder nor a link");
    insta::assert_snapshot!(error(deb().file("./x", b"x", 0o644).file("./x/y", b"x", 0o644)), @"evil 1: refusing to unpack `./x/y`: another member of that name is not of the same kind");
}

#[test]
fn an_absolute_link_stays_in_the_root() {
    let dest = tempfile::tempdir().unwrap();
    let outside = tempfile::tempdir().unwrap();
    let target = outside.path().to_str().unwrap();
    unpack_with(&[FakeDeb::new("evil", "1").symlink("./d", target).file("./d/f", b"x", 0o644)], dest.path(), 1, true)
        .unwrap();
    assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 0);
    assert_eq!(fs::read(dest.path().join(target.trim_start_matches('/')).join("f")).unwrap(), b"x");
}

#[test]
fn a_link_below_an_absolute_link_stays_in_the_root() {
    let dest = tempfile::tempdir().unwrap();
    let outside = tempfile::tempdir().unwrap();
    fs::create_dir(outside.path().join("e")).unwrap();
    fs::write(outside.path().join("e/mine"), b"x").unwrap();
    let target = outside.path().to_str().unwrap();
    let deb = FakeDeb::new("evil", "1").dir("./d/e/").symlink("./d", target).symlink("./d/e", "f");
    unpack_with(&[deb], dest.path(), 1, true).unwrap();
    assert_eq!(fs::read(outside.path().join("e/mine")).unwrap(), b"x");
    let inside = dest.path().join(target.trim_start_matches('/'));
    assert_eq!(fs::read_link(inside.join("e")).unwrap(), Path::new("f"));
    assert_eq!(fs::read_dir(inside.join("f")).unwrap().count(), 0);
}

#[test]
fn overlaps() {
    let dest = tempfile::tempdir().unwrap();
    let debs = [FakeDeb::new("a", "1").file("./x", b"1", 0o644), FakeDeb::new("b", "1").file("./x", b"2", 0o644)];
    let error = unpack_with(&debs, dest.path(), 2, true).unwrap_err();
    insta::assert_snapshot!(error, @r"
    both a 1 and b 1 contain `x`, and neither replaces the other
      help: leave one of them out of the sysroot's package list
    ");
}

#[test]
fn damaged_packages() {
    let dest = tempfile::tempdir().unwrap();
    let path = dest.path().join("x.deb");
    let deb = FakeDeb::new("a", "1").file("./x", &[7; 100_000], 0o644).compression(Compression::None);
    let (pin, bytes) = (deb.pin(), deb.build());
    let root = dest.path().join("root");
    fs::create_dir(&root).unwrap();
    let try_bytes = |bytes: &[u8], pin| {
        fs::write(&path, bytes).unwrap();
        let files = [DebFile { pin, path: path.clone() }];
        let options = UnpackOptions { threads: 1, slim: true, progress: &|_| {} };
        unpack(&files, &root, &options).unwrap_err().to_string().replace(path.to_str().unwrap(), "X")
    };
    insta::assert_snapshot!(try_bytes(b"<html>", &pin), @"a 1: X is not a usable .deb: failed to fill whole buffer");
    insta::assert_snapshot!(try_bytes(&bytes[..50_000], &pin), @"a 1: X is not a usable .deb: a member is longer than the file");
    let other = FakeDeb::new("b", "1").pin();
    insta::assert_snapshot!(try_bytes(&bytes, &other), @"b 1: X is not a usable .deb: it says that it is a 1");
}
