//! Layers on top of each other, as a container sees them.

use std::path::{Path, PathBuf};

use akbuild_image::{Meta, Unpacked};
use tar::EntryType;

use crate::tarball::{DIR, FILE, HARD, LINK, Member, PAX, end, header, long, member, record, tarball, with_data};
use crate::world::World;

/// What these layers give.
fn unpacked(layers: &[&[Member<'_>]]) -> (World, Unpacked) {
    let world = World::new();
    let layers: Vec<Vec<u8>> = layers.iter().map(|members| tarball(members)).collect();
    let unpacked = world.unpack(&layers).unwrap();
    (world, unpacked)
}

fn list(layers: &[&[Member<'_>]]) -> String {
    let (world, unpacked) = unpacked(layers);
    let paths = unpacked.entries.keys().map(|path| path.strip_prefix("/").unwrap().display().to_string());
    let listed = world.list();
    let found: Vec<&str> = listed.lines().map(|line| line.split([' ']).next().unwrap().trim_end_matches('/')).collect();
    let mut known: Vec<String> = paths.collect();
    known.sort_by_key(|path| found.iter().position(|found| found == path));
    assert_eq!(known, found, "what is known is what is there");
    listed
}

const LOWER: &[Member<'_>] = &[
    ("d/", DIR, ""),
    ("d/kept", FILE, "kept"),
    ("d/sub/", DIR, ""),
    ("d/sub/lower", FILE, "lower"),
    ("d/sub/deep/er", FILE, "deep"),
    ("f", FILE, "file"),
];

#[test]
fn one_layer_as_it_is() {
    let layer: &[Member<'_>] = &[
        ("./", DIR, ""),
        ("./bin/tool.sh", FILE, "tool"),
        ("etc/", DIR, ""),
        ("etc/conf", FILE, "conf"),
        ("/absolute/name", FILE, "inside"),
        ("etc/link", LINK, "../../../f"),
        ("lib", LINK, "/usr/lib"),
        ("etc/again", HARD, "./etc/conf"),
        ("nowhere", LINK, "no/where"),
    ];
    insta::assert_snapshot!(list(&[layer]), @"
    absolute/ 755
    absolute/name 640 inside
    bin/ 755
    bin/tool.sh 755 tool
    etc/ 755
    etc/again 640 conf
    etc/conf 640 conf
    etc/link -> ../../../f
    lib -> /usr/lib
    nowhere -> no/where
    ");
}

#[test]
fn a_file_is_replaced_by_a_folder_and_a_folder_by_a_file() {
    let upper: &[Member<'_>] = &[("f/", DIR, ""), ("f/inside", FILE, "1"), ("d", FILE, "now a file")];
    insta::assert_snapshot!(list(&[LOWER, upper]), @"
    d 640 now a file
    f/ 755
    f/inside 640 1
    ");
    let link: &[Member<'_>] = &[("d", LINK, "f"), ("f", LINK, "d")];
    insta::assert_snapshot!(list(&[LOWER, link]), @"
    d -> f
    f -> d
    ");
    let folder: &[Member<'_>] = &[("d/", DIR, ""), ("d/new", FILE, "new")];
    insta::assert_snapshot!(list(&[LOWER, link, folder]), @"
    d/ 755
    d/new 640 new
    f -> d
    ");
}

#[test]
fn a_folder_that_comes_again_keeps_what_is_in_it() {
    let world = World::new();
    let upper = [with_data(&header(b"d/", DIR, b"", 0o1700), b""), member(b"d/sub/", DIR, b"")].concat();
    let unpacked = world.unpack(&[tarball(LOWER), end(upper)]).unwrap();
    insta::assert_snapshot!(world.list(), @"
    d/ 1700
    d/kept 640 kept
    d/sub/ 755
    d/sub/deep/ 755
    d/sub/deep/er 640 deep
    d/sub/lower 640 lower
    f 640 file
    ");
    assert_eq!(unpacked.entries[Path::new("/d")].mode, 0o1700);
}

#[test]
fn whiteouts_hide_what_is_below() {
    insta::assert_snapshot!(list(&[LOWER, &[(".wh.f", FILE, ""), ("d/.wh.sub", FILE, "")]]), @"
    d/ 755
    d/kept 640 kept
    ");
    // What is not there need not be there.
    insta::assert_snapshot!(list(&[&[("f", FILE, "1")], &[(".wh.g", FILE, ""), (".wh..wh.plnk", DIR, "")]]), @"f 640 1");
    insta::assert_snapshot!(list(&[LOWER, &[("d/.wh..wh..opq", FILE, "")]]), @"
    d/ 755
    f 640 file
    ");
    insta::assert_snapshot!(list(&[LOWER, &[(".wh..wh..opq", FILE, ""), ("new", FILE, "1")]]), @"new 640 1");
}

/// The specification: a whiteout is for lower layers only. Which order the members come in does not matter.
#[test]
fn whiteouts_leave_their_own_layer_alone() {
    let mut upper: Vec<Member<'_>> = vec![
        ("d/.wh..wh..opq", FILE, ""),
        ("d/sub/upper", FILE, "upper"),
        ("d/new", FILE, "new"),
        (".wh.f", FILE, ""),
        ("f", FILE, "another"),
    ];
    let first = list(&[LOWER, &upper]);
    for _ in 0..upper.len() {
        upper.rotate_left(1);
        assert_eq!(list(&[LOWER, &upper]), first);
    }
    upper.reverse();
    assert_eq!(list(&[LOWER, &upper]), first);
    insta::assert_snapshot!(first, @"
    d/ 755
    d/new 640 new
    d/sub/ 755
    d/sub/upper 640 upper
    f 640 another
    ");
}

#[test]
fn what_a_layer_makes_twice_is_as_it_was_made_last() {
    let layer: &[Member<'_>] = &[
        ("a", FILE, "1"),
        ("b", HARD, "a"),
        ("a", FILE, "2"),
        ("a", HARD, "./a"),
        ("c/x", FILE, "x"),
        ("c", FILE, "c"),
        ("c/", DIR, ""),
        ("c/.wh..wh..opq", FILE, ""),
    ];
    insta::assert_snapshot!(list(&[layer]), @"
    a 640 2
    b 640 1
    c/ 755
    ");
}

#[test]
fn hard_links_are_one_file() {
    use std::os::unix::fs::MetadataExt;
    let world = World::new();
    let mut other = header(b"usr/hard", HARD, b"etc/conf", 0);
    other.set_uid(7);
    let set_uid = header(b"etc/conf", FILE, b"1", 0o4711);
    let lower = [with_data(&set_uid, b"1"), member(b"l", LINK, b"etc"), member(b"usr/lib", LINK, b"/etc")].concat();
    let upper = [with_data(&other, b""), member(b"far", HARD, b"usr/lib/conf"), member(b"m", HARD, b"l")].concat();
    let unpacked = world.unpack(&[end(lower), end(upper)]).unwrap();
    let inode = |name: &str| world.root().join(name).metadata().unwrap().ino();
    assert_eq!((inode("usr/hard"), inode("far")), (inode("etc/conf"), inode("etc/conf")));
    let meta = |name: &str| unpacked.entries[Path::new(name)].clone();
    assert_eq!((meta("/usr/hard").mode, meta("/usr/hard").uid), (0o4711, 0), "it is the file's, not the name's");
    assert_eq!((meta("/far"), meta("/m")), (meta("/etc/conf"), meta("/l")));
    assert_eq!(unpacked.look_up(Path::new("/m/conf")).unwrap().0, Path::new("/etc/conf"));
}

#[test]
fn modes_and_owners() {
    let world = World::new();
    let kinds = [("set.sh", FILE, 0o6755), ("shut/", DIR, 0o500), ("shut/dark", FILE, 0o400), ("tmp/", DIR, 0o3777)];
    let mut layer = Vec::new();
    for (name, kind, mode) in kinds {
        let mut header = header(name.as_bytes(), kind, b"", mode);
        header.set_uid(1 << 40);
        header.set_gid(33);
        layer.extend(with_data(&header, b""));
    }
    let unpacked = world.unpack(&[end(layer)]).unwrap();
    // Neither set-uid nor set-gid; the sticky bit does no harm.
    insta::assert_snapshot!(world.list(), @"
    set.sh 755 
    shut/ 500
    shut/dark 400 
    tmp/ 1777
    ");
    // For whoever clears this away without being root.
    std::fs::set_permissions(world.root().join("shut"), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    for (name, kind, mode) in kinds {
        let meta = Meta { mode, uid: 1 << 40, gid: 33, is_folder: kind == DIR, target: None };
        assert_eq!(unpacked.entries[&Path::new("/").join(name)], meta);
    }
}

#[test]
fn devices_are_left_out() {
    let (char, block, fifo) = (EntryType::Char, EntryType::Block, EntryType::Fifo);
    let layer: &[Member<'_>] =
        &[("dev/null", char, ""), ("dev/sda", block, ""), ("run/pipe", fifo, ""), ("f", char, "")];
    insta::assert_snapshot!(list(&[LOWER, layer]), @"
    d/ 755
    d/kept 640 kept
    d/sub/ 755
    d/sub/deep/ 755
    d/sub/deep/er 640 deep
    d/sub/lower 640 lower
    dev/ 755
    run/ 755
    ");
    // What is left out was there all the same: its folder is this layer's.
    let upper: &[Member<'_>] = &[("d/null", char, ""), (".wh.d", FILE, ""), (".wh.f", FILE, "")];
    insta::assert_snapshot!(list(&[LOWER, upper]), @"d/ 755");
    assert_eq!(list(&[LOWER, &[upper[1], upper[2], upper[0]]]), "d/ 755");
}

#[test]
fn links_to_folders_are_followed_inside() {
    let lower: &[Member<'_>] = &[
        ("usr/bin/", DIR, ""),
        ("bin", LINK, "/usr/bin"),
        ("up", LINK, "../../.."),
        ("top", LINK, "/"),
        ("usr/back", LINK, "../usr/../bin"),
    ];
    let upper: &[Member<'_>] = &[
        ("bin/sh.sh", FILE, "sh"),
        ("up/of/all", FILE, "1"),
        ("top/most", FILE, "2"),
        ("usr/back/more", FILE, "3"),
        ("top/top/up/bin/.wh.old", FILE, ""),
    ];
    insta::assert_snapshot!(list(&[lower, &[("usr/bin/old", FILE, "")], upper]), @"
    bin -> /usr/bin
    most 640 2
    of/ 755
    of/all 640 1
    top -> /
    up -> ../../..
    usr/ 755
    usr/back -> ../usr/../bin
    usr/bin/ 755
    usr/bin/more 640 3
    usr/bin/sh.sh 755 sh
    ");
    let (_, unpacked) = unpacked(&[lower, upper]);
    assert_eq!(unpacked.look_up(Path::new("/bin/sh.sh")).unwrap().0, Path::new("/usr/bin/sh.sh"));
    assert_eq!(unpacked.entries[Path::new("/bin")].target, Some(PathBuf::from("/usr/bin")));
}

#[test]
fn names_of_any_bytes_and_lengths() {
    let world = World::new();
    let name = format!("{}/{}", "n".repeat(200), "m".repeat(255));
    let owner = [record("path", "pax/named"), record("uid", "4000000000"), record("linkpath", "not used")].concat();
    let layer = [
        long(&name, FILE, "long"),
        member(b"\xff\xfe", FILE, b"bytes"),
        member(b"new\nline", FILE, b"line"),
        // Its own name means nothing.
        member(b"new\nline", EntryType::XGlobalHeader, record("comment", "x").as_bytes()),
        member(b"x", PAX, owner.as_bytes()),
        member(b"cut", FILE, b"pax"),
    ];
    let unpacked = world.unpack(&[end(layer.concat())]).unwrap();
    insta::assert_snapshot!(world.list().replace(&name, "[LONG]").replace(&"n".repeat(200), "[NN]"), @"
    new
    line 640 line
    [NN]/ 755
    [LONG] 640 long
    pax/ 755
    pax/named 640 pax
    �� 640 bytes
    ");
    assert_eq!(unpacked.entries[Path::new("/pax/named")].uid, 4_000_000_000);
    assert!(unpacked.entries.contains_key(&Path::new("/").join(&name)));
}
