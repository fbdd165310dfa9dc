//! What is refused, and in what words; and how digests and listings are written.
#![allow(clippy::disallowed_methods, reason = "tests start programs")]

use std::fs;
use std::io::Write;

use akbuild_nar::{Algo, Digest, Entry, Kind, Listing, TreeHash, dump, hash_path, restore};
use proptest::prelude::*;

/// A NAR from its strings.
fn nar(words: &[&str]) -> Vec<u8> {
    let mut out = Vec::new();
    for word in words {
        out.extend((word.len() as u64).to_le_bytes());
        out.extend(word.as_bytes());
        out.resize(out.len().next_multiple_of(8), 0);
    }
    out
}

/// A NAR of a folder with an empty file under each name.
fn folder(names: &[&str]) -> Vec<u8> {
    let mut words = vec!["nix-archive-1", "(", "type", "directory"];
    for name in names {
        words.extend(["entry", "(", "name", name, "node", "(", "type", "regular", "contents", "", ")", ")"]);
    }
    words.push(")");
    nar(&words)
}

fn refused(nar: &[u8]) -> String {
    let temporary = tempfile::tempdir().unwrap();
    let dest = temporary.path().join("a/dest");
    fs::create_dir(temporary.path().join("a")).unwrap();
    let error = restore(&mut &*nar, &dest).unwrap_err().to_string();
    assert_eq!(fs::read_dir(temporary.path()).unwrap().count(), 1, "nothing is written outside");
    error
}

#[test]
fn names_that_lead_elsewhere() {
    for name in ["..", ".", "", "a/b", "/", "a\0b"] {
        let error = refused(&folder(&[name]));
        assert!(error.ends_with("is not a file name; fetch or export it again"), "{error}");
    }
    insta::assert_snapshot!(refused(&folder(&[".."])), @"not a valid NAR archive, at byte 144: `..` is not a file name; fetch or export it again");
}

#[test]
fn names_that_are_not_in_order() {
    insta::assert_snapshot!(refused(&folder(&["b", "a"])), @"not a valid NAR archive, at byte 328: `a` does not sort after `b`; fetch or export it again");
    insta::assert_snapshot!(refused(&folder(&["a", "a"])), @"not a valid NAR archive, at byte 328: `a` does not sort after `a`; fetch or export it again");
}

#[test]
fn archives_that_lie() {
    let good = folder(&["a"]);
    insta::assert_snapshot!(refused(&good[..good.len() - 8]), @"not a valid NAR archive, at byte 272: it ends too early; fetch or export it again");
    insta::assert_snapshot!(refused(&[&good[..], b"x"].concat()), @"not a valid NAR archive, at byte 281: bytes after the end; fetch or export it again");
    insta::assert_snapshot!(refused(b"PK\x03\x04 is a zip file"), @"not a valid NAR archive, at byte 8: a string of 2338328217762614096 bytes where at most 255 may stand; fetch or export it again");
    let mut padding = nar(&["nix-archive-1", "(", "type", "symlink", "target", "x"]);
    *padding.last_mut().unwrap() = 1;
    insta::assert_snapshot!(refused(&padding), @"not a valid NAR archive, at byte 104: padding that is not zero; fetch or export it again");
    let mut long = nar(&["nix-archive-1", "(", "type", "regular", "contents"]);
    long.extend(u64::MAX.to_le_bytes());
    insta::assert_snapshot!(refused(&long), @"not a valid NAR archive, at byte 96: a file of 18446744073709551615 bytes ends after 0; fetch or export it again");
}

#[test]
fn folders_without_end() {
    let mut words = vec!["nix-archive-1"];
    for _ in 0..3000 {
        words.extend(["(", "type", "directory", "entry", "(", "name", "d", "node"]);
    }
    let temporary = tempfile::tempdir().unwrap();
    let error = restore(&mut nar(&words).as_slice(), &temporary.path().join("x")).unwrap_err().to_string();
    assert!(error.contains("more than 2048 folders inside each other"), "{error}");
}

