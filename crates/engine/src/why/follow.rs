//! The way from a node through the inputs that differ to what made them, each explained once.

use std::collections::HashMap;

use akbuild_nar::TreeHash;
use akbuild_store::{Action, Key};

use super::cause::{Cause, Explained, Made, State, Why};
use super::compare::{self, Found};
use super::files;
use super::part::Part;
use super::versions::{Records, Version};
use crate::error::EngineError;

/// Explains nodes, and keeps what it has explained.
pub(crate) struct Explainer<'a> {
    pub(crate) records: Records<'a>,
    /// The keys that nodes have now, where they are known: of several runs with the same output, that one counts.
    pub(crate) keys: HashMap<String, Key>,
    pub(crate) why: Why,
    followed: HashMap<(String, TreeHash, TreeHash), usize>,
}

impl<'a> Explainer<'a> {
    pub(crate) fn new(records: Records<'a>) -> Self {
        Self { records, keys: HashMap::new(), why: Why::default(), followed: HashMap::new() }
    }

    /// Makes room for a node, so that those it follows from come after it.
    pub(crate) fn place(&mut self, node: &str, state: State) -> usize {
        let (old, new, causes, downloads) = (None, None, Vec::new(), Vec::new());
        self.why.nodes.push(Explained { node: node.to_owned(), state, old, new, causes, downloads });
        self.why.nodes.len() - 1
    }

    /// Why `new` is not `old`.
    pub(crate) fn compare(&mut self, old: &Version, new: &Version) -> Result<Vec<Cause>, EngineError> {
        let until = new.made.created.unwrap_or(u64::MAX);
        let mut causes = Vec::new();
        for found in compare::compare(old, new) {
            match found {
                Found::Cause(cause) => causes.push(cause),
                Found::Tree(old, new) => causes.extend(self.tree(&old, &new, until)?),
            }
        }
        merge(&mut causes);
        Ok(causes)
    }

    /// Why a part of a tree is another.
    fn tree(&mut self, old: &Part, new: &Part, until: u64) -> Result<Vec<Cause>, EngineError> {
        if !new.node.starts_with("source:") {
            let node = self.follow(&new.node, &old.tree, &new.tree, until)?;
            return Ok(vec![Cause::Follows { node, name: new.node.clone() }]);
        }
        let source = new.node.clone();
        let mut causes = self.patches(old, new, until)?;
        match files::compare(self.records.store, old, new) {
            None => causes.push(Cause::Tree { source, old: old.tree, new: new.tree }),
            // What a patch wrote is told by the patch.
            Some(mut files) => {
                let patched = |path: &std::ffi::OsStr| {
                    causes.iter().any(|c| matches!(c, Cause::Value { name, .. } if path == name.as_str()))
                };
                files.retain(|file| !patched(&file.difference.path));
                if !files.is_empty() {
                    causes.push(Cause::Files { source, files });
                }
            }
        }
        Ok(causes)
    }

    /// The patches of a source that are not what they were.
    fn patches(&mut self, old: &Part, new: &Part, until: u64) -> Result<Vec<Cause>, EngineError> {
        let maker = |part: &Part| self.records.maker(&part.node, &part.tree, until);
        let (Some(old), Some(new)) = (maker(old)?, maker(new)?) else { return Ok(Vec::new()) };
        let (Some(old), Some(new)) = (Version::of(&old, self.records.store), Version::of(&new, self.records.store))
        else {
            return Ok(Vec::new());
        };
        let found = compare::compare(&old, &new).into_iter();
        Ok(found.filter_map(|f| if let Found::Cause(cause) = f { Some(cause) } else { None }).collect())
    }

    /// Why a node left another tree than before; its place in the list.
    fn follow(&mut self, node: &str, old: &TreeHash, new: &TreeHash, until: u64) -> Result<usize, EngineError> {
        let question = (node.to_owned(), *old, *new);
        if let Some(&known) = self.followed.get(&question) {
            return Ok(known);
        }
        let place = self.place(node, State::Ran);
        self.followed.insert(question, place);
        let current = match self.keys.get(node) {
            Some(key) => self.records.store.action(key)?.filter(|action| action.output == *new),
            None => None,
        };
        let newer = match current {
            Some(action) => Some(action),
            None => self.records.maker(node, new, until)?,
        };
        let until = newer.as_ref().map_or(until, |action| action.created);
        let older = self.records.maker(node, old, until)?;
        let (was, is) = (Part::whole(node, *old), Part::whole(node, *new));
        let read = |action: &Action| Version::of(action, self.records.store);
        let (older, newer) = (older.as_ref().and_then(read), newer.as_ref().and_then(read));
        let causes = match (&older, &newer) {
            (Some(old), Some(new)) if old.made.key == new.made.key => {
                vec![Cause::OtherBytes { files: files::compare(self.records.store, &was, &is) }]
            }
            (Some(old), Some(new)) => self.compare(old, new)?,
            _ => vec![Cause::NotOnRecord { files: files::compare(self.records.store, &was, &is) }],
        };
        self.tell(place, causes, older, newer);
        // An action knows only the last output of its key.
        let explained = &mut self.why.nodes[place];
        for (made, output) in [(&mut explained.old, old), (&mut explained.new, new)] {
            if made.as_ref().is_none_or(|made| made.output != Some(*output)) {
                *made = Some(Made { output: Some(*output), ..Made::default() });
            }
        }
        Ok(place)
    }

    /// Puts down why a node is not what it was.
    pub(crate) fn tell(&mut self, place: usize, causes: Vec<Cause>, old: Option<Version>, new: Option<Version>) {
        let explained = &mut self.why.nodes[place];
        explained.causes = causes;
        if let (Some(Some(old)), Some(Some(new))) =
            (old.as_ref().map(|v| &v.packages), new.as_ref().map(|v| &v.packages))
        {
            let packages = compare::packages(old.clone(), new.clone());
            match explained.node.split_once(':') {
                Some(("tool", _)) if !packages.is_empty() => explained.causes = vec![Cause::Packages { packages }],
                Some(_) => {}
                None => explained.downloads = packages,
            }
        }
        (explained.old, explained.new) = (old.map(|v| v.made), new.map(|v| v.made));
    }
}

/// Several fields may tell the same, and several parts of one source have files of their own.
fn merge(causes: &mut Vec<Cause>) {
    let mut merged: Vec<Cause> = Vec::new();
    for cause in causes.drain(..) {
        if let Cause::Files { source, files } = &cause
            && let Some(known) = merged.iter_mut().find_map(|known| known.files_of(source))
        {
            known.extend(files.iter().cloned());
            known.sort_by(|a, b| a.difference.path.cmp(&b.difference.path));
            known.dedup();
        } else if !merged.contains(&cause) {
            merged.push(cause);
        }
    }
    *causes = merged;
}
