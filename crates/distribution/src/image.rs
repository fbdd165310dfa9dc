//! What is pushed: a manifest and the blobs that it names. Knows that they must fit together; not how they were
//! made or where they go.

use std::collections::BTreeSet;
use std::sync::Arc;

use akbuild_image::{Descriptor, Layout};
use akbuild_nar::Digest;
use akbuild_tree::TreeFile;
use serde::Deserialize;

use crate::DistributionError;

/// Where the bytes of a blob are.
#[derive(Clone, Debug)]
pub enum Content {
    /// In a file of a tree, which must not change while it is read.
    File(TreeFile),
    /// In memory.
    Bytes(Arc<[u8]>),
}

/// A blob: the descriptor that the manifest has of it, and its bytes.
#[derive(Clone, Debug)]
pub struct Blob {
    /// Media type, digest and size.
    pub descriptor: Descriptor,
    /// The bytes.
    pub content: Content,
}

impl Blob {
    /// A blob that is in a file, whose digest and size are known.
    pub fn file(descriptor: Descriptor, file: TreeFile) -> Self {
        Self { descriptor, content: Content::File(file) }
    }

    /// A blob in memory.
    pub fn bytes(media_type: impl Into<String>, bytes: &[u8]) -> Self {
        Self { descriptor: Descriptor::of(media_type, bytes), content: Content::Bytes(bytes.into()) }
    }

    /// Whether a file still has the digest that it was given out to have. May take long.
    pub(crate) fn verify(&self) -> Result<(), DistributionError> {
        let Content::File(file) = &self.content else { return Ok(()) };
        let path = file.shown_path();
        let expected = self.descriptor.digest;
        let found = Digest::of_reader(expected.algo(), file.open()?).map_err(DistributionError::io("read", &path))?;
        match found == expected {
            true => Ok(()),
            false => Err(DistributionError::Changed { path, expected: expected.oci(), found: found.oci() }),
        }
    }

    /// Whether the file is there and has the size that the descriptor says.
    fn check(&self) -> Result<(), DistributionError> {
        let Content::File(file) = &self.content else { return Ok(()) };
        let path = file.shown_path();
        let found = file.open()?.metadata().map_err(DistributionError::io("read", &path))?.len();
        let expected = self.descriptor.size;
        match found == expected {
            true => Ok(()),
            false => Err(DistributionError::Changed {
                path,
                expected: format!("{expected} bytes"),
                found: format!("{found} bytes"),
            }),
        }
    }
}

/// An image as it is pushed.
#[derive(Clone, Debug)]
pub struct Image {
    /// The manifest, byte for byte.
    pub manifest: Vec<u8>,
    /// Its media type; the same as its `mediaType`, if it has one.
    pub media_type: String,
    /// The config that the manifest names.
    pub config: Blob,
    /// The layers that it names, in any order.
    pub layers: Vec<Blob>,
}

/// What of a manifest is looked at.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ManifestParts {
    pub(crate) media_type: Option<String>,
    pub(crate) config: Descriptor,
    pub(crate) layers: Vec<Descriptor>,
}

impl ManifestParts {
    /// Config and layers, each once, in the order of the manifest.
    pub(crate) fn blobs(self) -> Vec<Descriptor> {
        let mut seen = BTreeSet::new();
        std::iter::once(self.config).chain(self.layers).filter(|d| seen.insert(d.digest)).collect()
    }
}

impl From<&Layout> for Image {
    fn from(layout: &Layout) -> Self {
        let blob = |descriptor: &Descriptor| Blob::file(descriptor.clone(), layout.blob_file(&descriptor.digest));
        Self {
            manifest: layout.manifest_bytes.clone(),
            media_type: layout.manifest.media_type.clone(),
            config: blob(&layout.config),
            layers: layout.layers.iter().map(blob).collect(),
        }
    }
}

impl Image {
    /// The manifest's descriptor: what an artifact has as its `subject`.
    pub fn descriptor(&self) -> Descriptor {
        Descriptor::of(self.media_type.clone(), &self.manifest)
    }

    /// Config and layers, each once: the same layer may stand in a manifest more than once.
    pub(crate) fn blobs(&self) -> Vec<&Blob> {
        let mut seen = BTreeSet::new();
        std::iter::once(&self.config).chain(&self.layers).filter(|b| seen.insert(b.descriptor.digest)).collect()
    }

    /// Whether manifest and blobs fit together, so that the registry is not asked to find out.
    pub(crate) fn check(&self) -> Result<(), DistributionError> {
        let wrong = |problem: String| DistributionError::Image { problem };
        let parts: ManifestParts =
            serde_json::from_slice(&self.manifest).map_err(|e| wrong(format!("its manifest does not parse: {e}")))?;
        if let Some(written) = parts.media_type.as_ref().filter(|m| **m != self.media_type) {
            return Err(wrong(format!("its manifest calls itself `{written}`, and not `{}`", self.media_type)));
        }
        let named: Vec<(Digest, u64)> = parts.blobs().iter().map(|d| (d.digest, d.size)).collect();
        let given: Vec<(Digest, u64)> = self.blobs().iter().map(|b| (b.descriptor.digest, b.descriptor.size)).collect();
        if let Some((digest, size)) = named.iter().find(|n| !given.contains(n)) {
            return Err(wrong(format!(
                "its manifest names {} of {size} bytes, which is not among its blobs",
                digest.oci()
            )));
        }
        if let Some((digest, size)) = given.iter().find(|g| !named.contains(g)) {
            return Err(wrong(format!("its manifest does not name {} of {size} bytes", digest.oci())));
        }
        self.blobs().into_iter().try_for_each(Blob::check)
    }
}

