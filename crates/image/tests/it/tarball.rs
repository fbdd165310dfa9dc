//! Archives from a list of members, whose names and links are taken as they are, also where the `tar` crate would
//! object.

use tar::{EntryType, Header};

pub(crate) const FILE: EntryType = EntryType::Regular;
pub(crate) const DIR: EntryType = EntryType::Directory;
pub(crate) const LINK: EntryType = EntryType::Symlink;
pub(crate) const HARD: EntryType = EntryType::Link;
pub(crate) const LONG: EntryType = EntryType::GNULongName;
pub(crate) const PAX: EntryType = EntryType::XHeader;

/// Name, kind, and contents or target.
pub(crate) type Member<'a> = (&'a str, EntryType, &'a str);

/// An archive of these, folders with the mode 755, files that end in `.sh` too, other files with 640.
pub(crate) fn tarball(members: &[Member<'_>]) -> Vec<u8> {
    let all = members.iter().flat_map(|(name, kind, text)| member(name.as_bytes(), *kind, text.as_bytes()));
    end(all.collect())
}

/// One member: a header, and contents.
pub(crate) fn member(name: &[u8], kind: EntryType, text: &[u8]) -> Vec<u8> {
    let executable = kind == DIR || name.ends_with(b".sh");
    let header = header(name, kind, text, if executable { 0o755 } else { 0o640 });
    let data = if matches!(kind, LINK | HARD) { b"" } else { text };
    with_data(&header, data)
}

/// The header of a member, which can be changed still.
pub(crate) fn header(name: &[u8], kind: EntryType, text: &[u8], mode: u32) -> Header {
    let mut header = Header::new_gnu();
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(1);
    let old = header.as_old_mut();
    old.name[..name.len()].copy_from_slice(name);
    let link = matches!(kind, LINK | HARD);
    if link {
        old.linkname[..text.len()].copy_from_slice(text);
    }
    header.set_size(if link { 0 } else { text.len() as u64 });
    header
}

/// A header with its sum, and what follows it.
pub(crate) fn with_data(header: &Header, data: &[u8]) -> Vec<u8> {
    let mut header = header.clone();
    header.set_cksum();
    let mut out = header.as_bytes().to_vec();
    out.extend_from_slice(data);
    out.resize(out.len().next_multiple_of(512), 0);
    out
}

/// A member whose name is longer than a header has room for.
pub(crate) fn long(name: &str, kind: EntryType, text: &str) -> Vec<u8> {
    let name = [name.as_bytes(), b"\0"].concat();
    [member(b"././@LongLink", LONG, &name), member(b"cut", kind, text.as_bytes())].concat()
}

/// A record of a member's extension: its length, `key=value`, and the end of the line.
pub(crate) fn record(key: &str, value: &str) -> String {
    let rest = format!(" {key}={value}\n");
    let length = (1..).find(|length| length.to_string().len() + rest.len() == *length).unwrap_or_default();
    format!("{length}{rest}")
}

/// The end of an archive.
pub(crate) fn end(mut members: Vec<u8>) -> Vec<u8> {
    members.resize(members.len() + 1024, 0);
    members
}
