//! An image as a folder: the "image layout" of the specification. Knows its files; not how layers are made.
//!
//! ```text
//! oci-layout
//! index.json
//! blobs/sha256/HEX    layers, configuration, manifest
//! ```

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use akbuild_nar::{Algo, Digest};
use akbuild_recipe::plan::ImageConfig;
use akbuild_tree::{TreeDir, TreeFile};
use serde::Deserialize;

use crate::descriptor::{no_sha256, sha256};
use crate::document::{self, MEDIA_CONFIG, MEDIA_MANIFEST, PUSHED_AT};
use crate::error::Doing;
use crate::layer::Packed;
use crate::{Descriptor, ImageError, Platform};

/// The text of `oci-layout`.
pub(crate) const VERSION: &str = r#"{"imageLayoutVersion":"1.0.0"}"#;

/// The longest document of an image that is read. Those of images with thousands of layers have a tenth of this.
const LONGEST: u64 = 16 << 20;

/// An image in a folder. Whoever has made the folder, no link in it is followed.
#[derive(Clone, Debug)]
pub struct Layout {
    /// The folder.
    pub folder: PathBuf,
    tree: Arc<TreeDir>,
    /// Its manifest: its digest is the image's.
    pub manifest: Descriptor,
    /// The manifest's bytes.
    pub manifest_bytes: Vec<u8>,
    /// Its configuration.
    pub config: Descriptor,
    /// Its layers, the lowest first.
    pub layers: Vec<Descriptor>,
    /// Digests of the layers' archives, in the same order.
    pub diff_ids: Vec<Digest>,
    /// How it is run, as far as akbuild does so.
    pub run: Run,
}

/// The part of a configuration that says how an image is run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
#[allow(missing_docs, reason = "the fields are those of the specification")]
pub struct Run {
    pub user: String,
    pub env: Option<Vec<String>>,
    pub entrypoint: Option<Vec<String>>,
    pub cmd: Option<Vec<String>>,
    pub working_dir: String,
    pub stop_signal: String,
}

/// Writes the layout of an image into the empty folder `folder`. Layers come there through `link`, which is given the
/// number of a layer and its place.
#[allow(clippy::disallowed_methods, reason = "the folder is a scratch folder that akbuild alone writes")]
pub fn write_layout<E: From<ImageError>>(
    folder: &Path,
    config: &ImageConfig,
    layers: &[(String, Packed)],
    mut link: impl FnMut(usize, &Path) -> Result<(), E>,
) -> Result<Descriptor, E> {
    let blobs = folder.join("blobs/sha256");
    fs::create_dir_all(&blobs).doing("make", &blobs)?;
    for (i, (_, layer)) in layers.iter().enumerate() {
        let place = blobs.join(layer.digest.hex());
        // Two layers that are equal share a blob.
        if !place.exists() {
            link(i, &place)?;
        }
    }
    let write = |path: PathBuf, bytes: &[u8]| fs::write(&path, bytes).doing("write", path);
    let blob = |media_type: &str, bytes: &[u8]| {
        let descriptor = Descriptor::of(media_type, bytes);
        write(blobs.join(descriptor.digest.hex()), bytes)?;
        Ok::<_, ImageError>(descriptor)
    };
    let described = blob(MEDIA_CONFIG, &document::config(config, layers))?;
    let platform = Some(Platform::new("linux", &config.architecture));
    let manifest = Descriptor { platform, ..blob(MEDIA_MANIFEST, &document::manifest(&described, layers))? };
    for (name, bytes) in layout_files(&manifest) {
        write(folder.join(name), &bytes)?;
    }
    Ok(manifest)
}

