//! Layers as nobody should send them: nothing appears outside of the folder, and each error says what is wrong.
//! `World` looks after every one whether anything around the folder has changed.

use std::io::Write;

use akbuild_image::ImageError;
use akbuild_nar::Digest;
use proptest::prelude::*;
use tar::EntryType;

use crate::tarball::{
    DIR, FILE, HARD, LINK, LONG, Member, PAX, end, header, long, member, record, tarball, with_data,
};
use crate::world::{Blob, World};

/// The error of an image of one layer.
fn refused(tar: &[u8]) -> String {
    let world = World::new();
    let error = world.unpack(&[tar.to_vec()]).unwrap_err();
    let ImageError::Layer { layer, problem } = &error else { panic!("{error}") };
    assert_eq!(*layer, format!("sha256:{}", Digest::sha256(tar).hex()));
    problem.replace(&world.path("").display().to_string(), "[DIR]/")
}

fn members(members: &[Member<'_>]) -> String {
    refused(&tarball(members))
}

#[test]
fn the_whole_message() {
    insta::assert_snapshot!(World::new().unpack(&[tarball(&[("../x", FILE, "")])]).unwrap_err(), @"");
}

#[test]
fn names_and_links_that_lead_out() {
    let all = [
        members(&[("../x", FILE, "1")]),
        members(&[("a/../../x", FILE, "1")]),
        members(&[("..", LINK, "/")]),
        members(&[("a", HARD, "../witness")]),
        members(&[("a", HARD, "/etc/passwd")]),
        members(&[("out", LINK, "../.."), ("a", HARD, "out/witness")]),
        members(&[("a", HARD, "a")]),
        members(&[("a", HARD, "")]),
        members(&[("a", LINK, "")]),
        members(&[("d/", DIR, ""), ("a", HARD, "d")]),
        members(&[("d/f", FILE, ""), ("d", HARD, "d/f")]),
        members(&[("f", FILE, ""), ("f/x", FILE, "")]),
        members(&[("l", LINK, "l"), ("l/x", FILE, "")]),
        members(&[("l", LINK, "nowhere"), ("l/x", FILE, "")]),
        members(&[("l", LINK, "/proc/self/root"), ("l/x", FILE, "")]),
    ];
    insta::assert_snapshot!(all.join("\n"), @"");
}

/// What would be outside for a program that does not look is inside, where the image has it.
#[test]
fn links_out_are_links_inside() {
    let world = World::new();
    let sentinel = world.path("around/sentinel").canonicalize().unwrap();
    let sentinel = sentinel.to_str().unwrap();
    let lower = tarball(&[
        ("slash", LINK, "/"),
        ("up", LINK, "../../.."),
        ("out", LINK, sentinel),
        ("over", LINK, "../sentinel/witness"),
    ]);
    let lower = [&lower[..lower.len() - 1024], &long(&format!("{sentinel}/"), DIR, "")].concat();
    let upper = tarball(&[
        ("slash/a", FILE, "1"),
        ("up/b", FILE, "2"),
        ("out/c", FILE, "3"),
        ("over", FILE, "4"),
        ("/etc/d", FILE, "5"),
        ("out/.wh.witness", FILE, ""),
        ("up/around/sentinel/.wh.witness", FILE, ""),
        ("up/.wh.around", FILE, ""),
        ("out/.wh..wh..opq", FILE, ""),
    ]);
    let unpacked = world.unpack(&[end(lower), upper]).unwrap();
    let listed = world.list().replace(sentinel, "[SENTINEL]").replace(&sentinel[1..], "[SENTINEL]");
    let top = sentinel[1..].split('/').next().unwrap();
    let listed: Vec<&str> = listed.lines().filter(|line| !line.starts_with(top)).collect();
    insta::assert_snapshot!(listed.join("\n"), @"");
    assert_eq!(unpacked.look_up("/out/c".as_ref()).unwrap().0, world.path("around/sentinel/c").canonicalize().unwrap_or(format!("{sentinel}/c").into()));
}

/// `.wh...` would be the folder that holds the whole image.
#[test]
fn whiteouts_of_no_name() {
    let all = [".wh.", ".wh..", ".wh...", "d/.wh...", "d/.wh.."].map(|name| members(&[("d/f", FILE, "1"), (name, FILE, "")]));
    insta::assert_snapshot!(all.join("\n"), @"");
}

#[test]
fn names_that_no_file_can_have() {
    let nul = refused(&end([member(b"././@LongLink", LONG, b"a\0b\0"), member(b"cut", FILE, b"")].concat()));
    let nul_in_link = refused(&end([member(b"l", PAX, record("linkpath", "a\0b").as_bytes()), member(b"a", LINK, b"x")].concat()));
    let long_name = refused(&end(long(&"n".repeat(256), FILE, "")));
    let deep = "d/".repeat(10_000);
    let nested = refused(&end(long(&deep, DIR, "")));
    let through = refused(&end(long(&format!("{deep}f"), FILE, "")));
    insta::assert_snapshot!([nul, nul_in_link, long_name, nested, through].join("\n"), @"");
}

/// Each a little deeper than the last, through a link that makes the names short again.
#[test]
fn folders_without_end() {
    let name = "d".repeat(200);
    let mut layer = Vec::new();
    for depth in 1..=10 {
        layer.extend(long(&format!("{}/", vec![&*name; depth].join("/")), DIR, ""));
    }
    let deepest = vec![&*name; 10].join("/");
    layer.extend([member(b"././@LongLink", EntryType::GNULongLink, deepest.as_bytes()), member(b"l", LINK, b"")].concat());
    for depth in 1..=15 {
        layer.extend(long(&format!("l/{}/", vec![&*name; depth].join("/")), DIR, ""));
    }
    let error = refused(&end(layer));
    assert!(error.ends_with("...`: File name too long (os error 36)"), "{error}");
}

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
    insta::assert_snapshot!(cut.join("\n"), @"");
    insta::assert_snapshot!(refused(&[7; 2000]), @"");
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
    insta::assert_snapshot!(text(error, &world), @"");

    let world = World::new();
    let manifest = world.image(&[Blob::plain(&tar)]);
    world.publish(&manifest);
    // A block of zeros more: every member is the same.
    let blob = world.path("layout/blobs/sha256").join(Digest::sha256(&tar).hex());
    std::fs::write(&blob, [&tar[..], &[0; 512]].concat()).unwrap();
    let error = akbuild_image::unpack(&world.open().unwrap(), &world.root()).unwrap_err();
    assert!(matches!(error, ImageError::Digest { .. }));
    insta::assert_snapshot!(text(error, &world), @"");
    std::fs::remove_file(&blob).unwrap();
    let error = akbuild_image::unpack(&world.open().unwrap(), &world.root()).unwrap_err();
    insta::assert_snapshot!(text(error, &world), @"");
}

