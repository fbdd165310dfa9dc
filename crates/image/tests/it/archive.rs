//! Images as one file, in both forms.

use std::fs;
use std::io::{self, Read, Write};
use std::path::Path;

use akbuild_image::{Contents, Entry, Form, ImageError, Layout, pack, write_archive, write_layout};
use akbuild_nar::Digest;
use akbuild_recipe::plan::{Compression, ImageConfig};
use serde_json::Value;
use tempfile::TempDir;

const NAMES: [&str; 2] = ["registry.example:5000/demo/tiny:1.0", "localhost:5000/tiny"];

/// An image of three layers, of which two are the same.
fn image() -> (TempDir, Layout) {
    let folder = tempfile::tempdir().unwrap();
    let mut layers = Vec::new();
    for (i, (text, compression)) in
        [("one", Compression::Gzip(6)), ("two", Compression::Zstd(3)), ("one", Compression::Gzip(6))]
            .into_iter()
            .enumerate()
    {
        let mut contents = Contents::default();
        contents.add("etc/text".as_ref(), Entry::Text { bytes: text.into(), exec: false }).unwrap();
        let packed = pack(&contents, compression, 1, &folder.path().join(i.to_string())).unwrap();
        layers.push((text.to_owned(), packed));
    }
    let config = ImageConfig { architecture: "amd64".into(), user: "1000".into(), ..ImageConfig::default() };
    let link = |i: usize, place: &Path| {
        fs::copy(folder.path().join(i.to_string()), place).unwrap();
        Ok::<_, akbuild_image::ImageError>(())
    };
    write_layout(&folder.path().join("layout"), &config, &layers, link).unwrap();
    let layout = Layout::open(&folder.path().join("layout")).unwrap();
    (folder, layout)
}

fn archive(layout: &Layout, form: Form, names: &[&str]) -> Vec<u8> {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let mut out = Vec::new();
    write_archive(layout, form, &names, &mut out).unwrap();
    out
}

/// Path, kind, mode and bytes of each member, in their order.
fn members(tar: &[u8]) -> Vec<(String, String, Vec<u8>)> {
    let mut archive = tar::Archive::new(tar);
    let members = archive.entries().unwrap().map(|entry| {
        let mut entry = entry.unwrap();
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).unwrap();
        let header = entry.header();
        assert_eq!((header.uid().unwrap(), header.gid().unwrap(), header.mtime().unwrap()), (0, 0, 1));
        let kind = format!("{:?} {:o}", header.entry_type(), header.mode().unwrap());
        (entry.path().unwrap().display().to_string(), kind, bytes)
    });
    members.collect()
}

fn document(members: &[(String, String, Vec<u8>)], name: &str) -> Value {
    let (_, _, bytes) = members.iter().find(|(path, ..)| path == name).unwrap();
    serde_json::from_slice(bytes).unwrap()
}

