//! `akbuild plan`: which nodes would be built or downloaded, which may be, and why; nothing is done.

use akbuild_engine::{Downloads, EngineContext, Estimate, Graph, Index, NodeId, Reasons};
use akbuild_recipe::plan::StageId;
use serde_json::{Value, json};

use super::look::{Look, look};
use crate::failure::{Failure, Outcome};
use crate::project::{self, Project};
use crate::session::Session;
use crate::ui::{Align, count, seconds, size, table};

/// What would become of a node.
struct Line {
    node: String,
    action: &'static str,
    seconds: Option<f64>,
    /// `None`: not known yet.
    downloads: Option<Downloads>,
    why: String,
    /// The nodes that it follows from, if it has no cause of its own.
    follows: Vec<NodeId>,
}

pub(crate) fn run(session: &Session, project: &Project, stages: &[String], json: bool) -> Outcome {
    let plan = project.plan()?;
    let targets = if stages.is_empty() { plan.targets().to_vec() } else { project::stages(&plan, stages)? };
    let look = look(session, project, plan, &targets)?;
    let run: Vec<Index> = look.graph.indices().filter(|at| look.freshness.run[at.index()]).collect();
    let made: Vec<Index> = run.into_iter().filter(|at| !is_fetch(&look.graph, *at)).collect();
    let reasons = akbuild_engine::why_in_short(&look.context, &look.graph, &look.freshness, &made)?;
    let estimate = akbuild_engine::estimate(&look.context, &look.graph, &look.freshness)?;
    let lines = lines(&look, &reasons, &estimate)?;
    let text = if json { document(&look.context, &lines, &estimate) } else { render(&look.context, &lines, &estimate) };
    session.ui.out(&text);
    let nodes = look.graph.indices().map(|at| &look.graph.node(at).id);
    let idle = akbuild_engine::idle_patterns(&look.context, nodes, &look.freshness.outputs(&look.graph))?;
    idle.iter().for_each(|warning| session.ui.warn(warning));
    Ok(())
}

fn lines(look: &Look, reasons: &Reasons, estimate: &Estimate) -> Outcome<Vec<Line>> {
    let outputs = look.freshness.outputs(&look.graph);
    let mut lines = Vec::new();
    for at in look.graph.indices() {
        let id = &look.graph.node(at).id;
        let runs = look.freshness.run[at.index()];
        let downloads =
            if runs { akbuild_engine::downloads(&look.context, id, &outputs)? } else { Some(Downloads::default()) };
        let is_here = downloads.is_some_and(|downloads| downloads.is_empty());
        let action = match (runs, id) {
            (false, NodeId::Fetch(_)) => continue,
            (true, NodeId::Fetch(_)) if is_here => continue,
            (false, _) => "cached",
            (true, NodeId::Fetch(_)) => "download",
            (true, NodeId::Source(_)) if is_here => "unpack",
            (true, NodeId::Source(_)) => "fetch",
            (true, _) if look.freshness.may[at.index()] => "may-build",
            (true, _) => "build",
        };
        let place = reasons.places[at.index()].filter(|_| runs);
        let why = match (place, id) {
            (Some(place), _) => reasons.why.brief(place).unwrap_or_default(),
            (None, NodeId::Fetch(stage)) => format!("`{stage}` needs them"),
            (None, _) => String::new(),
        };
        let follows = place.map(|place| reasons.why.nodes[place].follows()).unwrap_or_default();
        lines.push(Line { node: id.to_string(), action, seconds: estimate.nodes[at.index()], downloads, why, follows });
    }
    Ok(lines)
}

fn render(context: &EngineContext, lines: &[Line], estimate: &Estimate) -> String {
    let row = |line: &Line| {
        let time = line.seconds.map(seconds).unwrap_or_default();
        [line.node.clone(), line.action.replace('-', " "), time, line.shown_downloads(), line.why.clone()]
    };
    let head = ["node", "action", "last time", "to download", "why"];
    let align = [Align::Left, Align::Left, Align::Right, Align::Left, Align::Left];
    let table = table(&head, &align, lines.iter().map(row));
    let counted = |action: &str| lines.iter().filter(|line| line.action == action).count();
    let (built, more) = (counted("build"), counted("may-build"));
    if lines.iter().all(|line| line.action == "cached") {
        return format!("{table}\nnothing to do\n");
    }
    let mut parts = match (built, more) {
        (_, 0) => vec![format!("{} to build", count(built, "node"))],
        (0, _) => vec![format!("up to {} to build", count(more, "node"))],
        _ => vec![format!("{} to build", count(built, "node")), format!("up to {more} more")],
    };
    if estimate.unknown > 0 {
        parts.push(format!("{} without a known time", count(estimate.unknown, "node")));
    }
    if estimate.work > 0.0 {
        let (time, work) = (seconds(estimate.seconds), seconds(estimate.work));
        let most = if more > 0 { "at most " } else { "" };
        parts.push(format!("{most}{work} of work by past records, about {time} with -j {}", context.options.jobs));
    }
    let total = total(lines);
    if !total.is_empty() {
        parts.push(format!("{} to download", shown(&total)));
    }
    if lines.iter().any(|line| line.downloads.is_none()) {
        parts.push("more when the sources are here".to_owned());
    }
    format!("{table}\n{}\n", parts.join(", "))
}

fn document(context: &EngineContext, lines: &[Line], estimate: &Estimate) -> String {
    let node = |line: &Line| -> Value {
        let why = Some(&line.why).filter(|why| !why.is_empty());
        json!({
            "node": line.node, "action": line.action, "seconds": line.seconds, "downloads": line.downloads,
            "why": why, "follows": line.follows,
        })
    };
    let nodes: Vec<Value> = lines.iter().map(node).collect();
    let unknown = lines.iter().any(|line| line.downloads.is_none());
    let document = json!({
        "schema": 1, "nodes": nodes, "jobs": context.options.jobs, "estimate": estimate,
        "downloads": total(lines), "downloads_complete": !unknown,
    });
    format!("{document:#}\n")
}

fn total(lines: &[Line]) -> Downloads {
    let mut total = Downloads::default();
    lines.iter().filter_map(|line| line.downloads.as_ref()).for_each(|downloads| total.add(downloads));
    total
}

impl Line {
    fn shown_downloads(&self) -> String {
        match &self.downloads {
            None => "unknown until its sources are here".to_owned(),
            Some(downloads) => shown(downloads),
        }
    }
}

/// `3 files, 1.2 MB`.
fn shown(downloads: &Downloads) -> String {
    let mut parts = Vec::new();
    if downloads.commits > 0 {
        parts.push(count(downloads.commits as usize, "commit"));
    }
    if downloads.files > 0 {
        let files = count(downloads.files as usize, "file");
        parts.push(match downloads.files - downloads.unsized_files {
            0 => format!("{files} of unknown size"),
            known if known < downloads.files => format!("{files}, {} for {known} of them", size(downloads.bytes)),
            _ => format!("{files}, {}", size(downloads.bytes)),
        });
    }
    parts.join(", ")
}

fn is_fetch(graph: &Graph, at: Index) -> bool {
    matches!(graph.node(at).id, NodeId::Fetch(_))
}

/// The stage of a plan that a command was given, by one name.
pub(super) fn one(plan: &akbuild_recipe::PlanDraft, stage: &str) -> Outcome<StageId> {
    let stages = project::stages(plan, &[stage.to_owned()])?;
    match &stages[..] {
        [one] => Ok(one.clone()),
        _ => Err(Failure::Say(format!("`{stage}` means {} stages\n  help: name one", stages.len()))),
    }
}
