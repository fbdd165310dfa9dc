//! Layers as they are packed: each byte of the archive, any number of threads, and files that are not what they were.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use akbuild_image::{Contents, Entry, ImageError, pack};
use akbuild_nar::Digest;
use akbuild_recipe::plan::Compression;

use crate::world::{Disk, names, tree_file};

const GZIP: Compression = Compression::Gzip(6);

fn text(text: &str) -> Entry {
    Entry::Text { bytes: text.into(), exec: false }
}

/// A file of this machine that is said to have so many bytes.
fn file(from: &Path, size: u64) -> Entry {
    Entry::File { from: tree_file(from), size, digest: [0; 32], exec: false }
}

fn archive(blob: &Path, compression: Compression) -> Vec<u8> {
    let (file, mut tar) = (File::open(blob).unwrap(), Vec::new());
    match compression {
        Compression::Gzip(_) => drop(flate2::read::GzDecoder::new(file).read_to_end(&mut tar).unwrap()),
        Compression::Zstd(_) => zstd::stream::copy_decode(file, &mut tar).unwrap(),
    }
    tar
}

/// One of everything that an archive writes in its own way.
fn everything(folder: &Path) -> Contents {
    let from = folder.join("tool");
    fs::write(&from, "#!/bin/sh\n").unwrap();
    let mut contents = Contents::default();
    let mut add = |path: &[u8], entry| contents.add(OsStr::from_bytes(path), entry).unwrap();
    add(b"bin/tool", Entry::File { from: tree_file(&from), size: 10, digest: [0; 32], exec: true });
    add(b"bin/sh", Entry::Link("tool".into()));
    add(b"bin/odd", Entry::Link("..//./bin/tool/".into()));
    add(b"empty", Entry::Folder(0o755));
    add(b"etc/conf", text("a = 1\n"));
    add(b"etc/nothing", text(""));
    add(b"exact/block", text(&"x".repeat(512)));
    add(&[b'e'; 99], Entry::Folder(0o755));
    add(&[b'f'; 100], text("a name that just fits"));
    add(&[&b"long/"[..], &[b'n'; 120]].concat(), text("a long name"));
    add(&[&[b'p'; 200][..], b"/", &[b'q'; 200], b"/", &[b'r'; 200]].concat(), text("a very long name"));
    add(b"long/link", Entry::Link("t".repeat(300).into()));
    add(b"\xff\xfe", text("no UTF-8"));
    add(&[0xff; 150], text("no UTF-8, and long"));
    add(&[&[b'u'; 99][..], "\u{e9}".as_bytes()].concat(), text("cut within a letter"));
    contents.folder(OsStr::new("tmp"), 0o1777).unwrap();
    contents
}

/// Pins the format of layers. Another digest here is another digest for each layer that anybody has made: raise the
/// version of the stage kind `image-layer` with it.
#[test]
fn the_archive_is_always_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let contents = everything(folder.path());
    for compression in [GZIP, Compression::Zstd(3)] {
        let blob = folder.path().join(format!("{compression:?}"));
        let packed = pack(&contents, compression, 2, &blob).unwrap();
        let (bytes, tar) = (fs::read(&blob).unwrap(), archive(&blob, compression));
        assert_eq!((packed.digest, packed.size), (Digest::sha256(&bytes), bytes.len() as u64));
        assert_eq!((packed.diff_id, packed.diff_size), (Digest::sha256(&tar), tar.len() as u64));
        insta::allow_duplicates! {
            insta::assert_snapshot!(packed.diff_id.hex(), @"c8aeb33ab24701db57178137d036b6967d9c318f45dbe6529a94851d3ca42641");
        }
    }
}

