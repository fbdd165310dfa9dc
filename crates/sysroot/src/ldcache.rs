//! `/etc/ld.so.cache` in glibc's format 1.1 (`glibc-ld.so.cache1.1`), as ldconfig(8) would write it, for
//! 64-bit little-endian machines. Folders are those of `/etc/ld.so.conf`, then the system's own; only
//! names count, so that the same root always gives the same bytes.
//!
//! Layout, all little-endian: magic (17 bytes) and version (3); u32 number of entries; u32 length of the
//! strings; u8 2 (byte order); 3 zero bytes; u32 0 (no extensions); 12 zero bytes; the entries, each i32
//! flags, u32 offset of the soname, u32 offset of the path (both from the file's start), u32 0, u64 0;
//! then the strings, each ended by NUL. Entries stand in descending order of the soname.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use akbuild_tree::EntryKind;

use crate::root::Root;
use crate::{SysrootError, elf};

const MAGIC: &[u8] = b"glibc-ld.so.cache1.1";
const HEADER: usize = 48;
const ENTRY: usize = 24;
/// A shared library for glibc 2 and later.
const ELF_LIBC6: i32 = 3;
/// More levels of `include` than this are a loop.
const MAX_INCLUDES: usize = 8;

struct Library {
    soname: String,
    path: String,
    flags: i32,
}

/// Writes the cache, if the root has a C library that would read it.
pub(crate) fn write(root: &Root) -> Result<(), SysrootError> {
    let mut libraries = Vec::new();
    for folder in folders(root)? {
        libraries.extend(scan(root, &folder)?);
    }
    if libraries.is_empty() { Ok(()) } else { root.write("etc/ld.so.cache", &encode(libraries)) }
}

/// The folders in the order in which they are searched, each once.
fn folders(root: &Root) -> Result<Vec<PathBuf>, SysrootError> {
    let mut all = Vec::new();
    config(root, Path::new("/etc/ld.so.conf"), 0, &mut BTreeSet::new(), &mut all)?;
    all.extend(["/lib", "/usr/lib"].map(PathBuf::from));
    let mut seen = BTreeSet::new();
    // `/lib` is `/usr/lib`: a folder counts under the first of its names.
    all.retain(|folder| root.resolve(folder).is_some_and(|real| seen.insert(real)));
    Ok(all)
}

/// The folders that a file names, and those that it includes, each file once.
fn config(
    root: &Root,
    path: &Path,
    depth: usize,
    seen: &mut BTreeSet<PathBuf>,
    all: &mut Vec<PathBuf>,
) -> Result<(), SysrootError> {
    if depth > MAX_INCLUDES || !root.exists(path) || !root.resolve(path).is_some_and(|real| seen.insert(real)) {
        return Ok(());
    }
    let text = String::from_utf8_lossy(&root.read(path)?).into_owned();
    for line in text.lines().map(|l| l.split('#').next().unwrap_or_default().trim()).filter(|l| !l.is_empty()) {
        let Some(pattern) = line.strip_prefix("include ").map(str::trim) else {
            all.push(PathBuf::from(line));
            continue;
        };
        // `include` in Debian is always of one folder's `*.conf`.
        match pattern.strip_suffix("/*.conf") {
            Some(folder) => {
                let files = root.list(folder)?;
                for file in files.iter().filter(|f| f.extension().is_some_and(|e| e == "conf")) {
                    config(root, file, depth + 1, seen, all)?;
                }
            }
            None => config(root, Path::new(pattern), depth + 1, seen, all)?,
        }
    }
    Ok(())
}

/// The libraries of a folder: one entry for each soname, and one for each development link (`libx.so`).
fn scan(root: &Root, folder: &Path) -> Result<Vec<Library>, SysrootError> {
    let mut found: BTreeMap<String, Library> = BTreeMap::new();
    for file in root.list(folder)? {
        let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let wanted = (name.starts_with("lib") || name.starts_with("ld-")) && name.contains(".so");
        let Some(real) = root.resolve(&file).filter(|_| wanted) else { continue };
        if !root.tree().entry(&real)?.is_some_and(|kind| kind.is_file()) {
            continue;
        }
        let shared = elf::read(&root.tree().file(&real)?);
        let Some((shared, flags)) = shared.and_then(|s| flags(s.machine).map(|f| (s, f))) else { continue };
        let is_development_link =
            name.ends_with(".so") && matches!(root.tree().entry(root.real(&file)?)?, Some(EntryKind::Link(_)));
        let soname = shared.soname.filter(|_| !is_development_link).unwrap_or_else(|| name.clone());
        // The name that is the soname wins over the file's full name.
        if name == soname || !found.contains_key(&soname) {
            let path = folder.join(&name).to_string_lossy().into_owned();
            found.insert(soname.clone(), Library { soname, path, flags });
        }
    }
    Ok(found.into_values().collect())
}

/// What glibc wants to see for a machine; `None` for one that is not supported here.
fn flags(machine: u16) -> Option<i32> {
    match machine {
        62 => Some(0x0300 | ELF_LIBC6),  // x86-64
        183 => Some(0x0a00 | ELF_LIBC6), // AArch64
        243 => Some(0x1000 | ELF_LIBC6), // RISC-V, double-float
        21 => Some(0x0500 | ELF_LIBC6),  // POWER, 64 bits
        _ => None,
    }
}

