//! Container images of a plan, and their layers. Knows what goes into them; how a layer is packed is not known here.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{Piece, Subset, SysrootId, TreeRef, WrittenFile};

/// The kind of the stages that an `image` stage brings with it, one for each of its layers.
pub const LAYER_KIND: &str = "image-layer";
/// The version of [`LAYER_KIND`].
pub const LAYER_VERSION: u32 = 1;

/// One layer of an image: its files, and how they are packed. All of its paths are relative to the image's root.
#[derive(Clone, Debug, Default)]
pub struct Layer {
    /// A root file system that is all in it, and which of its files.
    pub sysroot: Option<(SysrootId, Subset)>,
    /// Trees, or parts of them.
    pub pieces: Vec<Piece>,
    /// Files that akbuild writes.
    pub files: Vec<WrittenFile>,
    /// Folders with a mode of their own.
    pub folders: Vec<Folder>,
    /// How it is packed.
    pub compression: Compression,
}

/// A folder of an image with a mode of its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Folder {
    /// Where, relative to the image's root.
    pub path: String,
    /// Its permission bits, such as `0o1777`.
    pub mode: u32,
}

/// How a layer is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Compression {
    /// Zstandard, at this level.
    Zstd(i32),
    /// gzip, at this level.
    Gzip(u32),
}

impl Default for Compression {
    fn default() -> Self {
        Compression::Gzip(6)
    }
}

/// A container image.
#[derive(Clone, Debug)]
pub struct Image {
    /// What ships: every file of it is in one of the layers.
    pub tree: TreeRef,
    /// Where the tree lives in the image, absolute.
    pub at: String,
    /// The root file system that it runs in, and which of its files: the lowest layer.
    pub sysroot: (SysrootId, Subset),
    /// Files that akbuild writes, relative to the image's root: in the highest layer.
    pub files: Vec<WrittenFile>,
    /// Folders with a mode of their own: in the highest layer.
    pub folders: Vec<Folder>,
    /// How layers are packed.
    pub compression: Compression,
    /// Its layers, the lowest first. Each is a stage of its own.
    pub layers: Vec<ImageLayer>,
    /// How it is run.
    pub config: ImageConfig,
    /// Where it is pushed to if nobody says otherwise, with words in braces that are filled in then. Not a part of
    /// the image.
    pub push: Option<String>,
}

/// One layer of an [`Image`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageLayer {
    /// Its name within the image.
    pub name: String,
    /// The stage that packs it.
    pub tree: TreeRef,
    /// The trees whose files go into it; none for the lowest and the highest.
    pub from: Vec<TreeRef>,
}

/// How an image is run: see "Image Configuration" of the OCI image specification.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ImageConfig {
    /// The processor's name in the terms of Go, `amd64`.
    pub architecture: String,
    /// The program, and its first arguments.
    pub entrypoint: Vec<String>,
    /// Arguments that are used if none are given.
    pub command: Vec<String>,
    /// Variables.
    pub env: BTreeMap<String, String>,
    /// `UID`, `UID:GID`, or names; empty: root.
    pub user: String,
    /// The folder that it starts in; empty: the root.
    pub workdir: String,
    /// `PORT/PROTOCOL`, sorted.
    pub ports: Vec<String>,
    /// Labels.
    pub labels: BTreeMap<String, String>,
    /// Folders that a run mounts something at, sorted.
    pub volumes: Vec<String>,
    /// The signal that asks it to end; empty: SIGTERM.
    pub stop_signal: String,
    /// How to find out whether it is well, for those who look at that.
    pub healthcheck: Option<Healthcheck>,
}

/// A command that says whether a container is well (Docker's extension of the image configuration).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Healthcheck {
    /// The program and its arguments.
    pub command: Vec<String>,
    /// Seconds between two.
    pub interval: u64,
    /// Seconds after which one has failed.
    pub timeout: u64,
    /// Seconds at the start in which failures do not count.
    pub start_period: u64,
    /// Failures in a row that make it unwell.
    pub retries: u64,
}
