//! A folder for one test: an image's layout, the place where it is unpacked, and things around that nobody may touch.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use akbuild_image::{Descriptor, ImageError, Layout, MEDIA_CONFIG, MEDIA_MANIFEST, Unpacked, unpack};
use akbuild_nar::Digest;
use akbuild_tree::{TreeDir, TreeFile};
use serde_json::{Value, json};
use tempfile::TempDir;

const WITNESS: &str = "nobody may change this";
const TAR: &str = "application/vnd.oci.image.layer.v1.tar";

pub(crate) struct World {
    folder: TempDir,
}

/// A layer as an image has it: the blob, and the digest of its archive.
pub(crate) struct Blob(pub(crate) Vec<u8>, pub(crate) Digest);

impl Blob {
    /// An archive, not compressed.
    pub(crate) fn plain(tar: &[u8]) -> Self {
        Self(tar.to_vec(), Digest::sha256(tar))
    }
}

impl World {
    pub(crate) fn new() -> Self {
        let world = Self { folder: tempfile::tempdir().unwrap() };
        for folder in ["layout/blobs/sha256", "around/root", "around/sentinel"] {
            fs::create_dir_all(world.path(folder)).unwrap();
        }
        for file in ["witness", "around/witness", "around/sentinel/witness"] {
            fs::write(world.path(file), WITNESS).unwrap();
        }
        world
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Where images are unpacked.
    pub(crate) fn root(&self) -> PathBuf {
        self.path("around/root")
    }

    /// Writes a blob of the layout.
    pub(crate) fn blob(&self, media_type: &str, bytes: &[u8]) -> Descriptor {
        let descriptor = Descriptor::of(media_type, bytes);
        fs::write(self.path("layout/blobs/sha256").join(descriptor.digest.hex()), bytes).unwrap();
        descriptor
    }

    /// Writes an image of these layers; gives its manifest.
    pub(crate) fn image(&self, layers: &[Blob]) -> Value {
        let diff_ids: Vec<String> = layers.iter().map(|Blob(_, id)| format!("sha256:{}", id.hex())).collect();
        let config =
            json!({"architecture": "amd64", "os": "linux", "rootfs": {"type": "layers", "diff_ids": diff_ids}});
        let config = self.blob(MEDIA_CONFIG, config.to_string().as_bytes());
        let layers: Vec<Descriptor> = layers.iter().map(|Blob(bytes, _)| self.blob(TAR, bytes)).collect();
        json!({"schemaVersion": 2, "mediaType": MEDIA_MANIFEST, "config": config, "layers": layers})
    }

    /// Writes the manifest, and an index of only that.
    pub(crate) fn publish(&self, manifest: &Value) {
        let manifest = self.blob(MEDIA_MANIFEST, manifest.to_string().as_bytes());
        self.index(&json!({"schemaVersion": 2, "manifests": [manifest]}).to_string());
    }

    pub(crate) fn index(&self, text: &str) {
        fs::write(self.path("layout/index.json"), text).unwrap();
    }

    /// The image of the layout.
    pub(crate) fn open(&self) -> Result<Layout, ImageError> {
        Layout::open(&self.path("layout"))
    }

    /// Unpacks an image of these layers, and looks whether anything else has changed.
    pub(crate) fn unpack_blobs(&self, layers: &[Blob]) -> Result<Unpacked, ImageError> {
        self.publish(&self.image(layers));
        let unpacked = unpack(&self.open().unwrap(), &self.root());
        self.check();
        unpacked
    }

    /// The same with archives that are not compressed.
    pub(crate) fn unpack(&self, layers: &[Vec<u8>]) -> Result<Unpacked, ImageError> {
        self.unpack_blobs(&layers.iter().map(|tar| Blob::plain(tar)).collect::<Vec<_>>())
    }

    /// An error's text, without where this folder is.
    pub(crate) fn text(&self, error: &ImageError) -> String {
        error.to_string().replace(&self.folder.path().canonicalize().unwrap().display().to_string(), "[DIR]")
    }

    /// Panics if anything around the root is another than it was.
    fn check(&self) {
        assert_eq!(names(self.folder.path()), ["around", "layout", "witness"]);
        assert_eq!(names(&self.path("around")), ["root", "sentinel", "witness"]);
        assert_eq!(names(&self.path("around/sentinel")), ["witness"]);
        assert_eq!(names(&self.path("layout")), ["blobs", "index.json"]);
        for file in ["witness", "around/witness", "around/sentinel/witness"] {
            assert_eq!(fs::read_to_string(self.path(file)).unwrap(), WITNESS);
            let meta = fs::metadata(self.path(file)).unwrap();
            assert_eq!((meta.nlink(), meta.mode() & 0o111), (1, 0), "{file}");
        }
    }

    /// What was unpacked: kinds, modes, and contents or targets, one a line.
    pub(crate) fn list(&self) -> String {
        listing(&self.root()).join("\n")
    }
}

/// The names in a folder, sorted.
pub(crate) fn names(folder: &Path) -> Vec<String> {
    let names = fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name().to_string_lossy().into_owned());
    let mut names: Vec<String> = names.collect();
    names.sort();
    names
}

/// Each file, folder and link below a folder, sorted by path.
pub(crate) fn listing(root: &Path) -> Vec<String> {
    let (mut lines, mut folders) = (Vec::new(), vec![root.to_owned()]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(root).unwrap().display().to_string();
            let meta = fs::symlink_metadata(&path).unwrap();
            let mode = meta.permissions().mode() & 0o7777;
            lines.push(if meta.is_dir() {
                folders.push(path);
                format!("{name}/ {mode:o}")
            } else if meta.is_symlink() {
                format!("{name} -> {}", fs::read_link(&path).unwrap().display())
            } else {
                format!("{name} {mode:o} {}", String::from_utf8_lossy(&fs::read(&path).unwrap()))
            });
        }
    }
    lines.sort();
    lines
}

/// A small disk, as long as this lives.
pub(crate) struct Disk(TempDir);

impl Disk {
    /// `None`: only root may mount, and not everywhere.
    pub(crate) fn new(bytes: u64) -> Option<Self> {
        if !rustix::process::geteuid().is_root() {
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        let size = std::ffi::CString::new(format!("size={bytes}")).unwrap();
        let mounted = rustix::mount::mount("none", folder.path(), "tmpfs", rustix::mount::MountFlags::empty(), &*size);
        assert!(mounted.is_ok() || std::env::var_os("CI").is_none(), "CI has to be allowed to mount");
        mounted.ok().map(|()| Self(folder))
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        rustix::mount::unmount(self.0.path(), rustix::mount::UnmountFlags::DETACH).unwrap();
    }
}

/// A file of this machine as one of the tree that is its folder.
pub(crate) fn tree_file(path: &Path) -> TreeFile {
    let tree = TreeDir::open(path.parent().unwrap(), "the tree").unwrap();
    TreeFile::new(&Arc::new(tree), path.file_name().unwrap())
}
