//! How two texts differ. Knows lines; nothing of what is written in them.
//!
//! What both begin and end with is never kept. What lies between is compared line by line, if it is
//! not over 4 MB; else only the first lines of it are shown.

mod unified;

use std::fs::File;
use std::io;

use self::unified::{CONTEXT, WIDTH};
use crate::blob::Blob;
use crate::part::{self, Part};
use crate::room::Room;
use crate::words::{around, count};

pub use self::unified::TextDiff;

/// How much of a file decides whether it is a text.
const HEAD: usize = 64 << 10;
/// The longest piece that is compared line by line.
const MOST: u64 = 4 << 20;
/// Longer lines are no context.
const LONG: u64 = 4096;

/// The line of the first difference of two texts, from 1 on. None if one of them is no text, or if
/// they are equal. Reads no further than needed.
pub fn first_difference(old: File, new: File) -> io::Result<Option<usize>> {
    let (old, new) = (Blob::of(old)?, Blob::of(new)?);
    let (old, new) = (Part::whole(&old), Part::whole(&new));
    if !is_text(old)? || !is_text(new)? {
        return Ok(None);
    }
    let first = part::first(old, new)?;
    first.map(|at| Ok(new.lines_before(at)? + 1)).transpose()
}

/// How two short texts differ, with at most `limit` lines of a unified diff; whole lines, if `whole` says so.
pub fn text_difference(old: &str, new: &str, limit: usize, whole: bool) -> TextDiff {
    let width = if whole { usize::MAX } else { WIDTH };
    let first = old.lines().zip(new.lines()).take_while(|(old, new)| old == new).count();
    let found = unified::diff(old.as_bytes(), new.as_bytes(), 0, &mut Room::new(limit), width);
    TextDiff { first_line: first + 1, ..found }
}

/// Two single lines, each cut to what differs and what stands around it.
pub fn line_difference(old: &str, new: &str) -> (String, String) {
    let at = old.bytes().zip(new.bytes()).take_while(|(old, new)| old == new).count();
    (around(old.as_bytes(), at, WIDTH), around(new.as_bytes(), at, WIDTH))
}

/// Whether it begins without control characters that no text has.
pub(crate) fn is_text(part: Part<'_>) -> io::Result<bool> {
    let odd = |b: &u8| matches!(b, 0..=7 | 11 | 14..=26 | 28..=31 | 127);
    Ok(!part.bytes(0, HEAD)?.iter().any(odd))
}

impl TextDiff {
    /// Compares texts that differ.
    pub(crate) fn of<'a>(old: Part<'a>, new: Part<'a>, room: &mut Room) -> io::Result<Self> {
        let Some(first) = part::first(old, new)? else { return Ok(Self::default()) };
        let same_end = part::same_end(old, new, first)?;
        let (start, end) = (line_start(new, first)?, line_end(new, new.size - same_end)?);
        let first_line = new.lines_before(start)? + 1;
        let (before, after) = (context_before(new, start)?, context_after(new, end)?);
        // What is kept at the end is as long in both.
        let middle = |part: Part<'a>, start: u64, end: u64| part.sub(start, part.size - (new.size - end) - start);
        let (wide_old, wide_new) = (middle(old, before, after)?, middle(new, before, after)?);
        let found = if wide_old.size.max(wide_new.size) <= MOST {
            let line = new.lines_before(before)?;
            unified::diff(&wide_old.bytes(0, MOST as usize)?, &wide_new.bytes(0, MOST as usize)?, line, room, WIDTH)
        } else {
            Self {
                added: lines(middle(new, start, end)?)?,
                removed: lines(middle(old, start, end)?)?,
                hunks: unified::first_lines(&line_at(old, first)?, &line_at(new, first)?, first_line, room),
                ..Self::default()
            }
        };
        Ok(Self { first_line, ..found })
    }

    pub(crate) fn headline(&self) -> String {
        let (line, added) = (self.first_line, count(self.added, "line"));
        match (self.added, self.removed) {
            _ if self.reordered => format!("text: the same lines in another order, from line {line} on"),
            (_, 0) => format!("text: {added} added, at line {line}"),
            (0, removed) => format!("text: {} removed, at line {line}", count(removed, "line")),
            (_, removed) => format!("text: {added} added, {removed} removed, from line {line} on"),
        }
    }

    pub(crate) fn details(&self, out: &mut Vec<String>) {
        out.extend(self.hunks.lines().map(str::to_owned));
    }
}

/// How many lines there are; the last one may lack its end.
fn lines(part: Part<'_>) -> io::Result<usize> {
    let open = part.bytes(part.size.saturating_sub(1), 1)?.first().is_some_and(|b| *b != b'\n');
    Ok(part.lines_before(part.size)? + usize::from(open))
}

/// Some of the line around an offset, and where the offset is in it.
fn line_at(part: Part<'_>, offset: u64) -> io::Result<(Vec<u8>, usize)> {
    let start = offset - (offset - line_start(part, offset)?).min(LONG);
    let mut line = part.bytes(start, 2 * LONG as usize)?;
    line.truncate(line.iter().position(|b| *b == b'\n').unwrap_or(line.len()));
    Ok((line, (offset - start) as usize))
}

/// Where the line begins that holds an offset.
fn line_start(part: Part<'_>, at: u64) -> io::Result<u64> {
    let mut end = at;
    while end > 0 {
        let start = end.saturating_sub(LONG);
        let bytes = part.bytes(start, (end - start) as usize)?;
        if let Some(found) = bytes.iter().rposition(|b| *b == b'\n') {
            return Ok(start + found as u64 + 1);
        }
        end = start;
    }
    Ok(0)
}

/// Where the line ends that holds an offset, its line end included.
fn line_end(part: Part<'_>, mut at: u64) -> io::Result<u64> {
    while at < part.size {
        let bytes = part.bytes(at, LONG as usize)?;
        match bytes.iter().position(|b| *b == b'\n') {
            Some(found) => return Ok(at + found as u64 + 1),
            None if bytes.is_empty() => break,
            None => at += bytes.len() as u64,
        }
    }
    Ok(part.size)
}

/// Where the context begins of a line that begins there.
fn context_before(part: Part<'_>, mut start: u64) -> io::Result<u64> {
    for _ in 0..CONTEXT {
        let before = line_start(part, start.saturating_sub(1))?;
        if start - before > LONG {
            break;
        }
        start = before;
    }
    Ok(start)
}

/// Where the context ends of a line that ends there.
fn context_after(part: Part<'_>, mut end: u64) -> io::Result<u64> {
    for _ in 0..CONTEXT {
        let after = line_end(part, end)?;
        if after - end > LONG {
            break;
        }
        end = after;
    }
    Ok(end)
}
