//! Whether every shared library that a tree's programs need will be found where the tree will run.
//!
//! Follows ld.so(8): for an object's `NEEDED` entry, its `RPATH` (unless it has a `RUNPATH`), then
//! its `RUNPATH`, with `$ORIGIN` and `$LIB` expanded, then `/etc/ld.so.conf` and the default folders. Two things
//! of the dynamic linker are left out: `LD_LIBRARY_PATH`, which nothing here sets, and libraries that some
//! other object has loaded before, which would make the answer depend on import order.

use std::collections::BTreeSet;
use std::fs;
use std::io::Read;
use std::path::{Component, Path, PathBuf};

use crate::error::{EngineError, Io};
use crate::root::Root;

/// One library that would not be found.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Unsatisfied {
    /// The file that needs it, where it will live.
    pub file: String,
    /// The library's name.
    pub needed: String,
    /// The folders that were searched before the default ones.
    pub searched: Vec<String>,
}

/// What was looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ElfReport {
    /// ELF files in the tree.
    pub(crate) files: usize,
    /// `NEEDED` entries in them.
    pub(crate) needed: usize,
    /// Those that nothing satisfies, sorted.
    pub(crate) unsatisfied: Vec<Unsatisfied>,
}

/// Checks `tree`, which will live at `at` in a system whose other files are those of `sysroot`.
pub(crate) fn check(tree: &Path, at: &str, sysroot: &Root) -> Result<ElfReport, EngineError> {
    let place = Place { tree, at: Path::new(at), sysroot };
    let defaults = default_folders(sysroot);
    let mut report = ElfReport::default();
    let mut folders = vec![tree.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).doing("read", &folder)? {
            let entry = entry.doing("read", &folder)?;
            let kind = entry.file_type().doing("stat", &folder)?;
            if kind.is_dir() {
                folders.push(entry.path());
            } else if kind.is_file() {
                check_file(&place, &entry.path(), &defaults, &mut report)?;
            }
        }
    }
    report.unsatisfied.sort();
    Ok(report)
}

fn check_file(
    place: &Place<'_>,
    file: &Path,
    defaults: &BTreeSet<String>,
    report: &mut ElfReport,
) -> Result<(), EngineError> {
    let Some(bytes) = read_elf(file)? else { return Ok(()) };
    let Ok(elf) = goblin::elf::Elf::parse(&bytes) else { return Ok(()) };
    if elf.dynamic.is_none() {
        return Ok(());
    }
    report.files += 1;
    let lives = place.at.join(file.strip_prefix(place.tree).unwrap_or(file));
    let origin = lives.parent().unwrap_or(Path::new("/"));
    let paths = if elf.runpaths.is_empty() { &elf.rpaths } else { &elf.runpaths };
    let searched: Vec<String> = paths.iter().flat_map(|p| p.split(':')).map(|p| expand(p, origin)).collect();
    for needed in &elf.libraries {
        report.needed += 1;
        let found = if needed.contains('/') {
            place.exists(Path::new(needed))
        } else {
            searched.iter().chain(defaults).any(|folder| place.exists(&Path::new(folder).join(needed)))
        };
        if !found {
            let (file, needed) = (lives.display().to_string(), (*needed).to_owned());
            report.unsatisfied.push(Unsatisfied { file, needed, searched: searched.clone() });
        }
    }
    Ok(())
}

/// The file's bytes, if it begins as ELF files do.
fn read_elf(file: &Path) -> Result<Option<Vec<u8>>, EngineError> {
    let mut open = fs::File::open(file).doing("open", file)?;
    let mut bytes = vec![0; 4];
    match open.read_exact(&mut bytes) {
        Ok(()) if bytes == *b"\x7fELF" => {}
        _ => return Ok(None),
    }
    open.read_to_end(&mut bytes).doing("read", file)?;
    Ok(Some(bytes))
}

fn expand(path: &str, origin: &Path) -> String {
    let origin = origin.to_string_lossy();
    let mut path = path.to_owned();
    for (name, value) in [("ORIGIN", &*origin), ("LIB", "lib"), ("PLATFORM", "x86_64")] {
        path = path.replace(&format!("${{{name}}}"), value).replace(&format!("${name}"), value);
    }
    path
}

/// The folders of `/etc/ld.so.conf` and what it includes, and the built-in ones.
fn default_folders(sysroot: &Root) -> BTreeSet<String> {
    let mut folders: BTreeSet<String> = ["/lib", "/usr/lib", "/lib64", "/usr/lib64"].map(str::to_owned).into();
    let mut texts = vec![fs::read_to_string(sysroot.outside(Path::new("/etc/ld.so.conf"))).unwrap_or_default()];
    if let Ok(entries) = fs::read_dir(sysroot.outside(Path::new("/etc/ld.so.conf.d"))) {
        let files = entries.flatten().map(|e| e.path()).filter(|p| p.extension().is_some_and(|e| e == "conf"));
        texts.extend(files.filter_map(|f| fs::read_to_string(f).ok()));
    }
    for text in texts {
        let lines = text.lines().map(|l| l.split('#').next().unwrap_or("").trim());
        folders.extend(lines.filter(|l| l.starts_with('/')).map(str::to_owned));
    }
    folders
}

