//! Modes are those of the layers, whatever the one who unpacks usually gives to files. A test program of its own: the
//! mask is that of a process.
#![allow(clippy::disallowed_methods, reason = "tests make the trees that they look at")]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use akbuild_image::{Contents, Entry, Layout, pack, unpack, write_layout};
use akbuild_recipe::plan::{Compression, ImageConfig};
use rustix::fs::Mode;

#[test]
fn a_mask_changes_no_mode() {
    let folder = tempfile::tempdir().unwrap();
    let (blob, layout, root) = (folder.path().join("blob"), folder.path().join("layout"), folder.path().join("root"));
    let mut contents = Contents::default();
    contents.add("a/b".as_ref(), Entry::Text { bytes: Vec::new(), exec: true }).unwrap();
    contents.folder("tmp".as_ref(), 0o1777).unwrap();
    let packed = pack(&contents, Compression::Gzip(1), 1, &blob).unwrap();
    let link = |_: usize, place: &Path| {
        fs::rename(&blob, place).unwrap();
        Ok::<_, akbuild_image::ImageError>(())
    };
    write_layout(&layout, &ImageConfig::default(), &[("one".into(), packed)], link).unwrap();
    fs::create_dir(&root).unwrap();
    rustix::process::umask(Mode::from_raw_mode(0o077));
    unpack(&Layout::open(&layout).unwrap(), &root).unwrap();
    let mode = |name: &str| fs::metadata(root.join(name)).unwrap().permissions().mode() & 0o7777;
    assert_eq!([mode("a"), mode("a/b"), mode("tmp")], [0o755, 0o755, 0o1777]);
}
