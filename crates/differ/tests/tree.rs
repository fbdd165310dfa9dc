//! Listings that differ in every way.
#![allow(clippy::disallowed_methods, reason = "tests make the trees that they look at")]

use akbuild_differ::{Change, compare};
use akbuild_nar::{Entry, Kind, Listing};

fn listing(entries: &[(&str, Kind)]) -> Listing {
    let root = Entry { path: "".into(), kind: Kind::Dir };
    let rest = entries.iter().map(|(path, kind)| Entry { path: path.into(), kind: kind.clone() });
    Listing { entries: [root].into_iter().chain(rest).collect() }
}

fn file(content: u8, exec: bool) -> Kind {
    Kind::File { exec, size: u64::from(content) * 1000, digest: [content; 32] }
}

fn link(target: &str) -> Kind {
    Kind::Symlink { target: target.into() }
}

fn two() -> (Listing, Listing) {
    let old = [
        ("a", file(1, false)),
        ("b", file(1, false)),
        ("c", link("x")),
        ("d", Kind::Dir),
        ("d/gone", file(1, true)),
        ("e", file(1, false)),
        ("same", file(9, true)),
    ];
    let new = [
        ("a", file(2, false)),
        ("aa", file(3, true)),
        ("b", file(2, true)),
        ("c", link("y\x1b")),
        ("d", file(4, false)),
        ("e", file(1, true)),
        ("same", file(9, true)),
        ("z", link("q")),
    ];
    (listing(&old), listing(&new))
}

#[test]
fn every_change() {
    let (old, new) = two();
    let lines: Vec<_> = compare(&old, &new).iter().map(|d| format!("{}: {}", d.path.display(), d.change)).collect();
    insta::assert_snapshot!(lines.join("\n"), @r"
    a: other contents, 1.0 kB -> 2.0 kB
    aa: added, an executable file of 3.0 kB
    b: other contents, 1.0 kB -> 2.0 kB
    b: now executable
    c: points at x -> y\u{1b}
    d: was a folder, is a file of 4.0 kB
    d/gone: removed, an executable file of 1.0 kB
    e: now executable
    z: added, a link to q
    ");
    let back: Vec<_> = compare(&new, &old).iter().map(|d| format!("{}: {}", d.path.display(), d.change)).collect();
    insta::assert_snapshot!(back.join("\n"), @r"
    a: other contents, 2.0 kB -> 1.0 kB
    aa: removed, an executable file of 3.0 kB
    b: other contents, 2.0 kB -> 1.0 kB
    b: no longer executable
    c: points at y\u{1b} -> x
    d: was a file of 4.0 kB, is a folder
    d/gone: added, an executable file of 1.0 kB
    e: no longer executable
    z: removed, a link to q
    ");
    assert_eq!(compare(&new, &new), []);
}

#[test]
fn as_json() {
    let (old, new) = two();
    insta::assert_snapshot!(serde_json::to_string(&compare(&old, &new)).unwrap().replace("},{\"path", "},\n{\"path"), @r#"
    [{"path":"a","change":{"content":{"old_size":1000,"new_size":2000}}},
    {"path":"aa","change":{"added":{"file":{"size":3000,"exec":true}}}},
    {"path":"b","change":{"content":{"old_size":1000,"new_size":2000}}},
    {"path":"b","change":{"mode":{"old_exec":false,"new_exec":true}}},
    {"path":"c","change":{"target":{"old":"x","new":"y\u001b"}}},
    {"path":"d","change":{"kind":{"old":"dir","new":{"file":{"size":4000,"exec":false}}}}},
    {"path":"d/gone","change":{"removed":{"file":{"size":1000,"exec":true}}}},
    {"path":"e","change":{"mode":{"old_exec":false,"new_exec":true}}},
    {"path":"z","change":{"added":{"symlink":{"target":"q"}}}}]
    "#);
}

#[test]
fn against_nothing() {
    let (old, _) = two();
    let found = compare(&old, &Listing::default());
    assert_eq!(found.len(), old.entries.len());
    assert!(found.iter().all(|d| matches!(d.change, Change::Removed(_))));
}