/// A tree laid over a sysroot.
struct Place<'a> {
    tree: &'a Path,
    at: &'a Path,
    sysroot: &'a Root,
}

impl Place<'_> {
    /// Whether a path of the running system leads to a file, links followed within it.
    fn exists(&self, path: &Path) -> bool {
        let mut path = clean(path);
        for _ in 0..40 {
            match self.step(&path) {
                Step::File => return true,
                Step::Nothing => return false,
                Step::Link(to) => path = to,
            }
        }
        false
    }

    /// Follows the first link on the way.
    fn step(&self, path: &Path) -> Step {
        let mut so_far = PathBuf::from("/");
        for part in path.components().skip(1) {
            so_far.push(part);
            let Ok(meta) = fs::symlink_metadata(self.host(&so_far)) else { return Step::Nothing };
            if meta.is_symlink() {
                let Ok(target) = fs::read_link(self.host(&so_far)) else { return Step::Nothing };
                let rest = path.strip_prefix(&so_far).unwrap_or(Path::new(""));
                let base = so_far.parent().unwrap_or(Path::new("/"));
                return Step::Link(clean(&base.join(target).join(rest)));
            }
        }
        if self.host(path).is_file() { Step::File } else { Step::Nothing }
    }

    fn host(&self, path: &Path) -> PathBuf {
        match path.strip_prefix(self.at) {
            Ok(inside) => self.tree.join(inside),
            Err(_) if self.at.starts_with(path) => self.tree.to_owned(),
            Err(_) => self.sysroot.outside(path),
        }
    }
}

enum Step {
    File,
    Nothing,
    Link(PathBuf),
}

/// An absolute path without `.` and `..`.
fn clean(path: &Path) -> PathBuf {
    let mut clean = PathBuf::from("/");
    for part in path.components() {
        match part {
            Component::Normal(name) => clean.push(name),
            Component::ParentDir => {
                clean.pop();
            }
            _ => {}
        }
    }
    clean
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A tree with this machine's own `true`, and a sysroot with the libraries of these names.
    fn place(libraries: &[&str]) -> (tempfile::TempDir, PathBuf, PathBuf) {
        let top = tempfile::tempdir().unwrap();
        let (tree, sysroot) = (top.path().join("tree"), top.path().join("root"));
        fs::create_dir_all(tree.join("bin")).unwrap();
        fs::create_dir_all(sysroot.join("etc/ld.so.conf.d")).unwrap();
        fs::create_dir_all(sysroot.join("usr/lib/here")).unwrap();
        fs::copy("/bin/true", tree.join("bin/true")).unwrap();
        fs::write(tree.join("bin/script"), "#!/bin/sh\n").unwrap();
        fs::write(sysroot.join("etc/ld.so.conf.d/here.conf"), "# folders\n/lib/here\n").unwrap();
        std::os::unix::fs::symlink("usr/lib", sysroot.join("lib")).unwrap();
        libraries.iter().for_each(|name| fs::write(sysroot.join("usr/lib/here").join(name), "").unwrap());
        (top, tree, sysroot)
    }

    #[test]
    fn a_library_in_a_configured_folder_is_found_through_links() {
        let (_top, tree, sysroot) = place(&["libc.so.6"]);
        let report = check(&tree, "/opt/x", &Root::plain(sysroot)).unwrap();
        assert_eq!((report.files, report.needed, report.unsatisfied), (1, 1, Vec::new()));
    }

    #[test]
    fn a_missing_library_is_named_with_the_file_that_needs_it() {
        let (_top, tree, sysroot) = place(&["libm.so.6"]);
        let unsatisfied = check(&tree, "/opt/x", &Root::plain(sysroot)).unwrap().unsatisfied;
        let error = EngineError::Elf { needed: 1, unsatisfied };
        insta::assert_snapshot!(error, @"
        1 of 1 needed libraries would not be found at run time:
          /opt/x/bin/true needs libc.so.6
          help: add the package that has the library to the run-time sysroot of the recipe
        ");
    }

    #[test]
    fn origin_and_what_climbs_out_of_it_are_followed() {
        let folder = expand("$ORIGIN/../x.libs:", Path::new("/opt/x/lib"));
        assert_eq!(clean(Path::new(&folder)), Path::new("/opt/x/x.libs:"));
        assert_eq!(expand("${ORIGIN}/$LIB", Path::new("/a")), "/a/lib");
    }
}
