//! What is known of a packed layer, written down and read again.

use std::ffi::OsStr;
use std::fs;
use std::path::Path;

use akbuild_image::{CONTENTS, Contents, Entry, Packed, RECORD, blob_name, pack};
use akbuild_nar::Digest;
use akbuild_recipe::plan::Compression;
use tempfile::TempDir;

fn packed(compression: Compression) -> (TempDir, Packed, Contents) {
    let folder = tempfile::tempdir().unwrap();
    let mut contents = Contents::default();
    contents.add(OsStr::new("etc/conf"), Entry::Text { bytes: b"a = 1\n".to_vec(), exec: false }).unwrap();
    contents.add(OsStr::new("start"), Entry::Text { bytes: b"#!/bin/sh\n".to_vec(), exec: true }).unwrap();
    contents.add(OsStr::new("lib"), Entry::Link("usr/lib".into())).unwrap();
    contents.folder(OsStr::new("tmp"), 0o1777).unwrap();
    contents.folder(OsStr::new("root"), 0o700).unwrap();
    let packed = pack(&contents, compression, 1, &folder.path().join(blob_name(compression))).unwrap();
    packed.write(folder.path(), &contents).unwrap();
    (folder, packed, contents)
}

#[test]
fn what_is_written_is_read() {
    for compression in [Compression::Zstd(3), Compression::Gzip(6)] {
        let (folder, packed, contents) = packed(compression);
        assert_eq!(Packed::read(folder.path()).unwrap(), packed);
        assert_eq!(Packed::contents(folder.path()).unwrap().entries.len(), contents.len());
        let bytes = fs::read(folder.path().join(blob_name(compression))).unwrap();
        assert_eq!(packed.descriptor().digest, Digest::sha256(&bytes));
    }
    let (folder, packed, _) = packed(Compression::Zstd(3));
    // Libraries decide these two.
    let size = format!("\"size\": {},", packed.size);
    let record = fs::read_to_string(folder.path().join(RECORD)).unwrap();
    insta::assert_snapshot!(record.replace(&packed.digest.hex(), "[HEX]").replace(&size, "\"size\": [SIZE],"), @r#"
    {
      "schema": 1,
      "compression": "zstd",
      "digest": "sha256:[HEX]",
      "size": [SIZE],
      "diff_id": "sha256:ded0e91c10613f6c4089849954187de7be6e0255a12654c60bea26eb8c8b2281",
      "diff_size": 5120
    }
    "#);
    insta::assert_snapshot!(fs::read_to_string(folder.path().join(CONTENTS)).unwrap(), @"
    d etc
    f 6 cb78bd8a17f7b751fe0d4663366dcbc257204033ef7ddd64b1f2969573b5b2e2 etc/conf
    l usr/lib lib
    d root
    x 10 a8076d3d28d21e02012b20eaf7dbf75409a6277134439025f282e368e3305abf start
    d tmp
    ");
    assert_eq!(packed.descriptor().media_type, "application/vnd.oci.image.layer.v1.tar+zstd");
}

/// The error of a record that was changed.
fn changed(folder: &Path, from: &str, to: &str) -> String {
    let path = folder.join(RECORD);
    let record = fs::read_to_string(&path).unwrap();
    assert_eq!(record.matches(from).count(), 1, "{from}");
    fs::write(&path, record.replace(from, to)).unwrap();
    let error = Packed::read(folder).unwrap_err().to_string();
    fs::write(&path, record).unwrap();
    error.replace(&folder.display().to_string(), "[DIR]")
}

#[test]
fn records_that_are_none() {
    let (folder, packed, _) = packed(Compression::Gzip(6));
    let changed = |from: &str, to: &str| changed(folder.path(), from, to);
    insta::assert_snapshot!(changed("\"schema\": 1", "\"schema\": 2"), @"
    `[DIR]/layer.json` does not describe a layer: its schema is 2, and 1 is known
      help: `akbuild cache verify --repair`
    ");
    let first = |text: String| text.lines().next().unwrap().to_owned();
    let all = [
        first(changed("\"schema\": 1,", "")),
        first(changed("gzip", "xz")),
        first(changed(&format!("sha256:{}", packed.digest.hex()), "sha256:00")),
        first(changed(&format!("sha256:{}", packed.diff_id.hex()), &packed.diff_id.hex())),
        first(changed(&packed.diff_size.to_string(), "-1")),
        first(changed("\n}", "")),
    ];
    insta::assert_snapshot!(all.join("\n"), @"
    `[DIR]/layer.json` does not describe a layer: missing field `schema` at line 8 column 1
    `[DIR]/layer.json` does not describe a layer: unknown variant `xz`, expected `zstd` or `gzip` at line 3 column 21
    `[DIR]/layer.json` does not describe a layer: `sha256:00` is no digest
    `[DIR]/layer.json` does not describe a layer: `ded0e91c10613f6c4089849954187de7be6e0255a12654c60bea26eb8c8b2281` is no digest
    `[DIR]/layer.json` does not describe a layer: invalid value: integer `-1`, expected u64 at line 7 column 17
    `[DIR]/layer.json` does not describe a layer: EOF while parsing an object at line 8 column 0
    ");

    let error =
        |error: akbuild_image::ImageError| error.to_string().replace(&folder.path().display().to_string(), "[DIR]");
    fs::write(folder.path().join(CONTENTS), "d tmp\nd etc\n").unwrap();
    insta::assert_snapshot!(error(Packed::contents(folder.path()).unwrap_err()), @"
    `[DIR]/contents` does not describe a layer: line 2 of the listing: its path does not sort after the one before; delete the listing, it is made again from its tree
      help: `akbuild cache verify --repair`
    ");
    fs::remove_file(folder.path().join(CONTENTS)).unwrap();
    fs::remove_file(folder.path().join(RECORD)).unwrap();
    insta::assert_snapshot!(error(Packed::contents(folder.path()).unwrap_err()), @"cannot open `contents` of the layer in `[DIR]`: No such file or directory (os error 2)");
    insta::assert_snapshot!(error(Packed::read(folder.path()).unwrap_err()), @"cannot open `layer.json` of the layer in `[DIR]`: No such file or directory (os error 2)");
    insta::assert_snapshot!(error(packed.write(&folder.path().join("none"), &Contents::default()).unwrap_err()), @"cannot write `[DIR]/none/layer.json`: No such file or directory (os error 2)");
}
