//! The note that a stage has changed since the output was built that somebody names.

use akbuild_engine::NodeId;
use akbuild_store::{Action, BuildId, Store};

use super::what::What;
use crate::args::Global;
use crate::commands::look::look;
use crate::failure::Outcome;
use crate::project::Project;
use crate::session::Session;

/// Notes that a stage of the recipe here would not give this output any more.
pub(super) fn note_changes(session: &Session, global: &Global, name: &str, what: &What) -> Outcome {
    // With `--json`, a note would be in the document.
    let (What::Action(action), false) = (what, global.json || Project::name(global)?.is_none()) else { return Ok(()) };
    if action.stage != name {
        return Ok(());
    }
    let project = Project::read(global)?;
    // An output can be looked at even where the recipe is not complete.
    let Ok(plan) = project.plan() else { return Ok(()) };
    let Some(id) = plan.stages().iter().map(|stage| &stage.id).find(|id| id.as_str() == name).cloned() else {
        return Ok(());
    };
    let Ok(look) = look(session, &project, plan, std::slice::from_ref(&id)) else { return Ok(()) };
    let Some(at) = look.graph.find(&NodeId::Stage(id)) else { return Ok(()) };
    let known = look.freshness.known[at.index()].as_ref();
    if known.is_none_or(|known| known.key != Some(action.key)) {
        let of = build(&session.store, action)?.map(|build| format!(" in build {build}")).unwrap_or_default();
        let note = format!("`{name}` has changed since it was built{of}: this is its output of then");
        session.ui.note(&format!("{note}; `akbuild why {name}` says what changed"));
    }
    Ok(())
}

/// The last build that had this output.
fn build(store: &Store, action: &Action) -> Outcome<Option<BuildId>> {
    let runs = store.runs(&action.project, &action.stage, u32::MAX)?;
    let had =
        |record: &akbuild_store::StageRecord| (record.key, record.output) == (Some(action.key), Some(action.output));
    Ok(runs.into_iter().find(|(_, record)| had(record)).map(|(build, _)| build))
}
