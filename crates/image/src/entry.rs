//! What goes into a layer: one entry for each file, folder and link. Knows where its bytes come from; not how they
//! are packed.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

use akbuild_nar::Digest;
use akbuild_tree::TreeFile;

use crate::ImageError;

/// The mode of folders that nobody gave one.
pub(crate) const FOLDER: u32 = 0o755;

/// One file, folder or symbolic link of a layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    /// A folder with these permission bits.
    Folder(u32),
    /// A file of a tree.
    File {
        /// Where its bytes are.
        from: TreeFile,
        /// How many.
        size: u64,
        /// Their SHA-256.
        digest: [u8; 32],
        /// Whether it can be executed.
        exec: bool,
    },
    /// A file with these bytes.
    Text {
        /// The bytes.
        bytes: Vec<u8>,
        /// Whether it can be executed.
        exec: bool,
    },
    /// A symbolic link.
    Link(OsString),
}

/// The entries of a layer by their paths, which are relative to the image's root. Folders on the way to an entry
/// are there too.
#[derive(Clone, Debug, Default)]
pub struct Contents {
    /// Sorted by bytes: a folder stands before what is in it.
    pub(crate) entries: BTreeMap<Vec<u8>, Entry>,
}

impl Contents {
    /// Puts in an entry, and the folders above it. A folder may come again, and keeps its first mode.
    ///
    /// # Errors
    /// [`ImageError::Twice`] if something else is there already; [`ImageError::Path`] and [`ImageError::Whiteout`] for
    /// a path that cannot be in a layer.
    pub fn add(&mut self, path: &OsStr, entry: Entry) -> Result<(), ImageError> {
        let bytes = path.as_bytes();
        let mut names = bytes.split(|byte| *byte == b'/');
        if bytes.contains(&0) || names.clone().any(|name| matches!(name, b"" | b"." | b"..")) {
            return Err(ImageError::Path { path: shown(bytes) });
        }
        if names.any(|name| name.starts_with(b".wh.")) {
            return Err(ImageError::Whiteout { path: shown(bytes) });
        }
        for (at, _) in bytes.iter().enumerate().filter(|(_, byte)| **byte == b'/') {
            self.put(&bytes[..at], Entry::Folder(FOLDER))?;
        }
        self.put(bytes, entry)
    }

    /// Gives a folder this mode, and makes it if it is not there.
    pub fn folder(&mut self, path: &OsStr, mode: u32) -> Result<(), ImageError> {
        self.add(path, Entry::Folder(mode))?;
        self.entries.insert(path.as_bytes().to_vec(), Entry::Folder(mode));
        Ok(())
    }

    fn put(&mut self, path: &[u8], entry: Entry) -> Result<(), ImageError> {
        match self.entries.get(path) {
            None => drop(self.entries.insert(path.to_vec(), entry)),
            Some(Entry::Folder(_)) if matches!(entry, Entry::Folder(_)) => {}
            Some(there) => {
                let (first, second) = (there.describe(), entry.describe());
                return Err(ImageError::Twice { path: shown(path), first, second });
            }
        }
        Ok(())
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// As a listing.
    pub(crate) fn listing(&self) -> akbuild_nar::Listing {
        let kind = |entry: &Entry| match entry {
            Entry::Folder(_) => akbuild_nar::Kind::Dir,
            Entry::File { size, digest, exec, .. } => {
                akbuild_nar::Kind::File { exec: *exec, size: *size, digest: *digest }
            }
            Entry::Text { bytes, exec } => akbuild_nar::Kind::File {
                exec: *exec,
                size: bytes.len() as u64,
                digest: Digest::sha256(bytes).as_bytes().try_into().expect("SHA-256 has 32 bytes"),
            },
            Entry::Link(target) => akbuild_nar::Kind::Symlink { target: target.clone() },
        };
        let entry = |(path, entry): (&Vec<u8>, &Entry)| akbuild_nar::Entry {
            path: OsStr::from_bytes(path).to_owned(),
            kind: kind(entry),
        };
        akbuild_nar::Listing { entries: self.entries.iter().map(entry).collect() }
    }
}

impl Entry {
    fn describe(&self) -> String {
        match self {
            Entry::Folder(_) => "a folder".to_owned(),
            Entry::File { size, .. } => format!("a file of {size} B"),
            Entry::Text { bytes, .. } => format!("a written file of {} B", bytes.len()),
            Entry::Link(target) => format!("a link to `{}`", target.display()),
        }
    }
}

/// A path as messages show it.
pub(crate) fn shown(path: &[u8]) -> String {
    String::from_utf8_lossy(path).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(bytes: &str) -> Entry {
        Entry::Text { bytes: bytes.into(), exec: false }
    }

    fn add(contents: &mut Contents, path: &str, entry: Entry) -> Result<(), String> {
        contents.add(OsStr::new(path), entry).map_err(|e| e.to_string())
    }

    #[test]
    fn folders_on_the_way_are_there_and_stand_first() {
        let mut contents = Contents::default();
        add(&mut contents, "opt/a/b", text("x")).unwrap();
        add(&mut contents, "opt/a-b", text("x")).unwrap();
        contents.folder(OsStr::new("opt/a"), 0o1777).unwrap();
        contents.folder(OsStr::new("tmp"), 0o1777).unwrap();
        let shown = |(path, entry): (&Vec<u8>, &Entry)| match entry {
            Entry::Folder(mode) => format!("{} {mode:o}", shown(path)),
            _ => shown(path),
        };
        let paths: Vec<String> = contents.entries.iter().map(shown).collect();
        assert_eq!(paths, ["opt 755", "opt/a 1777", "opt/a-b", "opt/a/b", "tmp 1777"]);
    }

    #[test]
    fn what_cannot_be_is_refused() {
        let mut contents = Contents::default();
        add(&mut contents, "bin", Entry::Link("usr/bin".into())).unwrap();
        add(&mut contents, "etc/passwd", text("root")).unwrap();
        insta::assert_snapshot!(add(&mut contents, "bin/sh", text("x")).unwrap_err(), @"
        the image has two files at `/bin`: a link to `usr/bin` and a folder
          help: take one of them away, or give it another path
        ");
        insta::assert_snapshot!(add(&mut contents, "etc/passwd", text("nobody")).unwrap_err(), @"
        the image has two files at `/etc/passwd`: a written file of 4 B and a written file of 6 B
          help: take one of them away, or give it another path
        ");
        insta::assert_snapshot!(add(&mut contents, "etc/.wh.hosts", text("")).unwrap_err(), @"
        `/etc/.wh.hosts` cannot be in a layer: names that begin with `.wh.` mean that a file is deleted
          help: leave it out with `exclude`
        ");
        assert!(matches!(contents.add(OsStr::new("etc/.wh.d/hosts"), text("")), Err(ImageError::Whiteout { .. })));
        insta::assert_snapshot!(add(&mut contents, "/etc/hosts", text("")).unwrap_err(), @"
        `/etc/hosts` cannot be in a layer
          help: write names between single slashes, from the image's root, without `.` and `..`
        ");
        for path in ["", "/", "etc/", "etc//x", "./etc", "etc/../x", "..", "a\0b"] {
            assert!(matches!(contents.add(OsStr::new(path), text("")), Err(ImageError::Path { .. })), "{path:?}");
        }
        assert_eq!(contents.len(), 3, "what is refused leaves nothing behind");
    }
}
