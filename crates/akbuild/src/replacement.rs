//! Files that appear whole or not at all. A reader sees the old file or all of the new one, and a full disk leaves the
//! old one.

use std::fs::{self, File, Permissions};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use tempfile::{Builder, NamedTempFile};

use crate::failure::{Outcome, io};

/// A new file beside the one that it will replace. It has a name of its own, so that a link or a file that somebody
/// has put there is neither followed nor overwritten. It is removed unless it is finished.
pub(crate) struct ReplacementFile {
    file: NamedTempFile<File>,
    path: PathBuf,
}

impl ReplacementFile {
    /// Creates it, with the mode of the file that is there, or that of a new file.
    pub(crate) fn create(path: &Path) -> Outcome<Self> {
        let mut prefix = path.file_name().unwrap_or_default().to_owned();
        prefix.push(".");
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        // `create_new` follows no link.
        let create = |path: &Path| File::options().read(true).write(true).create_new(true).open(path);
        let file = io(Builder::new().prefix(&prefix).suffix(".new").make_in(folder, create), "write", path)?;
        if let Some(old) = path.symlink_metadata().ok().filter(fs::Metadata::is_file) {
            let mode = Permissions::from_mode(old.permissions().mode() & 0o777);
            io(file.as_file().set_permissions(mode), "write", path)?;
        }
        Ok(Self { file, path: path.to_owned() })
    }

    /// The file that is being written.
    pub(crate) fn file(&mut self) -> &mut File {
        self.file.as_file_mut()
    }

    /// Puts it in its place. It is on the disk before, so that a loss of power leaves no empty file.
    pub(crate) fn finish(self) -> Outcome {
        io(self.file.as_file().sync_all(), "write", &self.path)?;
        io(self.file.persist(&self.path).map(drop).map_err(|error| error.error), "write", &self.path)
    }
}

/// Replaces a file by one with this text.
pub(crate) fn replace(path: &Path, text: &str) -> Outcome {
    let mut new = ReplacementFile::create(path)?;
    io(new.file().write_all(text.as_bytes()), "write", path)?;
    new.finish()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn mode(path: &Path) -> u32 {
        path.symlink_metadata().unwrap().permissions().mode() & 0o7777
    }

    #[test]
    fn the_mode_of_a_file_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        replace(&path, "new").unwrap();
        let created = folder.path().join("other");
        File::create(&created).unwrap();
        assert_eq!(mode(&path), mode(&created));
        for wanted in [0o600, 0o664, 0o777] {
            fs::set_permissions(&path, Permissions::from_mode(wanted)).unwrap();
            replace(&path, "newer").unwrap();
            assert_eq!((fs::read_to_string(&path).unwrap().as_str(), mode(&path)), ("newer", wanted));
        }
    }

    #[test]
    fn links_are_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::write(at("canary"), "alive").unwrap();
        for planted in ["file", "file.new"] {
            symlink("canary", at(planted)).unwrap();
        }
        replace(&at("file"), "new").unwrap();
        assert_eq!(fs::read_to_string(at("canary")).unwrap(), "alive");
        assert_eq!(fs::read_to_string(at("file")).unwrap(), "new");
        assert!(at("file").symlink_metadata().unwrap().is_file() && at("file.new").is_symlink());
    }

    #[test]
    fn what_is_not_finished_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("file"), "old").unwrap();
        drop(ReplacementFile::create(&folder.path().join("file")).unwrap());
        let names: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(names, ["file"]);
        // A folder cannot be replaced, and neither is anything left beside it.
        fs::create_dir(folder.path().join("folder")).unwrap();
        replace(&folder.path().join("folder"), "text").unwrap_err();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
    }
}
