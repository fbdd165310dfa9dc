//! What is known of an unpacked image: where paths lead, and who may write.

use std::path::{Path, PathBuf};

use akbuild_image::{Meta, Unpacked};

fn meta(mode: u32, uid: u64, gid: u64, is_folder: bool) -> Meta {
    Meta { mode, uid, gid, is_folder, target: None }
}

fn tree(entries: &[(&str, Meta)]) -> Unpacked {
    Unpacked { entries: entries.iter().map(|(path, meta)| (PathBuf::from(path), meta.clone())).collect() }
}

fn link(target: &str) -> Meta {
    Meta { target: Some(target.into()), ..meta(0o777, 0, 0, false) }
}

#[test]
fn where_paths_lead() {
    let (folder, file) = (meta(0o755, 0, 0, true), meta(0o644, 0, 0, false));
    let tree = tree(&[
        ("/usr", folder.clone()),
        ("/usr/bin", folder.clone()),
        ("/usr/bin/sh", link("bash")),
        ("/usr/bin/bash", file),
        ("/bin", link("usr/bin")),
        ("/usr/up", link("../../../../bin")),
        ("/usr/top", link("/")),
        ("/loop", link("loop")),
        ("/one", link("/two/x")),
        ("/two", link("one")),
        ("/lost", link("nowhere")),
    ]);
    let leads = |path: &str| tree.look_up(Path::new(path)).map(|(path, _)| path.display().to_string());
    let to = |path: &str| Some(path.to_owned());
    for (path, end) in [
        ("/", to("/")),
        ("", to("/")),
        ("/..", to("/")),
        ("usr/bin", to("/usr/bin")),
        ("/bin/sh", to("/usr/bin/bash")),
        ("/bin/../bin", to("/usr/bin")),
        ("//usr/./top/usr/up/sh", to("/usr/bin/bash")),
        ("/usr/bin/sh/", to("/usr/bin/bash")),
        ("/usr/bin/none", None),
        ("/usr/none/..", None),
        ("/usr/bin/sh/..", None),
        ("/usr/bin/bash/x", None),
        ("/loop", None),
        ("/loop/x", None),
        ("/one", None),
        ("/two/x", None),
        ("/lost", None),
    ] {
        assert_eq!(leads(path), end, "{path}");
    }
    assert!(tree.look_up(Path::new("/bin/sh")).is_some_and(|(_, meta)| meta.mode == 0o644));
}

#[test]
fn where_files_would_be_made() {
    let folder = meta(0o755, 0, 0, true);
    let tree = tree(&[
        ("/etc", folder.clone()),
        ("/etc/conf", link("../run/conf/stub")),
        ("/run", folder.clone()),
        ("/var", folder),
        ("/var/run", link("/run")),
        ("/up", link("../..")),
        ("/loop", link("loop")),
    ]);
    for (path, place) in [
        ("/", "/"),
        ("/etc", "/etc"),
        ("/etc/new", "/etc/new"),
        ("/new/folder/file", "/new/folder/file"),
        ("/etc/conf", "/run/conf/stub"),
        ("/etc/conf/x", "/run/conf/stub/x"),
        ("/var/run/app/key", "/run/app/key"),
        ("/var/run/../x", "/x"),
        ("/new/../x", "/x"),
        ("/up/x", "/x"),
        ("/loop/x", "/loop/x"),
    ] {
        assert_eq!(tree.place(Path::new(path)), Path::new(place), "{path}");
    }
}

/// As many links as the kernel follows, and no more.
#[test]
fn chains_of_links_have_an_end() {
    let names: Vec<String> = (0..=41).map(|i| format!("/{i}")).collect();
    let mut all: Vec<(&str, Meta)> = names.windows(2).map(|pair| (pair[0].as_str(), link(&pair[1]))).collect();
    all.push((&names[41], meta(0o644, 0, 0, false)));
    let tree = tree(&all);
    assert!(tree.look_up(Path::new("/1")).is_some());
    assert!(tree.look_up(Path::new("/0")).is_none());
}

#[test]
fn who_may_write() {
    const OWNER: (u64, u64) = (10, 20);
    // Mode, user and group, and whether it may write to a file and make files in a folder.
    for (mode, (uid, gid), file, folder) in [
        (0o000, (0, 0), true, true),
        (0o700, (10, 99), true, true),
        (0o600, (10, 99), true, false),
        (0o500, (10, 20), false, false),
        (0o077, (10, 20), false, false),
        (0o070, (99, 20), true, true),
        (0o020, (99, 20), true, false),
        (0o707, (99, 20), false, false),
        (0o007, (99, 99), true, true),
        (0o770, (99, 99), false, false),
        (0o1777, (99, 99), true, true),
        (0o7000, (99, 99), false, false),
    ] {
        let lets = |is_folder| meta(mode, OWNER.0, OWNER.1, is_folder).lets_write(uid, gid);
        assert_eq!((lets(false), lets(true)), (file, folder), "{mode:o} for {uid}:{gid}");
    }
}

#[test]
fn folders_that_a_user_may_make_files_in() {
    let tree = tree(&[
        ("/data", meta(0o750, 1000, 1000, true)),
        ("/data-other", meta(0o755, 0, 0, true)),
        ("/data/below", meta(0o777, 0, 0, true)),
        ("/data/file", meta(0o666, 0, 0, false)),
        ("/shared", meta(0o775, 0, 1000, true)),
        ("/srv", meta(0o755, 0, 0, true)),
        ("/srv/own", meta(0o700, 1000, 0, true)),
        ("/tmp", meta(0o1777, 0, 0, true)),
        ("/tmp2", link("tmp")),
    ]);
    let writable = |uid, gid| tree.writable(uid, gid).iter().map(|p| p.display().to_string()).collect::<Vec<_>>();
    assert_eq!(writable(1000, 1000), ["/data", "/shared", "/srv/own", "/tmp"]);
    assert_eq!(writable(1, 1), ["/data/below", "/tmp"]);
    assert_eq!(writable(0, 0), ["/data", "/data-other", "/shared", "/srv", "/tmp"]);
}
