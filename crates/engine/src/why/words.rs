//! Explanations in words: a clause for each cause, and the way from a node to the first root cause in a line. Pure text.

use std::fmt;

use akbuild_differ::Change;
use akbuild_recipe::plan::View;

use super::cause::{Cause, Explained, FileChange, Package, State, What, Why};
use super::part::Part;
use crate::graph::NodeId;
use crate::run_reason::RunReason;

impl Why {
    /// Why a node ran or would, in a line: the way to one root cause, and how many more there are. `None` if it is
    /// not known.
    pub fn reason(&self, place: usize) -> Option<String> {
        let roots = self.roots(place);
        let (way, cause) = roots.first()?;
        let more = match roots.len() - 1 {
            0 => String::new(),
            1 => "; and 1 more cause".to_owned(),
            more => format!("; and {more} more causes"),
        };
        Some(format!("{}{more}", self.chain(way, cause)))
    }

    /// Why a node ran or would, without what that follows from in turn: its own causes in short, and the nodes.
    pub fn brief(&self, place: usize) -> Option<String> {
        let node = &self.nodes[place];
        let own: Vec<&Cause> = node.causes.iter().filter(|cause| cause.is_root()).collect();
        let follows = node.follows().iter().map(NodeId::shown).collect::<Vec<_>>().join(", ");
        let first = own.first().map(|cause| match own.len() - 1 {
            0 => cause.to_string(),
            more => format!("{cause}; and {more} more"),
        });
        match (first, follows.is_empty()) {
            (Some(own), true) => Some(own),
            (Some(own), false) => Some(format!("{own}; and it follows from {follows}")),
            (None, false) if node.state == State::MayRun => {
                let change = if node.follows().len() == 1 { "changes" } else { "change" };
                Some(format!("only if {follows} {change}"))
            }
            (None, false) => Some(format!("follows from {follows}")),
            (None, true) => None,
        }
    }

    /// One root cause, behind the nodes on the way to it: "`client-ts` changed, because its script changed".
    pub fn chain(&self, way: &[usize], cause: &Cause) -> String {
        let step = |place: &usize| {
            let node = &self.nodes[*place];
            format!("{} {}, because ", node.shown(), node.verb("changed"))
        };
        format!("{}{cause}", way.iter().map(step).collect::<String>())
    }

    /// The root causes of a node, each once, the nearest first, with the nodes on the way to it.
    pub fn roots(&self, place: usize) -> Vec<(Vec<usize>, &Cause)> {
        let mut roots: Vec<(Vec<usize>, &Cause)> = Vec::new();
        let mut seen = vec![false; self.nodes.len()];
        let mut open = std::collections::VecDeque::from([(place, Vec::new())]);
        while let Some((at, way)) = open.pop_front() {
            if std::mem::replace(&mut seen[at], true) {
                continue;
            }
            for cause in &self.nodes[at].causes {
                match cause {
                    Cause::Follows { node, .. } => open.push_back((*node, [&way[..], &[*node]].concat())),
                    cause if roots.iter().all(|(_, known)| *known != cause) => roots.push((way.clone(), cause)),
                    _ => {}
                }
            }
        }
        roots
    }
}

impl Explained {
    /// The node's name in a sentence: "`webui`", "source `app`".
    pub fn shown(&self) -> String {
        self.node.shown()
    }

    /// What it would do if it were built now, or what it `did`.
    pub fn verb(&self, did: &'static str) -> &'static str {
        match (self.state, &self.node) {
            (State::Ran, _) => did,
            (State::MayRun, _) => "may run",
            (State::WouldRun, NodeId::Source(_)) => "would be fetched",
            (State::WouldRun, NodeId::Stage(_)) => "would run",
            (State::WouldRun, _) => "would be made",
        }
    }

    /// The nodes that it follows from.
    pub fn follows(&self) -> Vec<NodeId> {
        let name = |cause: &Cause| if let Cause::Follows { name, .. } = cause { Some(name.clone()) } else { None };
        self.causes.iter().filter_map(name).collect()
    }
}

/// A clause, to stand behind "because".
impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Cause::NeverBuilt => f.write_str("it was not built before"),
            Cause::AskedFor => write!(f, "{}", RunReason::AskedFor),
            Cause::Gone { output: Some(_) } => f.write_str("its output is no longer in the store"),
            Cause::Gone { output: None } => f.write_str("it is not in the store"),
            Cause::NotFetched { pin } => write!(f, "{pin} is not in the store"),
            Cause::OtherBytes { files } => {
                write!(f, "the same inputs gave other bytes{}", behind(", as in ", files.as_deref()))
            }
            Cause::NotOnRecord { files } => {
                write!(
                    f,
                    "its output is another{}, and what made it is not on record",
                    behind(", as in ", files.as_deref())
                )
            }
            Cause::Follows { name, .. } => write!(f, "it follows from {}", name.shown()),
            Cause::Files { source, files, .. } => write!(f, "{}", in_source(&source.shown(), files)),
            Cause::Tree { source, .. } => {
                write!(f, "files of {} that it sees changed; which ones is not known", source.shown())
            }
            Cause::Part { to, old, new, .. } => part(f, to, old.as_deref(), new.as_deref()),
            Cause::Value { what, name, old, new, .. } => value(f, *what, name, old.as_deref(), new.as_deref()),
            Cause::Packages { packages } => match &packages[..] {
                [] => f.write_str("files of its pinned packages changed"),
                [one] => write!(f, "package {one}"),
                [one, ..] => write!(f, "package {one}, and {} more", packages.len() - 1),
            },
            Cause::Order => f.write_str("its inputs are in another order"),
        }
    }
}

