//! Hashes of awkward trees against those of the real Nix. Where there is no Nix, the hashes it gave
//! for the same trees stand in.
#![allow(clippy::disallowed_methods, reason = "tests start programs")]

use std::ffi::OsStr;
use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::Command;

use akbuild_nar::{HashOptions, Normalise, TreeHash, dump, hash_path, hash_tree, restore};

/// Makes a tree, checks its hash against Nix and the golden one, its normalised form against
/// itself, and that a dump restores to the same.
fn check(golden: &str, make: impl FnOnce(&Path)) {
    let temporary = tempfile::tempdir().unwrap();
    let tree = temporary.path().join("tree");
    make(&tree);
    let ours = hash_path(&tree).unwrap();
    if let Some(theirs) = nix(&tree) {
        assert_eq!(ours.to_string(), theirs);
    }
    assert_eq!(ours.to_string(), golden);

    let mut nar = Vec::new();
    dump(&tree, &mut nar).unwrap();
    let copy = temporary.path().join("copy");
    restore(&mut nar.as_slice(), &copy).unwrap();
    assert_eq!(hash_path(&copy).unwrap(), ours);

    let options = HashOptions { normalise: Some(Normalise::default()), listing: true, inspect: true };
    let hashed = hash_tree(&tree, &options).unwrap();
    assert_eq!(hashed.hash, ours);
    assert!(!hashed.odd.is_empty(), "what was just made has its own time");
    let again = HashOptions { normalise: None, ..options };
    assert_eq!(hash_tree(&tree, &again).unwrap().odd, Vec::<OsString>::new());
    let stats = hashed.stats;
    assert_eq!(hashed.listing.unwrap().entries.len() as u64, stats.files + stats.dirs + stats.symlinks);
    // Folders without the permission to write could not be removed by everybody.
    unlock(&tree);
}

fn nix(tree: &Path) -> Option<String> {
    let args = ["--extra-experimental-features", "nix-command", "hash", "path"];
    let output = Command::new("nix").args(args).arg(tree).output();
    assert!(output.is_ok() || std::env::var_os("CI").is_none(), "CI has to have `nix`");
    let output = output.ok()?;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Some(String::from_utf8(output.stdout).unwrap().trim().to_owned())
}

fn unlock(path: &Path) {
    if path.symlink_metadata().unwrap().is_dir() {
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
        fs::read_dir(path).unwrap().for_each(|e| unlock(&e.unwrap().path()));
    }
}

fn file(path: &Path, text: &str, mode: u32) {
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn empty_folder() {
    check("sha256-pQpattmS9VmO3ZIQUFn66az8GSmB4IvYhTTCFn6SUmo=", |t| fs::create_dir(t).unwrap());
}

#[test]
fn single_file() {
    check("sha256-HDfQGvQL4ugGkd48w99EN3ppmvuxfGjwgJZLL9Bx/BM=", |t| file(t, "hello\n", 0o644));
}

#[test]
fn empty_executable_file() {
    check("sha256-NOALhZKmrUZYUaRqZ0ZOB2EC/VEGymyzOi8VAJ0w1ZA=", |t| file(t, "", 0o700));
}

#[test]
fn symlink_at_the_root() {
    check("sha256-xpAL/8+RXKSzxSZnYReE2dwt9wEd0u/b14+5SggnCCs=", |t| symlink("nowhere/at/all", t).unwrap());
}

#[test]
fn symlinks_dangling_absolute_and_to_folders() {
    check("sha256-gEatAhbBqnAyL6T68vL2NXL+tZo1ccsZLNl5sG0IwfA=", |t| {
        fs::create_dir_all(t.join("folder")).unwrap();
        symlink("/etc/passwd", t.join("absolute")).unwrap();
        symlink("folder", t.join("to-folder")).unwrap();
        symlink("../..", t.join("folder/up")).unwrap();
        symlink("dangling", t.join("dangling")).unwrap();
    });
}

/// The owner's bit alone decides.
#[test]
fn executable_bits() {
    check("sha256-tqu/fYjeHsNoyHmyqs90P/GrdDlugfmCgJK7qERgWJw=", |t| {
        fs::create_dir(t).unwrap();
        for mode in [0o644, 0o755, 0o744, 0o654, 0o645, 0o655, 0o500, 0o400, 0o4755] {
            file(&t.join(format!("{mode:o}")), "x", mode);
        }
    });
}

#[test]
fn names_that_are_not_utf8_or_sort_oddly() {
    check("sha256-8SY8XGRYZvJgvI9AcJPjLeNgk+yCVGegc0eKix0BnDA=", |t| {
        fs::create_dir(t).unwrap();
        let names: [&[u8]; 9] = [b"\xff\xfe", b"\xc3\xa4", b"a b", b"a\nb", b"a.b", b"Z", b"~", b"\\", b"-"];
        for name in names {
            fs::write(t.join(OsStr::from_bytes(name)), name).unwrap();
        }
        fs::create_dir(t.join("a")).unwrap();
        fs::write(t.join("a/c"), "c").unwrap();
    });
}

#[test]
fn deep() {
    check("sha256-MWjFM25J7ZuTU5JySHUgno/rxKGCHHmQOOX+/egtOlE=", |t| {
        let mut path = t.to_owned();
        (0..300).for_each(|i| path.push(format!("d{i}")));
        fs::create_dir_all(&path).unwrap();
        fs::write(path.join("bottom"), "found").unwrap();
    });
}

/// Files around the sizes of the buffers, one larger than all that is in flight.
#[test]
fn large() {
    check("sha256-Y3vqVDpMx2tqEIajvUdtvh/FaQHCoM1K6OjSGWLB8RQ=", |t| {
        fs::create_dir(t).unwrap();
        for size in [7, 8, 9, 131_071, 131_072, 131_073, 20_000_001] {
            let bytes: Vec<u8> = (0..size).map(|i: u32| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
            fs::write(t.join(size.to_string()), bytes).unwrap();
        }
    });
}

#[test]
fn wide() {
    check("sha256-dQWrxLQw1XBe9X/y0+mm20PZuyYFaRdy3Mxg36hHoVw=", |t| {
        fs::create_dir(t).unwrap();
        (0..5000).for_each(|i| fs::write(t.join(format!("f{i}")), i.to_string()).unwrap());
    });
}

#[test]
fn forms_of_a_tree_hash_that_nix_writes() {
    let temporary = tempfile::tempdir().unwrap();
    let hash = hash_path(temporary.path()).unwrap();
    for form in [hash.to_string(), hash.hex(), hash.nix32(), format!("sha256:{}", hash.nix32())] {
        assert_eq!(form.parse::<TreeHash>().unwrap(), hash, "{form}");
    }
    assert_eq!(hash.nix32(), "0sjjj9z1dhilhpc8pq4154czrb79z9cm044jvn75kxcjv6v5l2m5");
    let nix = Command::new("nix-hash").args(["--type", "sha256", "--base32"]).arg(temporary.path()).output();
    assert!(nix.is_ok() || std::env::var_os("CI").is_none(), "CI has to have `nix-hash`");
    if let Ok(nix) = nix {
        assert_eq!(String::from_utf8(nix.stdout).unwrap().trim(), hash.nix32());
    }
}
