//! The way from a node through the inputs that differ to what made them, each explained once.

use std::collections::HashMap;
use std::path::Path;

use akbuild_nar::TreeHash;
use akbuild_store::{Action, Key};

use super::cause::{Cause, Explained, FileChange, Made, State, What, Why};
use super::compare::{self, Found, PartChange};
use super::fields;
use super::files::{self, Detail};
use super::part::Part;
use super::versions::{Records, Version};
use crate::error::EngineError;
use crate::graph::NodeId;
use crate::keys::field_value::LockNote;
use crate::keys::manifest_field::ManifestField;
use crate::keys::part_digest;

/// Explains nodes, and keeps what it has explained.
pub(crate) struct Explainer<'a> {
    pub(crate) records: Records<'a>,
    /// The keys that nodes have now, where they are known: of several runs with the same output, that one counts.
    pub(crate) keys: HashMap<NodeId, Key>,
    pub(crate) why: Why,
    /// How much is told of files.
    pub(crate) detail: Detail,
    followed: HashMap<(NodeId, TreeHash, TreeHash), usize>,
}

impl<'a> Explainer<'a> {
    pub(crate) fn new(records: Records<'a>, detail: Detail) -> Self {
        Self { records, keys: HashMap::new(), why: Why::default(), detail, followed: HashMap::new() }
    }

    /// Makes room for a node, so that those it follows from come after it.
    pub(crate) fn place(&mut self, node: &NodeId, state: State) -> usize {
        let (old, new, causes, fields, downloads) = Default::default();
        self.why.nodes.push(Explained { node: node.clone(), state, old, new, causes, fields, downloads });
        self.why.nodes.len() - 1
    }

    /// Why `new` is not `old`.
    pub(crate) fn compare(&mut self, old: &Version, new: &Version) -> Result<Vec<Cause>, EngineError> {
        let until = new.made.created.unwrap_or(u64::MAX);
        let mut causes = Vec::new();
        for found in compare::compare(old, new) {
            match found {
                Found::Cause(cause) => causes.push(cause),
                Found::Tree(change) => causes.extend(self.part(*change, until)?),
            }
        }
        merge(&mut causes);
        Ok(causes)
    }

    /// Why a node sees other files of a tree: it takes another part, the tree is another, or both.
    fn part(&mut self, change: PartChange, until: u64) -> Result<Vec<Cause>, EngineError> {
        let PartChange { field, to, old, new, values: (was, is) } = change;
        let mut causes = Vec::new();
        // What it takes now, of the tree that it was.
        let between = new.in_tree(old.tree);
        if !old.is_like(&new) {
            let digest = self.digest_of_part(&between);
            if digest.as_ref() != Some(&was) || old.view != new.view {
                let files = self.files(&old, &between);
                let [old, new] = [&old, &new].map(|part| Some(Box::new(part.clone())));
                causes.push(Cause::Part { to, old, new, files });
            }
            if digest.as_ref() == Some(&is) {
                return Ok(causes);
            }
        }
        if between.tree != new.tree {
            causes.extend(self.tree(&field, [&between, &new], (was, is), until)?);
        }
        Ok(causes)
    }

    /// The digest of a part, as a key covers it; `None` if its tree is no longer in the store.
    fn digest_of_part(&self, part: &Part) -> Option<String> {
        let digest = part_digest::subset_digest(
            &self.records.store.clone().into(),
            &part.tree,
            &part.path,
            &part.subset,
            part.view,
        );
        digest.ok().map(|digest| digest.unwrap_or_else(|| part_digest::ABSENT.to_owned()))
    }

    /// Which files differ, where it is worth the time.
    fn files(&self, old: &Part, new: &Part) -> Option<Vec<FileChange>> {
        match self.detail {
            Detail::Line => None,
            Detail::Hunks => files::compare(self.records.store, old, new, self.detail),
        }
    }

    /// Why a part of a tree is another.
    fn tree(
        &mut self,
        field: &ManifestField,
        [old, new]: [&Part; 2],
        values: (String, String),
        until: u64,
    ) -> Result<Vec<Cause>, EngineError> {
        if !matches!(new.node, NodeId::Source(_)) {
            let node = self.follow(&new.node, &old.tree, &new.tree, until)?;
            let files = self.files(old, new);
            return Ok(vec![Cause::Follows { node, name: new.node.clone(), files }]);
        }
        let (store, source) = (self.records.store, new.node.clone());
        let Some(mut files) = files::compare(store, old, new, self.detail) else {
            let missing = [old.tree, new.tree].into_iter().filter(|tree| !store.has_tree(tree)).collect();
            return Ok(vec![Cause::Tree { source, old: old.tree, new: new.tree, missing }]);
        };
        if files.is_empty() {
            return Ok(vec![Cause::other_digest(values)]);
        }
        let mut causes = self.patches(old, new, &mut files, until)?;
        if !files.is_empty() {
            causes.push(Cause::Files { source, fields: vec![field.clone()], files });
        }
        Ok(causes)
    }

