//! Licences of the modules in a vendor folder. Knows which files `go mod vendor` copies and which of them are licences;
//! the texts are `licence_text.rs`'s.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Component, Path};

use crate::Licence;
use crate::licence_text::{LONGEST, recognise};

/// More files that look like licences are not looked at.
const MOST: usize = 64;

/// The licences of a module in a vendor folder, by the texts in its top folder, sorted: MIT, Apache-2.0, BSD-2-Clause,
/// BSD-3-Clause, MPL-2.0 and ISC are known by their sentences. None if there is no text that is known.
///
/// # Errors
/// If a folder or file cannot be read. A module that is not there has no licence.
pub fn vendored(vendor: &Path, module: &str) -> io::Result<Vec<Licence>> {
    let inside = |part| matches!(part, Component::Normal(_));
    if module.is_empty() || !Path::new(module).components().all(inside) {
        return Ok(Vec::new());
    }
    let mut licences = Vec::new();
    for name in texts(&vendor.join(module))? {
        let path = vendor.join(module).join(name);
        // A link or a pipe is no licence.
        if path.symlink_metadata()?.is_file() {
            let mut text = Vec::new();
            File::open(&path)?.take(LONGEST as u64 + 1).read_to_end(&mut text)?;
            licences.extend(recognise(&text));
        }
    }
    licences.sort();
    licences.dedup();
    Ok(licences)
}

/// The files of a folder whose names are those of licences, sorted.
fn texts(folder: &Path) -> io::Result<Vec<String>> {
    let entries = match folder.read_dir() {
        Ok(entries) => entries,
        Err(e) if matches!(e.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => return Ok(Vec::new()),
        Err(e) => return Err(e),
    };
    let mut names = Vec::new();
    for entry in entries {
        names.extend(entry?.file_name().into_string().ok().filter(|name| is_licence(name)));
    }
    names.sort();
    names.truncate(MOST);
    Ok(names)
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
            let licences = vendored(vendor.path(), module).unwrap();
            licences.iter().map(|l| l.as_str().to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(found("example.org/A"), ["BSD-3-Clause", "MIT"]);
        for nothing in ["example.org/b", "example.org", "", "../example.org/A", "/", "example.org/A/LICENSE.md"] {
            assert_eq!(found(nothing), [""; 0], "{nothing}");
        }
    }

    #[test]
    fn a_module_does_not_lead_out_of_the_folder() {
        let outside = tempfile::tempdir().unwrap();
        let vendor = outside.path().join("vendor");
        std::fs::create_dir(&vendor).unwrap();
        std::fs::write(outside.path().join("LICENSE"), MIT).unwrap();
        for module in ["..", "../.", outside.path().to_str().unwrap()] {
            assert_eq!(vendored(&vendor, module).unwrap(), [], "{module}");
        }
    }
}