#[cfg(test)]
mod tests {
    use akbuild_image::{MEDIA_DOCKER_MANIFEST, MEDIA_MANIFEST};

    use super::*;

    fn image() -> Image {
        let config = Blob::bytes("application/vnd.oci.image.config.v1+json", b"{}");
        let layer = Blob::bytes("application/vnd.oci.image.layer.v1.tar", b"layer");
        let manifest = serde_json::json!({
            "schemaVersion": 2, "mediaType": MEDIA_MANIFEST, "config": config.descriptor,
            "layers": [layer.descriptor, layer.descriptor],
        });
        let manifest = serde_json::to_vec(&manifest).unwrap();
        Image { manifest, media_type: MEDIA_MANIFEST.to_owned(), config, layers: vec![layer.clone(), layer] }
    }

    fn said(image: &Image) -> String {
        image.check().unwrap_err().to_string()
    }

    #[test]
    fn a_layer_that_stands_twice_is_one_blob() {
        assert!(image().check().is_ok());
        assert_eq!(image().blobs().len(), 2);
    }

    #[test]
    fn what_does_not_fit_is_named() {
        let image = image();
        let lacks = Image { layers: Vec::new(), ..image.clone() };
        insta::assert_snapshot!(said(&lacks), @"
        the image does not fit together: its manifest names sha256:dac1d7cfa95021764849fd102524e141488c5e3a90f861dbb5a12d9ac8584f85 of 5 bytes, which is not among its blobs
          help: build the image again
        ");
        let more = Image { layers: vec![image.layers[0].clone(), Blob::bytes("x", b"x")], ..image.clone() };
        insta::assert_snapshot!(said(&more), @"
        the image does not fit together: its manifest does not name sha256:2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881 of 1 bytes
          help: build the image again
        ");
        let other = Image { media_type: MEDIA_DOCKER_MANIFEST.to_owned(), ..image.clone() };
        insta::assert_snapshot!(said(&other), @"
        the image does not fit together: its manifest calls itself `application/vnd.oci.image.manifest.v1+json`, and not `application/vnd.docker.distribution.manifest.v2+json`
          help: build the image again
        ");
        let broken = Image { manifest: b"{".to_vec(), ..image };
        insta::assert_snapshot!(said(&broken), @"
        the image does not fit together: its manifest does not parse: EOF while parsing an object at line 1 column 1
          help: build the image again
        ");
    }

    #[test]
    fn a_file_of_another_size_is_seen_before_anything_is_sent() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("layer");
        std::fs::write(&path, "longer than it was").unwrap();
        let mut image = image();
        let tree = std::sync::Arc::new(akbuild_tree::TreeDir::open(folder.path(), "the layout").unwrap());
        image.layers[0].content = Content::File(TreeFile::new(&tree, "layer"));
        let text = said(&image).replace(&path.display().to_string(), "LAYER");
        insta::assert_snapshot!(text, @"
        LAYER is not what the image's manifest says
          expected 5 bytes
             found 18 bytes
          help: build the image again, and leave its files alone until they are pushed
        ");
        image.layers[0].content = Content::File(TreeFile::new(&tree, "absent"));
        let text = said(&image).replace(&folder.path().display().to_string(), "DIR");
        insta::assert_snapshot!(text, @"cannot open `absent` of the layout: No such file or directory (os error 2)");
    }

    /// A layer that has become a link or a pipe is neither read nor waited for.
    #[test]
    fn a_blob_is_a_file_and_no_link() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("secret"), "layer").unwrap();
        std::fs::create_dir(folder.path().join("layout")).unwrap();
        let tree = akbuild_tree::TreeDir::open(&folder.path().join("layout"), "the layout").unwrap();
        let tree = std::sync::Arc::new(tree);
        for (name, target) in
            [("absolute", folder.path().join("secret")), ("up", "../secret".into()), ("none", "/none".into())]
        {
            std::os::unix::fs::symlink(target, folder.path().join("layout").join(name)).unwrap();
        }
        let pipe = folder.path().join("layout/pipe");
        rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, 0o644.into(), 0).unwrap();
        for name in ["absolute", "up", "none", "pipe"] {
            let mut image = image();
            image.layers[0].content = Content::File(TreeFile::new(&tree, name));
            assert!(matches!(image.check(), Err(DistributionError::Tree(_))), "{name}");
            assert!(matches!(image.layers[0].verify(), Err(DistributionError::Tree(_))), "{name}");
        }
    }
}