#[test]
fn the_layout_in_an_archive() {
    let (folder, layout) = image();
    let members = members(&archive(&layout, Form::Oci, &NAMES));
    let shown: Vec<String> = members.iter().map(|(path, kind, _)| format!("{kind} {path}")).collect();
    assert_eq!(shown[..2], ["Directory 755 blobs/", "Directory 755 blobs/sha256/"]);
    assert_eq!(shown[6..], ["Regular 644 index.json", "Regular 644 oci-layout"]);
    let blobs: Vec<&str> = members[2..6].iter().map(|(path, ..)| path.strip_prefix("blobs/sha256/").unwrap()).collect();
    assert!(blobs.is_sorted());
    for (path, kind, bytes) in &members[2..6] {
        assert_eq!(
            (kind.as_str(), *path == format!("blobs/sha256/{}", Digest::sha256(bytes).hex())),
            ("Regular 644", true)
        );
        assert_eq!(*bytes, fs::read(layout.folder.join(path)).unwrap());
    }
    let index = document(&members, "index.json");
    assert_eq!(members[6].2, layout.index(&NAMES.map(str::to_owned)));
    let text = serde_json::to_string_pretty(&index).unwrap();
    let text = text.replace(&layout.manifest.name(), "[DIGEST]").replace(&layout.manifest.size.to_string(), "[SIZE]");
    insta::assert_snapshot!(text, @r#"
    {
      "schemaVersion": 2,
      "mediaType": "application/vnd.oci.image.index.v1+json",
      "manifests": [
        {
          "mediaType": "application/vnd.oci.image.manifest.v1+json",
          "digest": "[DIGEST]",
          "size": [SIZE],
          "platform": {
            "architecture": "amd64",
            "os": "linux"
          },
          "annotations": {
            "io.containerd.image.name": "registry.example:5000/demo/tiny:1.0",
            "org.opencontainers.image.ref.name": "1.0"
          }
        },
        {
          "mediaType": "application/vnd.oci.image.manifest.v1+json",
          "digest": "[DIGEST]",
          "size": [SIZE],
          "platform": {
            "architecture": "amd64",
            "os": "linux"
          },
          "annotations": {
            "io.containerd.image.name": "localhost:5000/tiny",
            "org.opencontainers.image.ref.name": "localhost:5000/tiny"
          }
        }
      ]
    }
    "#);
    assert_eq!(members[7].2, fs::read(layout.folder.join("oci-layout")).unwrap());
    drop(folder);
}

#[test]
fn what_docker_load_takes() {
    let (_folder, layout) = image();
    let members = members(&archive(&layout, Form::Docker, &NAMES));
    let manifest = document(&members, "manifest.json");
    let one = format!("{}.tar", layout.diff_ids[0].hex());
    let two = format!("{}.tar", layout.diff_ids[1].hex());
    let config = format!("{}.json", layout.config.digest.hex());
    assert_eq!(manifest, serde_json::json!([{"Config": config, "RepoTags": NAMES, "Layers": [one, two, one]}]));
    let shown: Vec<String> = members.iter().map(|(path, kind, _)| format!("{kind} {path}")).collect();
    let regular = |name: &str| format!("Regular 644 {name}");
    assert_eq!(shown, [regular(&one), regular(&two), regular(&config), regular("manifest.json")]);
    for (path, _, bytes) in &members[..3] {
        assert_eq!(Digest::sha256(bytes).hex(), path[..64], "each is named by its own digest");
    }
}

#[test]
fn the_same_archive_each_time() {
    let ((_a, one), (_b, two)) = (image(), image());
    for form in [Form::Oci, Form::Docker] {
        assert!(archive(&one, form, &NAMES) == archive(&two, form, &NAMES), "{form:?}");
        assert!(archive(&one, form, &[]) != archive(&one, form, &NAMES), "{form:?}");
    }
    let index = document(&members(&archive(&one, Form::Oci, &[])), "index.json");
    let own: Value = serde_json::from_slice(&fs::read(one.folder.join("index.json")).unwrap()).unwrap();
    assert_eq!(index, own, "without names it is that of the layout");
}

/// The error of an image whose first layer has become this.
fn changed(form: Form, change: impl Fn(Vec<u8>) -> Vec<u8>) -> ImageError {
    let (_folder, layout) = image();
    let path = layout.blob(&layout.layers[0].digest);
    fs::write(&path, change(fs::read(&path).unwrap())).unwrap();
    write_archive(&layout, form, &[], io::sink()).unwrap_err()
}

/// An error's text, without names that libraries decide.
fn text(error: &ImageError) -> String {
    let (_folder, layout) = image();
    let text = error.to_string();
    let text = text.replace(&layout.layers[0].digest.hex(), "[HEX]");
    let size = layout.layers[0].size;
    let text =
        text.replace(&format!("had {size} B"), "had [SIZE]").replace(&format!("has {} B", size - 10), "has [10 LESS]");
    let text = text.replace(&format!("has {} B", size + 1000), "has [1000 MORE]");
    match text.split_once("/layout/") {
        Some((before, after)) => format!("{}`[DIR]/{after}", &before[..before.find('`').unwrap()]),
        None => text,
    }
}

#[test]
fn blobs_that_have_changed() {
    let shorter = |bytes: Vec<u8>| bytes[..bytes.len() - 10].to_vec();
    let longer = |bytes: Vec<u8>| [&bytes[..], &[0; 1000]].concat();
    insta::assert_snapshot!(text(&changed(Form::Oci, shorter)), @"
    `[DIR]/blobs/sha256/[HEX]` has [10 LESS], and had [SIZE]
      help: find what is damaged with `akbuild cache verify`
    ");
    insta::assert_snapshot!(text(&changed(Form::Oci, longer)), @"
    `[DIR]/blobs/sha256/[HEX]` has [1000 MORE], and had [SIZE]
      help: find what is damaged with `akbuild cache verify`
    ");
    // The system, of a form of gzip that nobody knows.
    let other = |mut bytes: Vec<u8>| {
        bytes[9] ^= 1;
        bytes
    };
    insta::assert_snapshot!(text(&changed(Form::Oci, other)), @"
    blob sha256:[HEX] of the image has other bytes than its digest says
      help: run `akbuild cache verify --repair` if akbuild has made it; fetch any other image again
    ");
    insta::assert_snapshot!(text(&changed(Form::Docker, shorter)), @"cannot read `[DIR]/blobs/sha256/[HEX]`: incomplete deflate stream");
    insta::assert_snapshot!(text(&changed(Form::Docker, |_| vec![0; 1024])), @"
    layer sha256:[HEX] of the image has another `diff_id` than the image's configuration says
      help: run `akbuild cache verify --repair` if akbuild has made it; fetch any other image again
    ");
    assert!(matches!(changed(Form::Docker, |_| Vec::new()), ImageError::DiffId { .. }));
}

#[test]
fn blobs_that_are_gone() {
    for form in [Form::Oci, Form::Docker] {
        let (_folder, layout) = image();
        fs::remove_file(layout.blob(&layout.layers[1].digest)).unwrap();
        let error = write_archive(&layout, form, &[], io::sink()).unwrap_err();
        assert!(matches!(&error, ImageError::Tree(error) if error.is_not_found()), "{error}");
    }
}

/// Takes so many bytes.
struct Full(usize);

impl Write for Full {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 = self.0.checked_sub(bytes.len()).ok_or(io::ErrorKind::StorageFull)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Err(io::ErrorKind::BrokenPipe.into())
    }
}

#[test]
fn nowhere_to_write_to() {
    let (_folder, layout) = image();
    for form in [Form::Oci, Form::Docker] {
        let length = archive(&layout, form, &[]).len();
        for room in [0, 512, 1500, length - 1] {
            let error = write_archive(&layout, form, &[], Full(room)).unwrap_err().to_string();
            assert_eq!(error, "cannot write `the archive`: no storage space", "{form:?} {room}");
        }
        let error = write_archive(&layout, form, &[], Full(length)).unwrap_err().to_string();
        assert_eq!(error, "cannot write `the archive`: broken pipe", "the last bytes are waited for");
    }
}