fn encode(mut libraries: Vec<Library>) -> Vec<u8> {
    libraries.sort_by(|a, b| compare(b.soname.as_bytes(), a.soname.as_bytes()));
    let strings_at = HEADER + libraries.len() * ENTRY;
    let (mut entries, mut strings) = (Vec::new(), Vec::new());
    for library in &libraries {
        let mut put = |text: &str| {
            let at = (strings_at + strings.len()) as u32;
            strings.extend_from_slice(text.as_bytes());
            strings.push(0);
            at
        };
        let (key, value) = (put(&library.soname), put(&library.path));
        entries.extend_from_slice(&library.flags.to_le_bytes());
        for word in [key, value, 0, 0, 0] {
            entries.extend_from_slice(&word.to_le_bytes());
        }
    }
    let mut cache = MAGIC.to_vec();
    cache.extend_from_slice(&(libraries.len() as u32).to_le_bytes());
    cache.extend_from_slice(&(strings.len() as u32).to_le_bytes());
    cache.push(2);
    cache.resize(HEADER, 0);
    cache.extend(entries);
    cache.extend(strings);
    cache
}

/// The order in which the loader searches: as bytes, but digits as numbers and after all else.
fn compare(a: &[u8], b: &[u8]) -> Ordering {
    let (mut a, mut b) = (a, b);
    while let (Some(x), Some(y)) = (a.first(), b.first()) {
        match (x.is_ascii_digit(), y.is_ascii_digit()) {
            (true, true) => {
                let (m, n);
                (m, a) = number(a);
                (n, b) = number(b);
                if m != n {
                    return m.cmp(&n);
                }
            }
            (true, false) => return Ordering::Greater,
            (false, true) => return Ordering::Less,
            _ if x != y => return x.cmp(y),
            _ => (a, b) = (&a[1..], &b[1..]),
        }
    }
    match (a.first(), b.first()) {
        (None, Some(y)) if y.is_ascii_digit() => Ordering::Less,
        _ => a.len().min(1).cmp(&b.len().min(1)),
    }
}

fn number(text: &[u8]) -> (u32, &[u8]) {
    let end = text.iter().position(|c| !c.is_ascii_digit()).unwrap_or(text.len());
    let value = text[..end].iter().fold(0_u32, |n, c| n.wrapping_mul(10).wrapping_add(u32::from(c - b'0')));
    (value, &text[end..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_of_the_loader() {
        let mut names =
            ["libz.so.1", "libc.so.6", "libc++.so.1", "libfoo.so.10", "libfoo.so.9", "libfoo.so", "lib2.so"];
        names.sort_by(|a, b| compare(a.as_bytes(), b.as_bytes()));
        assert_eq!(
            names,
            ["libc++.so.1", "libc.so.6", "libfoo.so", "libfoo.so.9", "libfoo.so.10", "libz.so.1", "lib2.so"]
        );
    }

    #[test]
    fn golden() {
        let library = |s: &str, p: &str| Library { soname: s.into(), path: p.into(), flags: 0x303 };
        let cache = encode(vec![library("liba.so.1", "/x/a"), library("libb.so.1", "/x/b")]);
        assert_eq!(&cache[..20], b"glibc-ld.so.cache1.1");
        assert_eq!(
            cache[20..48],
            [2, 0, 0, 0, 30, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]
        );
        assert_eq!(cache[48..60], [3, 3, 0, 0, 96, 0, 0, 0, 106, 0, 0, 0]);
        assert_eq!(&cache[96..], b"libb.so.1\0/x/b\0liba.so.1\0/x/a\0");
    }

    #[test]
    fn files_that_include_each_other_are_read_once() {
        let dir = tempfile::tempdir().unwrap();
        let root = Root::open(dir.path()).unwrap();
        let all = (0..100).map(|i| format!("include /etc/{i}\n")).collect::<String>();
        root.write("etc/ld.so.conf", all.as_bytes()).unwrap();
        for i in 0..100 {
            root.write(format!("etc/{i}"), format!("{all}/{i}\n").as_bytes()).unwrap();
        }
        assert_eq!(folders(&root).unwrap().len(), 102);
    }

    #[test]
    fn folders_are_those_of_the_configuration() {
        let dir = tempfile::tempdir().unwrap();
        let root = Root::open(dir.path()).unwrap();
        root.make_dir("usr/lib/multi").unwrap();
        root.link("lib", "usr/lib").unwrap();
        root.write("etc/ld.so.conf", b"include /etc/ld.so.conf.d/*.conf\n").unwrap();
        root.write("etc/ld.so.conf.d/b.conf", b"# x\n/usr/lib/multi\n").unwrap();
        root.write("etc/ld.so.conf.d/a.conf", b"/usr/local/lib\n/lib/multi\n").unwrap();
        let found: Vec<_> = folders(&root).unwrap().iter().map(|f| f.display().to_string()).collect();
        assert_eq!(found, ["/usr/local/lib", "/lib/multi", "/lib"]);
    }
}
