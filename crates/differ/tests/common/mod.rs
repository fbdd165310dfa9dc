//! Small files, made for one test. Knows formats only as far as other crates write them.
#![allow(dead_code, missing_docs, reason = "each test uses some of it")]

use std::io::{Cursor, Write};

use akbuild_differ::{Explanation, explain};
use zip::write::SimpleFileOptions;

pub(crate) fn explained(old: impl AsRef<[u8]>, new: impl AsRef<[u8]>, limit: usize) -> Explanation {
    let dir = tempfile::tempdir().unwrap();
    let (a, b) = (dir.path().join("a"), dir.path().join("b"));
    std::fs::write(&a, old).unwrap();
    std::fs::write(&b, new).unwrap();
    let open = |path| std::fs::File::open(path).unwrap();
    let found = explain(open(&a), open(&b), limit).unwrap();
    let lines = found.lines().len();
    assert!(lines <= limit, "{lines} lines, {limit} allowed:\n{found}");
    serde_json::to_string(&found).unwrap();
    found
}

pub(crate) fn told(old: impl AsRef<[u8]>, new: impl AsRef<[u8]>) -> String {
    explained(old, new, 20).to_string()
}

pub(crate) fn zipped(members: &[(&str, &[u8])], options: SimpleFileOptions) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in members {
        zip.start_file(*name, options).unwrap();
        zip.write_all(content).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

/// At so many seconds after the beginning of 2026.
pub(crate) fn at(second: u8) -> SimpleFileOptions {
    let time = zip::DateTime::from_date_and_time(2026, 1, 1, 0, 0, second).unwrap();
    SimpleFileOptions::default().last_modified_time(time).unix_permissions(0o644)
}

pub(crate) fn header(size: usize) -> tar::Header {
    let mut header = tar::Header::new_ustar();
    header.set_size(size as u64);
    header.set_mode(0o644);
    header.set_mtime(1);
    header.set_uid(0);
    header.set_gid(0);
    header
}

pub(crate) fn tarred(members: &[(&str, &[u8])], change: impl Fn(&mut tar::Header)) -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    for (name, content) in members {
        let mut header = header(content.len());
        change(&mut header);
        tar.append_data(&mut header, name, *content).unwrap();
    }
    tar.into_inner().unwrap()
}

pub(crate) fn gzipped(content: &[u8], seconds: u32, level: u32) -> Vec<u8> {
    let mut gz = flate2::GzBuilder::new().mtime(seconds).write(Vec::new(), flate2::Compression::new(level));
    gz.write_all(content).unwrap();
    gz.finish().unwrap()
}

/// A little ELF file with these sections: a header, their contents, their names, their headers.
pub(crate) fn elf(sections: &[(&str, &[u8])]) -> Vec<u8> {
    let mut file = vec![0; 64];
    file[..7].copy_from_slice(b"\x7fELF\x02\x01\x01");
    let mut names = vec![0];
    let mut headers = vec![0; 64];
    let mut add = |name: &str, offset: usize, size: usize, names: &mut Vec<u8>| {
        let mut header = [0; 64];
        header[..4].copy_from_slice(&(names.len() as u32).to_le_bytes());
        header[4] = 1;
        header[24..32].copy_from_slice(&(offset as u64).to_le_bytes());
        header[32..40].copy_from_slice(&(size as u64).to_le_bytes());
        names.extend(name.bytes().chain([0]));
        headers.extend(header);
    };
    for (name, content) in sections {
        add(name, file.len(), content.len(), &mut names);
        file.extend_from_slice(content);
    }
    let size = names.len() + ".shstrtab".len() + 1;
    add(".shstrtab", file.len(), size, &mut names);
    file.extend(names);
    let place = file.len() as u64;
    file[40..48].copy_from_slice(&place.to_le_bytes());
    file[58] = 64;
    file[60] = sections.len() as u8 + 2;
    file[62] = sections.len() as u8 + 1;
    file.extend(headers);
    file
}

/// What a unified diff makes of a text whose lines all have ends.
pub(crate) fn applied(old: &str, hunks: &str) -> String {
    let old: Vec<_> = old.split_inclusive('\n').collect();
    let (mut new, mut at) = (String::new(), 0);
    for line in hunks.lines() {
        let content = format!("{}\n", &line[1..]);
        match line.as_bytes()[0] {
            b'@' => {
                let range = line[4..].split(' ').next().unwrap();
                let (start, len) = range.split_once(',').unwrap_or((range, "1"));
                // Of nothing, the line before is named.
                let start = start.parse::<usize>().unwrap() - usize::from(len != "0");
                new.extend(old[at..start].iter().copied());
                at = start;
            }
            b'+' => new.push_str(&content),
            sign => {
                assert_eq!(old[at], content);
                at += 1;
                if sign == b' ' {
                    new.push_str(&content);
                }
            }
        }
    }
    new.extend(old[at..].iter().copied());
    new
}
