//! How two files differ of which nothing is known. Knows offsets; no format.

use std::fmt::Write as _;
use std::io;

use serde::Serialize;

use crate::part::{self, Part};
use crate::room::Room;
use crate::strings::Strings;

/// How many bytes are shown of each.
const ROW: usize = 16;
/// How far behind the first difference strings are looked for.
const NEAR: usize = 4096;

/// The first difference of two files, and how many there are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct BytesDiff {
    /// Bytes before.
    pub old_size: u64,
    /// Bytes now.
    pub new_size: u64,
    /// The offset of the first difference.
    pub first: u64,
    /// At how many offsets that both have the bytes differ.
    pub differing: u64,
    /// The old bytes around the first difference, 16 at most: offset, hexadecimal, printable characters.
    pub old: String,
    /// The new bytes there.
    pub new: String,
    /// Strings near the first difference that are on one side only.
    pub strings: Strings,
}

impl BytesDiff {
    /// Compares contents that differ.
    pub(crate) fn of(old: Part<'_>, new: Part<'_>, room: &mut Room) -> io::Result<Self> {
        let span = part::span(old, new)?.unwrap_or(part::Span { first: 0, differing: 0 });
        let row = |part| row(part, span.first.saturating_sub(ROW as u64 / 2));
        let (rows, strings) = match room.take(2) {
            2 => ([row(old)?, row(new)?], Strings::find(old, new, span.first, NEAR, room)?),
            _ => Default::default(),
        };
        let [shown_old, shown_new] = rows;
        Ok(Self {
            old_size: old.size,
            new_size: new.size,
            first: span.first,
            differing: span.differing,
            old: shown_old,
            new: shown_new,
            strings,
        })
    }

    /// The same, as a part of something else, if there is room for its headline.
    pub(crate) fn within(old: Part<'_>, new: Part<'_>, room: &mut Room) -> io::Result<Option<Self>> {
        if room.take(1) == 1 { Self::of(old, new, room).map(Some) } else { Ok(None) }
    }

    pub(crate) fn headline(&self) -> String {
        let Self { old_size, new_size, first, differing, .. } = self;
        if old_size == new_size {
            let differ = if *differing == 1 { "differs" } else { "differ" };
            format!("{differing} of {new_size} bytes {differ}, first at offset {first} ({first:#x})")
        } else {
            format!("{old_size} -> {new_size} bytes, first difference at offset {first} ({first:#x})")
        }
    }

    pub(crate) fn details(&self, out: &mut Vec<String>) {
        if !self.old.is_empty() {
            out.extend([format!("old {}", self.old), format!("new {}", self.new)]);
        }
        self.strings.lines(out);
    }
}

/// `00000010  66 6f 6f                                         |foo|`
fn row(part: Part<'_>, at: u64) -> io::Result<String> {
    let bytes = part.bytes(at, ROW)?;
    let mut row = format!("{at:08x} ");
    for byte in &bytes {
        let _ = write!(row, " {byte:02x}");
    }
    let shown = |b: &u8| if matches!(b, b' '..=b'~') { char::from(*b) } else { '.' };
    let _ = write!(row, "{}  |{}|", "   ".repeat(ROW - bytes.len()), bytes.iter().map(shown).collect::<String>());
    Ok(row)
}
