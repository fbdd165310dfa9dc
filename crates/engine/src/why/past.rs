//! Why a node ran the last time: what was recorded then against the run before it. And in a line, while it runs.

use std::collections::BTreeMap;

use akbuild_nar::TreeHash;
use akbuild_store::{Action, Store};

use super::cause::{Cause, FileChange, State, Why};
use super::files::{self, Detail};
use super::follow::Explainer;
use super::part::Part;
use super::versions::{Records, Version, names};
use crate::artifacts;
use crate::context::EngineContext;
use crate::error::EngineError;
use crate::graph::NodeId;
use crate::keys::manifest::Manifest;
use crate::node_input_name::NodeInputName;
use crate::run_reason::RunReason;
use crate::served::Served;

/// Why a run was not like another one, whatever came between. Nothing, if their manifests and outputs are equal.
pub fn why_between(store: &Store, old: &Action, new: &Action) -> Result<Why, EngineError> {
    let mut explainer = Explainer::new(Records { store, project: &new.project }, Detail::Hunks);
    let place = explainer.place(&NodeId::from(&*new.stage), State::Ran);
    let (was, is) = (Version::of(old, store), Version::of(new, store));
    let causes = match (&was, &is) {
        (Some(was), Some(is)) => explainer.compare(was, is)?,
        _ => vec![Cause::NotOnRecord { files: None }],
    };
    explainer.tell(place, causes, was, is);
    Ok(explainer.why)
}

/// The files that differ between two trees; `None` if one of them is not in the store and has no listing.
pub fn changed_files(store: &Store, old: &TreeHash, new: &TreeHash) -> Option<Vec<FileChange>> {
    // Which node left them makes no difference.
    let [old, new] = [old, new].map(|tree| Part::whole(&NodeId::from(""), *tree));
    files::compare(store, &old, &new, Detail::Line)
}

impl Explainer<'_> {
    /// Why the run of this action took place.
    pub(crate) fn ran(&mut self, place: usize, action: &Action) -> Result<(), EngineError> {
        let store = self.records.store;
        let Some(new) = Version::of(action, store) else { return Ok(()) };
        let old = self.records.before(action)?.and_then(|old| Version::of(&old, store));
        let causes = match &old {
            _ if self.was_asked_for(action)? => self.again(action)?,
            None => vec![Cause::NeverBuilt],
            Some(old) => self.compare(old, &new)?,
        };
        self.tell(place, causes, old, Some(new));
        Ok(())
    }

    /// Why a node has to run that would be made so.
    pub(crate) fn would_run(&mut self, place: usize, new: Version) -> Result<(), EngineError> {
        let store = self.records.store;
        let same = store.action(&new.manifest.key())?;
        let old = self.records.last(&self.why.nodes[place].node)?.and_then(|old| Version::of(&old, store));
        let causes = match (same, &old) {
            (Some(action), _) => vec![Cause::Gone { output: Some(action.output) }],
            (None, None) => vec![Cause::NeverBuilt],
            (None, Some(old)) => self.compare(old, &new)?,
        };
        self.tell(place, causes, old, Some(new));
        Ok(())
    }

    fn was_asked_for(&self, action: &Action) -> Result<bool, EngineError> {
        let Some(build) = &action.build else { return Ok(false) };
        let stages = self.records.store.stages(build)?;
        let mut reasons = stages.iter().filter(|s| s.stage == action.stage).filter_map(|s| s.reason.as_deref());
        Ok(reasons.any(|reason| RunReason::from(reason) == RunReason::AskedFor))
    }

    /// A run that was asked for, and what it left if that is not what the same key had left before.
    fn again(&self, action: &Action) -> Result<Vec<Cause>, EngineError> {
        let mut causes = vec![Cause::AskedFor];
        if let Some(other) = self.records.other_output(&action.stage, &action.key, &action.output)? {
            let [old, new] = [other, action.output].map(|tree| Part::whole(&NodeId::from(&*action.stage), tree));
            causes.push(Cause::OtherBytes { files: files::compare(self.records.store, &old, &new, self.detail) });
        }
        Ok(causes)
    }
}

/// The store's records of this project.
pub(crate) fn records(context: &EngineContext) -> Records<'_> {
    Records { store: &context.store, project: &context.plan.name }
}

/// Why a node whose manifest is known is about to run, in a line. `None` if the records cannot be read.
pub(crate) fn reason(
    context: &EngineContext,
    node: &NodeId,
    manifest: &Manifest,
    (inputs, served): (&BTreeMap<NodeInputName, TreeHash>, Option<&Served>),
) -> Option<String> {
    let mut new = Version::now(manifest.clone(), inputs.clone());
    new.packages = artifacts::artifact_list(context, node, served).ok().map(|list| names(&list));
    let mut explainer = Explainer::new(records(context), Detail::Line);
    let place = explainer.place(node, State::Ran);
    explainer.would_run(place, new).ok()?;
    explainer.why.reason(place)
}
