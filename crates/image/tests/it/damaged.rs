//! Layers that are cut, changed, or larger than they should be.

use std::io::{Read, Write};
use std::path::Path;

use akbuild_image::{ImageError, Meta};
use akbuild_nar::Digest;
use tar::EntryType;

use crate::hostile::refused;
use crate::tarball::{DIR, FILE, LONG, PAX, end, header, member, record, tarball, with_data};
use crate::world::{Blob, Disk, World};

#[test]
fn archives_that_end_too_early() {
    let whole = tarball(&[("a", FILE, "text"), ("b", FILE, &"x".repeat(1000))]);
    let cut = [100, 512, 514, 1000, 1024, 1536, 2048].map(|length| {
        let world = World::new();
        match world.unpack(&[whole[..length].to_vec()]) {
            Ok(_) => format!("{length}: {}", world.list().lines().count()),
            Err(ImageError::Layer { problem, .. }) => format!("{length}: {problem}"),
            Err(error) => panic!("{error}"),
        }
    });
    // What ends between two members is one with fewer: its digest says which it is.
    insta::assert_snapshot!(cut.join("\n"), @"
    100: failed to read entire block
    512: `a`: it ends after 0 of 4 B
    514: `a`: it ends after 2 of 4 B
    1000: unexpected EOF during skip
    1024: 1
    1536: `b`: it ends after 0 of 1000 B
    2048: `b`: it ends after 512 of 1000 B
    ");
    // What a terminal would follow is not shown.
    insta::assert_snapshot!(refused(&[7; 2000]).replace(&"\\u{7}".repeat(50), "[50 bells]"), @r"numeric field was not a number: \u{7}\u{7}\u{7}\u{7}\u{7}\u{7}\u{7}\u{7} when getting cksum for [50 bells][50 bells]");
    assert!(World::new().unpack(&[Vec::new()]).unwrap().entries.is_empty());
}

#[test]
fn compressed_layers_that_are_damaged() {
    let tar = tarball(&[("a", FILE, "text"), ("b", FILE, &"x".repeat(100_000))]);
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(&tar).unwrap();
    let gzip = gzip.finish().unwrap();
    let zstd = zstd::encode_all(&tar[..], 1).unwrap();
    let changed = |bytes: &[u8], at: usize| {
        let mut bytes = bytes.to_vec();
        bytes[at] ^= 1;
        bytes
    };
    let half = |bytes: &[u8]| bytes[..bytes.len() / 2].to_vec();
    let after = |bytes: &[u8]| [bytes, b"and more"].concat();
    let sum = changed(&gzip, gzip.len() - 5);
    for bytes in [half(&gzip), half(&zstd), sum, after(&gzip), after(&zstd), changed(&zstd, 4), gzip[..3].to_vec()] {
        let world = World::new();
        let error = world.unpack_blobs(&[Blob(bytes, Digest::sha256(&tar))]).unwrap_err();
        assert!(matches!(error, ImageError::Layer { .. } | ImageError::DiffId { .. }), "{error}");
    }
    for bytes in [gzip, zstd, tar.clone()] {
        assert_eq!(World::new().unpack_blobs(&[Blob(bytes, Digest::sha256(&tar))]).unwrap().entries.len(), 2);
    }
}

#[test]
fn bytes_with_another_digest() {
    let tar = tarball(&[("a", FILE, "text")]);
    let text = |error: ImageError, world: &World| world.text(&error).replace(&Digest::sha256(&tar).hex(), "[HEX]");
    let world = World::new();
    let error = world.unpack_blobs(&[Blob(tar.clone(), Digest::sha256(b"another"))]).unwrap_err();
    assert!(matches!(error, ImageError::DiffId { .. }));
    insta::assert_snapshot!(text(error, &world), @"
    layer sha256:[HEX] of the image has another `diff_id` than the image's configuration says
      help: run `akbuild cache verify --repair` if akbuild has made it; fetch any other image again
    ");

    let world = World::new();
    let manifest = world.image(&[Blob::plain(&tar)]);
    world.publish(&manifest);
    // A block of zeros more: every member is the same.
    let blob = world.path("layout/blobs/sha256").join(Digest::sha256(&tar).hex());
    std::fs::write(&blob, [&tar[..], &[0; 512]].concat()).unwrap();
    let error = akbuild_image::unpack(&world.open().unwrap(), &world.root()).unwrap_err();
    assert!(matches!(error, ImageError::Digest { .. }));
    insta::assert_snapshot!(text(error, &world), @"
    blob sha256:[HEX] of the image has other bytes than its digest says
      help: run `akbuild cache verify --repair` if akbuild has made it; fetch any other image again
    ");
    std::fs::remove_file(&blob).unwrap();
    let error = akbuild_image::unpack(&world.open().unwrap(), &world.root()).unwrap_err();
    insta::assert_snapshot!(text(error, &world), @"cannot open `blobs/sha256/[HEX]` of the image layout `[DIR]/layout`: No such file or directory (os error 2)");
}

/// Sizes that are claimed and not there, and headers that are: what is kept in memory has a limit.
#[test]
fn headers_that_are_too_large() {
    let claim = |kind: EntryType, size: u64| {
        let mut header = header(b"././@LongLink", kind, b"", 0o644);
        header.set_size(size);
        with_data(&header, b"and a few bytes")
    };
    let pax =
        |key: &str, value: &str| [member(b"x", PAX, record(key, value).as_bytes()), member(b"f", FILE, b"1")].concat();
    let all = [
        refused(&claim(LONG, 1 << 30)),
        refused(&claim(PAX, 1 << 60)),
        refused(&claim(FILE, u64::MAX)),
        refused(&claim(DIR, u64::MAX / 2)),
        refused(&end(pax("size", "18446744073709551615"))),
        refused(&end(pax("size", "1000000000000"))),
        refused(&end([member(b"x", PAX, b"7 junk\n"), member(b"x", PAX, b"again")].concat())),
        refused(&end(member(b"././@LongLink", LONG, b"no member follows"))),
    ];
    insta::assert_snapshot!(all.join("\n"), @"
    unexpected EOF during skip
    unexpected EOF during skip
    size overflow
    unexpected EOF during skip
    size overflow
    `f`: it ends after 1536 of 1000000000000 B
    two pax extensions entries describing the same member
    members found describing a future member but no future member found
    ");
    // Sizes that are none are not taken for one.
    assert_eq!(World::new().unpack(&[end(pax("size", "-1"))]).unwrap().entries.len(), 1);

    // A name that is there, or the most of it: a few kilobytes of layer.
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(&claim(LONG, 1 << 30)[..512]).unwrap();
    std::io::copy(&mut std::io::repeat(b'n').take(1 << 25), &mut gzip).unwrap();
    let error =
        World::new().unpack_blobs(&[Blob(gzip.finish().unwrap(), Digest::sha256(b""))]).unwrap_err().to_string();
    assert!(error.contains("damaged or hostile: the headers of one file have more than 1 MB\n"), "{error}");
}

/// Contents of members that have none do not count as headers.
#[test]
fn members_that_bring_what_nobody_wants() {
    let text = "x".repeat(3 << 20);
    let layer = [
        member(b"d/", DIR, text.as_bytes()),
        member(b"null", EntryType::Char, text.as_bytes()),
        member(b"g", EntryType::XGlobalHeader, text.as_bytes()),
        member(b".wh.x", FILE, text.as_bytes()),
        member(b"f", FILE, b"1"),
    ];
    let world = World::new();
    world.unpack(&[end(layer.concat())]).unwrap();
    insta::assert_snapshot!(world.list(), @"
    d/ 755
    f 640 1
    ");
}

#[test]
fn sparse_files_are_refused() {
    let mut holes = header(b"hole", EntryType::GNUSparse, b"", 0o644);
    holes.as_gnu_mut().unwrap().set_real_size(1 << 50);
    let block = &mut holes.as_gnu_mut().unwrap().sparse[0];
    block.set_offset(1 << 50);
    block.set_length(0);
    let newer = [record("GNU.sparse.major", "1"), record("GNU.sparse.realsize", "9999999999")].concat();
    let newer = [member(b"x", PAX, newer.as_bytes()), member(b"GNUSparseFile.1/f", FILE, b"0\n")].concat();
    insta::assert_snapshot!([refused(&end(with_data(&holes, b""))), refused(&end(newer))].join("\n"), @"
    `hole`: a sparse file, which no container runtime writes into a layer
    `GNUSparseFile.1/f`: a sparse file, which no container runtime writes into a layer
    ");
}

/// What this machine cannot do is not called the layer's fault.
#[test]
fn a_disk_that_is_full() {
    let Some(disk) = Disk::new(64 << 10) else { return };
    let world = World::new();
    world.publish(&world.image(&[Blob::plain(&tarball(&[("big", FILE, &"x".repeat(200_000))]))]));
    let error = akbuild_image::unpack(&world.open().unwrap(), disk.path()).unwrap_err();
    let text = error.to_string().replace(&disk.path().display().to_string(), "[DISK]");
    insta::assert_snapshot!(text, @"cannot unpack `[DISK]/big`: No space left on device (os error 28)");
}

#[test]
fn numbers_that_nobody_wrote_and_those_that_are_none() {
    let world = World::new();
    let mut empty = header(b"f", FILE, b"1", 0);
    let old = empty.as_old_mut();
    (old.mode, old.uid, old.gid) = ([0; 8], [b' '; 8], [0; 8]);
    let unpacked = world.unpack(&[end(with_data(&empty, b"1"))]).unwrap();
    let nobody = Meta { mode: 0, uid: 0, gid: 0, is_folder: false, target: None };
    assert_eq!(unpacked.entries[Path::new("/f")], nobody);
    empty.as_old_mut().gid = *b"nobody\0\0";
    let error = World::new().unpack(&[end(with_data(&empty, b"1"))]).unwrap_err().to_string();
    assert!(error.contains("`f`: numeric field was not a number: nobody when getting gid"), "{error}");
}
