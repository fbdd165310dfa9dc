//! `akbuild why`: the manifest of a stage as it is now, against that of its last build.

use akbuild_engine::{Graph, Manifest, NodeId};

use super::plan::one;
use crate::failure::{Failure, Outcome};
use crate::project::Project;
use crate::session::Session;

pub(crate) fn run(session: &Session, project: &Project, stage: &str) -> Outcome {
    let plan = project.plan()?;
    let id = one(&plan, stage)?;
    let plan = crate::toolchain::complete(session, project, plan, std::slice::from_ref(&id))?;
    let engine = session.engine(project, plan, session.options(None, Vec::new()))?;
    let graph = Graph::new(&engine.plan, std::slice::from_ref(&id), false);
    let node = NodeId::Stage(id.clone());
    let at = graph.find(&node).into_iter().collect::<Vec<_>>();
    let survey = engine.survey(&graph, &at)?;
    let Some(last) = session.store.last_action(&engine.plan.name, id.as_str())? else {
        session.ui.out(&format!("stage `{id}` was never built\n"));
        return Ok(());
    };
    let missing: Vec<String> = at
        .iter()
        .flat_map(|at| &graph.node(*at).needs)
        .filter(|n| survey.known[n.index()].is_none() && !matches!(graph.node(**n).id, NodeId::Fetch(_)))
        .map(|n| format!("`{}`", graph.node(*n).id))
        .collect();
    if !missing.is_empty() {
        session.ui.out(&format!("stage `{id}` follows from {}, which would be made first\n", missing.join(", ")));
        return Ok(());
    }
    let old = Manifest::from_json(&last.manifest).map_err(|e| Failure::Say(e.to_string()))?;
    let changes = engine.manifest(&node, &survey.outputs(&graph))?.changes_since(&old);
    if changes.is_empty() {
        session.ui.out(&format!("stage `{id}` is as it was built last\n"));
    }
    for change in &changes {
        session.ui.out(&format!("{}\n", change));
    }
    Ok(())
}
