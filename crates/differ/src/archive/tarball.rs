//! Members of tar archives (POSIX ustar and pax, GNU). Knows the headers; reads from front to back only.

use std::collections::HashMap;
use std::io::{self, Read};

use tar::{Archive, EntryType, Header, PaxExtensions};

use super::Format;
use super::compare::compare;
use super::member::{Aspect, Container, Kept, MOST_LOADED, Member, digest};
use crate::blob::Blob;
use crate::explain::Explanation;
use crate::part::Part;
use crate::room::{Meter, Room};
use crate::words::{around, clean, date};

/// The longest extended header that is read.
const EXTENDED: u64 = 1 << 20;
/// How much is shown of one.
const SHOWN: usize = 200;

/// Opens an archive at its beginning.
pub(crate) type Open<'a> = dyn Fn() -> Box<dyn Read + 'a> + 'a;

/// Whether it begins with the header of a tar archive.
pub(crate) fn is_tar(reader: impl Read) -> io::Result<bool> {
    let mut head = Vec::new();
    reader.take(512).read_to_end(&mut head)?;
    Ok(head.get(257..262) == Some(b"ustar"))
}

/// Compares tar archives in files.
pub(crate) fn tar_files(old: Part<'_>, new: Part<'_>, room: &mut Room) -> io::Result<Explanation> {
    let read = |part, meter: Meter| move || -> Box<dyn Read + '_> { Box::new(meter.read(Part::reader(part))) };
    tar_streams(&read(old, room.meter()), &read(new, room.meter()), Some((old, new)), room)
}

/// Compares tar archives that are unpacked as they are read.
pub(crate) fn tars(old: &Open<'_>, new: &Open<'_>, room: &mut Room) -> io::Result<Explanation> {
    tar_streams(old, new, None, room)
}

fn tar_streams(
    old: &Open<'_>,
    new: &Open<'_>,
    files: Option<(Part<'_>, Part<'_>)>,
    room: &mut Room,
) -> io::Result<Explanation> {
    let (old, new) = (Tarball::list(old)?, Tarball::list(new)?);
    let found = compare(Format::Tar, &old, &new, files, room)?;
    Ok(Explanation::Archive(Box::new(found)))
}

struct Tarball<'o, 'a> {
    open: &'o Open<'a>,
    members: Vec<Member>,
}

impl<'o, 'a> Tarball<'o, 'a> {
    fn list(open: &'o Open<'a>) -> io::Result<Self> {
        let (mut members, mut kept) = (Vec::new(), Kept::default());
        walk(open, &mut |header, long, content| {
            let name = long.name.unwrap_or_else(|| header.path_bytes().into_owned());
            let said = said(header, long.target, &long.extended);
            kept.add(name.len() + said.iter().map(|(_, text)| text.len()).sum::<usize>())?;
            let size = header.entry_size()?;
            members.push(Member { name: name.into(), size, packed: size, stored: digest(content)?, said });
            Ok(true)
        })?;
        Ok(Self { open, members })
    }
}

impl Container for Tarball<'_, '_> {
    fn members(&self) -> &[Member] {
        &self.members
    }

    fn unpacked(&self, index: usize) -> io::Result<[u8; 32]> {
        Ok(self.members[index].stored)
    }

    fn load(&self, wanted: &[usize]) -> HashMap<usize, Blob> {
        let (mut loaded, mut index, mut left) = (HashMap::new(), 0, MOST_LOADED);
        let last = wanted.iter().max().copied().unwrap_or_default();
        // What was read before an error is there.
        let _ = walk(self.open, &mut |_, _, content| {
            let size = self.members.get(index).map_or(0, |m| m.size);
            if wanted.contains(&index)
                && size <= left
                && let Some(blob) = Blob::load(content, size)?
            {
                left -= size;
                loaded.insert(index, blob);
            }
            index += 1;
            Ok(index <= last)
        });
        loaded
    }
}

/// What stands in headers of their own before a member.
#[derive(Default)]
struct Long {
    name: Option<Vec<u8>>,
    target: Option<Vec<u8>>,
    /// Keys and values of pax.
    extended: Vec<(String, Vec<u8>)>,
}