/// Sizes that are claimed and not there, and headers that are: what is kept in memory has a limit.
#[test]
fn headers_that_are_too_large() {
    let claim = |kind: EntryType, size: u64| {
        let mut header = header(b"././@LongLink", kind, b"", 0o644);
        header.set_size(size);
        with_data(&header, b"and a few bytes")
    };
    let pax = |key: &str, value: &str| [member(b"x", PAX, record(key, value).as_bytes()), member(b"f", FILE, b"1")].concat();
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
    insta::assert_snapshot!(all.join("\n"), @"");
    // Sizes that are none are not taken for one.
    assert_eq!(World::new().unpack(&[end(pax("size", "-1"))]).unwrap().entries.len(), 1);

    // A gigabyte of name in a megabyte of layer.
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(&claim(LONG, 1 << 30)[..512]).unwrap();
    std::io::copy(&mut std::io::repeat(b'n').take(1 << 28), &mut gzip).unwrap();
    let error = World::new().unpack_blobs(&[Blob(gzip.finish().unwrap(), Digest::sha256(b""))]).unwrap_err().to_string();
    assert!(error.contains("a header of more than 1048576 bytes"), "{error}");
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
    insta::assert_snapshot!(world.list(), @"");
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
    insta::assert_snapshot!([refused(&end(with_data(&holes, b""))), refused(&end(newer))].join("\n"), @"");
}

/// What this machine cannot do is not called the layer's fault.
#[test]
fn a_disk_that_is_full() {
    let Some(disk) = crate::world::Disk::new(64 << 10) else { return };
    let world = World::new();
    world.publish(&world.image(&[Blob::plain(&tarball(&[("big", FILE, &"x".repeat(200_000))]))]));
    let error = akbuild_image::unpack(&world.open().unwrap(), disk.path()).unwrap_err();
    let text = error.to_string().replace(&disk.path().display().to_string(), "[DISK]");
    insta::assert_snapshot!(text, @"");
}

fn any_member() -> impl Strategy<Value = (String, u8, String)> {
    let name = prop_oneof![3 => "[ab./]{1,7}", 1 => "[ab]{1}/\\.wh\\.[ab.]{0,3}", 1 => Just("a/.wh..wh..opq".to_owned())];
    (name, 0..5u8, prop_oneof!["[ab./]{1,8}", Just("../sentinel".to_owned()), Just("/".to_owned())])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Whatever the names and links are: nothing around the folder changes, and what is known of an image is what is
    /// on the disk.
    #[test]
    fn nothing_ever_leaves_the_folder(layers in prop::collection::vec(prop::collection::vec(any_member(), 1..12), 1..4)) {
        let kinds = [FILE, DIR, LINK, HARD, EntryType::Char];
        let world = World::new();
        let layer = |members: &Vec<(String, u8, String)>| {
            let member = |(name, kind, text): &(String, u8, String)| {
                let kind = kinds[usize::from(*kind)];
                member(name.as_bytes(), kind, if kind == DIR { b"" } else { text.as_bytes() })
            };
            end(members.iter().flat_map(member).collect())
        };
        match world.unpack(&layers.iter().map(layer).collect::<Vec<_>>()) {
            Ok(unpacked) => crate::model::compare(&unpacked, &world.root()),
            Err(error) => prop_assert!(matches!(error, ImageError::Layer { .. }), "{}", error),
        }
    }
}
