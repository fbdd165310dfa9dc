//! What differs between two listings of a tree. Knows names and digests.

use std::cmp::Ordering;
use std::ffi::OsString;

use akbuild_nar::{Kind, Listing};

/// A place in a tree that is not as it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Path relative to the tree's root.
    pub path: OsString,
    /// What became of it.
    pub change: Change,
}

/// What became of a file, folder or link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// It was not there.
    Added,
    /// It is no longer there.
    Deleted,
    /// It has other contents, or is of another kind.
    Changed,
    /// Its permission to be executed came or went; its contents are the same.
    Mode,
    /// Its mode or time are not those of a stored file: where there is no listing, a hint at what was changed.
    Touched,
}

impl Change {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Change::Added => "added",
            Change::Deleted => "deleted",
            Change::Changed => "changed",
            Change::Mode => "mode",
            Change::Touched => "touched",
        }
    }
}

/// What differs, sorted by path.
pub(crate) fn differences(old: &Listing, new: &Listing) -> Vec<Difference> {
    let (mut old, mut new) = (old.entries.iter().peekable(), new.entries.iter().peekable());
    let mut found = Vec::new();
    loop {
        let order = match (old.peek(), new.peek()) {
            (None, None) => return found,
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(old), Some(new)) => old.path.cmp(&new.path),
        };
        let was = if order.is_le() { old.next() } else { None };
        let is = if order.is_ge() { new.next() } else { None };
        let change = match (was, is) {
            (Some(was), Some(is)) if was.kind == is.kind => continue,
            (Some(was), Some(is)) if same_contents(&was.kind, &is.kind) => Change::Mode,
            (Some(_), Some(_)) => Change::Changed,
            (Some(_), None) => Change::Deleted,
            (None, _) => Change::Added,
        };
        let path = was.or(is).map(|entry| entry.path.clone()).unwrap_or_default();
        found.push(Difference { path, change });
    }
}

fn same_contents(was: &Kind, is: &Kind) -> bool {
    matches!((was, is), (Kind::File { digest: was, .. }, Kind::File { digest: is, .. }) if was == is)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_change_is_told() {
        let digest = |n: u8| format!("{n:02x}").repeat(32);
        let [a, b] = [digest(1), digest(2)];
        let old = format!("d \nf 1 {a} a\nf 1 {a} b\nd c\nf 1 {a} c/x\nf 1 {a} d\nl to e\nf 1 {a} same\n");
        let new = format!("d \nf 1 {a} 0\nf 1 {b} a\nx 1 {a} b\nl to c\nf 1 {a} d\nl from e\nf 1 {a} same\n");
        let listing = |text: &str| Listing::from_text(text).unwrap();
        let found = differences(&listing(&old), &listing(&new));
        let lines: Vec<_> = found.iter().map(|d| format!("{} {}", d.change.word(), d.path.display())).collect();
        insta::assert_snapshot!(lines.join("\n"), @"
        added 0
        changed a
        mode b
        changed c
        deleted c/x
        changed e
        ");
    }
}
