//! A packed layer as it is kept: a folder with the archive, what it is, and what is in it. Knows how that is written
//! down and read again.
//!
//! ```text
//! layer.tar.zst    or layer.tar.gz
//! layer.json       its two digests and sizes, see [`Packed`]
//! contents         its entries, as `akbuild_nar::Listing` writes them
//! ```

use std::fs;
use std::path::{Path, PathBuf};

use akbuild_nar::{Digest, Listing};
use akbuild_recipe::plan::Compression;
use akbuild_tree::TreeDir;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::descriptor::sha256;
use crate::entry::Contents;
use crate::error::Doing;
use crate::{Descriptor, ImageError};

/// The name of the file that describes a layer.
pub const RECORD: &str = "layer.json";
/// The name of the file that lists what is in it.
pub const CONTENTS: &str = "contents";

/// How a layer's archive is compressed, without the level.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Coding {
    /// Zstandard.
    Zstd,
    /// gzip.
    Gzip,
}

impl From<Compression> for Coding {
    fn from(compression: Compression) -> Self {
        match compression {
            Compression::Zstd(_) => Coding::Zstd,
            Compression::Gzip(_) => Coding::Gzip,
        }
    }
}

/// What is known of a packed layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packed {
    /// How it is compressed.
    pub compression: Coding,
    /// SHA-256 of the compressed archive: the blob's name.
    pub digest: Digest,
    /// Its length in bytes.
    pub size: u64,
    /// SHA-256 of the archive itself.
    pub diff_id: Digest,
    /// Its length in bytes.
    pub diff_size: u64,
}

#[derive(Deserialize)]
struct Record {
    schema: u32,
    compression: Coding,
    digest: String,
    size: u64,
    diff_id: String,
    diff_size: u64,
}

/// The name of the archive in a layer's folder.
pub fn blob_name(compression: impl Into<Coding>) -> &'static str {
    match compression.into() {
        Coding::Zstd => "layer.tar.zst",
        Coding::Gzip => "layer.tar.gz",
    }
}

impl Packed {
    /// Writes what is known beside the archive.
    #[allow(clippy::disallowed_methods, reason = "the layer is in a scratch folder that akbuild alone writes")]
    pub fn write(&self, folder: &Path, contents: &Contents) -> Result<(), ImageError> {
        let record = json!({
            "schema": 1, "compression": self.compression, "digest": self.digest.oci(),
            "size": self.size, "diff_id": self.diff_id.oci(), "diff_size": self.diff_size,
        });
        let (path, listing) = (folder.join(RECORD), folder.join(CONTENTS));
        fs::write(&path, format!("{record:#}\n")).doing("write", &path)?;
        fs::write(&listing, contents.listing().to_text()).doing("write", &listing)
    }

    /// Reads it again.
    pub fn read(folder: &Path) -> Result<Self, ImageError> {
        let (path, text) = text(folder, RECORD)?;
        let wrong = |problem: String| ImageError::Record { path: path.clone(), problem };
        let record: Record = serde_json::from_str(&text).map_err(|e| wrong(e.to_string()))?;
        if record.schema != 1 {
            return Err(wrong(format!("its schema is {}, and 1 is known", record.schema)));
        }
        let digest = |text: &str| sha256(text).ok_or_else(|| wrong(format!("`{text}` is no digest")));
        Ok(Self {
            compression: record.compression,
            digest: digest(&record.digest)?,
            size: record.size,
            diff_id: digest(&record.diff_id)?,
            diff_size: record.diff_size,
        })
    }

    /// What is in the layer of that folder.
    pub fn contents(folder: &Path) -> Result<Listing, ImageError> {
        let (path, text) = text(folder, CONTENTS)?;
        Listing::from_text(&text).map_err(|e| ImageError::Record { path, problem: e.to_string() })
    }

    /// As an image's manifest names it.
    pub fn descriptor(&self) -> Descriptor {
        let kind = match self.compression {
            Coding::Zstd => "application/vnd.oci.image.layer.v1.tar+zstd",
            Coding::Gzip => "application/vnd.oci.image.layer.v1.tar+gzip",
        };
        Descriptor::new(kind, self.digest, self.size)
    }
}

/// A file of a layer that is stored, and where it is, for messages.
fn text(folder: &Path, name: &str) -> Result<(PathBuf, String), ImageError> {
    let stored = TreeDir::open(folder, format!("the layer in `{}`", folder.display()))?;
    Ok((folder.join(name), stored.read_to_string(name)?))
}
