//! Causes at length, line by line: each file, package and value. Pure text; long lists and values are cut unless all
//! of them is asked for. Of values, the difference is shown and not their beginnings, which are often the same.

use akbuild_differ::{Change, What as Entry};
use akbuild_engine::{Cause, Explained, FieldChange, FileChange, Package};
use akbuild_recipe::plan::View;

use crate::ui::size;

/// So many things of a list are shown.
pub(super) const MOST: usize = 20;

/// How much is shown of long values and lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Extent {
    /// What fits on a screen.
    Short,
    /// All of it: `--verbose`.
    Full,
}

impl Extent {
    /// By how many times `--verbose` was given.
    pub(super) fn of(verbose: u8) -> Self {
        if verbose > 0 { Extent::Full } else { Extent::Short }
    }

    fn most(self) -> usize {
        if self == Extent::Full { usize::MAX } else { MOST }
    }
}

/// All causes of a node, and what changed of its downloads.
pub(super) fn node(node: &Explained, extent: Extent) -> Vec<String> {
    let mut lines: Vec<String> = node.causes.iter().flat_map(|one| cause(one, extent)).collect();
    if !node.downloads.is_empty() {
        lines.push("packages that its lock files name".to_owned());
        lines.extend(indented(packages(&node.downloads, extent)));
    }
    if extent == Extent::Full && !node.fields.is_empty() {
        lines.push("fields of its key that differ".to_owned());
        lines.extend(indented(node.fields.iter().map(field).collect()));
    }
    lines
}

fn cause(cause: &Cause, extent: Extent) -> Vec<String> {
    let head = cause.to_string();
    match cause {
        Cause::Files { files: list, .. } if list.len() > 1 => {
            let mut lines = vec![format!("{} files of {} differ", list.len(), source(cause))];
            lines.extend(indented(files(list, extent)));
            lines
        }
        Cause::Files { files: list, .. } => [head].into_iter().chain(indented(hunks(list.first(), extent))).collect(),
        Cause::Follows { files: Some(list), .. } | Cause::Part { files: Some(list), .. } if extent == Extent::Full => {
            [head].into_iter().chain(indented(files(list, extent))).collect()
        }
        Cause::OtherBytes { files: Some(list) } | Cause::NotOnRecord { files: Some(list) } if list.len() > 1 => {
            [head].into_iter().chain(indented(files(list, extent))).collect()
        }
        Cause::Packages { packages: list } if list.len() > 1 => {
            let mut lines = vec![format!("{} packages changed", list.len())];
            lines.extend(indented(packages(list, extent)));
            lines
        }
        Cause::Tree { old, new, missing, .. } => {
            let gone = |tree: &_| if missing.contains(tree) { ", which is not in the store" } else { "" };
            let tree = |word: &str, tree: &_| format!("  {word}: {}...{}", &format!("{tree}")[..17], gone(tree));
            vec![head, tree("was", old), tree("is", new)]
        }
        Cause::Value { old: Some(old), new: Some(new), .. } if !(head.contains(&**old) && head.contains(&**new)) => {
            [head].into_iter().chain(indented(difference(old, new, extent))).collect()
        }
        Cause::Value { old, new, .. } => {
            let long = |value: &Option<String>| value.clone().filter(|value| !head.contains(&**value));
            let whole = |sign: char, text: &str| {
                let lines = text.lines().take(extent.most()).map(move |line| format!("  {sign} {line}"));
                let more = rest_of(text.lines().count(), extent).map(|rest| format!("  {rest}"));
                lines.chain(more).collect::<Vec<_>>()
            };
            let was = long(old).map(|old| whole('-', &old)).unwrap_or_default();
            let is = long(new).map(|new| whole('+', &new)).unwrap_or_default();
            [head].into_iter().chain(was).chain(is).collect()
        }
        _ => vec![head],
    }
}

/// A field of a key, with both values in one line.
fn field(change: &FieldChange) -> String {
    let value = |value: &Option<String>| match value {
        None => "none".to_owned(),
        Some(text) if text.contains('\n') => format!("{} lines", text.lines().count()),
        Some(text) => format!("`{text}`"),
    };
    format!("`{}` was {}, is {}", change.field, value(&change.old), value(&change.new))
}

fn source(cause: &Cause) -> String {
    match cause {
        Cause::Files { source, .. } => source.shown(),
        _ => String::new(),
    }
}

/// How two values differ: the lines that differ with those around them, and of single lines the piece that differs.
fn difference(old: &str, new: &str, extent: Extent) -> Vec<String> {
    let is_line = |text: &str| !text.trim_end_matches('\n').contains('\n');
    if is_line(old) && is_line(new) {
        let (old, new) = (old.trim_end_matches('\n'), new.trim_end_matches('\n'));
        return match extent {
            Extent::Full => vec![format!("- {old}"), format!("+ {new}")],
            Extent::Short => {
                let (old, new) = akbuild_differ::line_difference(old, new);
                vec![format!("- {old}"), format!("+ {new}")]
            }
        };
    }
    akbuild_differ::text_difference(old, new, extent.most(), extent == Extent::Full)
        .hunks
        .lines()
        .map(str::to_owned)
        .collect()
}

/// The files that differ, each with its size.
pub(super) fn files(list: &[FileChange], extent: Extent) -> Vec<String> {
    let lines = |file: &FileChange| {
        let line = format!("{file}{}", sizes(file));
        [line].into_iter().chain(indented(hunks(Some(file), extent))).collect::<Vec<_>>()
    };
    list.iter().take(extent.most()).flat_map(lines).chain(rest_of(list.len(), extent)).collect()
}

/// How the contents differ: of what a stage sees only in part always, since no other tool shows it.
fn hunks(file: Option<&FileChange>, extent: Extent) -> Vec<String> {
    let shown = file.filter(|file| extent == Extent::Full || file.view != View::Whole);
    let hunks = shown.and_then(|file| file.hunks.as_deref()).unwrap_or_default();
    let is_change = |line: &&str| extent == Extent::Full || line.starts_with(['+', '-']);
    hunks.lines().filter(is_change).map(str::to_owned).collect()
}

fn sizes(file: &FileChange) -> String {
    match &file.difference.change {
        _ if file.view != View::Whole => String::new(),
        Change::Added(Entry::File { size: bytes, .. }) | Change::Removed(Entry::File { size: bytes, .. }) => {
            format!(", {}", size(*bytes))
        }
        Change::Content { old_size, new_size } if old_size != new_size => {
            format!(", {}, was {}", size(*new_size), size(*old_size))
        }
        Change::Content { new_size, .. } => format!(", {}", size(*new_size)),
        _ => String::new(),
    }
}

fn packages(list: &[Package], extent: Extent) -> Vec<String> {
    list.iter().take(extent.most()).map(ToString::to_string).chain(rest_of(list.len(), extent)).collect()
}

/// The line after a list that was cut.
pub(super) fn rest_of(length: usize, extent: Extent) -> Option<String> {
    (length > extent.most()).then(|| format!("and {} more", length - MOST))
}

fn indented(lines: Vec<String>) -> impl Iterator<Item = String> {
    lines.into_iter().map(|line| format!("  {line}"))
}
