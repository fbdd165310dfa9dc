//! Programs, compiled modules, and bytes of which nothing is known.
#![allow(clippy::disallowed_methods, reason = "tests make the trees that they look at")]

mod common;

use akbuild_differ::Explanation;
use common::{elf, explained, told};

fn note(name: &[u8; 4], value: &[u8]) -> Vec<u8> {
    [&4u32.to_le_bytes(), &(value.len() as u32).to_le_bytes(), &3u32.to_le_bytes(), name, value].concat()
}

#[test]
fn sections() {
    let old = elf(&[
        (".text", b"\x90\x90\xc3"),
        (".rodata", b"\x01\0/tmp/build-1234/src/main.c\0usage\0"),
        (".note.gnu.build-id", &note(b"GNU\0", &[0xab; 4])),
        (".comment", b"GCC: 14.2\0"),
        (".same", b"same"),
    ]);
    let new = elf(&[
        (".text", b"\x90\xcc\xc3"),
        (".rodata", b"\x01\0/tmp/build-98765/src/main.c\0usage\0"),
        (".note.gnu.build-id", &note(b"GNU\0", &[0xcd; 4])),
        (".same", b"same"),
        (".debug_str", b"new"),
    ]);
    insta::assert_snapshot!(told(&old, &new), @r#"
    ELF: 6 of 6 sections differ
      build id abababab -> cdcdcdcd
      .text: 1 of 3 bytes differs, first at offset 0x1
      .rodata: 35 B -> 36 B, first difference at offset 0xd
        only in the old: "/tmp/build-1234/src/main.c"
        only in the new: "/tmp/build-98765/src/main.c"
      .note.gnu.build-id: 4 of 20 bytes differ, first at offset 0x10
      .debug_str: added, 3 B
      .shstrtab: 59 B -> 61 B, first difference at offset 0x23
        only in the old: ".comment"
        only in the new: ".debug_str"
      .comment: removed, 10 B
    "#);
    insta::assert_snapshot!(explained(&old, &new, 2), @"
    ELF: 6 of 6 sections differ
      build id abababab -> cdcdcdcd
      .text: 1 of 3 bytes differs, first at offset 0x1
    ");
}

#[test]
fn what_lies_outside_of_sections() {
    let old = elf(&[(".text", b"\x90\x90\xc3")]);
    let mut new = old.clone();
    new[7] = 3;
    insta::assert_snapshot!(told(&old, &new), @"
    ELF: the same sections; headers or what lies between differs
      1 of 276 bytes differs, first at offset 7 (0x7)
      old 00000000  7f 45 4c 46 02 01 01 00 00 00 00 00 00 00 00 00  |.ELF............|
      new 00000000  7f 45 4c 46 02 01 01 03 00 00 00 00 00 00 00 00  |.ELF............|
    ");
}

#[test]
fn a_build_id_of_go() {
    let with = |id: &[u8]| elf(&[(".note.go.buildid", &note(b"Go\0\0", id))]);
    insta::assert_snapshot!(told(with(b"abc/def"), with(b"abc/xyz")), @r#"
    ELF: 1 of 2 sections differs
      build id abc/def -> abc/xyz
      .note.go.buildid: 3 of 23 bytes differ, first at offset 0x14
        only in the old: "abc/def"
        only in the new: "abc/xyz"
    "#);
}

#[test]
fn a_real_program() {
    const MARK: &str = "what lies in the read-only data of this program";
    let old = std::fs::read("/proc/self/exe").unwrap();
    let mut new = old.clone();
    let place = old.windows(MARK.len()).position(|w| w == MARK.as_bytes()).unwrap();
    new[place] = b'W';
    let Explanation::Elf(found) = explained(&old, &new, 20) else { panic!("it is an ELF file") };
    let section = &found.sections[0];
    assert_eq!((found.differing, section.name.as_str()), (1, ".rodata"), "{found:?}");
    assert!(section.strings.new[0].contains("What lies in the read-only"), "{found:?}");
}

fn pyc(flags: u32, second: u32, code: &[u8]) -> Vec<u8> {
    let header = [[0xcb, 0x0d, b'\r', b'\n'], flags.to_le_bytes(), second.to_le_bytes(), 40u32.to_le_bytes()];
    [header.as_flattened(), code].concat()
}

#[test]
fn compiled_modules() {
    let code = b"\xe3\x01\0\0\0/build/a/x.py\0\0";
    insta::assert_snapshot!(told(pyc(0, 5, code), pyc(0, 7, code)), @"
    Python bytecode: the same code, another header
      header: source time 1970-01-01 00:00:05 -> 1970-01-01 00:00:07
    ");
    insta::assert_snapshot!(told(pyc(0, 5, code), pyc(3, 7, code)), @"
    Python bytecode: the same code, another header
      header: check by time -> by hash, source time 1970-01-01 00:00:05 -> none, source size 40 -> none, source hash none -> 0700000028000000
    ");
    insta::assert_snapshot!(told(pyc(0, 5, code), pyc(0, 5, b"\xe3\x01\0\0\0/build/b/x.py\0\0")), @r#"
    Python bytecode: the same header, other code: 1 of 20 bytes differs, first at offset 12 (0xc)
      old 00000004  00 2f 62 75 69 6c 64 2f 61 2f 78 2e 70 79 00 00  |./build/a/x.py..|
      new 00000004  00 2f 62 75 69 6c 64 2f 62 2f 78 2e 70 79 00 00  |./build/b/x.py..|
      only in the old: "/build/a/x.py"
      only in the new: "/build/b/x.py"
    "#);
    insta::assert_snapshot!(told(pyc(0, 5, code), pyc(0, 5, b"\xe3\x81\0\0\0/build/a/x.py\0\0")), @"
    Python bytecode: the same header, other code: 1 of 20 bytes differs, first at offset 1 (0x1)
      the first difference is the mark of an object that is referred to later: it depends on how often an object was in use when the file was written
      old 00000000  e3 01 00 00 00 2f 62 75 69 6c 64 2f 61 2f 78 2e  |...../build/a/x.|
      new 00000000  e3 81 00 00 00 2f 62 75 69 6c 64 2f 61 2f 78 2e  |...../build/a/x.|
    ");
}

#[test]
fn bytes() {
    let old = [&[0; 300][..], b"\x01made at 2026-01-01 in /tmp/x1\0", &[7; 300]].concat();
    let new = [&[0; 300][..], b"\x01made at 2026-01-02 in /tmp/x1\0", &[7; 300]].concat();
    insta::assert_snapshot!(told(&old, &new), @r#"
    1 of 631 bytes differs, first at offset 318 (0x13e)
      old 00000136  30 32 36 2d 30 31 2d 30 31 20 69 6e 20 2f 74 6d  |026-01-01 in /tm|
      new 00000136  30 32 36 2d 30 31 2d 30 32 20 69 6e 20 2f 74 6d  |026-01-02 in /tm|
      only in the old: "made at 2026-01-01 in /tmp/x1"
      only in the new: "made at 2026-01-02 in /tmp/x1"
    "#);
    insta::assert_snapshot!(told(&old, &old[..304]), @r#"
    631 -> 304 bytes, first difference at offset 304 (0x130)
      old 00000128  00 00 00 00 01 6d 61 64 65 20 61 74 20 32 30 32  |.....made at 202|
      new 00000128  00 00 00 00 01 6d 61 64                          |.....mad|
      only in the old: "made at 2026-01-01 in /tmp/x1"
    "#);
    insta::assert_snapshot!(told(&old, ""), @r#"
    631 -> 0 bytes, first difference at offset 0 (0x0)
      old 00000000  00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00  |................|
      new 00000000                                                   ||
      only in the old: "made at 2026-01-01 in /tmp/x1"
    "#);
    insta::assert_snapshot!(explained(&old, &new, 1), @"1 of 631 bytes differs, first at offset 318 (0x13e)");
}

#[test]
fn equal_files_and_other_formats() {
    insta::assert_snapshot!(told("a", "a"), @"equal");
    insta::assert_snapshot!(told("text\n", elf(&[])), @r#"
    5 -> 203 bytes, first difference at offset 0 (0x0)
      old 00000000  74 65 78 74 0a                                   |text.|
      new 00000000  7f 45 4c 46 02 01 01 00 00 00 00 00 00 00 00 00  |.ELF............|
      only in the new: ".shstrtab"
    "#);
}

#[test]
fn as_json() {
    let json = |old: &[u8], new: &[u8]| serde_json::to_string_pretty(&explained(old, new, 20)).unwrap();
    insta::assert_snapshot!(json(b"a\n", b"b\n"), @r#"
    {
      "kind": "text",
      "first_line": 1,
      "added": 1,
      "removed": 1,
      "reordered": false,
      "hunks": "@@ -1 +1 @@\n-a\n+b\n"
    }
    "#);
    insta::assert_snapshot!(json(&pyc(0, 5, b"\xe3\0"), &pyc(0, 7, b"\xe3\x01")), @r#"
    {
      "kind": "pyc",
      "header": [
        {
          "name": "source time",
          "old": "1970-01-01 00:00:05",
          "new": "1970-01-01 00:00:07"
        }
      ],
      "code": {
        "old_size": 2,
        "new_size": 2,
        "first": 1,
        "differing": 1,
        "old": "00000000  e3 00                                            |..|",
        "new": "00000000  e3 01                                            |..|",
        "strings": {
          "old": [],
          "new": []
        }
      },
      "reference": false
    }
    "#);
}
