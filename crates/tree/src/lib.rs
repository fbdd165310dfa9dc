//! The one way into a file tree that akbuild did not write itself: sources, outputs, tools, sysroots, unpacked
//! images, layouts, and work folders that contain copies of them.
//!
//! A stage or an upstream repository decides which names and symbolic links such a tree contains. Code outside the
//! sandbox runs with the privileges of the person who builds, so a path that is joined to the tree's top and handed
//! to `std::fs` can lead anywhere on the host. Here every path is resolved by the kernel, relative to a descriptor of
//! the top, with `openat2(2)`:
//!
//! - [`TreeDir`] refuses every symbolic link on the way (`RESOLVE_BENEATH`, `RESOLVE_NO_SYMLINKS`) and says which link
//!   it is and where it leads. Content keys cover the entries of a tree by their own paths, so following a link would
//!   also use bytes that no key covers.
//! - [`RootDir`] resolves links as a container does, inside the tree (`RESOLVE_IN_ROOT`): a sysroot or an unpacked image,
//!   where `/usr/bin/python` is expected to be a link.
//!
//! The path of the top itself comes from akbuild (the store's layout, a scratch folder) and is trusted up to its last
//! component, which is never followed. [`DirStack`] is the way down for walks that visit every entry.
//!
//! This crate must not depend on any other crate of the workspace.

mod chain;
mod copy;
mod dirstack;
mod entry;
mod error;
mod file;
mod owner;
mod root;
mod tree;
mod walk;
mod write;

pub use dirstack::{DIR_FLAGS, DirStack, Name, list};
pub use entry::EntryKind;
pub use error::TreeError;
pub use file::TreeFile;
pub use root::RootDir;
pub use tree::TreeDir;

/// The greatest number of folders inside each other that akbuild walks, stores, exports and imports.
pub const MAX_DEPTH: usize = 2048;
