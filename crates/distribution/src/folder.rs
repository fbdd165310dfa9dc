//! A folder in the OCI image layout. Knows names and how a file is put there whole; not where it comes from. Somebody else
//! may have been in the folder: what is read and written there goes through no link.
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
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use akbuild_image::{Descriptor, PUSHED_AT, blob_in_layout, layout_files};
use akbuild_nar::Digest;
use akbuild_tree::TreeDir;

use crate::DistributionError;

/// A folder that this pull alone writes, as long as this lives.
pub(crate) struct Folder {
    tree: Arc<TreeDir>,
    _lock: File,
}

impl Folder {
    /// Makes the folder, or takes one that is there.
    pub(crate) fn open(folder: &Path) -> Result<Self, DistributionError> {
        // The way to the folder is the caller's, links included.
        fs::create_dir_all(folder).map_err(DistributionError::io("make the folder", folder))?;
        let real = folder.canonicalize().map_err(DistributionError::io("open", folder))?;
        let tree = Arc::new(TreeDir::open(&real, format!("the image layout `{}`", folder.display()))?);
        for name in ["blobs/sha256", "blobs/sha512", ".partial"] {
            tree.create_dir_all(name)?;
        }
        let lock = tree.as_fd().try_clone_to_owned().map_err(DistributionError::io("open", folder))?;
        let lock = File::from(lock);
        match lock.try_lock() {
            Err(TryLockError::WouldBlock) => Err(DistributionError::Busy { path: folder.to_owned() }),
            // Where a file system knows no locks, nothing keeps two pulls apart; what they write is verified anyway.
            Ok(()) | Err(TryLockError::Error(_)) => Ok(Self { tree, _lock: lock }),
        }
    }

    /// The open folder.
    pub(crate) fn tree(&self) -> &Arc<TreeDir> {
        &self.tree
    }

    /// Where a blob belongs in the folder.
    pub(crate) fn blob(&self, digest: Digest) -> PathBuf {
        blob_in_layout(&digest)
    }

    /// Where a part of a blob is kept in the folder.
    pub(crate) fn partial(&self, digest: Digest) -> PathBuf {
        Path::new(".partial").join(digest.hex())
    }

    /// Whether a blob is there, and right.
    pub(crate) fn has(&self, descriptor: &Descriptor) -> bool {
        let Ok(file) = self.tree.file(self.blob(descriptor.digest)) else { return false };
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
            self.write(name.as_ref(), &bytes)?;
        }
        // Only empty folders go: an image has digests of one algorithm as a rule, and parts of other images may be
        // gone on with.
        for name in ["blobs/sha256", "blobs/sha512", ".partial"] {
            let _ = self.tree.remove_dir(name);
        }
        Ok(())
    }

    fn write(&self, path: &Path, bytes: &[u8]) -> Result<(), DistributionError> {
        let name = path.file_name().unwrap_or_default();
        let partial = Path::new(".partial").join(name);
        let mut file = self.tree.append_file(&partial)?;
        let written = file.set_len(0).and_then(|()| file.write_all(bytes));
        written.map_err(DistributionError::io("write", &self.tree.top().join(&partial)))?;
        place(&self.tree, &file, &partial, path)
    }
}

/// Puts a complete file in its place.
pub(crate) fn place(tree: &TreeDir, file: &File, partial: &Path, path: &Path) -> Result<(), DistributionError> {
    // After a power cut the name must not stand for an empty file: `index.json` names it by then.
    file.sync_data().map_err(DistributionError::io("write", &tree.top().join(partial)))?;
    Ok(tree.rename(partial, path)?)
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
            fs::write(folder.path().join(pulled.blob(blob.digest)), damaged).unwrap();
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

    /// Nothing is read or written through the links of a foreign folder.
    #[test]
    fn a_pull_goes_through_no_link_of_the_folder() {
        use std::os::unix::fs::symlink;
        let top = tempfile::tempdir().unwrap();
        let (host, given) = (top.path().join("host"), top.path().join("given"));
        fs::create_dir(&host).unwrap();
        fs::write(host.join("secret"), "canary").unwrap();
        let unchanged = || {
            assert_eq!(names(&host), ["secret"]);
            assert_eq!(fs::read_to_string(host.join("secret")).unwrap(), "canary");
        };
        for (target, at) in
            [("host", "blobs"), ("../host", "blobs/sha256"), ("../host", ".partial"), ("/none", "blobs")]
        {
            let target = if at == "blobs" && target == "host" { host.clone() } else { target.into() };
            fs::create_dir_all(given.join(at).parent().unwrap()).unwrap();
            symlink(target, given.join(at)).unwrap();
            let error = Folder::open(&given).err().unwrap();
            assert!(matches!(error, DistributionError::Tree(akbuild_tree::TreeError::Link { .. })), "{error}");
            unchanged();
            fs::remove_dir_all(&given).unwrap();
        }
        let image = Descriptor::of(akbuild_image::MEDIA_MANIFEST, b"canary");
        let folder = Folder::open(&given).unwrap();
        let (blob, partial) = (given.join(folder.blob(image.digest)), given.join(folder.partial(image.digest)));
        symlink(host.join("secret"), &blob).unwrap();
        symlink(host.join("secret"), &partial).unwrap();
        assert!(!folder.has(&image), "a link is no blob, whatever it leads to");
        folder.put(image.digest, b"other").unwrap();
        unchanged();
        assert_eq!(fs::read_to_string(&blob).unwrap(), "other");
        fs::hard_link(host.join("secret"), &partial).unwrap();
        for file in ["oci-layout", "index.json"] {
            symlink(host.join("new"), given.join(file)).unwrap();
        }
        folder.put(image.digest, b"another").unwrap();
        folder.finish(&image, None).unwrap();
        unchanged();
        assert_eq!(names(&given), ["blobs", "index.json", "oci-layout"]);
        assert!(fs::symlink_metadata(given.join("index.json")).unwrap().is_file());
        // The way to the folder may have links.
        symlink(&given, top.path().join("way")).unwrap();
        drop(folder);
        assert!(Folder::open(&top.path().join("way")).is_ok());
    }
}