/// What the digest above stands for.
#[test]
fn the_archive_has_every_entry_as_it_was_given() {
    let folder = tempfile::tempdir().unwrap();
    let blob = folder.path().join("blob");
    pack(&everything(folder.path()), GZIP, 1, &blob).unwrap();
    let tar = archive(&blob, GZIP);
    let mut archive = tar::Archive::new(&tar[..]);
    let mut lines = Vec::new();
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).unwrap();
        let header = entry.header();
        let (mode, mtime) = (header.mode().unwrap(), header.mtime().unwrap());
        let owner =
            (header.uid().unwrap(), header.gid().unwrap(), header.username().unwrap(), header.groupname().unwrap());
        assert_eq!((mtime, owner), (1, (0, 0, Some(""), Some(""))));
        let link = entry.link_name_bytes().map(|name| format!(" -> {}", short(&name))).unwrap_or_default();
        let size = bytes.len();
        lines.push(format!("{:?} {mode:o} {size} {}{link}", header.entry_type(), short(&entry.path_bytes())));
    }
    insta::assert_snapshot!(lines.join("\n"), @r"
    Directory 755 0 bin/
    Symlink 777 0 bin/odd -> ..//./bin/tool/
    Symlink 777 0 bin/sh -> tool
    Regular 755 10 bin/tool
    Directory 755 0 e{99}/
    Directory 755 0 empty/
    Directory 755 0 etc/
    Regular 644 6 etc/conf
    Regular 644 0 etc/nothing
    Directory 755 0 exact/
    Regular 644 512 exact/block
    Regular 644 21 f{100}
    Directory 755 0 long/
    Symlink 777 0 long/link -> t{300}
    Regular 644 11 long/n{120}
    Directory 755 0 p{200}/
    Directory 755 0 p{200}/q{200}/
    Regular 644 16 p{200}/q{200}/r{200}
    Directory 1777 0 tmp/
    Regular 644 19 u{99}\xc3\xa9
    Regular 644 8 \xff\xfe
    Regular 644 18 \xff{150}
    ");
}

/// A name with its repetitions counted.
fn short(name: &[u8]) -> String {
    let runs = name.chunk_by(|a, b| a == b).map(|run| {
        let byte = run[..1].escape_ascii();
        if run.len() > 3 { format!("{byte}{{{}}}", run.len()) } else { run.escape_ascii().to_string() }
    });
    runs.collect()
}

#[test]
fn the_same_layer_with_any_number_of_threads() {
    let folder = tempfile::tempdir().unwrap();
    let from = folder.path().join("large");
    let mut state = 1u64;
    let noise = |i: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(i as u64);
        if i.is_multiple_of(5) { (state >> 56) as u8 } else { b'a' + (i % 7) as u8 }
    };
    let bytes: Vec<u8> = (0..9 << 20).map(noise).collect();
    fs::write(&from, &bytes).unwrap();
    let mut contents = everything(folder.path());
    contents.add(OsStr::new("large"), file(&from, bytes.len() as u64)).unwrap();
    for compression in [GZIP, Compression::Zstd(3)] {
        let of = |threads: usize| {
            let packed =
                pack(&contents, compression, threads, &folder.path().join(format!("{compression:?}{threads}")));
            packed.unwrap()
        };
        let one = of(1);
        for threads in [0, 2, 3, 4] {
            assert_eq!(of(threads), one, "{compression:?} {threads}");
        }
    }
}

/// The error of a layer with one file of so many bytes, which is said to have others.
fn with_a_file(written: usize, said: u64) -> String {
    let folder = tempfile::tempdir().unwrap();
    let (from, out) = (folder.path().join("file"), folder.path().join("out"));
    fs::write(&from, vec![7; written]).unwrap();
    let mut contents = Contents::default();
    contents.add(OsStr::new("a"), text("before")).unwrap();
    contents.add(OsStr::new("b"), file(&from, said)).unwrap();
    contents.add(OsStr::new("c"), text("after")).unwrap();
    let error = pack(&contents, GZIP, 1, &out).unwrap_err();
    assert_eq!(names(folder.path()), ["file"], "nothing is left of the layer");
    error.to_string().replace(&folder.path().display().to_string(), "[DIR]")
}