/// The files that make a layout of a folder with an image's blobs, and their names: to be written last, in this order.
pub fn layout_files(manifest: &Descriptor) -> [(&'static str, Vec<u8>); 2] {
    [("oci-layout", VERSION.as_bytes().to_vec()), ("index.json", document::index(std::slice::from_ref(manifest)))]
}

/// Where a layout has a blob.
pub fn blob_path(folder: &Path, digest: &Digest) -> PathBuf {
    folder.join(blob_in_layout(digest))
}

/// The same, relative to the layout.
pub fn blob_in_layout(digest: &Digest) -> PathBuf {
    Path::new("blobs").join(digest.algo().name()).join(digest.hex())
}

#[derive(Deserialize)]
struct Index {
    manifests: Vec<Descriptor>,
}

#[derive(Deserialize)]
struct Manifest {
    config: Descriptor,
    layers: Vec<Descriptor>,
}

#[derive(Deserialize)]
struct Config {
    #[serde(default)]
    config: Option<Run>,
    rootfs: Rootfs,
}

#[derive(Deserialize)]
struct Rootfs {
    diff_ids: Vec<String>,
}

impl Layout {
    /// Reads the image of a layout that has exactly one.
    ///
    /// # Errors
    /// [`ImageError::Document`] for a folder that is no layout, or has several images; [`ImageError::Tree`] for a folder
    /// that is a symbolic link, or has one in the place of a file.
    pub fn open(folder: &Path) -> Result<Self, ImageError> {
        let tree = Arc::new(TreeDir::open(folder, format!("the image layout `{}`", folder.display()))?);
        let path = folder.join("index.json");
        let mut index: Index = read(&tree, "index.json".as_ref(), "image index")?.0;
        // One image may be there under several names.
        index.manifests.dedup_by_key(|manifest| manifest.digest);
        let wrong = |path: &Path, what, problem: &str| ImageError::Document {
            path: path.to_owned(),
            what,
            problem: problem.to_owned(),
        };
        let [manifest] = <[Descriptor; 1]>::try_from(index.manifests)
            .map_err(|all| wrong(&path, "index of one image", &format!("it has {}", all.len())))?;
        // The references that it has here are none of the image's own.
        let manifest = Descriptor { annotations: BTreeMap::new(), ..manifest };
        let path = blob_path(folder, &manifest.digest);
        let (found, manifest_bytes): (Manifest, _) = read(&tree, &blob_in_layout(&manifest.digest), "image manifest")?;
        let all = [&manifest, &found.config].into_iter().chain(&found.layers);
        if let Some(other) = all.map(|blob| blob.digest).find(|digest| digest.algo() != Algo::Sha256) {
            return Err(wrong(&path, "image manifest", &no_sha256(&other.oci())));
        }
        if Digest::sha256(&manifest_bytes) != manifest.digest {
            return Err(wrong(&path, "image manifest", "its bytes have another digest than its name"));
        }
        let path = blob_path(folder, &found.config.digest);
        let (config, bytes): (Config, _) = read(&tree, &blob_in_layout(&found.config.digest), "image configuration")?;
        if Digest::sha256(&bytes) != found.config.digest {
            return Err(wrong(&path, "image configuration", "its bytes have another digest than its name"));
        }
        let diff_ids: Option<Vec<Digest>> = config.rootfs.diff_ids.iter().map(|id| sha256(id)).collect();
        let diff_ids = diff_ids.filter(|ids| ids.len() == found.layers.len());
        let diff_ids = diff_ids.ok_or_else(|| {
            wrong(&path, "configuration of this image", "its `diff_ids` are not one SHA-256 for each layer")
        })?;
        Ok(Self {
            folder: folder.to_owned(),
            tree,
            manifest,
            manifest_bytes,
            config: found.config,
            layers: found.layers,
            diff_ids,
            run: config.config.unwrap_or_default(),
        })
    }

    /// The bytes of an `index.json` with the references that the image has there, `NAME:TAG`.
    pub fn index(&self, names: &[String]) -> Vec<u8> {
        let named = |name: &String| {
            // What containerd looks at wants the whole of it.
            let all = [(PUSHED_AT, tag(name)), ("io.containerd.image.name", name)];
            let annotations = all.map(|(key, value)| (key.to_owned(), value.to_owned())).into();
            Descriptor { annotations, ..self.manifest.clone() }
        };
        let manifests: Vec<Descriptor> = names.iter().map(named).collect();
        document::index(if manifests.is_empty() { std::slice::from_ref(&self.manifest) } else { &manifests })
    }

    /// Where a blob is, for messages.
    pub fn blob(&self, digest: &Digest) -> PathBuf {
        blob_path(&self.folder, digest)
    }

    /// A blob, to be opened later.
    pub fn blob_file(&self, digest: &Digest) -> TreeFile {
        TreeFile::new(&self.tree, blob_in_layout(digest))
    }

    /// Opens a blob.
    pub fn open_blob(&self, digest: &Digest) -> Result<File, ImageError> {
        Ok(self.tree.file(blob_in_layout(digest))?)
    }

    /// The bytes of a blob that is a document.
    pub(crate) fn document(&self, digest: &Digest) -> Result<Vec<u8>, ImageError> {
        Ok(self.tree.read_at_most(blob_in_layout(digest), LONGEST)?)
    }

    /// Bytes of all layers together, as they are pushed.
    pub fn size(&self) -> u64 {
        self.layers.iter().fold(0, |sum, layer| sum.saturating_add(layer.size))
    }
}

fn read<T: for<'de> Deserialize<'de>>(
    tree: &TreeDir,
    path: &Path,
    what: &'static str,
) -> Result<(T, Vec<u8>), ImageError> {
    let bytes = tree.read_at_most(path, LONGEST)?;
    let wrong =
        |e: serde_json::Error| ImageError::Document { path: tree.top().join(path), what, problem: e.to_string() };
    Ok((serde_json::from_slice(&bytes).map_err(wrong)?, bytes))
}

/// The tag of a reference; a colon may also stand before a port.
fn tag(name: &str) -> &str {
    let last = name.rsplit('/').next().unwrap_or(name);
    last.rsplit_once(':').map_or(name, |(_, tag)| tag)
}