/// A tree deeper than a process may have files open, and than a path may be long.
#[test]
fn deeper_than_a_path() {
    let depth = 2000;
    let mut words = vec!["nix-archive-1"];
    for _ in 0..depth {
        words.extend(["(", "type", "directory", "entry", "(", "name", "folder", "node"]);
    }
    words.extend(["(", "type", "symlink", "target", "bottom", ")"]);
    words.extend(std::iter::repeat_n(")", 2 * depth));
    let (bytes, temporary) = (nar(&words), tempfile::tempdir().unwrap());
    let tree = temporary.path().join("tree");
    restore(&mut bytes.as_slice(), &tree).unwrap();
    let mut again = Vec::new();
    dump(&tree, &mut again).unwrap();
    assert!(again == bytes);
    assert_eq!(hash_path(&tree).unwrap().as_bytes(), Digest::sha256(&bytes).as_bytes());
}

#[test]
fn special_and_missing_files() {
    let temporary = tempfile::tempdir().unwrap();
    let pipe = temporary.path().join("pipe");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status().unwrap();
    assert!(made.success());
    let say = |e: akbuild_nar::NarError| e.to_string().replace(&*temporary.path().to_string_lossy(), "[DIR]");
    insta::assert_snapshot!(say(hash_path(temporary.path()).unwrap_err()), @"[DIR]/pipe is a named pipe; a tree may hold only files, folders and symbolic links: remove it, or keep it out of the output");
    insta::assert_snapshot!(say(hash_path(&temporary.path().join("none")).unwrap_err()), @"cannot stat [DIR]/none: No such file or directory (os error 2)");
}

#[test]
fn digests_as_registries_write_them() {
    let text = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    assert_eq!(Digest::sha256(b"").oci(), text);
    assert_eq!(Digest::from_oci(text), Some(Digest::sha256(b"")));
    let long = format!("sha512:{}", "ab".repeat(64));
    assert_eq!(Digest::from_oci(&long).unwrap().oci(), long);
    let upper = format!("sha256:{}", "AB".repeat(32));
    for text in ["", "sha256", "sha256:ab", "sha1:da39a3ee5e6b4b0d3255bfef95601890afd80709", upper.as_str()] {
        assert_eq!(Digest::from_oci(text), None, "{text}");
    }
}

#[test]
fn digests_as_they_are_written() {
    let empty = Digest::sha256(b"");
    assert_eq!(empty.to_string(), "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=");
    assert_eq!(serde_json::to_string(&empty).unwrap(), format!("\"{empty}\""));
    assert_eq!(serde_json::from_str::<Digest>(&format!("\"{empty}\"")).unwrap(), empty);
    for (algo, len) in [(Algo::Sha1, 20), (Algo::Sha512, 64), (Algo::GoZip, 32), (Algo::GoMod, 32)] {
        let digest = Digest::new(algo, &vec![7; len]).unwrap();
        assert_eq!(digest.to_string().parse::<Digest>().unwrap(), digest);
        assert_eq!(Digest::from_hex(algo, &digest.hex().to_uppercase()).unwrap(), digest);
    }
    let say = |text: &str| text.parse::<Digest>().unwrap_err().to_string();
    insta::assert_snapshot!(say("sha256-AAAA"), @"a sha256 digest has 32 bytes, found 3; copy the whole digest");
    insta::assert_snapshot!(say("md5-AAAA"), @"unknown hash algorithm in `md5-AAAA`: expected one of sha1, sha256, sha512, h1-zip, h1-mod");
    insta::assert_snapshot!(say("hello"), @"`hello` is not a hash: expected ALGORITHM-BASE64, for example sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=");
    insta::assert_snapshot!(say("sha256-%%"), @"`sha256-%%` is not valid base 64; copy the whole digest, with its `=` at the end if it has one");
    insta::assert_snapshot!("sha256-%%".parse::<TreeHash>().unwrap_err(), @"`sha256-%%` is not valid SHA-256 (SRI, Nix's base 32 or base 16); copy the whole digest, with its `=` at the end if it has one");
}

