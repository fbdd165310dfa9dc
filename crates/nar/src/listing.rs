//! A tree, file by file, without its contents. Knows how that is written down; not how it is made.
//!
//! The text form has one entry a line, its fields separated by single spaces, sorted by path bytes:
//!
//! ```text
//! d PATH
//! f SIZE SHA256HEX PATH        a file
//! x SIZE SHA256HEX PATH        an executable file
//! l TARGET PATH                a symbolic link
//! ```
//!
//! In PATH and TARGET every byte that is not a printable ASCII character, and space and `\`, is
//! written `\xHH`, so that a line holds any name. The root of the tree is the empty PATH.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

use data_encoding::{HEXLOWER, HEXLOWER_PERMISSIVE};

use crate::ListingError;

/// The entries of a tree, sorted by path bytes. The root is the first, with an empty path.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listing {
    /// The entries.
    pub entries: Vec<Entry>,
}

/// One file, folder or symbolic link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Path relative to the root; not always UTF-8.
    pub path: OsString,
    /// What is there.
    pub kind: Kind,
}

/// What an entry is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A folder.
    Dir,
    /// A regular file.
    File {
        /// Whether its owner may execute it.
        exec: bool,
        /// Length in bytes.
        size: u64,
        /// SHA-256 of its contents.
        digest: [u8; 32],
    },
    /// A symbolic link.
    Symlink {
        /// What it points at, as it is written in it.
        target: OsString,
    },
}

impl Listing {
    /// The text form.
    pub fn to_text(&self) -> String {
        let mut out = String::with_capacity(self.entries.len() * 128);
        for entry in &self.entries {
            match &entry.kind {
                Kind::Dir => out.push('d'),
                Kind::File { exec, size, digest } => {
                    out.push(if *exec { 'x' } else { 'f' });
                    out.push_str(&format!(" {size} {}", HEXLOWER.encode(digest)));
                }
                Kind::Symlink { target } => {
                    out.push_str("l ");
                    escape(target, &mut out);
                }
            }
            out.push(' ');
            escape(&entry.path, &mut out);
            out.push('\n');
        }
        out
    }

    /// Reads the text form.
    pub fn from_text(text: &str) -> Result<Self, ListingError> {
        let mut entries: Vec<Entry> = Vec::new();
        for (i, line) in text.split_terminator('\n').enumerate() {
            let wrong = |problem| ListingError { line: i + 1, problem };
            let entry = parse(line).map_err(wrong)?;
            if entries.last().is_some_and(|last| last.path >= entry.path) {
                return Err(wrong("its path does not sort after the one before"));
            }
            entries.push(entry);
        }
        if !text.is_empty() && !text.ends_with('\n') {
            return Err(ListingError { line: entries.len(), problem: "it ends in the middle" });
        }
        Ok(Self { entries })
    }

    /// The entry at that path.
    pub fn get(&self, path: impl AsRef<OsStr>) -> Option<&Entry> {
        let found = self.entries.binary_search_by(|e| e.path.as_os_str().cmp(path.as_ref()));
        found.ok().map(|i| &self.entries[i])
    }
}

fn parse(line: &str) -> Result<Entry, &'static str> {
    let mut fields = line.split(' ');
    let mut next = |problem| fields.next().ok_or(problem);
    let kind = match next("it is empty")? {
        "d" => Kind::Dir,
        exec @ ("f" | "x") => {
            let size = next("a size is missing")?.parse().map_err(|_| "its size is not a number")?;
            let digest = HEXLOWER_PERMISSIVE.decode(next("a digest is missing")?.as_bytes());
            let digest = digest.ok().and_then(|d| d.try_into().ok()).ok_or("its digest is not SHA-256 in hex")?;
            Kind::File { exec: exec == "x", size, digest }
        }
        "l" => Kind::Symlink { target: unescape(next("a target is missing")?)? },
        _ => return Err("its first letter is none of d, f, x, l"),
    };
    let path = unescape(next("a path is missing")?)?;
    match fields.next() {
        None => Ok(Entry { path, kind }),
        Some(_) => Err("it has too many fields"),
    }
}

fn escape(name: &OsStr, out: &mut String) {
    for byte in name.as_bytes() {
        match byte {
            b'\\' => out.push_str("\\x5c"),
            0x21..=0x7e => out.push(char::from(*byte)),
            _ => out.push_str(&format!("\\x{byte:02x}")),
        }
    }
}

fn unescape(text: &str) -> Result<OsString, &'static str> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((byte, after)) = rest.split_first() {
        rest = after;
        if *byte != b'\\' {
            out.push(*byte);
            continue;
        }
        let hex = rest.strip_prefix(b"x").and_then(|r| r.get(..2)).ok_or("an escape is cut off")?;
        out.extend(HEXLOWER_PERMISSIVE.decode(hex).map_err(|_| "an escape is not hex")?);
        rest = &rest[3..];
    }
    Ok(OsString::from_vec(out))
}
