//! How two gzip files differ (RFC 1952). Knows their header; what is packed is explained by others.

use std::io::{self, Read};

use flate2::GzHeader;
use flate2::read::{GzDecoder, MultiGzDecoder};
use serde::Serialize;

use crate::archive;
use crate::blob::Blob;
use crate::explain::{Explanation, explain_blobs};
use crate::field::Fields;
use crate::part::Part;
use crate::room::{Meter, Room};
use crate::words::{clean, date, size};

/// The most that is unpacked into memory; tar archives are read as they are unpacked.
const MOST: u64 = 48 << 20;

/// How two gzip files differ.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct GzipDiff {
    /// Packed bytes before.
    pub old_size: u64,
    /// Packed bytes now.
    pub new_size: u64,
    /// What differs in the header: time, name, level, system.
    pub header: Fields,
    /// How the contents differ; none if they are too large to be looked into.
    pub contents: Option<Box<Explanation>>,
}

impl GzipDiff {
    pub(crate) fn of(old: Part<'_>, new: Part<'_>, room: &mut Room) -> io::Result<Self> {
        let names = ["time", "file name", "comment", "extra field", "level", "system"];
        let header = Fields::differing(names, header(old)?, header(new)?, room);
        let contents = room.deeper(|room| contents(old, new, room))?;
        Ok(Self { old_size: old.size, new_size: new.size, header, contents: contents.map(Box::new) })
    }

    pub(crate) fn headline(&self) -> String {
        let sizes = format!("{} -> {}", size(self.old_size), size(self.new_size));
        match (self.contents.as_deref(), self.header.fields.is_empty()) {
            (Some(Explanation::Same), true) => format!("gzip: the same contents, packed in another way: {sizes}"),
            (Some(Explanation::Same), false) => "gzip: the same contents, another header".to_owned(),
            (Some(contents), _) => format!("gzip of {}", contents.headline()),
            (None, _) => format!("gzip: {sizes}, contents too large to be looked into"),
        }
    }

    pub(crate) fn details(&self, out: &mut Vec<String>) {
        self.header.lines("gzip header: ", out);
        if let Some(contents) = &self.contents {
            contents.details(out);
        }
    }
}

fn header(part: Part<'_>) -> io::Result<[String; 6]> {
    let mut decoder = GzDecoder::new(part.reader());
    let _ = decoder.read(&mut [0; 1])?;
    let header = decoder.header().ok_or_else(|| io::Error::other("no gzip header"))?;
    let level = part.bytes(8, 1)?;
    let text = |field: fn(&GzHeader) -> Option<&[u8]>| {
        let shown = |bytes: &[u8]| format!("`{}`", clean(&bytes[..bytes.len().min(100)]));
        field(header).map_or_else(|| "none".to_owned(), shown)
    };
    let time = match header.mtime() {
        0 => "none".to_owned(),
        seconds => date(seconds.into()),
    };
    let level = match level.first() {
        Some(2) => "best".to_owned(),
        Some(4) => "fastest".to_owned(),
        other => other.copied().unwrap_or_default().to_string(),
    };
    let system = header.operating_system().to_string();
    Ok([time, text(GzHeader::filename), text(GzHeader::comment), text(GzHeader::extra), level, system])
}

fn contents(old: Part<'_>, new: Part<'_>, room: &mut Room) -> io::Result<Option<Explanation>> {
    let meter = room.meter();
    if archive::is_tar(unpacked(old, &meter))? && archive::is_tar(unpacked(new, &meter))? {
        let (old, new) = (|| unpacked(old, &meter), || unpacked(new, &meter));
        return archive::tars(&old, &new, room).map(Some);
    }
    let old = Blob::load(unpacked(old, &meter), MOST)?;
    let new = Blob::load(unpacked(new, &meter), MOST)?;
    let (Some(old), Some(new)) = (old, new) else { return Ok(None) };
    explain_blobs(&old, &new, room).map(Some)
}

fn unpacked<'a>(part: Part<'a>, meter: &Meter) -> Box<dyn Read + 'a> {
    Box::new(meter.read(MultiGzDecoder::new(part.reader())))
}