    /// The patches that are not what they were, of files that differ. A file that differs by nothing else is taken
    /// from the list.
    fn patches(
        &mut self,
        old: &Part,
        new: &Part,
        files: &mut Vec<FileChange>,
        until: u64,
    ) -> Result<Vec<Cause>, EngineError> {
        let store = self.records.store;
        let maker = |part: &Part| self.records.maker(&part.node, &part.tree, until);
        let (Some(old), Some(new)) = (maker(old)?, maker(new)?) else { return Ok(Vec::new()) };
        let (Some(old), Some(new)) = (Version::of(&old, store), Version::of(&new, store)) else {
            return Ok(Vec::new());
        };
        let patches = compare::compare(&old, &new).into_iter().filter_map(|found| match found {
            Found::Cause(cause @ Cause::Value { what: What::Patch, .. }) => Some(cause),
            _ => None,
        });
        let is_of = |cause: &Cause, file: &FileChange| matches!(cause, Cause::Value { name, .. } if file.difference.path == name.as_str());
        let patches: Vec<Cause> = patches.filter(|cause| files.iter().any(|file| is_of(cause, file))).collect();
        let raw =
            |version: &Version| version.manifest.value(&ManifestField::SourceTree).and_then(|tree| tree.parse().ok());
        if let (Some(before), Some(after)) = (raw(&old), raw(&new)) {
            files.retain(|file| {
                let is_patched = patches.iter().any(|cause| is_of(cause, file));
                !is_patched || files::is_same_at(store, [&before, &after], &file.difference.path) != Some(true)
            });
        }
        Ok(patches)
    }

    /// Why a node left another tree than before; its place in the list.
    fn follow(&mut self, node: &NodeId, old: &TreeHash, new: &TreeHash, until: u64) -> Result<usize, EngineError> {
        let question = (node.clone(), *old, *new);
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
                vec![Cause::OtherBytes { files: files::compare(self.records.store, &was, &is, self.detail) }]
            }
            (Some(old), Some(new)) => self.compare(old, new)?,
            _ => vec![Cause::NotOnRecord { files: files::compare(self.records.store, &was, &is, self.detail) }],
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
        if let (Some(old), Some(new)) = (&old, &new) {
            explained.fields = fields::changes(old, new);
            explained.tell_packages(old, new);
        }
        (explained.old, explained.new) = (old.map(|v| v.made), new.map(|v| v.made));
    }
}

impl Explained {
    /// Which packages of its lock files, or of a tool, came or went. Nothing of a stage whose lock files are the same
    /// to it: the key covers them, and not the list.
    fn tell_packages(&mut self, old: &Version, new: &Version) {
        let (Some(was), Some(is)) = (&old.packages, &new.packages) else { return };
        let packages = compare::packages(was.clone(), is.clone());
        match self.node {
            NodeId::Tool(_) if !packages.is_empty() => self.causes = vec![Cause::Packages { packages }],
            NodeId::Stage(_) if self.causes.iter().any(|cause| selects_packages(cause, new)) => {
                self.downloads = packages;
            }
            _ => {}
        }
    }
}

/// Whether a cause can change what a stage's registry has: its lock files, and what decides which of their packages
/// are installed.
fn selects_packages(cause: &Cause, new: &Version) -> bool {
    let locks = LockNote::read_all(new.manifest.note_of(&ManifestField::Locks));
    match cause {
        Cause::Files { source, files, .. } => locks.is_none_or(|locks| {
            let is_beside = |file: &FileChange| {
                let folder = |path: &Path| path.parent().map(Path::to_owned);
                let at = folder(Path::new(&file.difference.path));
                locks.iter().any(|LockNote(of, path)| NodeId::from(&**of) == *source && folder(Path::new(path)) == at)
            };
            files.iter().any(is_beside)
        }),
        Cause::Value { what: What::Option, field, .. } => {
            matches!(field, Some(ManifestField::Sysroot | ManifestField::PythonProject(_)))
        }
        Cause::Follows { name, .. } => matches!(name, NodeId::Sysroot(_)),
        Cause::Tree { .. } | Cause::Part { .. } | Cause::Packages { .. } => true,
        _ => false,
    }
}

/// Several fields may tell the same, and several parts of one source have files of their own.
fn merge(causes: &mut Vec<Cause>) {
    let mut merged: Vec<Cause> = Vec::new();
    for cause in causes.drain(..) {
        if !merged.iter_mut().any(|known| known.absorb(&cause)) {
            merged.push(cause);
        }
    }
    *causes = merged;
}

impl Cause {
    /// Takes up another cause that tells of the same thing, and says whether it did.
    fn absorb(&mut self, other: &Cause) -> bool {
        match (self, other) {
            (Cause::Files { source, fields, files }, Cause::Files { source: of, fields: more, files: others })
                if source == of =>
            {
                fields.extend(more.iter().cloned());
                add_files(files, others);
                true
            }
            (Cause::Follows { node, files, .. }, Cause::Follows { node: same, files: others, .. }) if node == same => {
                if let (Some(files), Some(others)) = (files, others) {
                    add_files(files, others);
                }
                true
            }
            (own, other) => own == other,
        }
    }
}

fn add_files(files: &mut Vec<FileChange>, others: &[FileChange]) {
    files.extend(others.iter().cloned());
    files.sort_by(|a, b| a.difference.path.cmp(&b.difference.path));
    files.dedup();
}
