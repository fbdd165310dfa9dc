//! Archives that differ.
#![allow(clippy::disallowed_methods, reason = "tests make the trees that they look at")]

mod common;

use common::{at, elf, explained, gzipped, header, tarred, told, zipped};

const MEMBERS: [(&str, &[u8]); 3] =
    [("META-INF/MANIFEST.MF", b"Version: 1\n"), ("a.txt", b"one\ntwo\n"), ("b/c.txt", b"three\n")];

#[test]
fn times_alone() {
    insta::assert_snapshot!(told(zipped(&MEMBERS, at(2)), zipped(&MEMBERS, at(4))), @"zip: members are the same but for their times: META-INF/MANIFEST.MF 2026-01-01 00:00:02 -> 2026-01-01 00:00:04, and 2 more");
    let (old, new) = (tarred(&MEMBERS[..1], |_| {}), tarred(&MEMBERS[..1], |h| h.set_mtime(1_767_225_602)));
    insta::assert_snapshot!(told(&old, &new), @"tar: members are the same but for their times: META-INF/MANIFEST.MF 1970-01-01 00:00:01 -> 2026-01-01 00:00:02");
    insta::assert_snapshot!(told(gzipped(&old, 0, 6), gzipped(&new, 0, 6)), @"gzip of tar: members are the same but for their times: META-INF/MANIFEST.MF 1970-01-01 00:00:01 -> 2026-01-01 00:00:02");
}

