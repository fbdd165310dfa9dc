//! A sysroot is the same whatever the mask of the process is. A test program of its own, with one test: the mask is that of
//! the process.
#![allow(clippy::disallowed_methods, reason = "tests make the trees that they look at")]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use akbuild_fixtures::FakeDeb;
use akbuild_sysroot::{DebFile, UnpackOptions, bare, unpack};
use rustix::fs::Mode;

/// Path and mode of everything below a folder, sorted.
fn modes(top: &Path) -> Vec<(String, u32)> {
    let (mut found, mut left) = (Vec::new(), vec![top.to_owned()]);
    while let Some(folder) = left.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let meta = path.symlink_metadata().unwrap();
            found.push((path.strip_prefix(top).unwrap().display().to_string(), meta.permissions().mode()));
            if meta.is_dir() {
                left.push(path);
            }
        }
    }
    found.sort();
    found
}

fn unpacked(mask: u32) -> Vec<(String, u32)> {
    let folder = tempfile::tempdir().unwrap();
    let debs = [
        FakeDeb::new("dash", "1").dir("./usr/bin/").file("./usr/bin/dash", b"#!", 0o755).file("./etc/x/y", b"", 0o600),
        FakeDeb::new("base", "1").symlink("./bin", "usr/bin").symlink("./opt/deep/er/link", "/etc/x"),
        FakeDeb::new("gawk", "1")
            .file("./usr/bin/gawk", b"awk", 0o755)
            .script("postinst", "update-alternatives --install /usr/new/bin/awk awk /usr/bin/gawk 10\n"),
    ];
    let pins: Vec<_> = debs.iter().map(FakeDeb::pin).collect();
    let files: Vec<DebFile<'_>> = debs
        .iter()
        .zip(&pins)
        .enumerate()
        .map(|(n, (deb, pin))| {
            let path = folder.path().join(format!("{n}.deb"));
            fs::write(&path, deb.build()).unwrap();
            DebFile { pin, path }
        })
        .collect();
    let (root, empty) = (folder.path().join("root"), folder.path().join("bare"));
    fs::create_dir(&root).unwrap();
    fs::create_dir(&empty).unwrap();
    let before = rustix::process::umask(Mode::from_raw_mode(mask));
    let done = unpack(&files, &root, &UnpackOptions { threads: 2, slim: false, progress: &|_| {} });
    let also_done = bare(&empty, &[], "host\n");
    rustix::process::umask(before);
    done.unwrap();
    also_done.unwrap();
    [modes(&root), modes(&empty)].concat()
}

#[test]
fn a_mask_changes_no_mode() {
    let usual = unpacked(0o022);
    for mask in [0o077, 0o000, 0o027] {
        assert_eq!(unpacked(mask), usual, "{mask:o}");
    }
    let mode = |path: &str| usual.iter().find(|(name, _)| name == path).unwrap().1 & 0o7777;
    assert_eq!(
        [mode("usr/bin"), mode("usr/bin/dash"), mode("etc/x/y"), mode("etc/passwd")],
        [0o755, 0o755, 0o644, 0o644]
    );
}