impl fmt::Display for Package {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` ", self.name)?;
        match (&self.old, &self.new) {
            (Some(old), Some(new)) if old == new => write!(f, "{new} has another file"),
            (Some(old), Some(new)) => write!(f, "changed from {old} to {new}"),
            (None, Some(new)) => write!(f, "{new} is new"),
            (Some(old), None) => write!(f, "{old} is gone"),
            (None, None) => f.write_str("changed"),
        }
    }
}

/// "`a.txt` line 3 changed".
impl fmt::Display for FileChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.view == View::GoImports {
            return write!(f, "the imports of `{}` changed", self.difference.path.to_string_lossy());
        }
        write!(f, "`{}` ", self.difference.path.to_string_lossy())?;
        match &self.difference.change {
            Change::Added(_) => f.write_str("is new"),
            Change::Removed(_) => f.write_str("is gone"),
            Change::Content { .. } => match self.line {
                Some(line) => write!(f, "line {line} changed"),
                None => f.write_str("changed"),
            },
            Change::Mode { new_exec: true, .. } => f.write_str("became executable"),
            Change::Mode { new_exec: false, .. } => f.write_str("is no longer executable"),
            Change::Target { new, .. } => write!(f, "points at `{}` now", new.to_string_lossy()),
            Change::Kind { .. } => f.write_str("is something else now"),
        }
    }
}

fn in_source(source: &str, files: &[FileChange]) -> String {
    match files {
        [] => format!("{source} changed"),
        [one, more @ ..] => {
            let place = if matches!(one.difference.change, Change::Removed(_)) { "from" } else { "in" };
            let more = if more.is_empty() { String::new() } else { format!(", and {} changed", others(more.len())) };
            format!("{one} {place} {source}{more}")
        }
    }
}

fn behind(lead: &str, files: Option<&[FileChange]>) -> String {
    match files {
        None | Some([]) => String::new(),
        Some([one]) => format!("{lead}`{}`", one.difference.path.to_string_lossy()),
        Some([one, more @ ..]) => {
            format!("{lead}`{}` and {}", one.difference.path.to_string_lossy(), others(more.len()))
        }
    }
}

fn others(n: usize) -> String {
    if n == 1 { "1 other file".to_owned() } else { format!("{n} other files") }
}

fn part(f: &mut fmt::Formatter<'_>, to: &str, old: Option<&Part>, new: Option<&Part>) -> fmt::Result {
    let place = if to.is_empty() || to == "/" { String::new() } else { format!(" at `{to}`") };
    match (old, new) {
        (Some(old), Some(new)) => write!(f, "it takes {new}{place}, and took {old}"),
        (None, Some(new)) => write!(f, "it also takes {new}{place}"),
        (Some(old), None) => write!(f, "it no longer takes {old}{place}"),
        (None, None) => write!(f, "it takes something else{place}"),
    }
}

/// "`src` of source `app`", "`*.go` of `client`".
impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |patterns: &[String]| patterns.iter().map(|p| format!("`{p}`")).collect::<Vec<_>>().join(", ");
        if self.view == View::GoImports {
            f.write_str("the imports of Go files, and others whole, in ")?;
        }
        if !self.subset.include.is_empty() {
            write!(f, "{} of ", list(&self.subset.include))?;
        }
        if !self.path.is_empty() {
            write!(f, "`{}` of ", self.path)?;
        }
        f.write_str(&self.node.shown())?;
        if !self.subset.exclude.is_empty() {
            write!(f, " without {}", list(&self.subset.exclude))?;
        }
        Ok(())
    }
}

fn value(f: &mut fmt::Formatter<'_>, what: What, name: &str, old: Option<&str>, new: Option<&str>) -> fmt::Result {
    let subject = match what {
        What::Script => "its script".to_owned(),
        What::Variable => format!("variable `{name}`"),
        What::WrittenFile => format!("the file `{name}` that it is given"),
        What::Check => "a check of its output".to_owned(),
        What::Tool => format!("tool `{name}`"),
        What::Option => format!("its `{name}`"),
        What::Commit => format!("the commit of source `{name}`"),
        What::Patch => format!("the patch of `{name}`"),
        What::Version => format!("akbuild's own version of `{name}`"),
        What::Program => format!("`{name}` of this machine"),
    };
    match (old, new) {
        (None, _) => write!(f, "{subject} is new"),
        (_, None) => write!(f, "{subject} is gone"),
        (Some(old), Some(new)) => {
            let is_short = |text: &str| text.len() <= 40 && !text.contains('\n') && !text.starts_with("sha256-");
            let line = old.lines().zip(new.lines()).take_while(|(o, n)| o == n).count() + 1;
            match what {
                What::Script | What::WrittenFile | What::Check | What::Patch
                    if old.lines().count() + new.lines().count() > 2 =>
                {
                    write!(f, "{subject} changed at line {line}")
                }
                What::Script | What::WrittenFile | What::Check | What::Patch | What::Tool => {
                    write!(f, "{subject} changed")
                }
                _ if is_short(old) && is_short(new) => write!(f, "{subject} changed from `{old}` to `{new}`"),
                _ => write!(f, "{subject} changed"),
            }
        }
    }
}
