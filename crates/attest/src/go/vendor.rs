//! Licences of the modules in a vendor folder. Knows which files `go mod vendor` copies and which of them are licences;
//! the texts are `licence_text.rs`'s.

use std::path::Path;

use akbuild_names::GoModulePath;
use akbuild_tree::{EntryKind, TreeDir, TreeError};
use rustix::io::Errno;

use crate::Licence;
use crate::licence_text::{LONGEST, recognise};

/// More files that look like licences are not looked at.
const MOST: usize = 64;

/// The licences of a module in a vendor folder, by the texts in its top folder, sorted: MIT, Apache-2.0, BSD-2-Clause,
/// BSD-3-Clause, MPL-2.0 and ISC are known by their sentences. None if there is no text that is known.
///
/// # Errors
/// If a folder or file cannot be read. A module that is not there, or that a symbolic link leads to, has no licence.
pub fn vendored(vendor: &TreeDir, module: &GoModulePath) -> Result<Vec<Licence>, TreeError> {
    let mut licences = Vec::new();
    for name in texts(vendor, module)? {
        let text = vendor.read_at_most(Path::new(module.as_str()).join(name), LONGEST as u64)?;
        licences.extend(recognise(&text));
    }
    licences.sort();
    licences.dedup();
    Ok(licences)
}

/// The files of a folder whose names are those of licences, and which are not too long, sorted. A link or a pipe is no
/// licence.
fn texts(vendor: &TreeDir, module: &str) -> Result<Vec<String>, TreeError> {
    let entries = match vendor.entries(module) {
        Err(TreeError::Link { .. }) => return Ok(Vec::new()),
        Err(error) if matches!(error.errno(), Some(Errno::NOENT | Errno::NOTDIR)) => return Ok(Vec::new()),
        entries => entries?,
    };
    let is_text = |kind: &EntryKind| matches!(kind, EntryKind::File { size, .. } if *size <= LONGEST as u64);
    let names = entries.into_iter().filter(|(_, kind)| is_text(kind)).filter_map(|(name, _)| name.into_string().ok());
    Ok(names.filter(|name| is_licence(name)).take(MOST).collect())
}

/// Whether a file is called like a licence: `LICENSE`, `license.txt`, `COPYING`, `LICENCE-MIT`; not code, such as `license.go`.
fn is_licence(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    let stem = name.split(['.', '-', '_']).next().unwrap_or_default();
    matches!(stem, "LICENSE" | "LICENCE" | "LICENSES" | "COPYING" | "UNLICENSE" | "MIT") && !name.ends_with(".GO")
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIT: &str = include_str!("../../tests/texts/mit.txt");
    const BSD: &str = include_str!("../../tests/texts/bsd-3-clause.txt");

    fn parsed(module: &str) -> GoModulePath {
        module.parse().unwrap()
    }

    fn open(vendor: &Path) -> TreeDir {
        TreeDir::open(vendor, "the vendor folder").unwrap()
    }

    #[test]
    fn the_texts_of_a_module_are_read() {
        let vendor = tempfile::tempdir().unwrap();
        let module = vendor.path().join("example.org/A");
        std::fs::create_dir_all(module.join("LICENSES")).unwrap();
        std::fs::write(module.join("LICENSE.md"), MIT).unwrap();
        std::fs::write(module.join("LICENSE-other"), BSD).unwrap();
        std::fs::write(module.join("license.go"), include_str!("../../tests/texts/isc.txt")).unwrap();
        std::os::unix::fs::symlink("license.go", module.join("COPYING")).unwrap();
        let found = |module| {
            let licences = vendored(&open(vendor.path()), &parsed(module)).unwrap();
            licences.iter().map(|l| l.as_str().to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(found("example.org/A"), ["BSD-3-Clause", "MIT"]);
        for nothing in ["example.org/b", "example.org", "example.org/A/LICENSE.md"] {
            assert_eq!(found(nothing), [""; 0], "{nothing}");
        }
    }

    /// Links to a licence of the host, in the place of the module, of a folder on the way and of the text; a pipe; a text
    /// without end.
    #[test]
    fn what_is_planted_in_a_vendor_folder_is_not_read() {
        let host = tempfile::tempdir().unwrap();
        std::fs::create_dir(host.path().join("m")).unwrap();
        std::fs::write(host.path().join("m/LICENSE"), MIT).unwrap();
        let vendor = tempfile::tempdir().unwrap();
        let climbing = format!("../../../../../..{}", host.path().join("m").display());
        let link = |target: &Path, at: &str| std::os::unix::fs::symlink(target, vendor.path().join(at)).unwrap();
        for folder in ["a.file", "b.file", "a.dangling", "a.pipe", "a.long"] {
            std::fs::create_dir(vendor.path().join(folder)).unwrap();
        }
        link(&host.path().join("m"), "a.absolute");
        link(climbing.as_ref(), "a.climbing");
        link(host.path(), "a.middle");
        link(&host.path().join("m/LICENSE"), "a.file/LICENSE");
        link(&Path::new("..").join(&climbing).join("LICENSE"), "b.file/LICENSE");
        link(&host.path().join("none"), "a.dangling/LICENSE");
        let pipe = vendor.path().join("a.pipe/LICENSE");
        rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, 0o644.into(), 0).unwrap();
        let long = std::fs::File::create(vendor.path().join("a.long/LICENSE")).unwrap();
        long.set_len(1 << 40).unwrap();
        let planted = ["a.absolute", "a.climbing", "a.middle/m", "a.file", "b.file", "a.dangling", "a.pipe", "a.long"];
        for module in planted {
            assert_eq!(vendored(&open(vendor.path()), &parsed(module)).unwrap(), [], "{module}");
        }
        assert_eq!(std::fs::read_to_string(host.path().join("m/LICENSE")).unwrap(), MIT);
    }
}
