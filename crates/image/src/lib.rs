//! Container images: layers, documents, layouts and archives.
//!
//! Knows the [OCI image specification](https://github.com/opencontainers/image-spec/blob/v1.1.1/spec.md), version 1.1,
//! and the archives of `docker save`. Knows nothing of stores, stages or registries: it is given files, and writes
//! files or streams. The same input gives the same bytes, on any machine, for any user, with any number of threads.
//!
//! ```text
//! Entry, Entry, ... -> pack -> Packed (one file, two digests)      a layer
//! Packed, ... + how it runs -> Image -> write_layout -> a folder   the image
//! Layout::open -> write_archive | unpack                           as one file; as a file system
//! ```

#![cfg_attr(test, allow(clippy::disallowed_methods, reason = "tests make the trees that they look at"))]

mod archive;
mod compress;
mod descriptor;
mod document;
mod entry;
mod error;
mod identity;
mod layer;
mod layout;
mod member;
mod pack;
mod stack;
mod start;
mod tree;
mod unpack;
mod unpacked;

pub use archive::{Form, write_archive};
pub use descriptor::{Descriptor, Platform};
pub use document::{
    MEDIA_CONFIG, MEDIA_DOCKER_LIST, MEDIA_DOCKER_MANIFEST, MEDIA_EMPTY, MEDIA_INDEX, MEDIA_MANIFEST, PUSHED_AT,
};
pub use entry::{Contents, Entry};
pub use error::ImageError;
pub use identity::{Identity, identity};
pub use layer::{CONTENTS, Coding, Packed, RECORD, blob_name};
pub use layout::{Layout, blob_in_layout, blob_path, layout_files, write_layout};
pub use pack::pack;
pub use stack::{Stack, overlay};
pub use start::{PROGRAM_START_BYTES, ProgramRunner, program_runner};
pub use unpack::unpack;
pub use unpacked::{Meta, Unpacked};