/// Shows each member to `see`, until that has seen enough. Extended headers are put together here, since the
/// library would keep them whatever their size.
fn walk(open: &Open<'_>, see: &mut dyn FnMut(&Header, Long, &mut dyn Read) -> io::Result<bool>) -> io::Result<()> {
    let mut archive = Archive::new(open());
    let mut long = Long::default();
    for entry in archive.entries()?.raw(true) {
        let mut entry = entry?;
        let header = entry.header().clone();
        match header.entry_type() {
            EntryType::GNULongName => long.name = Some(text(&mut entry)?),
            EntryType::GNULongLink => long.target = Some(text(&mut entry)?),
            EntryType::XHeader => long.extend(&text(&mut entry)?)?,
            EntryType::GNUSparse => return Err(io::Error::other("sparse members are not read")),
            _ if !see(&header, std::mem::take(&mut long), &mut entry)? => break,
            _ => {}
        }
    }
    Ok(())
}

/// The text of an extended header, without the zero at its end.
fn text(entry: &mut dyn Read) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    if entry.take(EXTENDED + 1).read_to_end(&mut text)? as u64 > EXTENDED {
        return Err(io::Error::other("an extended header is too long"));
    }
    text.truncate(text.iter().rposition(|b| *b != 0).map_or(0, |last| last + 1));
    Ok(text)
}

impl Long {
    fn extend(&mut self, pax: &[u8]) -> io::Result<()> {
        for pair in PaxExtensions::new(pax) {
            let pair = pair?;
            let value = pair.value_bytes().to_vec();
            match clean(pair.key_bytes()).as_str() {
                "path" => self.name = Some(value),
                "linkpath" => self.target = Some(value),
                key if key == "size" || key.starts_with("GNU.sparse") => {
                    return Err(io::Error::other("members of that form are not read"));
                }
                key => self.extended.push((key.to_owned(), value)),
            }
        }
        Ok(())
    }
}

/// What a header says of its member.
fn said(header: &Header, target: Option<Vec<u8>>, extended: &[(String, Vec<u8>)]) -> Vec<(Aspect, Box<str>)> {
    let precise = extended.iter().find(|(key, _)| key == "mtime");
    let time = match precise {
        Some((_, value)) => exact(&clean(value)),
        None => value(header.mtime().map(|seconds| date(seconds.cast_signed()))),
    };
    let name = |name: Option<&[u8]>| name.map(clean).unwrap_or_default();
    let (user, group) = (name(header.username_bytes()), name(header.groupname_bytes()));
    let names = if user.is_empty() && group.is_empty() { String::new() } else { format!(" {user}:{group}") };
    let owner = format!("{}:{}{names}", value(header.uid()), value(header.gid()));
    let mut said = vec![
        (Aspect::Time, time),
        (Aspect::Mode, value(header.mode().map(|mode| format!("{mode:04o}")))),
        (Aspect::Owner, owner),
        (Aspect::Type, kind(header.entry_type())),
    ];
    if let Some(target) = target.or_else(|| header.link_name_bytes().map(|l| l.into_owned())) {
        said.push((Aspect::Target, clean(&target)));
    }
    let others = extended.iter().filter(|(key, _)| key != "mtime");
    let others: Vec<_> = others.map(|(key, value)| format!("{key}={}", around(value, 0, SHOWN))).collect();
    if !others.is_empty() {
        said.push((Aspect::Extra, around(others.join(", ").as_bytes(), 0, SHOWN)));
    }
    let form = if header.as_gnu().is_some() { "gnu" } else { "ustar" };
    said.push((Aspect::Writer, form.to_owned()));
    said.into_iter().map(|(aspect, text)| (aspect, text.into())).collect()
}

/// A field of a header, which may be empty.
fn value(field: io::Result<impl ToString>) -> String {
    field.map_or_else(|_| "none".to_owned(), |value| value.to_string())
}

/// `1767225602.25` as `2026-01-01 00:00:02.25`.
fn exact(seconds: &str) -> String {
    let (whole, part) = seconds.split_once('.').map_or((seconds, ""), |(whole, part)| (whole, part));
    match whole.parse() {
        Ok(whole) if part.is_empty() => date(whole),
        Ok(whole) => format!("{}.{part}", date(whole)),
        Err(_) => seconds.to_owned(),
    }
}

fn kind(found: EntryType) -> String {
    match found {
        EntryType::Regular | EntryType::Continuous => "file".to_owned(),
        EntryType::Directory => "folder".to_owned(),
        EntryType::Symlink => "symbolic link".to_owned(),
        EntryType::Link => "hard link".to_owned(),
        other => format!("type {:#04x}", other.as_byte()),
    }
}
