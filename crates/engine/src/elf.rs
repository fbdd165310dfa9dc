//! Whether every shared library that a tree's programs need will be found where the tree will run.
//!
//! Follows ld.so(8): for an object's `NEEDED` entry, its `RPATH` (unless it has a `RUNPATH`), then
//! its `RUNPATH`, with `$ORIGIN` and `$LIB` expanded, then `/etc/ld.so.conf` and the default folders. Two things
//! of the dynamic linker are left out: `LD_LIBRARY_PATH`, which nothing here sets, and libraries that some
//! other object has loaded before, which would make the answer depend on import order.

use std::collections::BTreeSet;
use std::io::Read;
use std::path::{Component, Path, PathBuf};

use akbuild_tree::{EntryKind, TreeDir};

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
    let place = Place::open(tree, at, sysroot)?;
    let defaults = place.default_folders();
    let mut report = ElfReport::default();
    let mut folders = vec![PathBuf::new()];
    while let Some(folder) = folders.pop() {
        for (name, kind) in place.tree.entries(&folder)? {
            let path = folder.join(name);
            match kind {
                EntryKind::Folder => folders.push(path),
                EntryKind::File { .. } => check_file(&place, &path, &defaults, &mut report)?,
                _ => {}
            }
        }
    }
    report.unsatisfied.sort();
    Ok(report)
}

fn check_file(
    place: &Place,
    file: &Path,
    defaults: &BTreeSet<String>,
    report: &mut ElfReport,
) -> Result<(), EngineError> {
    let Some(bytes) = read_elf(&place.tree, file)? else { return Ok(()) };
    let Ok(elf) = goblin::elf::Elf::parse(&bytes) else { return Ok(()) };
    if elf.dynamic.is_none() {
        return Ok(());
    }
    report.files += 1;
    let lives = place.at.join(file);
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
fn read_elf(tree: &TreeDir, file: &Path) -> Result<Option<Vec<u8>>, EngineError> {
    let mut open = tree.file(file)?;
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

/// At most so many bytes of the linker's configuration are read.
const LONGEST_CONFIGURATION: u64 = 1 << 20;

/// A tree laid over a sysroot.
struct Place {
    tree: TreeDir,
    at: PathBuf,
    /// The folders that the sysroot is made of, by where they are mounted; a mount that lies in another stands after it.
    sysroot: Vec<(PathBuf, TreeDir)>,
}

impl Place {
    fn open(tree: &Path, at: &str, sysroot: &Root) -> Result<Self, EngineError> {
        let root = (PathBuf::from("/"), TreeDir::open(&sysroot.tree, "the sysroot")?);
        // A file of the machine that is mounted by itself is no folder: nothing is below it.
        let mounts = sysroot.mounts.iter().filter_map(|mount| {
            Some((PathBuf::from(&mount.at), TreeDir::open(&mount.from, "the machine's own folder").ok()?))
        });
        let tree = TreeDir::open(tree, "the output")?;
        Ok(Self { tree, at: at.into(), sysroot: [root].into_iter().chain(mounts).collect() })
    }

    /// The folders of `/etc/ld.so.conf` and what it includes, and the built-in ones.
    fn default_folders(&self) -> BTreeSet<String> {
        let mut folders: BTreeSet<String> = ["/lib", "/usr/lib", "/lib64", "/usr/lib64"].map(str::to_owned).into();
        let mut texts: Vec<String> = self.read(Path::new("/etc/ld.so.conf")).into_iter().collect();
        if let Some((top, inside)) = self.resolve(Path::new("/etc/ld.so.conf.d")) {
            let names = top.entries(&inside).unwrap_or_default().into_iter().map(|(name, _)| name);
            let files = names.filter(|name| Path::new(name).extension().is_some_and(|e| e == "conf"));
            texts.extend(files.filter_map(|name| self.read(&Path::new("/etc/ld.so.conf.d").join(name))));
        }
        for text in texts {
            let lines = text.lines().map(|l| l.split('#').next().unwrap_or("").trim());
            folders.extend(lines.filter(|l| l.starts_with('/')).map(str::to_owned));
        }
        folders
    }

    fn read(&self, path: &Path) -> Option<String> {
        let (top, inside) = self.resolve(path)?;
        String::from_utf8(top.read_at_most(inside, LONGEST_CONFIGURATION).ok()?).ok()
    }

    /// Whether a path of the running system leads to a file, links followed within it.
    fn exists(&self, path: &Path) -> bool {
        let found = self.resolve(path).and_then(|(top, inside)| top.entry(inside).ok()?);
        found.is_some_and(|kind| kind.is_file())
    }

    /// The folder and the path in it that a path of the running system leads to, links followed within that system.
    fn resolve(&self, path: &Path) -> Option<(&TreeDir, PathBuf)> {
        let mut path = clean(path);
        for _ in 0..40 {
            match self.step(&path) {
                Step::End => return Some(self.inside(&path)),
                Step::Nothing => return None,
                Step::Link(to) => path = to,
            }
        }
        None
    }

    /// Follows the first link on the way.
    fn step(&self, path: &Path) -> Step {
        let mut so_far = PathBuf::from("/");
        for part in path.components().skip(1) {
            so_far.push(part);
            let (top, inside) = self.inside(&so_far);
            match top.entry(inside) {
                Ok(Some(EntryKind::Link(target))) => {
                    let rest = path.strip_prefix(&so_far).unwrap_or(Path::new(""));
                    let base = so_far.parent().unwrap_or(Path::new("/"));
                    return Step::Link(clean(&base.join(target).join(rest)));
                }
                Ok(Some(_)) => {}
                _ => return Step::Nothing,
            }
        }
        Step::End
    }

    /// The folder that a path of the running system is in, and the path below its top; no link is followed.
    fn inside(&self, path: &Path) -> (&TreeDir, PathBuf) {
        if let Ok(inside) = path.strip_prefix(&self.at) {
            return (&self.tree, inside.to_owned());
        }
        if self.at.starts_with(path) {
            return (&self.tree, PathBuf::new());
        }
        let mounted =
            self.sysroot.iter().rev().find_map(|(at, top)| Some((top, path.strip_prefix(at).ok()?.to_owned())));
        mounted.expect("everything is below `/`")
    }
}

enum Step {
    /// No link is on the way.
    End,
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
    use std::fs;

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
