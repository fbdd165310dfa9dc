//! Printable text within bytes: embedded paths and dates are the usual cause of differences. Knows no format.

use std::collections::HashSet;
use std::io;

use serde::Serialize;

use crate::part::Part;
use crate::room::Room;
use crate::words::around;

/// Fewer printable characters in a row are taken for chance.
const SHORTEST: usize = 6;
/// How much of a string is shown.
const WIDTH: usize = 120;
/// How many of each side are shown.
const MOST: usize = 3;
/// How far behind the shown ones the other side is searched.
const FAR: usize = 1 << 20;

/// Printable strings that are on one side only, the first few.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Strings {
    /// Those that are in the old only.
    pub old: Vec<String>,
    /// Those that are in the new only.
    pub new: Vec<String>,
}

impl Strings {
    /// The strings that differ, from a little before the offset `first` to `near` bytes behind it.
    pub(crate) fn find(old: Part<'_>, new: Part<'_>, first: u64, near: usize, room: &mut Room) -> io::Result<Self> {
        let start = first.saturating_sub(256);
        let near = near + 256;
        let (old, new) = (old.bytes(start, near + FAR)?, new.bytes(start, near + FAR)?);
        let (olds, news) = (runs(&old), runs(&new));
        let (mut old, mut new) = (only(&olds, &news, near), only(&news, &olds, near));
        let twins: Vec<_> =
            old.iter().zip(&new).map(|(a, b)| a.iter().zip(*b).take_while(|(a, b)| a == b).count()).collect();
        let mut show = |strings: &mut Vec<&[u8]>| {
            strings.truncate(room.take(strings.len().min(MOST)));
            let at = |i: usize| twins.get(i).copied().unwrap_or(0);
            strings.iter().enumerate().map(|(i, s)| around(s, at(i), WIDTH)).collect()
        };
        Ok(Self { old: show(&mut old), new: show(&mut new) })
    }

    /// A line for each.
    pub(crate) fn lines(&self, out: &mut Vec<String>) {
        out.extend(self.old.iter().map(|s| format!("only in the old: \"{s}\"")));
        out.extend(self.new.iter().map(|s| format!("only in the new: \"{s}\"")));
    }
}

/// Strings that begin in the first `near` bytes and are not among the others.
fn only<'b>(mine: &[(usize, &'b [u8])], others: &[(usize, &[u8])], near: usize) -> Vec<&'b [u8]> {
    let others: HashSet<_> = others.iter().map(|(_, s)| *s).collect();
    let near = mine.iter().take_while(|(at, _)| *at < near);
    near.map(|(_, s)| *s).filter(|s| !others.contains(s)).take(MOST).collect()
}

/// Printable runs, with where they begin.
fn runs(bytes: &[u8]) -> Vec<(usize, &[u8])> {
    let mut at = 0;
    let all = bytes.split(|b| !matches!(b, b' '..=b'~')).map(|run| {
        let found = (at, run);
        at += run.len() + 1;
        found
    });
    all.filter(|(_, run)| run.len() >= SHORTEST).collect()
}
