//! Images are opened and their layers unpacked, and nothing outside is written.

use std::fs;
use std::io::sink;
use std::path::Path;

use akbuild_image::{Form, ImageError, Layout, MEDIA_CONFIG, MEDIA_MANIFEST, Unpacked, unpack, write_archive};
use akbuild_nar::Digest;
use tempfile::TempDir;

use super::described::{self, members};
use super::fence::Fence;
use super::texts;

/// The first letter says what follows: `d` descriptions of layers, cut at NUL, `m` a layer whose sums are made right;
/// anything else is the layer itself, perhaps compressed. What was unpacked is what is known of it.
pub fn layer(data: &[u8]) {
    let fence = Fence::new(data);
    let rest = data.get(1..).unwrap_or_default();
    let layers = match data.first() {
        Some(b'd') => rest.split(|b| *b == 0).map(|text| described::tar(&members(text, fence.outer()))).collect(),
        Some(b'm') => vec![described::mended(rest)],
        _ => vec![data.to_vec()],
    };
    let image = Image::new();
    let names: Vec<String> = layers.iter().map(|bytes| image.blob(bytes)).collect();
    let described: Vec<String> =
        names.iter().zip(&layers).map(|(name, bytes)| descriptor("tar", name, bytes.len())).collect();
    let config = format!(r#"{{"architecture":"amd64","rootfs":{{"diff_ids":["{}"]}}}}"#, names.join(r#"",""#));
    let config = descriptor(MEDIA_CONFIG, &image.blob(config.as_bytes()), config.len());
    image.index(&format!(r#"{{"config":{config},"layers":[{}]}}"#, described.join(",")));

    let layout = Layout::open(image.0.path()).expect("the documents are right");
    fs::create_dir(fence.tree()).expect("a folder");
    let unpacked = unpack(&layout, &fence.tree());
    fence.check(data);
    match unpacked {
        Ok(unpacked) => known(&unpacked, &fence.tree()),
        Err(error) => typed(&error),
    }
}

/// Index, manifest and configuration, cut at NUL. `MANIFEST` in the first and `CONFIG` in the second stand for the
/// digest of the next, `EMPTY` for that of no bytes.
pub fn layout(data: &[u8]) {
    let [index, manifest, config] = texts(data);
    let image = Image::new();
    let empty = image.blob(b"");
    let config = image.blob(config.replace("EMPTY", &empty).as_bytes());
    let manifest = image.blob(manifest.replace("CONFIG", &config).replace("EMPTY", &empty).as_bytes());
    fs::write(image.0.path().join("index.json"), index.replace("MANIFEST", &manifest)).expect("the index is written");
    let layout = match Layout::open(image.0.path()) {
        Ok(layout) => layout,
        Err(error) => return typed(&error),
    };
    assert_eq!(layout.layers.len(), layout.diff_ids.len());
    assert_eq!(layout.manifest.digest, Digest::sha256(&layout.manifest_bytes));
    assert!(layout.layers.iter().all(|layer| layout.size() >= layer.size));
    for form in [Form::Oci, Form::Docker] {
        write_archive(&layout, form, &["a:1".to_owned()], sink()).unwrap_or_else(|error| typed(&error));
    }
    let fence = Fence::new(b"");
    fs::create_dir(fence.tree()).expect("a folder");
    unpack(&layout, &fence.tree()).map(drop).unwrap_or_else(|error| typed(&error));
    fence.check(b"");
}

/// A layout.
struct Image(TempDir);

impl Image {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        fs::create_dir_all(folder.path().join("blobs/sha256")).expect("a folder");
        Self(folder)
    }

    /// Writes a blob; gives its digest.
    fn blob(&self, bytes: &[u8]) -> String {
        let hex = Digest::sha256(bytes).hex();
        fs::write(self.0.path().join("blobs/sha256").join(&hex), bytes).expect("the blob is written");
        format!("sha256:{hex}")
    }

    /// Writes a manifest, and an index of it.
    fn index(&self, manifest: &str) {
        let described = descriptor(MEDIA_MANIFEST, &self.blob(manifest.as_bytes()), manifest.len());
        let index = format!(r#"{{"manifests":[{described}]}}"#);
        fs::write(self.0.path().join("index.json"), index).expect("the index is written");
    }
}

fn descriptor(media_type: &str, digest: &str, size: usize) -> String {
    format!(r#"{{"mediaType":"{media_type}","digest":"{digest}","size":{size}}}"#)
}

/// Panics if something is on the disk that is not known, or the other way round.
fn known(unpacked: &Unpacked, root: &Path) {
    let (mut folders, mut found) = (vec![root.to_owned()], 0);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder of the tree") {
            let path = entry.expect("an entry").path();
            let kind = path.symlink_metadata().expect("an entry").file_type();
            let inside = Path::new("/").join(path.strip_prefix(root).expect("it is below"));
            let meta = unpacked.entries.get(&inside).unwrap_or_else(|| panic!("{} is not known", inside.display()));
            assert_eq!((meta.is_folder, meta.target.is_some()), (kind.is_dir(), kind.is_symlink()));
            unpacked.look_up(&inside);
            found += 1;
            if kind.is_dir() {
                folders.push(path);
            }
        }
    }
    assert_eq!(found, unpacked.entries.len());
}

/// This machine is well: an error is the image's fault, and says so.
fn typed(error: &ImageError) {
    let of_the_system = matches!(error, ImageError::Io { .. } | ImageError::Tree(_));
    assert!(error.to_string().lines().count() > 1 || of_the_system, "{error}");
}