#[test]
fn the_strongest_of_several() {
    let (sha1, sha512) = (Digest::new(Algo::Sha1, &[1; 20]).unwrap(), Digest::new(Algo::Sha512, &[2; 64]).unwrap());
    let integrity = format!("{sha1} {sha512}?opt md5-AAAA");
    assert_eq!(Digest::strongest(&integrity).unwrap(), sha512);
    let other = Digest::new(Algo::Sha512, &[3; 64]).unwrap();
    let integrity = format!("\n{other}?a?b\t{sha1} sha512-x {sha512} {other} h1-zip-{}", "A".repeat(43) + "=");
    assert_eq!(Digest::all_strongest(&integrity).unwrap(), [other, sha512]);
    insta::assert_snapshot!(Digest::strongest("sha512-x md5-AAAA").unwrap_err(), @"`sha512-x` is not valid base 64; copy the whole digest, with its `=` at the end if it has one");
    assert!(Digest::strongest("").is_err() && Digest::strongest("md5-AAAA").is_err());
}

/// Computed by hand with sha256sum from the definition of `Hash1`.
#[test]
fn hashes_of_go_modules() {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(b"module example.invalid/m\n").unwrap();
    let found = Digest::of_file(Algo::GoMod, &file).unwrap();
    let line = format!("{}  go.mod\n", Digest::sha256(b"module example.invalid/m\n").hex());
    assert_eq!(found.as_bytes(), Digest::sha256(line.as_bytes()).as_bytes());

    let mut zip = zip::ZipWriter::new(tempfile::tempfile().unwrap());
    for (name, text) in [("m@v1/z.go", "z"), ("m@v1/a.go", "a")] {
        zip.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
        zip.write_all(text.as_bytes()).unwrap();
    }
    let lines =
        [("a", "m@v1/a.go"), ("z", "m@v1/z.go")].map(|(t, n)| format!("{}  {n}\n", Digest::sha256(t.as_bytes()).hex()));
    let found = Digest::of_file(Algo::GoZip, &zip.finish().unwrap()).unwrap();
    assert_eq!(found.as_bytes(), Digest::sha256(lines.concat().as_bytes()).as_bytes());
}

/// The library writes no name twice: the second is changed in the bytes.
#[test]
fn a_go_module_with_a_name_twice_has_no_hash() {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for name in ["m@v1/a.go", "m@v1/%.go"] {
        zip.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
    }
    let mut bytes = zip.finish().unwrap().into_inner();
    bytes.iter_mut().filter(|b| **b == b'%').for_each(|b| *b = b'a');
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(&bytes).unwrap();
    insta::assert_snapshot!(Digest::of_file(Algo::GoZip, &file).unwrap_err(), @"a Go module zip with a file name twice: `m@v1/a.go`");
}

#[test]
fn a_listing_as_text() {
    let entry = |path: &str, kind| Entry { path: path.into(), kind };
    let file = |exec| Kind::File { exec, size: 3, digest: [0xab; 32] };
    let link = Kind::Symlink { target: "to\nthere".into() };
    let entries = vec![entry("", Kind::Dir), entry("a b", file(false)), entry("c\\", file(true)), entry("é", link)];
    let listing = Listing { entries };
    insta::assert_snapshot!(listing.to_text(), @r#"
    d 
    f 3 abababababababababababababababababababababababababababababababab a\x20b
    x 3 abababababababababababababababababababababababababababababababab c\x5c
    l to\x0athere \xc3\xa9
    "#);
    let say = |text: &str| Listing::from_text(text).unwrap_err().to_string();
    insta::assert_snapshot!(say("d b\nd a\n"), @"line 2 of the listing: its path does not sort after the one before; delete the listing, it is made again from its tree");
    insta::assert_snapshot!(say("d \nf 1"), @"line 2 of the listing: a digest is missing; delete the listing, it is made again from its tree");
}

proptest! {
    #[test]
    fn listings_survive_their_text_form(names in prop::collection::btree_set(prop::collection::vec(1u8.., 1..12), 0..20)) {
        use std::os::unix::ffi::OsStringExt;
        let os = std::ffi::OsString::from_vec;
        let entries = names.into_iter().map(|n| Entry { path: os(n.clone()), kind: Kind::Symlink { target: os(n) } });
        let listing = Listing { entries: entries.collect() };
        prop_assert_eq!(Listing::from_text(&listing.to_text()).unwrap(), listing);
    }

    #[test]
    fn tree_hashes_survive_each_form(bytes: [u8; 32]) {
        let hash = TreeHash::from(bytes);
        for form in [hash.to_string(), hash.hex(), hash.nix32()] {
            prop_assert_eq!(form.parse::<TreeHash>().unwrap(), hash);
        }
    }
}
