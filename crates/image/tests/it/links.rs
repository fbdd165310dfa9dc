//! Links and pipes that somebody else has put into a tree or a layout: they are refused, and nothing of what they lead to
//! is in what is made.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use akbuild_image::{Contents, Entry, Form, ImageError, Layout, Packed, RECORD, pack, unpack, write_archive};
use akbuild_recipe::plan::Compression;
use akbuild_tree::TreeError;
use rustix::fs::{CWD, FileType, mknodat};

use crate::tarball::{FILE, tarball};
use crate::world::{Blob, World, names, tree_file};

const CANARY: &str = "the text of a file of the host";

/// A file of the host, and the ways to it that a folder at `top/inside` could have.
struct Host {
    top: PathBuf,
}

impl Host {
    fn new(top: &Path) -> Self {
        fs::create_dir_all(top.join("host")).unwrap();
        fs::write(top.join("host/secret"), CANARY).unwrap();
        Self { top: top.to_owned() }
    }

    /// Puts something in the place of a file.
    fn plant(&self, what: &str, at: &Path) {
        fs::remove_file(at).unwrap();
        match what {
            "pipe" => mknodat(CWD, at, FileType::Fifo, 0o644.into(), 0).unwrap(),
            "dangling" => symlink(self.top.join("host/none"), at).unwrap(),
            "absolute" => symlink(self.top.join("host/secret"), at).unwrap(),
            "climbing" => {
                let up = at.strip_prefix(&self.top).unwrap().components().skip(1).map(|_| "../").collect::<String>();
                symlink(format!("{up}host/secret"), at).unwrap();
            }
            _ => unreachable!(),
        }
    }

    fn is_unchanged(&self) {
        assert_eq!(names(&self.top.join("host")), ["secret"]);
        assert_eq!(fs::read_to_string(self.top.join("host/secret")).unwrap(), CANARY);
    }
}

const PLANTED: [&str; 4] = ["absolute", "climbing", "dangling", "pipe"];

fn is_refused(error: &ImageError) -> bool {
    matches!(error, ImageError::Tree(TreeError::Link { .. } | TreeError::Kind { .. }))
}

/// The error of packing a file whose place something else has taken since it was listed.
fn packed(host: &Host) -> ImageError {
    let (mut contents, out) = (Contents::default(), host.top.join("out"));
    let from = tree_file(&host.top.join("tree/file"));
    let size = CANARY.len() as u64;
    contents.add("file".as_ref(), Entry::File { from, size, digest: [0; 32], exec: false }).unwrap();
    let error = pack(&contents, Compression::Gzip(0), 1, &out).unwrap_err();
    assert!(!out.exists());
    host.is_unchanged();
    error
}

#[test]
fn a_layer_has_nothing_that_a_planted_link_leads_to() {
    for what in PLANTED {
        let folder = tempfile::tempdir().unwrap();
        let host = Host::new(folder.path());
        fs::create_dir(folder.path().join("tree")).unwrap();
        fs::write(folder.path().join("tree/file"), CANARY).unwrap();
        host.plant(what, &folder.path().join("tree/file"));
        let error = packed(&host);
        assert!(is_refused(&error), "{what}: {error}");
    }
}