#[test]
fn files_that_are_not_as_long_as_they_were() {
    insta::assert_snapshot!(with_a_file(3, 5), @"
    `[DIR]/file` has 3 B, and had 5 B
      help: find what is damaged with `akbuild cache verify`
    ");
    insta::assert_snapshot!(with_a_file(5, 3), @"
    `[DIR]/file` has 5 B, and had 3 B
      help: find what is damaged with `akbuild cache verify`
    ");
    // Also where a block of the archive would have room for it.
    insta::assert_snapshot!(with_a_file(1, 0).lines().next().unwrap(), @"`[DIR]/file` has 1 B, and had 0 B");
    insta::assert_snapshot!(with_a_file(3_000_000, 1_000_000).lines().next().unwrap(), @"`[DIR]/file` has 3000000 B, and had 1000000 B");
    insta::assert_snapshot!(with_a_file(1_000_000, 3_000_000).lines().next().unwrap(), @"`[DIR]/file` has 1000000 B, and had 3000000 B");
}

/// The error of a layer of one file.
fn error(contents: &Contents, out: &Path, names: &[(&Path, &str)]) -> String {
    let error = pack(contents, GZIP, 1, out).unwrap_err().to_string();
    names.iter().fold(error, |text, (path, name)| text.replace(&path.display().to_string(), name))
}

#[test]
fn files_that_cannot_be_read_and_places_that_are_taken() {
    let folder = tempfile::tempdir().unwrap();
    let (dir, out) = (folder.path(), folder.path().join("out"));
    let mut contents = Contents::default();
    contents.add(OsStr::new("x"), file(&dir.join("none"), 1)).unwrap();
    insta::assert_snapshot!(error(&contents, &out, &[(dir, "[DIR]")]), @"cannot open `none` of the tree: No such file or directory (os error 2)");
    let mut contents = Contents::default();
    contents.add(OsStr::new("x"), file(dir, 1)).unwrap();
    let name = Path::new(dir.file_name().unwrap());
    insta::assert_snapshot!(error(&contents, &out, &[(name, "[DIR]")]), @"`[DIR]` of the tree is a folder, expected a file");
    assert_eq!(names(dir), [""; 0]);
    fs::write(&out, "of somebody else").unwrap();
    insta::assert_snapshot!(error(&Contents::default(), &out, &[(dir, "[DIR]")]), @"cannot make `[DIR]/out`: File exists (os error 17)");
    assert_eq!(fs::read_to_string(&out).unwrap(), "of somebody else");
}

/// A full disk is the disk's fault, not that of the file which is read.
#[test]
fn a_disk_that_is_full() {
    let Some(disk) = Disk::new(1 << 20) else { return };
    let folder = tempfile::tempdir().unwrap();
    let from = folder.path().join("noise");
    let mut state = 1u64;
    let byte = |_| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (state >> 56) as u8
    };
    fs::write(&from, (0..5_000_000).map(byte).collect::<Vec<_>>()).unwrap();
    let mut contents = Contents::default();
    contents.add(OsStr::new("noise"), file(&from, 5_000_000)).unwrap();
    for threads in [1, 4] {
        insta::allow_duplicates! {
            insta::assert_snapshot!(error(&contents, &disk.path().join("out"), &[(disk.path(), "[DISK]")]), @"cannot write `[DISK]/out`: No space left on device (os error 28)");
        }
        let zstd = pack(&contents, Compression::Zstd(1), threads, &disk.path().join("out")).unwrap_err();
        assert!(matches!(zstd, ImageError::Io { doing: "write", .. }), "{zstd}");
        assert_eq!(names(disk.path()), [""; 0], "the disk is as empty as before");
    }
    assert!(pack(&everything(folder.path()), GZIP, 1, &disk.path().join("out")).is_ok());
}
