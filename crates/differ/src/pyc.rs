//! How two compiled Python modules differ (PEP 552). Knows their header; the code only as bytes.

use std::io;

use serde::Serialize;

use crate::bytes::BytesDiff;
use crate::field::Fields;
use crate::part::{self, Part};
use crate::room::Room;
use crate::words::date;

/// Bytes of the header.
const HEADER: u64 = 16;
/// What marks, in marshalled objects, one that is referred to later.
const REFERENCE: u8 = 0x80;

/// How two `.pyc` files differ.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PycDiff {
    /// What differs in the header: version of the format, check, time, size or hash of the source.
    pub header: Fields,
    /// How the code behind the header differs; none if it is the same.
    pub code: Option<BytesDiff>,
    /// Whether the first difference of the code is only the mark of an object that is referred to later; not
    /// said if there is no room for it.
    pub reference: bool,
}

/// Whether it begins as compiled modules do: a version, its line end, flags, and a marshalled code object.
pub(crate) fn is_pyc(head: &[u8]) -> bool {
    let flags = head.get(4..8).is_some_and(|f| f[0] <= 3 && f[1..] == [0; 3]);
    flags && head.get(2..4) == Some(b"\r\n") && head.get(16).is_some_and(|b| b & !REFERENCE == b'c')
}

impl PycDiff {
    pub(crate) fn of(old: Part<'_>, new: Part<'_>, room: &mut Room) -> io::Result<Self> {
        let names = ["format version", "check", "source time", "source size", "source hash"];
        let header = Fields::differing(names, header(old)?, header(new)?, room);
        let (old, new) = (old.sub(HEADER, old.size - HEADER)?, new.sub(HEADER, new.size - HEADER)?);
        let Some(first) = part::first(old, new)? else {
            return Ok(Self { header, code: None, reference: false });
        };
        let (a, b) = (old.bytes(first, 1)?, new.bytes(first, 1)?);
        let reference = matches!((a.first(), b.first()), (Some(a), Some(b)) if a ^ b == REFERENCE) && room.take(1) == 1;
        Ok(Self { header, code: Some(BytesDiff::of(old, new, room)?), reference })
    }

    pub(crate) fn headline(&self) -> String {
        match (&self.code, self.header.fields.is_empty()) {
            (None, _) => "Python bytecode: the same code, another header".to_owned(),
            (Some(code), true) => format!("Python bytecode: the same header, other code: {}", code.headline()),
            (Some(code), false) => format!("Python bytecode: another header, other code: {}", code.headline()),
        }
    }

    pub(crate) fn details(&self, out: &mut Vec<String>) {
        self.header.lines("header: ", out);
        if self.reference {
            let cause = "it depends on how often an object was in use when the file was written";
            out.push(format!("the first difference is the mark of an object that is referred to later: {cause}"));
        }
        if let Some(code) = &self.code {
            code.details(out);
        }
    }
}

fn header(part: Part<'_>) -> io::Result<[String; 5]> {
    let bytes: [u8; 16] = part.bytes(0, 16)?.try_into().map_err(|_| io::Error::other("no header"))?;
    let number = |at: usize| u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
    let version = u16::from_le_bytes([bytes[0], bytes[1]]).to_string();
    let none = || "none".to_owned();
    Ok(match number(4) {
        0 => [version, "by time".to_owned(), date(number(8).into()), number(12).to_string(), none()],
        flags => {
            let check = if flags & 2 == 0 { "none" } else { "by hash" };
            let hash = bytes[8..].iter().map(|b| format!("{b:02x}")).collect();
            [version, check.to_owned(), none(), none(), hash]
        }
    })
}
