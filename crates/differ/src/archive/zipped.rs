//! Members of zip files (APPNOTE 6.3): jars and wheels too. Knows where their headers lie and what is in them.
//!
//! What is listed is what the directory at the end lists, in its order. Neither counts nor sizes
//! that a file claims are believed before as many bytes were read.

use std::collections::HashMap;
use std::io::{self, BufReader, Read};

use flate2::read::DeflateDecoder;

use super::Format;
use super::compare::compare;
use super::member::{Aspect, Container, Kept, MOST_LOADED, Member, digest};
use crate::blob::Blob;
use crate::explain::Explanation;
use crate::part::Part;
use crate::room::{Meter, Room};
use crate::words::{around, clean, date};

/// Bytes of the record at the end, without its comment, which has at most 65,535.
const END: u64 = 22;
/// Bytes of what says where the larger record at the end is.
const LOCATOR: u64 = 20;
/// Bytes of an entry of the directory, without its name and the like.
const ENTRY: usize = 46;
/// How much is shown of an extra field or a comment.
const SHOWN: usize = 60;

/// Compares zip files.
pub(crate) fn zips(old: Part<'_>, new: Part<'_>, room: &mut Room) -> io::Result<Explanation> {
    let (old_zip, new_zip) = (Zip::list(old, room.meter())?, Zip::list(new, room.meter())?);
    let found = compare(Format::Zip, &old_zip, &new_zip, Some((old, new)), room)?;
    Ok(Explanation::Archive(Box::new(found)))
}

struct Zip<'a> {
    file: Part<'a>,
    meter: Meter,
    members: Vec<Member>,
    places: Vec<Place>,
}

/// Where a member lies, and how it is stored.
struct Place {
    header: u64,
    packed: u64,
    method: u16,
    encrypted: bool,
}

impl<'a> Zip<'a> {
    fn list(file: Part<'a>, meter: Meter) -> io::Result<Self> {
        let directory = Directory::find(file)?;
        let mut zip = Self { file, meter, members: Vec::new(), places: Vec::new() };
        let mut entries = BufReader::new(file.sub(directory.start, directory.size)?.reader());
        let mut kept = Kept::default();
        while let Some(entry) = Entry::read(&mut entries)? {
            let said = entry.said();
            kept.add(entry.name.len() + said.iter().map(|(_, text)| text.len()).sum::<usize>())?;
            let place = entry.place(directory.shift)?;
            let stored = digest(&mut zip.meter.read(zip.packed(&place)?.reader()))?;
            let (size, packed) = (entry.size, place.packed);
            zip.members.push(Member { name: entry.name.into(), size, packed, stored, said });
            zip.places.push(place);
        }
        Ok(zip)
    }

    /// The bytes of a member as they are stored.
    fn packed(&self, place: &Place) -> io::Result<Part<'a>> {
        let header = self.file.bytes(place.header, 30)?;
        if header.len() < 30 || !header.starts_with(b"PK\x03\x04") {
            return Err(broken());
        }
        let start = place.header + 30 + u64::from(u16_at(&header, 26)) + u64::from(u16_at(&header, 28));
        self.file.sub(start, place.packed)
    }

    /// Reads the contents of a member.
    fn open(&self, index: usize) -> io::Result<Box<dyn Read + 'a>> {
        let place = &self.places[index];
        let packed = self.packed(place)?.reader();
        match place.method {
            _ if place.encrypted => Err(io::Error::other("it is encrypted")),
            0 => Ok(Box::new(self.meter.read(packed))),
            8 => Ok(Box::new(self.meter.read(DeflateDecoder::new(packed)))),
            _ => Err(io::Error::other("its compression is not known")),
        }
    }
}

impl Container for Zip<'_> {
    fn members(&self) -> &[Member] {
        &self.members
    }

    fn unpacked(&self, index: usize) -> io::Result<[u8; 32]> {
        digest(&mut self.open(index)?)
    }

    fn load(&self, wanted: &[usize]) -> HashMap<usize, Blob> {
        let mut left = MOST_LOADED;
        let mut load = |index: usize| {
            let blob = Blob::load(self.open(index).ok()?, left).ok()??;
            left -= blob.size();
            Some((index, blob))
        };
        wanted.iter().filter_map(|index| load(*index)).collect()
    }
}

/// Where the directory lies.
struct Directory {
    start: u64,
    size: u64,
    /// How far all that it points at lies behind where it says: something may stand before the archive.
    shift: u64,
}

impl Directory {
    fn find(file: Part<'_>) -> io::Result<Self> {
        let tail_start = file.size.saturating_sub(END + 0xffff);
        let tail = file.bytes(tail_start, 0xffff + END as usize)?;
        let ends = tail.windows(END as usize).rposition(|w| w.starts_with(b"PK\x05\x06"));
        let at = ends.ok_or_else(broken)?;
        let end = &tail[at..];
        let (size, offset) = (u64::from(u32_at(end, 12)), u64::from(u32_at(end, 16)));
        let at = tail_start + at as u64;
        let larger = || -> io::Result<Option<(u64, u64, u64)>> {
            let Some(locator) = at.checked_sub(LOCATOR) else { return Ok(None) };
            let locator = file.bytes(locator, LOCATOR as usize)?;
            if !locator.starts_with(b"PK\x06\x07") {
                return Ok(None);
            }
            let at = u64_at(&locator, 8);
            let end = file.sub(at, 56)?.bytes(0, 56)?;
            if end.len() < 56 || !end.starts_with(b"PK\x06\x06") {
                return Err(broken());
            }
            Ok(Some((at, u64_at(&end, 40), u64_at(&end, 48))))
        };
        let (at, size, offset) = larger()?.unwrap_or((at, size, offset));
        let start = at.checked_sub(size).ok_or_else(broken)?;
        Ok(Self { start, size, shift: start.checked_sub(offset).ok_or_else(broken)? })
    }
}