#[test]
fn a_layer_has_nothing_from_behind_a_link_in_the_middle() {
    let folder = tempfile::tempdir().unwrap();
    let host = Host::new(folder.path());
    fs::create_dir(folder.path().join("tree")).unwrap();
    symlink(folder.path().join("host"), folder.path().join("tree/sub")).unwrap();
    let tree =
        std::sync::Arc::new(akbuild_tree::TreeDir::open(&folder.path().join("tree"), "the output of `web`").unwrap());
    let (mut contents, out) = (Contents::default(), folder.path().join("out"));
    let (from, size) = (akbuild_tree::TreeFile::new(&tree, "sub/secret"), CANARY.len() as u64);
    contents.add("file".as_ref(), Entry::File { from, size, digest: [0; 32], exec: false }).unwrap();
    let error = pack(&contents, Compression::Gzip(0), 1, &out).unwrap_err().to_string();
    insta::assert_snapshot!(error.replace(&folder.path().display().to_string(), "[DIR]"), @"
    `sub/secret` of the output of `web` leads through the symbolic link `sub` to `[DIR]/host`
      help: name a path without symbolic links, or have a real file or folder made there
    ");
    assert!(!out.exists());
    host.is_unchanged();
}

#[test]
fn a_record_of_a_layer_is_no_link() {
    for what in PLANTED {
        let folder = tempfile::tempdir().unwrap();
        let host = Host::new(folder.path());
        fs::create_dir(folder.path().join("layer")).unwrap();
        for name in [RECORD, akbuild_image::CONTENTS] {
            fs::write(folder.path().join("layer").join(name), "").unwrap();
            host.plant(what, &folder.path().join("layer").join(name));
        }
        for error in [
            Packed::read(&folder.path().join("layer")).unwrap_err(),
            Packed::contents(&folder.path().join("layer")).unwrap_err(),
        ] {
            assert!(is_refused(&error), "{what}: {error}");
            assert!(!error.to_string().contains(CANARY));
        }
        host.is_unchanged();
    }
}

/// A layout of one layer, beside a file of the host.
fn layout() -> (World, Host, Layout) {
    let world = World::new();
    world.publish(&world.image(&[Blob::plain(&tarball(&[("a", FILE, "text")]))]));
    let layout = world.open().unwrap();
    let host = Host::new(&world.path(""));
    (world, host, layout)
}

#[test]
fn documents_of_a_foreign_layout_are_no_links() {
    for what in PLANTED {
        for document in 0..3 {
            let (world, host, layout) = layout();
            let paths = [
                world.path("layout/index.json"),
                layout.blob(&layout.manifest.digest),
                layout.blob(&layout.config.digest),
            ];
            host.plant(what, &paths[document]);
            let error = world.open().unwrap_err();
            assert!(is_refused(&error), "{what}: {error}");
            assert!(!error.to_string().contains(CANARY));
            host.is_unchanged();
        }
    }
}

#[test]
fn layers_of_a_foreign_layout_are_no_links() {
    for what in PLANTED {
        let (world, host, layout) = layout();
        host.plant(what, &layout.blob(&layout.layers[0].digest));
        let mut archive = Vec::new();
        for error in [
            unpack(&layout, &world.root()).unwrap_err(),
            write_archive(&layout, Form::Oci, &[], &mut archive).unwrap_err(),
            write_archive(&layout, Form::Docker, &[], &mut archive).unwrap_err(),
        ] {
            assert!(is_refused(&error), "{what}: {error}");
        }
        assert!(!archive.windows(CANARY.len()).any(|part| part == CANARY.as_bytes()));
        assert_eq!(names(&world.root()), [""; 0]);
        host.is_unchanged();
    }
}

#[test]
fn a_layout_whose_blobs_are_elsewhere() {
    let (world, _host, _) = layout();
    fs::rename(world.path("layout/blobs"), world.path("host/blobs")).unwrap();
    symlink("../host/blobs", world.path("layout/blobs")).unwrap();
    let text = world.text(&world.open().unwrap_err());
    let hex = text.split("sha256/").nth(1).unwrap()[..64].to_owned();
    insta::assert_snapshot!(text.replace(&hex, "[HEX]"), @"
    `blobs/sha256/[HEX]` of the image layout `[DIR]/layout` leads through the symbolic link `blobs` to `../host/blobs`
      help: name a path without symbolic links, or have a real file or folder made there
    ");
}

#[test]
fn a_document_that_is_too_long_is_not_read() {
    let (world, _host, _) = layout();
    fs::File::create(world.path("layout/index.json")).unwrap().set_len(1 << 40).unwrap();
    insta::assert_snapshot!(world.text(&world.open().unwrap_err()), @"`index.json` of the image layout `[DIR]/layout` has 1099511627776 bytes, at most 16777216 are read");
}
