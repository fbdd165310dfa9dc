//! What was found, in words for people.

use std::collections::BTreeMap;
use std::ffi::OsStr;

use akbuild_store::{Checked, Problem, Repair, Thing};

use super::shown::{Done, Shown, Told};
use crate::ui::{count, seconds, size};

/// Of a long list so many are shown.
const SHOWN: usize = 20;

/// Before what is said of a finding.
const INDENT: &str = "            ";

/// Some lines for each finding.
pub(super) fn lines(told: &Told) -> String {
    told.shown.iter().map(|shown| finding(told, shown)).collect()
}

/// How much was looked at, and what came of it.
pub(super) fn summary(told: &Told) -> String {
    let Checked { trees, blobs, bytes, records } = told.checked;
    let [trees, blobs, records] =
        [(trees, "tree"), (blobs, "download"), (records, "record")].map(|(n, noun)| count(n as usize, noun));
    let (bytes, time) = (size(bytes), seconds(told.seconds));
    let found = counts(told.shown.iter().map(|shown| shown.finding.problem.word()));
    let done = counts(told.shown.iter().filter_map(|shown| Some(shown.done.as_ref()?.word())));
    let verdict: Vec<String> = [found, done.replace('-', " ")].into_iter().filter(|part| !part.is_empty()).collect();
    let verdict = if verdict.is_empty() { "all is whole".to_owned() } else { verdict.join("; ") };
    format!("verified {trees}, {blobs} and {records}, {bytes}, in {time}: {verdict}")
}

fn counts(words: impl Iterator<Item = &'static str>) -> String {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    words.for_each(|word| *counts.entry(word).or_default() += 1);
    counts.iter().map(|(word, number)| format!("{number} {word}")).collect::<Vec<_>>().join(", ")
}

fn finding(told: &Told, shown: &Shown) -> String {
    let thing = &shown.finding.thing;
    let head = [shown.finding.problem.word(), what(thing), &id(thing)].map(str::to_owned);
    let names = told.names.of(thing).join(", ");
    let mut text = format!("{:10}  {} {}  {names}", head[0], head[1], head[2]).trim_end().to_owned() + "\n";
    let done = shown.done.iter().flat_map(|done| deeds(told, thing, done));
    for line in about(&shown.finding.problem).into_iter().chain(done).filter(|line| !line.is_empty()) {
        text += &format!("{INDENT}{line}\n");
    }
    text
}

/// What was done, and what to do.
fn deeds(told: &Told, thing: &Thing, done: &Done) -> Vec<String> {
    let deed = done.repair().map(|repair| deed(repair, thing)).unwrap_or_default();
    let mut lines = match done {
        Done::Repaired(repair) => {
            let help = match (repair, thing) {
                (Repair::Removed { .. } | Repair::Dropped, Thing::Tree(tree)) => {
                    told.names.command(tree).map(|command| format!("{command} makes it again"))
                }
                (Repair::Removed { .. } | Repair::Dropped, Thing::Blob(_)) => {
                    Some("it is downloaded again when something needs it".to_owned())
                }
                _ => None,
            };
            vec![help.map_or_else(|| deed.to_owned(), |help| format!("{deed}; {help}"))]
        }
        Done::Again(_) if matches!(thing, Thing::Blob(_)) => vec![format!("{deed}, and downloaded again")],
        Done::Again(_) => vec![format!("{deed}, and made again")],
        Done::Other { node, found, .. } => {
            vec![format!("{deed}; `{node}` was made again and has another hash: {found}")]
        }
        Done::There => vec!["it is there again".to_owned()],
        Done::Lost { why, .. } => [format!("{deed}; it cannot be made again:")]
            .into_iter()
            .chain(why.lines().map(|line| format!("  {line}").trim_end().to_owned()))
            .collect(),
        Done::Failed(why) => why.lines().map(str::to_owned).collect(),
    };
    if let [first, others @ ..] = done.users() {
        let noun = if others.is_empty() { "process" } else { "processes" };
        let list = others.iter().fold(first.to_string(), |list, user| format!("{list}, {user}"));
        lines.push(format!("it was in use by {noun} {list}: what came of it there is not to be relied on"));
    }
    lines
}

fn deed(repair: &Repair, thing: &Thing) -> &'static str {
    match (repair, thing) {
        (Repair::Removed { .. }, _) => "removed",
        (Repair::Corrected, Thing::Index) => "made again from the folders",
        (Repair::Corrected, Thing::Listing(_) | Thing::Action(_) | Thing::Build(_)) => "written again",
        (Repair::Corrected, _) => "set right",
        (Repair::Recorded, _) => "recorded",
        (Repair::Dropped, Thing::Root(_)) => "no longer a root; the link itself is left as it is",
        (Repair::Dropped, Thing::Action(_)) => "the record no longer names it",
        (Repair::Dropped, _) => "dropped from the index",
        (Repair::Nothing, _) => "no longer so",
    }
}

/// What something is called.
pub(super) fn id(thing: &Thing) -> String {
    match thing {
        Thing::Index => String::new(),
        Thing::Tree(hash) | Thing::Listing(hash) => hash.to_string(),
        Thing::Blob(digest) | Thing::Artifacts(digest) => digest.to_string(),
        Thing::Action(key) => key.to_string(),
        Thing::Build(build) => build.to_string(),
        Thing::Root(path) | Thing::File(path) => path.display().to_string(),
    }
}

fn what(thing: &Thing) -> &'static str {
    match thing {
        Thing::Index => "index",
        Thing::Tree(_) => "tree",
        Thing::Blob(_) => "download",
        Thing::Listing(_) => "listing of tree",
        Thing::Artifacts(_) => "list of downloads",
        Thing::Action(_) => "record of key",
        Thing::Build(_) => "record of build",
        Thing::Root(_) => "root",
        Thing::File(_) => "file",
    }
}

fn about(problem: &Problem) -> Vec<String> {
    match problem {
        Problem::Corrupt { files, why } if files.is_empty() => vec![why.clone()],
        Problem::Corrupt { files, .. } => {
            some(files.iter().map(|file| format!("{}  {}", file.change.word(), shown(&file.path))))
        }
        Problem::Mode(paths) => some(paths.iter().map(|path| format!("mode or time  {}", shown(path)))),
        Problem::Missing => vec!["the index has it, and it is not there".to_owned()],
        Problem::Dangling(to) => vec![format!("{to} is not there")],
        Problem::Unrecorded | Problem::Leftover => Vec::new(),
    }
}

/// A path in a tree; the root has none.
fn shown(path: &OsStr) -> String {
    if path.is_empty() { ".".to_owned() } else { path.to_string_lossy().into_owned() }
}

fn some(lines: impl ExactSizeIterator<Item = String>) -> Vec<String> {
    let more = lines.len().saturating_sub(SHOWN);
    let mut lines: Vec<String> = lines.take(SHOWN).collect();
    if more > 0 {
        lines.push(format!("and {more} more"));
    }
    lines
}
