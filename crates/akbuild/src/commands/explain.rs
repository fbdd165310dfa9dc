//! Causes at length, line by line: each file, package and value. Pure text; long lists are cut.

use akbuild_differ::{Change, What as Entry};
use akbuild_engine::{Cause, Explained, FileChange, Package, What};

use crate::ui::size;

/// So many things of a list are shown.
pub(super) const MOST: usize = 20;

/// All causes of a node, and what changed of its downloads.
pub(super) fn node(node: &Explained) -> Vec<String> {
    let mut lines: Vec<String> = node.causes.iter().flat_map(cause).collect();
    if !node.downloads.is_empty() {
        lines.push("packages that its lock files name".to_owned());
        lines.extend(indented(packages(&node.downloads)));
    }
    lines
}

fn cause(cause: &Cause) -> Vec<String> {
    let head = cause.to_string();
    match cause {
        Cause::Files { files: list, .. } if list.len() > 1 => {
            let mut lines = vec![format!("{} files of {} differ", list.len(), source(cause))];
            lines.extend(indented(files(list)));
            lines
        }
        Cause::OtherBytes { files: Some(list) } | Cause::NotOnRecord { files: Some(list) } if list.len() > 1 => {
            [head].into_iter().chain(indented(files(list))).collect()
        }
        Cause::Packages { packages: list } if list.len() > 1 => {
            let mut lines = vec![format!("{} packages changed", list.len())];
            lines.extend(indented(packages(list)));
            lines
        }
        Cause::Tree { .. } => vec![head, "  its files can be compared when both trees are in the store".to_owned()],
        Cause::Value { what: What::Script | What::WrittenFile, old: Some(old), new: Some(new), .. } => {
            [head].into_iter().chain(indented(lines_of(old, new))).collect()
        }
        Cause::Value { old, new, .. } => {
            let long = |value: &Option<String>| value.as_ref().filter(|v| !head.contains(&***v)).cloned();
            let was = long(old).map(|old| format!("  was: {}", cut(&old)));
            let is = long(new).map(|new| format!("  is: {}", cut(&new)));
            [Some(head.clone()), was, is].into_iter().flatten().collect()
        }
        _ => vec![head],
    }
}

fn source(cause: &Cause) -> String {
    match cause {
        Cause::Files { source, .. } => match source.split_once(':') {
            Some((kind, id)) => format!("{kind} `{id}`"),
            None => format!("`{source}`"),
        },
        _ => String::new(),
    }
}

/// The first line that differs of two texts.
fn lines_of(old: &str, new: &str) -> Vec<String> {
    let at = old.lines().zip(new.lines()).take_while(|(o, n)| o == n).count();
    let line = |sign: &str, text: &str| text.lines().nth(at).map(|line| format!("{sign} {}", cut(line)));
    [line("-", old), line("+", new)].into_iter().flatten().collect()
}

/// The files that differ, each with its size.
pub(super) fn files(list: &[FileChange]) -> Vec<String> {
    let line = |file: &FileChange| format!("{file}{}", sizes(&file.difference.change));
    list.iter().take(MOST).map(line).chain(rest(list.len())).collect()
}

fn sizes(change: &Change) -> String {
    match change {
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

fn packages(list: &[Package]) -> Vec<String> {
    list.iter().take(MOST).map(ToString::to_string).chain(rest(list.len())).collect()
}

/// The line after a list that was cut.
pub(super) fn rest(length: usize) -> Option<String> {
    (length > MOST).then(|| format!("and {} more", length - MOST))
}

fn indented(lines: Vec<String>) -> impl Iterator<Item = String> {
    lines.into_iter().map(|line| format!("  {line}"))
}

/// The beginning of a value, in one line.
fn cut(text: &str) -> String {
    let text = text.replace('\n', " ");
    if text.chars().count() > 100 { format!("{}...", text.chars().take(97).collect::<String>()) } else { text }
}
