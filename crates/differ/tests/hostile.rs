//! Files that are broken, or made to do harm: each is explained, in as many lines as were asked for.
#![allow(clippy::disallowed_methods, reason = "tests make the trees that they look at")]

mod common;

use akbuild_differ::Explanation;
use common::{applied, at, elf, explained, gzipped, tarred, zipped};
use proptest::prelude::*;

/// One file of each format.
fn formats() -> Vec<Vec<u8>> {
    let zip = zipped(&[("a", b"one\ntwo\n"), ("b/c", &elf(&[(".text", b"1")]))], at(2));
    let tar = tarred(&[("x.jar", &zip), ("y", b"2\n")], |_| {});
    let pyc = b"\xcb\x0d\r\n\0\0\0\0\x01\0\0\0\x02\0\0\0\xe3\0/tmp/x.py".to_vec();
    let elf = elf(&[(".rodata", b"\0/tmp/one\0two\0"), (".note.gnu.build-id", &[0; 24])]);
    vec![gzipped(&tar, 9, 6), zip, tar, pyc, elf, b"one\ntwo\n".repeat(9)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn damage_never_harms(
        which in 0usize..6,
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        cut in any::<prop::sample::Index>(),
        keep in 0u8..4,
        limit in 0usize..30,
    ) {
        let good = formats().swap_remove(which);
        let mut bad = good.clone();
        for (at, byte) in damage {
            let at = at.index(bad.len());
            bad[at] = byte;
        }
        if keep == 0 {
            bad.truncate(cut.index(bad.len()));
        }
        // Fails by itself if there are more lines than allowed.
        let found = explained(&good, &bad, limit);
        prop_assert_eq!(found == Explanation::Same, good == bad);
        explained(&bad, &good, limit);
    }

    #[test]
    fn noise_behind_a_magic_number(
        magic in prop::sample::select(vec![&b"PK\x03\x04"[..], b"\x7fELF\x02\x01\x01", b"\x7fELF\x01\x02\x01", b"\x1f\x8b\x08", b""]),
        old in prop::collection::vec(any::<u8>(), 0..600),
        new in prop::collection::vec(any::<u8>(), 0..600),
    ) {
        explained([magic, &old].concat(), [magic, &new].concat(), 20);
    }

    #[test]
    fn a_diff_makes_the_new_text_of_the_old(old in "([ab]{0,2}\n){0,30}", new in "([ab]{0,2}\n){0,30}") {
        let lines = |text: &str| text.lines().count() as isize;
        if let Explanation::Text(diff) = explained(&old, &new, 1000) {
            let signs = |sign: char| diff.hunks.lines().filter(|l| l.starts_with(sign)).count();
            prop_assert_eq!((diff.added, diff.removed), (signs('+'), signs('-')));
            prop_assert_eq!(applied(&old, &diff.hunks), new.as_str());
            prop_assert_eq!(diff.added as isize - diff.removed as isize, lines(&new) - lines(&old));
        }
    }
}

/// The end of a zip file that claims that many entries.
fn zip_end(entries: u16, size: u32, offset: u32) -> Vec<u8> {
    let mut end = b"PK\x05\x06\0\0\0\0".to_vec();
    end.extend([entries.to_le_bytes(), entries.to_le_bytes()].as_flattened());
    end.extend([size.to_le_bytes(), offset.to_le_bytes()].as_flattened());
    end.extend([0, 0]);
    end
}

#[test]
fn a_zip_that_claims_too_much() {
    for (size, offset) in [(0, 0), (u32::MAX, 0), (4, 0), (0, u32::MAX), (46, 4)] {
        let file = |second: &[u8]| [b"PK\x03\x04", second, &[0; 60], &zip_end(u16::MAX, size, offset)].concat();
        let found = explained(file(b"1"), file(b"2"), 9);
        assert!(matches!(found, Explanation::Archive(_) | Explanation::Bytes(_)), "{found}");
    }
}

#[test]
fn a_member_of_a_zip_that_unpacks_to_much() {
    let zeros = |last: u8| {
        let mut all = vec![0; 64 << 20];
        all.push(last);
        zipped(&[("bomb", &all), ("text", &[last + b'0', b'\n'])], at(2))
    };
    insta::assert_snapshot!(explained(zeros(1), zeros(2), 9), @"
    zip: 2 of 2 members differ
      `bomb`: 67.1 MB -> 67.1 MB, not looked into
      `text`: text: 1 line added, 1 removed, from line 1 on
        @@ -1 +1 @@
        -1
        +2
    ");
}

#[test]
fn a_gzip_file_that_unpacks_to_much() {
    let zeros = |last: u8| gzipped(&[&vec![0; 64 << 20][..], &[last]].concat(), 0, 1);
    insta::assert_snapshot!(explained(zeros(1), zeros(2), 9), @"gzip: 648.5 kB -> 648.5 kB, contents too large to be looked into");
}

#[test]
fn what_is_cut_off() {
    let tar = tarred(&[("a", &[b'x'; 3000])], |_| {});
    insta::assert_snapshot!(explained(&tar, &tar[..2000], 9), @r#"
    4608 -> 2000 bytes, first difference at offset 2000 (0x7d0)
      old 000007c8  78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78  |xxxxxxxxxxxxxxxx|
      new 000007c8  78 78 78 78 78 78 78 78                          |xxxxxxxx|
      only in the old: "...xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx..."
      only in the new: "...xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
    "#);
    let gz = gzipped(&tar, 1, 6);
    insta::assert_snapshot!(explained(&gz, &gz[..30], 0), @"90 -> 30 bytes, first difference at offset 30 (0x1e)");
}
