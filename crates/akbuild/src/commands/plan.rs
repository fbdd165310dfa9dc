//! `akbuild plan`: what would be built or downloaded, and why; nothing is done.

use akbuild_engine::{Change, Engine, Graph, Index, Manifest, NodeId, Survey};
use akbuild_recipe::plan::StageId;

use crate::failure::{Failure, Outcome};
use crate::project::{self, Project};
use crate::session::Session;
use crate::toolchain;

pub(crate) fn run(session: &Session, project: &Project, stages: &[String]) -> Outcome {
    let plan = project.plan()?;
    let targets = if stages.is_empty() { plan.targets.clone() } else { project::stages(&plan, stages)? };
    let plan = toolchain::complete(session, project, plan, &targets)?;
    let engine = session.engine(project, plan, session.options(None, Vec::new()))?;
    let graph = Graph::new(&engine.plan, &targets, false);
    let places: Vec<Index> = targets.iter().filter_map(|t| graph.find(&NodeId::Stage(t.clone()))).collect();
    let survey = engine.survey(&graph, &places)?;
    let mut seconds = 0.0;
    for at in graph.indices() {
        let node = &graph.node(at).id;
        let line = match (survey.run[at.index()], node) {
            (_, NodeId::Fetch(_)) => continue,
            (false, _) => format!("cached  {node}"),
            (true, NodeId::Stage(id)) => {
                let last = session.store.last_action(&engine.plan.name, id.as_str())?;
                seconds += last.as_ref().map_or(0.0, |a| a.seconds);
                let took = last.as_ref().map(|a| format!(", {:.1} s last time", a.seconds)).unwrap_or_default();
                format!("build   {node}{took}: {}", reason(session, &engine, &graph, &survey, at)?)
            }
            (true, _) => format!("make    {node}"),
        };
        session.ui.out(&format!("{line}\n"));
    }
    if seconds > 0.0 {
        session.ui.out(&format!("about {seconds:.0} s of work by past records\n"));
    }
    Ok(())
}

/// Why a stage would run.
fn reason(session: &Session, engine: &Engine, graph: &Graph, survey: &Survey, at: Index) -> Outcome<String> {
    let id = &graph.node(at).id;
    if let Some(known) = &survey.known[at.index()] {
        return Ok(format!("its output {} is no longer in the store", known.output.short()));
    }
    let unknown = graph.node(at).needs.iter().find(|n| survey.known[n.index()].is_none() && !is_fetch(graph, **n));
    if let Some(need) = unknown {
        return Ok(format!("it needs {}", graph.node(*need).id));
    }
    let Some(last) = session.store.last_action(&engine.plan.name, &id.to_string())? else {
        return Ok("it was never built".to_owned());
    };
    let old = Manifest::from_json(&last.manifest).map_err(|e| Failure::Say(e.to_string()))?;
    let changes = engine.manifest(id, &survey.outputs(graph))?.changes_since(&old);
    Ok(changes.first().map_or_else(|| "nothing differs".to_owned(), Change::to_string))
}

fn is_fetch(graph: &Graph, at: Index) -> bool {
    matches!(graph.node(at).id, NodeId::Fetch(_))
}

/// The stages of a plan that a command was given, by one name.
pub(super) fn one(plan: &akbuild_recipe::plan::Plan, stage: &str) -> Outcome<StageId> {
    let stages = project::stages(plan, &[stage.to_owned()])?;
    match &stages[..] {
        [one] => Ok(one.clone()),
        _ => Err(Failure::Say(format!("`{stage}` means {} stages\n  help: name one", stages.len()))),
    }
}
