//! Archives as they come, and as nobody should send them.
#![allow(missing_docs)]

use std::fs;
use std::io::{Cursor, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use akbuild_fetch::{ArchiveError, StripTop, Unpacked, unpack_archive};
use tar::{Builder, EntryType, Header};

type Member<'a> = (&'a str, EntryType, &'a str);

/// A tar whose names and links are taken as they are, also where the `tar` crate would object.
fn tarball(members: &[Member<'_>]) -> Vec<u8> {
    let mut builder = Builder::new(Vec::new());
    for (name, kind, text) in members {
        let mut header = Header::new_ustar();
        let raw = header.as_ustar_mut().unwrap();
        raw.name[..name.len()].copy_from_slice(name.as_bytes());
        header.set_entry_type(*kind);
        header.set_mode(if name.ends_with(".sh") { 0o4755 } else { 0o640 });
        let file = *kind == EntryType::Regular;
        if !file {
            header.as_ustar_mut().unwrap().linkname[..text.len()].copy_from_slice(text.as_bytes());
        }
        let data = if file { text.as_bytes() } else { b"" };
        header.set_size(data.len() as u64);
        header.set_cksum();
        builder.append(&header, data).unwrap();
    }
    builder.into_inner().unwrap()
}

const FILE: EntryType = EntryType::Regular;
const DIR: EntryType = EntryType::Directory;
const LINK: EntryType = EntryType::Symlink;
const HARD: EntryType = EntryType::Link;

struct Tree {
    dir: tempfile::TempDir,
    outcome: Result<Unpacked, ArchiveError>,
}

fn unpack(bytes: &[u8], strip: StripTop<'_>) -> Tree {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("archive"), bytes).unwrap();
    let outcome = unpack_archive(&dir.path().join("archive"), &dir.path().join("out/tree"), strip);
    Tree { dir, outcome }
}

impl Tree {
    fn error(&self) -> String {
        let inside = fs::read_dir(self.dir.path().join("out")).map_or(0, Iterator::count);
        assert!(inside <= 1, "something lies beside the tree");
        let text = self.outcome.as_ref().unwrap_err().to_string();
        text.replace(&self.dir.path().display().to_string(), "DIR")
    }

    /// Names, modes and contents, one a line.
    fn list(&self) -> String {
        self.outcome.as_ref().unwrap();
        let mut lines = Vec::new();
        let root = self.dir.path().join("out/tree");
        walk(&root, &root, &mut lines);
        lines.sort();
        lines.join("\n")
    }
}

fn walk(root: &Path, at: &Path, lines: &mut Vec<String>) {
    for entry in fs::read_dir(at).unwrap() {
        let path = entry.unwrap().path();
        let name = path.strip_prefix(root).unwrap().display();
        let meta = fs::symlink_metadata(&path).unwrap();
        if meta.is_dir() {
            lines.push(format!("{name}/"));
            walk(root, &path, lines);
        } else if meta.is_symlink() {
            lines.push(format!("{name} -> {}", fs::read_link(&path).unwrap().display()));
        } else {
            let text = fs::read_to_string(&path).unwrap();
            lines.push(format!("{name} {:o} {text}", meta.permissions().mode() & 0o7777));
        }
    }
}

fn usual() -> Vec<u8> {
    tarball(&[
        ("package/", DIR, ""),
        ("package/run.sh", FILE, "run"),
        ("package/d/file", FILE, "text"),
        ("package/d/up", LINK, "../run.sh"),
        ("package/hard", HARD, "package/d/file"),
        ("package/package", FILE, "same name as the top"),
    ])
}

#[test]
fn every_compression_gives_the_same_tree() {
    let tar = usual();
    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gz.write_all(&tar).unwrap();
    let mut xz = liblzma::write::XzEncoder::new(Vec::new(), 1);
    xz.write_all(&tar).unwrap();
    let zstd = zstd::encode_all(&tar[..], 1).unwrap();
    for bytes in [tar.clone(), gz.finish().unwrap(), xz.finish().unwrap(), zstd] {
        let tree = unpack(&bytes, StripTop::IfSingle);
        assert_eq!(tree.outcome.as_ref().unwrap(), &Unpacked { files: 4, bytes: 3 + 4 + 4 + 20 });
        insta::allow_duplicates! {
            insta::assert_snapshot!(tree.list(), @"
            d/
            d/file 644 text
            d/up -> ../run.sh
            hard 644 text
            package 644 same name as the top
            run.sh 755 run
            ");
        }
        assert_eq!(unpack(&bytes, StripTop::Named("package")).list(), tree.list());
        assert!(unpack(&bytes, StripTop::No).list().contains("package/run.sh 755 run"));
    }
}

#[test]
fn a_top_that_is_not_alone_stays() {
    let two = tarball(&[("a/x", FILE, "1"), ("b", FILE, "2")]);
    insta::assert_snapshot!(unpack(&two, StripTop::IfSingle).list(), @"
    a/
    a/x 644 1
    b 644 2
    ");
    let lone = tarball(&[("a", FILE, "1")]);
    insta::assert_snapshot!(unpack(&lone, StripTop::IfSingle).list(), @"a 644 1");
}

#[test]
fn a_wheel_is_a_zip() {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default();
    zip.start_file("pkg/a.py", options.unix_permissions(0o644)).unwrap();
    zip.write_all(b"x = 1").unwrap();
    zip.start_file("pkg/tool", options.unix_permissions(0o755)).unwrap();
    zip.write_all(b"#!").unwrap();
    zip.add_directory("pkg/empty", options).unwrap();
    zip.add_symlink("pkg/link", "a.py", options).unwrap();
    let bytes = zip.finish().unwrap().into_inner();
    insta::assert_snapshot!(unpack(&bytes, StripTop::No).list(), @"
    pkg/
    pkg/a.py 644 x = 1
    pkg/empty/
    pkg/link -> a.py
    pkg/tool 755 #!
    ");
}

fn refused(members: &[Member<'_>]) -> String {
    unpack(&tarball(members), StripTop::No).error()
}

#[test]
fn hostile_members_are_refused() {
    let all = [
        refused(&[("../x", FILE, "1")]),
        refused(&[("a/../../x", FILE, "1")]),
        refused(&[("/etc/x", FILE, "1")]),
        refused(&[("a", LINK, "/etc")]),
        refused(&[("a", LINK, ".."), ("a/x", FILE, "1")]),
        refused(&[("a", LINK, "b"), ("b", DIR, ""), ("a/x", FILE, "1")]),
        refused(&[("a", FILE, "1"), ("a/x", FILE, "1")]),
        refused(&[("d/a", LINK, "../../out")]),
        refused(&[("p/q/root", LINK, "../.."), ("out", LINK, "p/q/root/..")]),
        refused(&[("a", HARD, "../../etc/passwd")]),
        refused(&[("a", HARD, "/etc/passwd")]),
        refused(&[("l", LINK, "f"), ("f", FILE, ""), ("a", HARD, "l")]),
        refused(&[("a", FILE, "1"), ("a", FILE, "2")]),
        refused(&[("a", LINK, "b"), ("a", FILE, "2")]),
        refused(&[("a", EntryType::Char, "")]),
        refused(&[("a", EntryType::Fifo, "")]),
        unpack(&tarball(&[("package/x", FILE, ""), ("y", FILE, "")]), StripTop::Named("package")).error(),
        refused(&[("top/a", LINK, "../../x")]),
    ];
    insta::assert_snapshot!(all.join("\n"), @"
    DIR/archive: member `../x` has `..` in its name; the archive is refused
    DIR/archive: member `a/../../x` has `..` in its name; the archive is refused
    DIR/archive: member `/etc/x` has an absolute name; the archive is refused
    DIR/archive: member `a` is a link to the absolute path `/etc`; the archive is refused
    DIR/archive: member `a/x` lies below `a`, which is not a folder; the archive is refused
    DIR/archive: member `a/x` lies below `a`, which is not a folder; the archive is refused
    DIR/archive: member `a/x` lies below `a`, which is not a folder; the archive is refused
    DIR/archive: member `d/a` is a link out of the tree, to `../../out`; the archive is refused
    DIR/archive: member `out` is a link out of the tree, to `p/q/root/..`; the archive is refused
    DIR/archive: member `a` is a hard link to `../../etc/passwd`, which is no earlier file of the archive; the archive is refused
    DIR/archive: member `a` is a hard link to `/etc/passwd`, which is no earlier file of the archive; the archive is refused
    DIR/archive: member `a` is a hard link to `l`, which is no earlier file of the archive; the archive is refused
    DIR/archive: member `a` is there twice; the archive is refused
    DIR/archive: member `a` is there twice; the archive is refused
    DIR/archive: member `a` is a device, pipe or something else that is no file; the archive is refused
    DIR/archive: member `a` is a device, pipe or something else that is no file; the archive is refused
    DIR/archive: member `y` is not below `package/`, where everything was expected; the archive is refused
    DIR/archive: member `top/a` is a link out of the tree, to `../../x`; the archive is refused
    ");
}

#[test]
fn a_link_that_is_inside_only_with_its_top_is_refused_without_it() {
    let bytes = tarball(&[("top/a", LINK, "../top/b"), ("top/b", FILE, "1")]);
    assert!(unpack(&bytes, StripTop::No).outcome.is_ok());
    let error = unpack(&bytes, StripTop::IfSingle).error();
    insta::assert_snapshot!(error, @"DIR/archive: member `a` is a link out of the tree, to `../top/b`; the archive is refused");
}

#[test]
fn hostile_zips_are_refused() {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default();
    zip.add_symlink("a", "../..", options).unwrap();
    let link = zip.finish().unwrap().into_inner();
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    zip.start_file("xx/x", options).unwrap();
    let mut up = zip.finish().unwrap().into_inner();
    while let Some(at) = up.windows(4).position(|w| w == b"xx/x") {
        up[at..at + 4].copy_from_slice(b"../x");
    }
    insta::assert_snapshot!(unpack(&link, StripTop::No).error(), @"DIR/archive: member `a` is a link out of the tree, to `../..`; the archive is refused");
    insta::assert_snapshot!(unpack(&up, StripTop::No).error(), @"DIR/archive: member `../x` has `..` in its name; the archive is refused");
}

#[test]
fn damaged_archives_and_other_files_are_told_apart() {
    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gz.write_all(&usual()).unwrap();
    let gz = gz.finish().unwrap();
    let mut wrong_sum = gz.clone();
    let at = wrong_sum.len() - 6;
    wrong_sum[at] ^= 1;
    for bytes in [&gz[..gz.len() / 2], &gz[..gz.len() - 4], &wrong_sum, &usual()[..700]] {
        let error = unpack(bytes, StripTop::No).error();
        assert!(error.starts_with("cannot read the archive DIR/archive: "), "{error}");
    }
    insta::assert_snapshot!(unpack(b"<html>", StripTop::No).error(), @"DIR/archive: expected a tar archive (plain, gzip, xz or zstd) or a zip archive, found something else; look at the file: it may be an error page");
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(64))]

    /// Whatever the names and links are: nothing is written outside, and no link leads out.
    #[test]
    fn nothing_ever_leaves_the_tree(
        members in proptest::collection::vec(("[ab./]{1,6}", 0..3u8, "[ab./]{1,8}"), 1..12)
    ) {
        let kinds = [FILE, LINK, HARD];
        let members: Vec<Member<'_>> =
            members.iter().map(|(name, kind, text)| (name.as_str(), kinds[usize::from(*kind)], text.as_str())).collect();
        let tree = unpack(&tarball(&members), StripTop::No);
        let beside = fs::read_dir(tree.dir.path().join("out")).map_or(0, Iterator::count);
        proptest::prop_assert!(beside <= 1);
        if tree.outcome.is_ok() {
            let root = fs::canonicalize(tree.dir.path().join("out/tree")).unwrap();
            for (name, ..) in &members {
                if let Ok(real) = fs::canonicalize(root.join(name)) {
                    proptest::prop_assert!(real.starts_with(&root), "{}", real.display());
                }
            }
        }
    }
}
