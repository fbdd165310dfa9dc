//! Names in a zip archive that mean the same file. Reads the central directory itself, for the library keeps of entries
//! with one name only the last. Knows names; unpacks nothing.

use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

/// The mark of an entry of the central directory.
const MARK: [u8; 4] = *b"PK\x01\x02";
/// Bytes of an entry before its name.
const FIXED: usize = 46;

/// The first name that stands twice in the central directory at `start`, also in another spelling (`a/./b`, `a//b`), as a
/// file and as a folder, or as a file that another name is below. `entries` is how many the reader of the archive found:
/// where that is less, it has dropped some.
pub fn repeated_zip_name(file: &File, start: u64, entries: usize) -> io::Result<Option<Vec<u8>>> {
    let names = directory_names(file, start)?;
    let mut seen: HashMap<Vec<&[u8]>, bool> = HashMap::with_capacity(names.len());
    for name in &names {
        let is_folder = name.ends_with(b"/");
        if seen.insert(parts(name), is_folder).is_some() {
            return Ok(Some(name.clone()));
        }
    }
    for name in &names {
        let parts = parts(name);
        if (1..parts.len()).any(|depth| seen.get(&parts[..depth]) == Some(&false)) {
            return Ok(Some(name.clone()));
        }
    }
    // Names that are equal only in the Unicode field beside them.
    Ok(if names.len() == entries { None } else { Some(names.last().cloned().unwrap_or_default()) })
}

fn parts(name: &[u8]) -> Vec<&[u8]> {
    name.split(|b| *b == b'/').filter(|part| !matches!(*part, b"" | b".")).collect()
}

fn directory_names(file: &File, start: u64) -> io::Result<Vec<Vec<u8>>> {
    let (mut names, mut at, mut header) = (Vec::new(), start, [0; FIXED]);
    loop {
        match file.read_exact_at(&mut header, at) {
            Ok(()) if header[..4] == MARK => {}
            Ok(()) => return Ok(names),
            // The record at the end is shorter than an entry.
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(names),
            Err(error) => return Err(error),
        }
        let length = |n: usize| u64::from(u16::from_le_bytes([header[n], header[n + 1]]));
        let (name, extra, comment) = (length(28), length(30), length(32));
        let mut bytes = vec![0; name as usize];
        file.read_exact_at(&mut bytes, at + FIXED as u64)?;
        names.push(bytes);
        at += FIXED as u64 + name + extra + comment;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use zip::write::SimpleFileOptions;
    use zip::{ZipArchive, ZipWriter};

    /// An archive with these names. The library writes no name twice: `%` in a name is replaced afterwards by `a`.
    fn repeated(names: &[&str]) -> Option<String> {
        let mut zip = ZipWriter::new(io::Cursor::new(Vec::new()));
        for name in names {
            zip.start_file(*name, SimpleFileOptions::default()).unwrap();
            zip.write_all(name.as_bytes()).unwrap();
        }
        let mut bytes = zip.finish().unwrap().into_inner();
        bytes.iter_mut().filter(|b| **b == b'%').for_each(|b| *b = b'a');
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&bytes).unwrap();
        let archive = ZipArchive::new(&file).unwrap();
        let name = repeated_zip_name(&file, archive.central_directory_start(), archive.len()).unwrap();
        name.map(|name| String::from_utf8(name).unwrap())
    }

    #[test]
    fn a_name_twice_is_found_in_any_spelling() {
        for names in [
            ["a", "%"],
            ["x/a", "x/./a"],
            ["x/a", "x//a"],
            ["a", "./a"],
            ["a", "a/"],
            ["a/", "a"],
            ["a/", "a//"],
            ["a", "a/b"],
        ] {
            assert_eq!(repeated(&names).as_deref(), Some(&*names[1].replace('%', "a")), "{names:?}");
        }
        assert_eq!(repeated(&["a/b", "a"]).as_deref(), Some("a/b"));
        assert_eq!(repeated(&["a", "b", "A", "c/", "c/d", "ab"]), None);
        assert_eq!(repeated(&[]), None);
    }
}
