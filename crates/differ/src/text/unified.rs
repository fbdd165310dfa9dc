//! A unified diff, in as many lines as there is room for. Knows lines in memory; no files.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use serde::Serialize;
use similar::algorithms::{Capture, Replace, myers};
use similar::{DiffOp, DiffTag, group_diff_ops};

use crate::room::Room;
use crate::words::around;

/// Lines of context.
pub(super) const CONTEXT: usize = 3;
/// How much of a single line is shown.
pub(super) const WIDTH: usize = 160;
/// How long the smallest difference is searched for: texts that have little in common take long.
const PATIENCE: Duration = Duration::from_secs(2);

/// The differing lines of two texts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct TextDiff {
    /// The first line that differs, from 1 on: in the new text; where that has ended, in the old.
    pub first_line: usize,
    /// Lines of the new text that are not in the old. Of pieces over 4 MB all lines count.
    pub added: usize,
    /// Lines of the old text that are not in the new. Of pieces over 4 MB all lines count.
    pub removed: usize,
    /// Whether both have the same lines, in another order.
    pub reordered: bool,
    /// A unified diff without its header, cut to the lines that were asked for; long lines are cut
    /// too, and control characters are escaped.
    pub hunks: String,
}

/// Compares two texts, before which there are `before` lines. Lines are cut to `width` bytes.
pub(super) fn diff(old: &[u8], new: &[u8], before: usize, room: &mut Room, width: usize) -> TextDiff {
    let (old, new) = (lines(old), lines(new));
    let (old_ids, new_ids) = numbered(&old, &new);
    let ops = operations(&old_ids, &new_ids);
    let changed = ops.iter().filter(|op| op.tag() != DiffTag::Equal);
    let (removed, added) = changed.fold((0, 0), |(r, a), op| (r + op.old_range().len(), a + op.new_range().len()));
    let sorted = |mut ids: Vec<u32>| {
        ids.sort_unstable();
        ids
    };
    let reordered = sorted(old_ids) == sorted(new_ids);
    let mut shown = Shown { lines: Vec::new(), room: room.lines, width };
    for group in group_diff_ops(ops, CONTEXT) {
        if shown.full() {
            break;
        }
        hunk(&group, &old, &new, before, &mut shown);
    }
    TextDiff { first_line: 0, added, removed, reordered, hunks: shown.done(room) }
}

/// The one line that is shown of each of two long texts: the line, and where in it they differ.
pub(super) fn first_lines(old: &(Vec<u8>, usize), new: &(Vec<u8>, usize), line: usize, room: &mut Room) -> String {
    let mut shown = Shown { lines: Vec::new(), room: room.lines, width: WIDTH };
    shown.push(format!("@@ -{line} +{line} @@"));
    shown.push(format!("-{}", around(&old.0, old.1, WIDTH)));
    shown.push(format!("+{}", around(&new.0, new.1, WIDTH)));
    shown.done(room)
}

/// Lines with their ends.
fn lines(text: &[u8]) -> Vec<&[u8]> {
    text.split_inclusive(|b| *b == b'\n').collect()
}

/// Numbers for lines, equal ones for equal lines.
fn numbered<'t>(old: &[&'t [u8]], new: &[&'t [u8]]) -> (Vec<u32>, Vec<u32>) {
    let mut known: HashMap<&[u8], u32> = HashMap::new();
    let mut number = |line: &&'t [u8]| {
        let next = known.len() as u32;
        *known.entry(*line).or_insert(next)
    };
    (old.iter().map(&mut number).collect(), new.iter().map(&mut number).collect())
}

/// What makes the new text of the old. The library would also slide operations together, and sometimes gives places
/// then that lie before the last ones.
fn operations(old: &[u32], new: &[u32]) -> Vec<DiffOp> {
    let mut found = Replace::new(Capture::new());
    let Ok(()) =
        myers::diff_deadline(&mut found, old, 0..old.len(), new, 0..new.len(), Some(Instant::now() + PATIENCE));
    found.into_inner().into_ops()
}

fn hunk(group: &[DiffOp], old: &[&[u8]], new: &[&[u8]], before: usize, shown: &mut Shown) {
    let (Some(first), Some(last)) = (group.first(), group.last()) else { return };
    let range = |start: usize, end: usize| match end - start {
        0 => format!("{},0", before + start),
        1 => format!("{}", before + start + 1),
        len => format!("{},{len}", before + start + 1),
    };
    let olds = range(first.old_range().start, last.old_range().end);
    let news = range(first.new_range().start, last.new_range().end);
    shown.push(format!("@@ -{olds} +{news} @@"));
    for op in group {
        let (olds, news) = (&old[op.old_range()], &new[op.new_range()]);
        if op.tag() == DiffTag::Equal {
            shown.all(' ', news, |_| 0);
            continue;
        }
        let twin = |i: usize| match (olds.get(i), news.get(i)) {
            (Some(old), Some(new)) => old.iter().zip(*new).take_while(|(a, b)| a == b).count(),
            _ => 0,
        };
        shown.all('-', olds, twin);
        shown.all('+', news, twin);
    }
}

/// What is shown: one line more than there is room for is kept, to know that it is cut.
struct Shown {
    lines: Vec<String>,
    room: usize,
    width: usize,
}

impl Shown {
    fn full(&self) -> bool {
        self.lines.len() > self.room
    }

    fn push(&mut self, line: String) {
        if !self.full() {
            self.lines.push(line);
        }
    }

    /// Lines with the same sign; `at` tells the place in each that matters.
    fn all(&mut self, sign: char, lines: &[&[u8]], at: impl Fn(usize) -> usize) {
        for (i, line) in lines.iter().enumerate() {
            if self.full() {
                return;
            }
            self.line(sign, line, at(i));
        }
    }

    fn line(&mut self, sign: char, line: &[u8], at: usize) {
        let text = line.strip_suffix(b"\n");
        self.push(format!("{sign}{}", around(text.unwrap_or(line), at, self.width)));
        if text.is_none() {
            self.push("\\ no line end at the end of the file".to_owned());
        }
    }

    fn done(mut self, room: &mut Room) -> String {
        if self.full() {
            // Less than a header and a line or two says nothing.
            self.lines.truncate(if self.room < 4 { 0 } else { self.room });
            if let Some(last) = self.lines.last_mut() {
                *last = "...".to_owned();
            }
        }
        room.take(self.lines.len());
        self.lines.iter().flat_map(|line| [line, "\n"]).collect()
    }
}