/// An entry of the directory.
struct Entry {
    fixed: [u8; ENTRY],
    name: Vec<u8>,
    extra: Vec<u8>,
    comment: Vec<u8>,
    size: u64,
    packed: u64,
    header: u64,
}

impl Entry {
    /// The next one; none at the end.
    fn read(directory: &mut impl Read) -> io::Result<Option<Self>> {
        let mut fixed = [0; ENTRY];
        match directory.read_exact(&mut fixed) {
            Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
            other => other?,
        }
        if !fixed.starts_with(b"PK\x01\x02") {
            // Signatures may stand behind the entries.
            return if fixed.starts_with(b"PK\x05\x05") { Ok(None) } else { Err(broken()) };
        }
        let mut field = |at| {
            let mut bytes = vec![0; u16_at(&fixed, at).into()];
            directory.read_exact(&mut bytes).map(|()| bytes)
        };
        let (name, extra, comment) = (field(28)?, field(30)?, field(32)?);
        let [packed, size, header] = [20, 24, 42].map(|at| u64::from(u32_at(&fixed, at)));
        let mut entry = Self { fixed, name, extra, comment, size, packed, header };
        entry.enlarge();
        Ok(Some(entry))
    }

    /// Sizes and places that need more than 32 bits stand in an extra field.
    fn enlarge(&mut self) {
        let wide: Vec<u8> = self.extras().find(|(id, _)| *id == 1).map(|(_, v)| v.to_vec()).unwrap_or_default();
        let mut wide = wide.chunks_exact(8).map(|v| u64_at(v, 0));
        for value in [&mut self.size, &mut self.packed, &mut self.header] {
            if *value == u64::from(u32::MAX) {
                *value = wide.next().unwrap_or(*value);
            }
        }
    }

    /// Extra fields: what they are, and their values.
    fn extras(&self) -> impl Iterator<Item = (u16, &[u8])> {
        let mut rest = self.extra.as_slice();
        std::iter::from_fn(move || {
            let (head, after) = rest.split_at_checked(4)?;
            let (value, after) = after.split_at_checked(u16_at(head, 2).into())?;
            rest = after;
            Some((u16_at(head, 0), value))
        })
    }

    fn place(&self, shift: u64) -> io::Result<Place> {
        let header = self.header.checked_add(shift).ok_or_else(broken)?;
        let (flags, method) = (u16_at(&self.fixed, 8), u16_at(&self.fixed, 10));
        Ok(Place { header, packed: self.packed, method, encrypted: flags & 1 != 0 })
    }

    fn said(&self) -> Vec<(Aspect, Box<str>)> {
        let [made_by, needed, flags] = [4, 6, 8].map(|at| u16_at(&self.fixed, at));
        let mode = u32_at(&self.fixed, 38) >> 16;
        let mut said = vec![
            (Aspect::Time, self.time()),
            (Aspect::Mode, if mode == 0 { "none".to_owned() } else { format!("{mode:04o}") }),
            (Aspect::Compression, self.compression()),
            (Aspect::Writer, format!("{made_by:#06x} {needed:#06x} {:#06x}", flags & !6)),
        ];
        let extra: Vec<_> = self.extras().filter(|(id, _)| *id != 1).map(|(id, value)| extra(id, value)).collect();
        if !extra.is_empty() {
            said.push((Aspect::Extra, extra.join(", ")));
        }
        if !self.comment.is_empty() {
            said.push((Aspect::Comment, around(&self.comment, 0, SHOWN)));
        }
        said.into_iter().map(|(aspect, text)| (aspect, text.into())).collect()
    }

    /// Local time in steps of two seconds.
    fn time(&self) -> String {
        let (time, day) = (u16_at(&self.fixed, 12), u16_at(&self.fixed, 14));
        let (year, month, day) = (1980 + (day >> 9), day >> 5 & 15, day & 31);
        let (hour, minute, second) = (time >> 11, time >> 5 & 63, (time & 31) * 2);
        format!("{year}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}")
    }

    fn compression(&self) -> String {
        let level = ["", ", best", ", fast", ", fastest"][usize::from(u16_at(&self.fixed, 8) >> 1 & 3)];
        match u16_at(&self.fixed, 10) {
            0 => "stored".to_owned(),
            8 => format!("deflated{level}"),
            other => format!("method {other}"),
        }
    }
}

/// An extra field as a person reads it.
fn extra(id: u16, value: &[u8]) -> String {
    match (id, value) {
        // One byte says which times follow; the first is the one of the last change.
        (0x5455, [which, a, b, c, d, ..]) if which & 1 == 1 => {
            format!("time {} UTC", date(i32::from_le_bytes([*a, *b, *c, *d]).into()))
        }
        _ => {
            let hex: String = value.iter().map(|b| format!("{b:02x}")).collect();
            clean(format!("{id:#06x} {}", around(hex.as_bytes(), 0, SHOWN)).as_bytes())
        }
    }
}

fn broken() -> io::Error {
    io::Error::other("not a proper zip file")
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([bytes[at], bytes[at + 1]])
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from(u16_at(bytes, at)) | u32::from(u16_at(bytes, at + 2)) << 16
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from(u32_at(bytes, at)) | u64::from(u32_at(bytes, at + 4)) << 32
}
