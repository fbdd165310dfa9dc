//! A folder in the OCI image layout. Knows names and how a file is put there whole; not where it comes from.
//!
//! ```text
//! FOLDER/
//!   oci-layout            {"imageLayoutVersion":"1.0.0"}
//!   index.json            the image's descriptor; written last
//!   blobs/sha256/HEX      manifest, config and layers
//!   .partial/HEX          a blob of which a part is there; the folder is gone when the pull is complete
//! ```

use std::fs::{self, File, TryLockError};
use std::io::Write;
use std::path::{Path, PathBuf};

use crate::DistributionError;
use akbuild_image::{Descriptor, PUSHED_AT, blob_path, layout_files};
use akbuild_nar::Digest;

/// A folder that this pull alone writes, as long as this lives.
pub(crate) struct Folder {
    path: PathBuf,
    _lock: File,
}

impl Folder {
    /// Makes the folder, or takes one that is there.
    pub(crate) fn open(folder: &Path) -> Result<Self, DistributionError> {
        for name in ["blobs/sha256", "blobs/sha512", ".partial"] {
            let path = folder.join(name);
            fs::create_dir_all(&path).map_err(DistributionError::io("make the folder", &path))?;
        }
        let lock = File::open(folder).map_err(DistributionError::io("open", folder))?;
        match lock.try_lock() {
            Err(TryLockError::WouldBlock) => Err(DistributionError::Busy { path: folder.to_owned() }),
            // Where a file system knows no locks, nothing keeps two pulls apart; what they write is verified anyway.
            Ok(()) | Err(TryLockError::Error(_)) => Ok(Self { path: folder.to_owned(), _lock: lock }),
        }
    }

    /// Where a blob belongs.
    pub(crate) fn blob(&self, digest: Digest) -> PathBuf {
        blob_path(&self.path, &digest)
    }

    /// Where a part of a blob is kept.
    pub(crate) fn partial(&self, digest: Digest) -> PathBuf {
        self.path.join(".partial").join(digest.hex())
    }

    /// Whether a blob is there, and right.
    pub(crate) fn has(&self, descriptor: &Descriptor) -> bool {
        let Ok(file) = File::open(self.blob(descriptor.digest)) else { return false };
        let size = file.metadata().map(|m| m.len());
        let digest = || Digest::of_reader(descriptor.digest.algo(), &file);
        size.is_ok_and(|size| size == descriptor.size) && digest().is_ok_and(|d| d == descriptor.digest)
    }

    /// Puts a manifest in its place.
    pub(crate) fn put(&self, digest: Digest, bytes: &[u8]) -> Result<(), DistributionError> {
        self.write(&self.blob(digest), bytes)
    }

    /// Names the image: from now on the folder is a layout.
    pub(crate) fn finish(&self, image: &Descriptor, tag: Option<&str>) -> Result<(), DistributionError> {
        let mut image = image.clone();
        image.annotations.extend(tag.map(|tag| (PUSHED_AT.to_owned(), tag.to_owned())));
        for (name, bytes) in layout_files(&image) {
            self.write(&self.path.join(name), &bytes)?;
        }
        // Only empty folders go: an image has digests of one algorithm as a rule, and parts of other images may be
        // gone on with.
        for name in ["blobs/sha256", "blobs/sha512", ".partial"] {
            let _ = fs::remove_dir(self.path.join(name));
        }
        Ok(())
    }

    fn write(&self, path: &Path, bytes: &[u8]) -> Result<(), DistributionError> {
        let name = path.file_name().unwrap_or_default();
        let partial = self.path.join(".partial").join(name);
        let mut file = File::create(&partial).map_err(DistributionError::io("write", &partial))?;
        file.write_all(bytes).map_err(DistributionError::io("write", &partial))?;
        place(&file, &partial, path)
    }
}

/// Puts a complete file in its place.
pub(crate) fn place(file: &File, partial: &Path, path: &Path) -> Result<(), DistributionError> {
    // After a power cut the name must not stand for an empty file: `index.json` names it by then.
    file.sync_data().map_err(DistributionError::io("write", partial))?;
    fs::rename(partial, path).map_err(DistributionError::io("write", path))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> =
            fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_complete_layout_has_nothing_more_than_it_should() {
        let folder = tempfile::tempdir().unwrap();
        let pulled = Folder::open(folder.path()).unwrap();
        let image = Descriptor::of(akbuild_image::MEDIA_MANIFEST, b"{}");
        assert!(!pulled.has(&image));
        pulled.put(image.digest, b"{}").unwrap();
        assert!(pulled.has(&image));
        pulled.finish(&image, Some("1.0")).unwrap();
        assert_eq!(names(folder.path()), ["blobs", "index.json", "oci-layout"]);
        assert_eq!(names(&folder.path().join("blobs")), ["sha256"]);
        let index = fs::read_to_string(folder.path().join("index.json")).unwrap();
        insta::assert_snapshot!(index, @r#"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a","size":2,"annotations":{"org.opencontainers.image.ref.name":"1.0"}}]}"#);
    }

    #[test]
    fn what_is_damaged_is_not_there() {
        let folder = tempfile::tempdir().unwrap();
        let pulled = Folder::open(folder.path()).unwrap();
        let blob = Descriptor::of("x", b"right");
        for damaged in ["wrong", "right and more", ""] {
            fs::write(pulled.blob(blob.digest), damaged).unwrap();
            assert!(!pulled.has(&blob), "{damaged}");
        }
    }

    #[test]
    fn one_pull_at_a_time_writes_a_folder() {
        let folder = tempfile::tempdir().unwrap();
        let first = Folder::open(folder.path()).unwrap();
        let error = Folder::open(folder.path()).err().unwrap().to_string();
        insta::assert_snapshot!(error.replace(&folder.path().display().to_string(), "DIR"), @"
        another pull writes DIR
          help: wait for its end, or take another folder
        ");
        drop(first);
        assert!(Folder::open(folder.path()).is_ok());
    }
}
