//! Layers as nobody should send them: nothing appears outside of the folder, and each error says what is wrong.
//! `World` looks after every one whether anything around the folder has changed.

use std::path::Path;

use akbuild_image::ImageError;
use akbuild_nar::Digest;
use proptest::prelude::*;
use tar::EntryType;

use crate::tarball::{DIR, FILE, HARD, LINK, LONG, Member, PAX, end, long, member, record, tarball};
use crate::world::World;

/// The error of an image of one layer.
pub(crate) fn refused(tar: &[u8]) -> String {
    let world = World::new();
    let error = world.unpack(&[tar.to_vec()]).unwrap_err();
    let ImageError::Layer { layer, problem } = &error else { panic!("{error}") };
    assert_eq!(*layer, format!("sha256:{}", Digest::sha256(tar).hex()));
    problem.clone()
}

fn members(members: &[Member<'_>]) -> String {
    refused(&tarball(members))
}

#[test]
fn the_whole_message() {
    let tar = tarball(&[("../x", FILE, "")]);
    let error = World::new().unpack(std::slice::from_ref(&tar)).unwrap_err().to_string();
    insta::assert_snapshot!(error.replace(&Digest::sha256(&tar).hex(), "[HEX]"), @"
    layer sha256:[HEX] of the image is damaged or hostile: `../x` leads out of it
      help: run `akbuild cache verify --repair` if akbuild has made it; fetch any other image again
    ");
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
    insta::assert_snapshot!(all.join("\n"), @"
    `../x` leads out of it
    `a/../../x` leads out of it
    `..` leads out of it
    `a`: a hard link to `../witness`, which is no file of the image
    `a`: a hard link to `/etc/passwd`, which is no file of the image
    `a`: a hard link to `out/witness`, which is no file of the image
    `a`: a hard link to `a`, which is no file of the image
    `a`: a link that leads nowhere
    `a`: a link that leads nowhere
    `a`: a hard link to `d`, which is no file of the image
    `d`: No such file or directory (os error 2)
    `f/x`: Not a directory (os error 20)
    `l/x`: Too many levels of symbolic links (os error 40)
    `l/x`: File exists (os error 17)
    `l/x`: File exists (os error 17)
    ");
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
    let mut listed: Vec<&str> = listed.lines().filter(|line| !line.starts_with(top)).collect();
    listed.sort_unstable();
    insta::assert_snapshot!(listed.join("\n"), @"
    [SENTINEL]/ 755
    [SENTINEL]/c 640 3
    a 640 1
    b 640 2
    etc/ 755
    etc/d 640 5
    out -> [SENTINEL]
    over 640 4
    slash -> /
    up -> ../../..
    ");
    assert_eq!(unpacked.look_up("/out/c".as_ref()).unwrap().0, Path::new(sentinel).join("c"));
}

/// `.wh...` would be the folder that holds the whole image.
#[test]
fn whiteouts_of_no_name() {
    let all =
        [".wh.", ".wh..", ".wh...", "d/.wh...", "d/.wh.."].map(|name| members(&[("d/f", FILE, "1"), (name, FILE, "")]));
    insta::assert_snapshot!(all.join("\n"), @"
    `.wh.`: a whiteout of no name
    `.wh..`: a whiteout of no name
    `.wh...`: a whiteout of no name
    `d/.wh...`: a whiteout of no name
    `d/.wh..`: a whiteout of no name
    ");
}

#[test]
fn names_that_no_file_can_have() {
    let nul = refused(&end([member(b"././@LongLink", LONG, b"a\0b\0"), member(b"cut", FILE, b"")].concat()));
    let nul_in_link =
        refused(&end([member(b"l", PAX, record("linkpath", "a\0b").as_bytes()), member(b"a", LINK, b"x")].concat()));
    let long_name = refused(&end(long(&"n".repeat(256), FILE, "")));
    let deep = "d/".repeat(10_000);
    let nested = refused(&end(long(&deep, DIR, "")));
    let through = refused(&end(long(&format!("{deep}f"), FILE, "")));
    let all = [nul, nul_in_link, long_name, nested, through].join("\n");
    insta::assert_snapshot!(all.replace(&"n".repeat(100), "[100 n]").replace(&"d/".repeat(50), "[50 d]"), @r"
    `a\u{0}b`: Invalid argument (os error 22)
    `a`: Invalid argument (os error 22)
    `[100 n]...`: File name too long (os error 36)
    `[50 d]...`: its path is longer than 4095 B
    `[50 d]...`: its path is longer than 4095 B
    ");
}

/// Each a little deeper than the last, through a link that makes the names short again.
#[test]
fn folders_without_end() {
    let name = "d".repeat(200);
    let mut layer = Vec::new();
    for depth in 1..=10 {
        layer.extend(long(&format!("{}/", vec![&*name; depth].join("/")), DIR, ""));
    }
    let deepest = [&*name; 10].join("/");
    layer.extend(
        [member(b"././@LongLink", EntryType::GNULongLink, deepest.as_bytes()), member(b"l", LINK, b"")].concat(),
    );
    for depth in 1..=15 {
        layer.extend(long(&format!("l/{}/", vec![&*name; depth].join("/")), DIR, ""));
    }
    let error = refused(&end(layer));
    assert!(error.contains("a path of the unpacked image is longer than 4095 bytes"), "{error}");
}

fn any_member() -> impl Strategy<Value = (String, u8, String)> {
    let name =
        prop_oneof![3 => "[ab./]{1,7}", 1 => "[ab]{1}/\\.wh\\.[ab.]{0,3}", 1 => Just("a/.wh..wh..opq".to_owned())];
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