#[test]
fn several_aspects() {
    let mut reversed = MEMBERS;
    reversed.reverse();
    let new = zipped(&reversed, at(4).unix_permissions(0o755));
    insta::assert_snapshot!(told(zipped(&MEMBERS, at(2)), &new), @"
    zip: members are the same but for their times, modes and order
      order: where `META-INF/MANIFEST.MF` was, `b/c.txt` is
      times: b/c.txt 2026-01-01 00:00:02 -> 2026-01-01 00:00:04, and 2 more
      modes: b/c.txt 100644 -> 100755, and 2 more
    ");
    insta::assert_snapshot!(explained(zipped(&MEMBERS, at(2)), &new, 2), @"
    zip: members are the same but for their times, modes and order
      order: where `META-INF/MANIFEST.MF` was, `b/c.txt` is
      times: b/c.txt 2026-01-01 00:00:02 -> 2026-01-01 00:00:04, and 2 more
    ");
    let new = tarred(&reversed, |h| {
        h.set_mode(0o600);
        h.set_uid(1000);
        h.set_username("builder").unwrap();
    });
    insta::assert_snapshot!(told(tarred(&MEMBERS, |_| {}), new), @"
    tar: members are the same but for their modes, owners and order
      order: where `META-INF/MANIFEST.MF` was, `b/c.txt` is
      modes: b/c.txt 0644 -> 0600, and 2 more
      owners: b/c.txt 0:0 -> 1000:0 builder:, and 2 more
    ");
}

#[test]
fn members_and_contents() {
    let new: [(&str, &[u8]); 4] = [MEMBERS[0], ("a.txt", b"one\n2\n"), ("d\x1b.txt", b""), ("e", b"")];
    insta::assert_snapshot!(told(zipped(&MEMBERS, at(2)), zipped(&new, at(2))), @r"
    zip: 1 of 4 members differs, 2 members added, 1 member removed
      added: d\u{1b}.txt, e
      removed: b/c.txt
      `a.txt`: text: 1 line added, 1 removed, from line 2 on
        @@ -1,2 +1,2 @@
         one
        -two
        +2
    ");
    insta::assert_snapshot!(told(tarred(&MEMBERS, |_| {}), tarred(&new, |h| h.set_mtime(2))), @r"
    tar: 1 of 4 members differs, 2 members added, 1 member removed; of members that both have also times
      added: d\u{1b}.txt, e
      removed: b/c.txt
      times: META-INF/MANIFEST.MF 1970-01-01 00:00:01 -> 1970-01-01 00:00:02, and 1 more
      `a.txt`: text: 1 line added, 1 removed, from line 2 on
        @@ -1,2 +1,2 @@
         one
        -two
        +2
    ");
    insta::assert_snapshot!(explained(zipped(&MEMBERS, at(2)), zipped(&new, at(2)), 0), @"zip: 1 of 4 members differs, 2 members added, 1 member removed");
}

#[test]
fn compression_alone() {
    let text: Vec<u8> = (0..9000u32).flat_map(|i| format!("{} ", i * i % 977).into_bytes()).collect();
    let with = |level| zipped(&[("a", &text)], at(2).compression_level(Some(level)));
    insta::assert_snapshot!(told(with(1), with(9)), @"zip: members are the same but for their compression: a 3714 bytes -> 2094 bytes");
    let stored = zipped(&[("a", &text)], at(2).compression_method(zip::CompressionMethod::Stored));
    insta::assert_snapshot!(told(with(9), stored), @"
    zip: members are the same but for their compression and versions and flags
      compression: a deflated -> stored
      versions and flags: a 0x0314 0x0014 0x0000 -> 0x030a 0x000a 0x0000
    ");
}

#[test]
fn what_lies_around_the_members() {
    let old = tarred(&MEMBERS, |_| {});
    let new = [&old[..], &[0; 512]].concat();
    insta::assert_snapshot!(told(&old, &new), @"
    tar: the same members; what lies between them differs
      4096 -> 4608 bytes, first difference at offset 4096 (0x1000)
      old 00000ff8  00 00 00 00 00 00 00 00                          |........|
      new 00000ff8  00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00  |................|
    ");
}

#[test]
fn a_zip_that_stands_behind_something_else() {
    // The shift of its members is found; both must still begin as zip files do.
    let (old, new) = (zipped(&MEMBERS, at(2)), zipped(&MEMBERS, at(4)));
    let behind = |zip: &[u8]| [b"PK\x03\x04 before it", zip].concat();
    insta::assert_snapshot!(told(behind(&old), behind(&new)), @"zip: members are the same but for their times: META-INF/MANIFEST.MF 2026-01-01 00:00:02 -> 2026-01-01 00:00:04, and 2 more");
}

#[test]
fn archives_in_archives() {
    let jar = |second| zipped(&MEMBERS, at(second));
    let tar = |second| tarred(&[("lib/x.jar", &jar(second)), ("z", b"same")], |_| {});
    let gz = |second: u8| gzipped(&tar(second), 1_767_225_600 + u32::from(second), 6);
    insta::assert_snapshot!(told(gz(2), gz(4)), @"
    gzip of tar: 1 of 2 members differs
      gzip header: time 2026-01-01 00:00:02 -> 2026-01-01 00:00:04
      `lib/x.jar`: zip: members are the same but for their times: META-INF/MANIFEST.MF 2026-01-01 00:00:02 -> 2026-01-01 00:00:04, and 2 more
    ");
    let (old, new) = (zipped(&[("x.tgz", &gz(2))], at(2)), zipped(&[("x.tgz", &gz(4))], at(2)));
    insta::assert_snapshot!(told(&old, &new), @"
    zip: 1 of 1 member differs
      `x.tgz`: gzip of tar: 1 of 2 members differs
        gzip header: time 2026-01-01 00:00:02 -> 2026-01-01 00:00:04
        `lib/x.jar`: zip: members are the same but for their times: META-INF/MANIFEST.MF 2026-01-01 00:00:02 -> 2026-01-01 00:00:04, and 2 more
    ");
    // One level more than is opened.
    let (old, new) = (zipped(&[("x.zip", &old)], at(2)), zipped(&[("x.zip", &new)], at(2)));
    let (old, new) = (zipped(&[("y.zip", &old)], at(2)), zipped(&[("y.zip", &new)], at(2)));
    insta::assert_snapshot!(told(&old, &new), @"
    zip: 1 of 1 member differs
      `y.zip`: zip: 1 of 1 member differs
        `x.zip`: zip: 1 of 1 member differs
          `x.tgz`: gzip of tar: 1 of 2 members differs
            gzip header: time 2026-01-01 00:00:02 -> 2026-01-01 00:00:04
            `lib/x.jar`: 6 of 345 bytes differ, first at offset 10 (0xa)
    ");
}

#[test]
fn a_program_in_an_archive() {
    let tar = |code: &[u8]| tarred(&[("bin/x", &elf(&[(".text", code)]))], |h| h.set_mode(0o755));
    insta::assert_snapshot!(told(tar(b"\x90\x90\xc3"), tar(b"\x90\xcc\xc3")), @"
    tar: 1 of 1 member differs
      `bin/x`: ELF: 1 of 2 sections differs
        .text: 1 of 3 bytes differs, first at offset 0x1
    ");
}

#[test]
fn gzip_files() {
    insta::assert_snapshot!(told(gzipped(b"text\n", 5, 6), gzipped(b"text\n", 7, 6)), @"
    gzip: the same contents, another header
      gzip header: time 1970-01-01 00:00:05 -> 1970-01-01 00:00:07
    ");
    insta::assert_snapshot!(told(gzipped(b"text\n", 5, 6), gzipped(b"test\n", 5, 6)), @"
    gzip of text: 1 line added, 1 removed, from line 1 on
      @@ -1 +1 @@
      -text
      +test
    ");
    let long: Vec<u8> = (0..9000u32).flat_map(|i| format!("{} ", i * i % 977).into_bytes()).collect();
    insta::assert_snapshot!(told(gzipped(&long, 5, 2), gzipped(&long, 5, 5)), @"gzip: the same contents, packed in another way: 2.1 kB -> 2.2 kB");
}

#[test]
fn long_names_and_extended_headers() {
    let name = "long/".repeat(60);
    let gnu = |content: &[u8]| {
        let mut tar = tar::Builder::new(Vec::new());
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        tar.append_data(&mut header, format!("{name}x"), content).unwrap();
        header.set_size(0);
        tar.append_link(&mut header, "link", format!("{name}{}", content.len())).unwrap();
        tar.into_inner().unwrap()
    };
    insta::assert_snapshot!(told(gnu(b"1"), gnu(b"22")).replace(&name, "LONG/"), @r"
    tar: 1 of 2 members differs; of members that both have also link targets
      link targets: link LONG/1 -> LONG/2
      `LONG/x`: text: 1 line added, 1 removed, from line 1 on
        @@ -1 +1 @@
        -1
        \ no line end at the end of the file
        +22
        \ no line end at the end of the file
    ");
    let pax = |time: &str, comment: &str| {
        let mut tar = tar::Builder::new(Vec::new());
        let pairs = [("mtime", time), ("comment", comment), ("path", "other/name")];
        tar.append_pax_extensions(pairs.map(|(k, v)| (k, v.as_bytes()))).unwrap();
        tar.append_data(&mut header(1), "name", &b"1"[..]).unwrap();
        tar.into_inner().unwrap()
    };
    insta::assert_snapshot!(told(pax("1767225602.25", "a"), pax("1767225602.5", "b")), @"
    tar: members are the same but for their times and extra fields
      times: other/name 2026-01-01 00:00:02.25 -> 2026-01-01 00:00:02.5
      extra fields: other/name comment=a -> comment=b
    ");
}

#[test]
fn members_of_the_same_name() {
    let old: [(&str, &[u8]); 2] = [("a", b"1\n"), ("a", b"2\n")];
    let new: [(&str, &[u8]); 3] = [("a", b"1\n"), ("a", b"3\n"), ("a", b"4\n")];
    insta::assert_snapshot!(told(tarred(&old, |_| {}), tarred(&new, |_| {})), @"
    tar: 1 of 3 members differs, 1 member added
      added: a
      `a`: text: 1 line added, 1 removed, from line 1 on
        @@ -1 +1 @@
        -2
        +3
    ");
}

#[test]
fn many_members() {
    let names: Vec<String> = (0..500).map(|i| format!("f{i:03}")).collect();
    let all = |content: &'static [u8]| names.iter().map(|n| (n.as_str(), content)).collect::<Vec<_>>();
    let old = tarred(&all(b"1\n"), |_| {});
    insta::assert_snapshot!(explained(&old, tarred(&all(b"2\n"), |_| {}), 8), @"
    tar: 500 of 500 members differ
      `f000`: text: 1 line added, 1 removed, from line 1 on
        @@ -1 +1 @@
        -1
        +2
      `f001`: text: 1 line added, 1 removed, from line 1 on
      `f002`: text: 1 line added, 1 removed, from line 1 on
      `f003`: text: 1 line added, 1 removed, from line 1 on
      `f004`: text: 1 line added, 1 removed, from line 1 on
    ");
    insta::assert_snapshot!(told(&old, tarred(&all(b"1\n")[..200], |_| {})), @"
    tar: 300 members removed
      removed: f200, f201, f202, f203, f204 and 295 more
    ");
}
